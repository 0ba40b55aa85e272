import APIKeys
import Testing

@testable import Daemon

@Suite struct APIKeyFileTests {
    @Test func `reads keys and refuses weak ones`() throws {
        let good = "# comment\n\n0123456789abcdef\n  fedcba9876543210  \n"
        #expect(
            try APIKeyFile.keys(in: good, path: "f") == [
                APIKey("0123456789abcdef", name: "key-3"),
                APIKey("fedcba9876543210", name: "key-4"),
            ]
        )
        for bad in ["", "# only", "short", "two words in one", "ümlaut0123456789"] {
            #expect(throws: APIKeyFile.Problem.self) { try APIKeyFile.keys(in: bad, path: "f") }
        }
    }

    @Test func `reads what a key's requests are worth`() throws {
        let text = "0123456789abcdef name=nightly weight=0.5\tclass=batch private\n"
        let key = APIKey(
            "0123456789abcdef",
            name: "nightly",
            weight: 0.5,
            priority: .batch,
            isPrivate: true
        )
        #expect(try APIKeyFile.keys(in: text, path: "f") == [key])
        #expect(key.terms.scopes == [.admin])
        let narrow = try APIKeyFile.keys(in: "0123456789abcdef scopes=infer,read", path: "f")
        #expect(narrow.map(\.terms.scopes) == [[.infer, .read]])
    }

    @Test(arguments: [
        ("weight=0", "a weight is a number from 0.01 to 100.0"),
        ("weight=nan", "a weight is a number from 0.01 to 100.0"),
        ("class=urgent", "a class is one of interactive, normal, batch"),
        ("name=", "a name has 1 to 64 letters, digits and `-_.@`"),
        (
            "name=a b",
            "a key is followed by nothing but name=, scopes=, weight=, class= and `private`"
        ),
        (
            "fedcba9876543210",
            "a key is followed by nothing but name=, scopes=, weight=, class= and `private`"
        ),
        ("name=x\n0123456789abcdef name=x", "the name x belongs to an earlier line"),
    ])
    func `says what is wrong with a key's options`(_ options: String, _ message: String) {
        let error = #expect(throws: APIKeyFile.Problem.self) {
            try APIKeyFile.keys(in: "0123456789abcdef \(options)", path: "f")
        }
        let line = options.contains("\n") ? 2 : 1
        #expect(error?.message == "f line \(line): \(message)")
    }
}
