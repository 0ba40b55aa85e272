import Commands
import Gateway
import HTTP
import Testing

/// What the documents promise, held against the code.
@Suite struct DocumentTests {
    @Test func `describes exactly the route table's operations in openapi yaml`() throws {
        let repository = try Repository.load()
        let document = OpenAPIDocument(try #require(repository.file("openapi.yaml")).text)
        let routes = Set(RouteTable.all.map { "\($0.method.rawValue.lowercased()) \($0.path)" })
        #expect(document.operations.subtracting(routes).sorted() == [], "no route answers these")
        #expect(routes.subtracting(document.operations).sorted() == [], "openapi.yaml lacks these")
    }

    @Test func `names only files and commands that exist in the README`() throws {
        let repository = try Repository.load()
        let readme = ReadmeCommands(try #require(repository.file("README.md")).text)
        let missing = readme.paths.filter { path in
            !repository.files.contains { $0.path == path || $0.isIn(path) }
        }
        #expect(missing.sorted() == [])
        #expect(readme.subcommands.subtracting(CommandTable.names).sorted() == [])
    }

    @Test func `keeps scripts executable`() throws {
        let repository = try Repository.load()
        let scripts = repository.files.filter { $0.bytes.starts(with: "#!".utf8) }.map(\.path)
        let idle = scripts.filter { !repository.isExecutable($0) }
        #expect(idle == [], "chmod +x these")
    }

    @Test func `reads operations from the layout of openapi yaml`() {
        let document = OpenAPIDocument(
            """
            info:
              title: A
            paths:
              /a/{id}:
                # note
                get:
                  summary: "x"
                post:
              "/b":
                delete: {}
            components:
              schemas:
                get:
            """
        )
        #expect(document.operations == ["get /a/{id}", "post /a/{id}", "delete /b"])
    }

    @Test func `reads files and commands from Markdown`() {
        let readme = ReadmeCommands(
            """
            Torii and torii run well. Use `torii list`, `deploy/quickstart` or `Tests/`.
            ```
            $ ./deploy/other --x
            sudo .build/release/torii serve --models DIR
            import torii nothing
            ```
            """
        )
        #expect(readme.paths == ["deploy/quickstart", "Tests", "deploy/other"])
        #expect(readme.subcommands == ["list", "serve"])
    }
}
