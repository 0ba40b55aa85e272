import Testing

/// The checkers of this folder, on small inputs.
@Suite struct CheckerTests {
    private func file(_ path: String, _ text: String) -> Repository.File {
        Repository.File(path: path, bytes: Array(text.utf8))
    }

    // MARK: Stripping

    @Test(arguments: [
        ("a // b", "a     "),
        ("a /* b /* c */ d */ e", "a                   e"),
        (#"x("b { c")"#, "x(       )"),
        (#"f("a\(g(x: "}"))b")"#, "f(g(x:))"),
        ("##\"a\"# {\"## }", "             }"),
        ("func `a } b`() {}", "func  _____ () {}"),
        ("'\\'' {", "     {"),
    ])
    func `blanks comments and literals`(source: String, stripped: String) {
        let text = StrippedSource(source).text
        #expect(text.utf8.count == source.utf8.count)
        #expect(text.filter { $0 != " " } == stripped.filter { $0 != " " })
    }

    @Test func `keeps line numbers across a multi-line string`() {
        let source = "let a = \"\"\"\n  { \"quoted\" }\n  \"\"\"\nlet b = 1\n"
        #expect(StrippedSource(source).lines[3] == "let b = 1")
    }

    // MARK: Functions

    @Test func `finds Swift functions and their lengths`() {
        let source = """
            protocol P {
                func required() -> Int
                var value: Int { get }
            }
            struct S {
                let stored = [1, 2]
                var closure: () -> Void = { () }
                init(a: Int) {
                    self.init()
                }
                func long(
                    _ body: () -> Void = {}
                ) -> [Int] {
                    let x = { 1 }
                    return [x()]
                }
                var computed: Int {
                    1
                }
                subscript(i: Int) -> Int { i }
            }
            """
        let found = StrippedSource(source).swiftFunctions()
        #expect(
            found == [
                SourceFunction(name: "value", line: 3, lineCount: 1),
                SourceFunction(name: "init", line: 8, lineCount: 3),
                SourceFunction(name: "long", line: 11, lineCount: 6),
                SourceFunction(name: "computed", line: 17, lineCount: 3),
                SourceFunction(name: "subscript", line: 20, lineCount: 1),
            ]
        )
    }

    @Test func `finds C functions and their lengths`() {
        let source = """
            typedef struct { int a; } pair;
            static const int table[] = { 1, 2 };
            static inline int add(int a, int b) {
                if (a) { return b; }
                return a + b;
            }
            void other(void)
            {
            }
            """
        #expect(
            StrippedSource(source).cFunctions() == [
                SourceFunction(name: "add", line: 3, lineCount: 4),
                SourceFunction(name: "other", line: 8, lineCount: 2),
            ]
        )
    }

    @Test func `refuses a function of 71 lines and a file of 401`() {
        let body = String(repeating: "    a()\n", count: 69)
        let long = "func f() {\n" + body + "}\n"
        #expect(LengthRules.check(file("Sources/A/F.swift", long)).map(\.subject) == ["f"])
        let short = "func f() {\n" + body.dropFirst(8) + "}\n"
        #expect(LengthRules.check(file("Sources/A/F.swift", short)).isEmpty)
        let lines = String(repeating: "a\n", count: 401)
        #expect(LengthRules.check(file("Sources/A/F.swift", lines)).map(\.rule) == [.fileLength])
    }

    @Test func `refuses a C line of 101 columns`() {
        let line = String(repeating: "a", count: 101)
        #expect(LengthRules.check(file("Sources/A/a.c", line)).map(\.rule) == [.lineLength])
    }

    // MARK: Imports

    private let manifest = PackageManifest(
        """
        func source(_ name: String) {}
        let package = Package(
            products: [.executable(name: "p", targets: ["p"])],
            targets: [
                // Leaf "Nothing"
                .target(name: "C", cSettings: [.unsafeFlags(["-O3"])]),
                .systemLibrary(name: "S", pkgConfig: "libs", providers: [.apt(["s-dev"])]),
                source("A", ["C"]),
                source(
                    "B",
                    ["A", "S"]
                ),
                .executableTarget(name: "p", dependencies: ["B"], swiftSettings: x),
                test("ATests", ["A"]),
            ]
        )
        """
    )

    @Test func `reads the targets of a manifest`() {
        #expect(manifest.targets.map(\.name) == ["C", "S", "A", "B", "p", "ATests"])
        #expect(manifest.targets.map(\.dependencies) == [[], [], ["C"], ["A", "S"], ["B"], ["A"]])
        #expect(ImportRules(manifest: manifest).checkManifest().isEmpty)
    }

    @Test func `refuses a dependency on a later target`() {
        let upward = PackageManifest("targets: [\nsource(\"A\", [\"B\"]),\nsource(\"B\"),\n]")
        let findings = ImportRules(manifest: upward).checkManifest()
        #expect(findings.map(\.subject) == ["A -> B"])
    }

    @Test func `refuses an import that the manifest does not name`() {
        let rules = ImportRules(manifest: manifest)
        let text = "package import A\nimport Foundation\n@testable import C\nimport struct S.T\n"
        let findings = rules.check(file("Sources/B/B.swift", text))
        #expect(findings.map(\.subject) == ["C"])
        #expect(findings.map(\.line) == [3])
    }

    @Test func `refuses a dependency that nothing imports`() {
        let files = [
            file("Sources/A/A.swift", "import C"),
            file("Sources/B/B.swift", "package import A"),
            file("Tests/ATests/ATests.swift", "@testable import A"),
        ]
        let findings = ImportRules(manifest: manifest).checkUse(by: files)
        #expect(findings.map(\.subject) == ["B -> S", "p -> B"])
    }

    // MARK: Documentation

    @Test(arguments: [
        ("package struct A {}", ["A"]),
        ("/// What.\npackage struct A {}", []),
        ("/// What.\n@frozen\npackage struct A {}", []),
        ("package import B", []),
        ("    package static func == (l: A, r: A) -> Bool { true }", []),
        ("/// Both.\npackage let a: Int\npackage let b: Int\n\npackage let c: Int", ["c"]),
        ("package init(b: Int) {}", ["init"]),
        ("package init(integerLiteral value: Int) {}", []),
        ("    package private(set) var a = 1", ["a"]),
        ("    package consuming func f<T>(a: T) {}", ["f"]),
        ("extension A: Sendable {}", []),
        ("extension A: P {\n    package func f() {\n    }\n    package var a = 1\n}", []),
        ("extension A {\n    package func f() {}\n}", ["f"]),
        ("/// One.\npackage func f() {}\n\npackage func f(a: Int) {}", []),
        ("protocol P {\n    func f()\n}\nfinal class A: P {\n    package func f() {}\n}", []),
        ("protocol P {\n    func f()\n}\nfinal class A {\n    package func f() {}\n}", ["f"]),
        ("let x = \"package func f()\"", []),
    ])
    func `asks for a comment on package declarations`(source: String, missing: [String]) {
        let file = file("Sources/A/A.swift", source)
        let findings = DocumentationRule(files: [file]).check(file)
        #expect(findings.map(\.subject) == missing)
    }

    // MARK: Bans

    @Test(arguments: [
        ("let a = try! f()", ["try!"]),
        ("// try! is banned", []),
        ("let a = \"try!\"", []),
        ("retry!", []),
        ("\u{2F}/ TO" + "DO later", ["TO" + "DO"]),
        ("let mastodon = 1", []),
        ("unsafe read()", ["unsafe"]),
        ("// Safety: bounded above.\nunsafe read()", []),
        ("final class A: @unchecked Sendable {}", ["@unchecked Sendable"]),
        ("/// Safety: confined.\nfinal class A: @unchecked Sendable {}", []),
    ])
    func `finds banned code and words`(source: String, subjects: [String]) {
        let findings = BannedCodeRules.check(file("Sources/A/A.swift", source))
        #expect(findings.map(\.subject) == subjects)
    }

    // MARK: Layout

    @Test func `refuses strangers, odd folders, machine paths and binaries`() {
        let stranger = LayoutRules.check(file("build.sh", ""))
        #expect(stranger.map(\.rule) == [.topLevel])
        let helpers = LayoutRules.check(file("Sources/A/Helpers/B.swift", "struct B {}"))
        #expect(helpers.map(\.rule) == [.folderName])
        let path = "let a = \"/ho" + "me/someone\"\nstruct B {}"
        #expect(LayoutRules.check(file("Sources/A/B.swift", path)).map(\.rule) == [.machinePath])
        let url = "// https://example.org/ho" + "me/\nstruct B {}"
        #expect(LayoutRules.check(file("Sources/A/B.swift", url)).isEmpty)
        #expect(LayoutRules.check(file("Tests/a", "a\0")).map(\.rule) == [.binaryFile])
    }

    @Test func `asks for a file named after its type`() {
        #expect(
            LayoutRules.check(file("Sources/A/B.swift", "struct C {}")).map(\.rule) == [.fileName]
        )
        #expect(LayoutRules.check(file("Sources/A/B+Text.swift", "extension B {}")).isEmpty)
        #expect(LayoutRules.check(file("Sources/A/B.swift", "package final class B {}")).isEmpty)
    }

    // MARK: Exceptions

    @Test func `reports an exception that nothing needs`() {
        let finding = Finding(.fileLength, "Sources/A/B.swift", "too long")
        let needed = RuleException(.fileLength, "Sources/A/B.swift")
        let stale = RuleException(.fileLength, "Sources/A/C.swift")
        let result = RuleException.apply([needed, stale], to: [finding])
        #expect(result.open.isEmpty)
        #expect(result.unneeded == [stale])
        #expect(RuleException.apply([], to: [finding]).open == [finding])
    }
}
