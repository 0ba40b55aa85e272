import Testing

/// The rules of the house, held against the files of this repository.
@Suite struct RepositoryTests {
    @Test func `keeps the rules of the house`() throws {
        let repository = try Repository.load()
        let manifest = PackageManifest(repository.file("Package.swift")?.text ?? "")
        try #require(manifest.targets.count > 10, "Package.swift could not be read")
        let imports = ImportRules(manifest: manifest)
        let documentation = DocumentationRule(files: repository.files)
        var findings = imports.checkManifest() + imports.checkUse(by: repository.files)
        for file in repository.files {
            findings += LengthRules.check(file)
            findings += imports.check(file)
            findings += documentation.check(file)
            findings += BannedCodeRules.check(file)
            findings += LayoutRules.check(file)
        }
        let (open, unneeded) = RuleException.apply(RuleException.all, to: findings)
        let report = open.map(\.description).joined(separator: "\n")
        if !open.isEmpty { Issue.record("\(open.count) breaches:\n\(report)") }
        #expect(
            unneeded.isEmpty,
            "remove these exceptions from Exceptions.swift, nothing needs them: \(unneeded)"
        )
    }

    /// Folders whose targets are in the manifest only when `TORII_FUZZ` is set, and one whose only source
    /// a script compiles against another project.
    private static let onDemandFolders: Set = ["Emulated", "Fuzzers", "Peers"]

    @Test func `has a source folder for every target and a target for every folder`() throws {
        let repository = try Repository.load()
        let manifest = PackageManifest(repository.file("Package.swift")?.text ?? "")
        let folders = Set(
            repository.files.filter { $0.isSwift || $0.isC || $0.name == "module.modulemap" }
                .compactMap { ImportRules.targetName(of: $0.path) }
        )
        let targets = Set(manifest.targets.map(\.name))
        #expect(folders.subtracting(targets).subtracting(Self.onDemandFolders).sorted() == [])
        #expect(targets.subtracting(folders).sorted() == [])
    }
}
