import Foundation
import OpenAIAPI
import Testing

/// What the documents say about request fields, held against the tables of the code.
@Suite struct RequestFieldDocumentTests {
    static let chat = ChatCompletionRequest.fields.fields
    static let completion = CompletionRequest.fields.fields

    @Test func `lists every field with its treatment in the README`() throws {
        let readme = try Self.file("README.md")
        let start = try #require(readme.range(of: "<!-- request fields -->\n"))
        let end = try #require(readme.range(of: "<!-- end of request fields -->"))
        let listed = String(readme[start.upperBound..<end.lowerBound])
        #expect(listed == Self.table, "put this in its place:\n\(Self.table)")
    }

    @Test func `describes every field in openapi yaml, and no other`() throws {
        let document = try Self.file("openapi.yaml")
        let common = Self.properties(of: "Sampling", in: document)
        for (schema, fields) in [
            ("ChatCompletionRequest", Self.chat), ("CompletionRequest", Self.completion),
        ] {
            let described = common.union(Self.properties(of: schema, in: document))
            let known = Set(fields.map(\.name))
            #expect(described.subtracting(known) == [], "\(schema) has no such field")
            #expect(known.subtracting(described) == [], "\(schema) lacks these in openapi.yaml")
        }
    }

    // MARK: Markdown

    /// The fields by endpoint and treatment, as Markdown.
    private static var table: String {
        let both = Set(chat.map(\.name)).intersection(completion.map(\.name))
        let groups = [
            ("both", chat.filter { both.contains($0.name) }),
            ("chat completions", chat.filter { !both.contains($0.name) }),
            ("completions", completion.filter { !both.contains($0.name) }),
        ]
        var lines = ["| of | treatment | fields |", "| --- | --- | --- |"]
        for (name, fields) in groups {
            lines += rows(fields).map { "| \(name) | \($0.treatment) | \($0.fields) |" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func rows(_ fields: [RequestField]) -> [(treatment: String, fields: String)] {
        var honoured: [String] = []
        var accepted: [String] = []
        var refused: [String] = []
        for field in fields {
            switch field.treatment {
            case .honoured: honoured.append("`\(field.name)`")
            case .accepted: accepted.append("`\(field.name)`")
            case .refused(_, let reason): refused.append("`\(field.name)` \(reason)")
            }
        }
        return [
            ("honoured", honoured.joined(separator: ", ")),
            ("without effect here", accepted.joined(separator: ", ")),
            ("refused with 400", refused.joined(separator: "; ")),
        ].filter { !$0.1.isEmpty }
    }

    // MARK: Files

    private static func file(_ name: String, of source: String = #filePath) throws -> String {
        let root = URL(fileURLWithPath: source).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)
    }

    /// The keys of the outermost `properties` of a schema, which our layout indents least.
    private static func properties(of schema: String, in document: String) -> Set<String> {
        var names: Set<String> = []
        var isInSchema = false
        var place: Int?
        for line in document.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            let text = line.dropFirst(indentation)
            if indentation <= 4 {
                isInSchema = text == "\(schema):"
                place = nil
            }
            guard isInSchema else { continue }
            if let place, indentation == place, let colon = text.firstIndex(of: ":") {
                names.insert(String(text[..<colon]))
            } else if place.map({ indentation < $0 }) ?? (text == "properties:") {
                place = place == nil ? indentation + 2 : .max
            }
        }
        return names
    }
}
