import Foundation

/// Imports go downwards only: a target may import only targets listed above it in Package.swift.
struct ImportRules {
    let manifest: PackageManifest

    /// Each dependency stands above the target that names it.
    func checkManifest() -> [Finding] {
        var findings: [Finding] = []
        for (index, target) in manifest.targets.enumerated() {
            for dependency in target.dependencies {
                if let position = manifest.index(of: dependency), position < index { continue }
                findings.append(
                    Finding(
                        .importDirection,
                        "Package.swift",
                        subject: "\(target.name) -> \(dependency)",
                        "\(target.name) depends on \(dependency), which must be listed above it"
                    )
                )
            }
        }
        return findings
    }

    /// Each import of one of our targets is one of the importing target's dependencies.
    func check(_ file: Repository.File) -> [Finding] {
        guard file.isSwift, let targetName = Self.targetName(of: file.path),
            let target = manifest.targets.first(where: { $0.name == targetName })
        else { return [] }
        var findings: [Finding] = []
        for (line, module) in Self.imports(in: file.code) {
            guard manifest.index(of: module) != nil, module != targetName,
                !target.dependencies.contains(module)
            else { continue }
            findings.append(
                Finding(
                    .importDirection,
                    file.path,
                    line: line,
                    subject: module,
                    "\(targetName) imports \(module) without naming it in Package.swift"
                )
            )
        }
        return findings
    }

    /// Each dependency is imported by some file of the target that names it.
    ///
    /// A dependency on an executable says only that it must have been built.
    func checkUse(by files: [Repository.File]) -> [Finding] {
        var imported: [String: Set<String>] = [:]
        for file in files where file.isSwift {
            guard let target = Self.targetName(of: file.path) else { continue }
            imported[target, default: []].formUnion(Self.imports(in: file.code).map(\.module))
        }
        return manifest.targets.flatMap { target in
            target.dependencies.filter { dependency in
                let isExecutable = manifest.targets.contains {
                    $0.name == dependency && $0.isExecutable
                }
                return !isExecutable && imported[target.name]?.contains(dependency) != true
            }
            .map { dependency in
                Finding(
                    .unusedDependency,
                    "Package.swift",
                    subject: "\(target.name) -> \(dependency)",
                    "\(target.name) names \(dependency) and imports it nowhere: remove it"
                )
            }
        }
    }

    static func targetName(of path: String) -> String? {
        let parts = path.split(separator: "/")
        guard parts.count >= 3, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
        return String(parts[1])
    }

    static func imports(in code: StrippedSource) -> [(line: Int, module: String)] {
        code.lines.enumerated().compactMap { offset, line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position < words.count - 1,
                words[..<position].allSatisfy({
                    $0.hasPrefix("@") || $0 == "package" || $0 == "internal" || $0 == "private"
                })
            else { return nil }
            // `import struct Foo.Bar` names the module before the dot.
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "let"]
            let next = words[position + 1]
            let path =
                kinds.contains(next) && position + 2 < words.count ? words[position + 2] : next
            return (offset + 1, String(path.prefix { $0 != "." }))
        }
    }
}
