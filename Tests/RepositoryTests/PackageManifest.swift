import Foundation

/// The targets of Package.swift in their order, read from its text.
struct PackageManifest {
    struct Target: Equatable {
        let name: String
        let dependencies: [String]
        let isTest: Bool
        let isExecutable: Bool
    }

    let targets: [Target]

    /// Reads `source("Name", [...])`, `test("Name", [...])` and `.target(name: "Name", ...)` forms
    /// inside `targets: [...]`; a target is every such call at the list's own depth.
    init(_ text: String) {
        guard let list = text.range(of: "targets: [\n") else {
            targets = []
            return
        }
        targets = Self.calls(in: text[list.upperBound...]).compactMap(Self.target(call:))
    }

    func index(of name: String) -> Int? {
        targets.firstIndex { $0.name == name }
    }

    /// The texts `callee(arguments)` at depth 0, up to the bracket that closes the list.
    private static func calls(in text: Substring) -> [String] {
        var calls: [String] = []
        var call = ""
        var depth = 0
        for line in text.split(separator: "\n") {
            let code = line.trimmingCharacters(in: .whitespaces)
            if code.hasPrefix("//") { continue }
            for character in code {
                if depth == 0, character == "]" { return calls }
                if character == "(" || character == "[" { depth += 1 }
                if character == ")" || character == "]" { depth -= 1 }
                call.append(character)
                if depth == 0, character == ")" || character == "," {
                    if call.contains("(") { calls.append(call) }
                    call = ""
                }
            }
        }
        return calls
    }

    private static func target(call: String) -> Target? {
        let callee = call.prefix { $0 != "(" }.trimmingCharacters(in: .whitespaces)
        let strings = quotedStrings(in: call)
        guard let name = strings.first else { return nil }
        guard [".systemLibrary", ".plugin"].contains(callee) == false else {
            return Target(name: name, dependencies: [], isTest: false, isExecutable: false)
        }
        let isShort = callee == "source" || callee == "test"
        let dependencies: [String]
        if isShort {
            dependencies = Array(strings.dropFirst())
        } else if let list = call.range(of: "dependencies: [") {
            dependencies = quotedStrings(in: String(call[list.upperBound...].prefix { $0 != "]" }))
        } else {
            dependencies = []
        }
        let isTest = callee == "test" || call.contains("path: \"Tests/")
        return Target(
            name: name,
            dependencies: dependencies,
            isTest: isTest,
            isExecutable: callee == ".executableTarget"
        )
    }

    private static func quotedStrings(in text: String) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}
