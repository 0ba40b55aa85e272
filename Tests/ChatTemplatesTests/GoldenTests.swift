import ChatTemplates
import JSON
import TestSupport
import Testing

/// The moment that `Golden/make-goldens.py` gives to `strftime_now`.
let goldenNow = ChatTemplateDate(year: 2026, month: 11, day: 23, hour: 1, minute: 2, second: 3)

/// What `transformers` renders, made by `Golden/make-goldens.py`.
@Suite struct GoldenTests {
    @Test(arguments: ["smollm2", "qwen2.5-coder"])
    func `renders real models' templates as transformers does`(model: String) throws {
        let template = try ChatTemplate(source: try Golden.contents("\(model).jinja"))
        let golden = try JSONValue.parse(try Golden.contents("\(model).json"))
        let specialTokens = try #require(golden["special"]?.objectValue)
        let cases = try #require(golden["cases"]?.arrayValue)
        #expect(cases.count >= 24)
        for expectation in cases {
            let name = expectation["name"]?.stringValue ?? ""
            let arguments = try #require(expectation["arguments"]?.objectValue)
            let outcome = Outcome(template, arguments, specialTokens)
            #expect(outcome == Outcome(expectation), "\(model), \(name)")
        }
    }

    @Test func `evaluates the template language as transformers does`() throws {
        let golden = try JSONValue.parse(try Golden.contents("language.json"))
        let arguments = try #require(golden["arguments"]?.objectValue)
        let cases = try #require(golden["cases"]?.arrayValue)
        #expect(cases.count > 80)
        for expectation in cases {
            let source = try #require(expectation["template"]?.stringValue)
            let outcome = Outcome(source, arguments, ["bos_token": "<s>"])
            #expect(outcome == Outcome(expectation), "\(source)")
        }
    }
}

/// What became of a rendering; which words an error has does not matter here.
enum Outcome: Equatable, CustomStringConvertible {
    case text(String)
    case refused(String)

    init(_ expectation: JSONValue) {
        if let text = expectation["text"]?.stringValue {
            self = .text(text)
        } else {
            self = .refused(expectation["error"]?.stringValue ?? "")
        }
    }

    init(_ template: ChatTemplate, _ arguments: JSONObject, _ specialTokens: JSONObject) {
        do throws(ChatTemplateError) {
            let prompt = try template.render(
                arguments,
                specialTokens: specialTokens,
                now: goldenNow
            )
            self = .text(prompt.text)
        } catch {
            self = .refused(error.description)
        }
    }

    init(_ source: String, _ arguments: JSONObject, _ specialTokens: JSONObject) {
        do throws(ChatTemplateError) {
            self.init(try ChatTemplate(source: source), arguments, specialTokens)
        } catch {
            self = .refused(error.description)
        }
    }

    static func == (left: Outcome, right: Outcome) -> Bool {
        switch (left, right) {
        // Byte by byte: Swift's own comparison takes canonically equivalent texts for equal.
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.refused, .refused): true
        default: false
        }
    }

    var description: String {
        switch self {
        case .text(let text): "\(text.debugDescription)"
        case .refused(let reason): "refused: \(reason)"
        }
    }
}
