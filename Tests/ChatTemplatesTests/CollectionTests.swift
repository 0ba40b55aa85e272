import ChatTemplates
import Foundation
import JSON
import TestSupport
import Testing

/// llama.cpp's collection of chat templates, as `Tests/fetch-models` puts it in place.
@Suite struct CollectionTests {
    /// Templates that render otherwise than in `transformers`, and in which conversations.
    ///
    /// functionary 3.1: its author marks texts as `safe`, from where Python's `markupsafe` takes all that
    /// is joined to them for HTML and escapes it, quotes in JSON included. Nobody wants the model to read
    /// that; the texts stay as they are.
    static let differing = [
        "meetkai-functionary-medium-v3.1.jinja": [
            "tools", "tools and system", "tool call and result", "two calls", "call with text",
            "arguments as text", "reasoning, call and result",
        ]
    ]

    static func source(_ name: String) throws -> String {
        let path = try TestModels.path(of: .templates) + "/" + name
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    /// FNV-1a, 64 bits.
    static func hash(_ text: String) -> String {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    @Test func `renders every template as transformers does`() throws {
        let golden = try JSONValue.parse(try Golden.contents("collection.json"))
        let specialTokens = try #require(golden["special"]?.objectValue)
        let cases = try #require(golden["cases"]?.objectValue)
        let templates = try #require(golden["templates"]?.objectValue)
        #expect(templates.count == 71 && cases.count >= 26)
        for (name, hashes) in templates.members {
            let template = try ChatTemplate(source: try Self.source(name))
            var differing: [String] = []
            for (index, (title, arguments)) in cases.members.enumerated() {
                let outcome = Outcome(template, try #require(arguments.objectValue), specialTokens)
                var hash = JSONValue.null
                if case .text(let text) = outcome { hash = .string(Self.hash(text)) }
                if hash != hashes[index] { differing.append(title) }
            }
            #expect(differing == Self.differing[name] ?? [], "\(name)")
        }
    }

    /// Templates that tell the model of no tools, or in a form that is not read: models with these are
    /// told of them in their instructions.
    static let withoutForm: Set = [
        // They know no tools.
        "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja",
        "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja",
        "deepseek-ai-DeepSeek-V3.1.jinja",
        "google-gemma-2-2b-it.jinja",
        "llama-cpp-rwkv-world.jinja",
        "microsoft-Phi-3.5-mini-instruct.jinja",
        // They do not show how a call is written.
        "HuggingFaceTB-SmolLM3-3B.jinja",
        "LFM2.5-Instruct.jinja",
        // Forms of single models.
        "GigaChat3-10B-A1.8B.jinja",
        "Kimi-K3.jinja",
        "MiniMax-M3.jinja",
        "openbmb-MiniCPM5-1B.jinja",
        "tencent-Hy3.jinja",
    ]

    /// Templates that write no call into the prompt that could be read back.
    static let withoutCalls: Set = [
        // They leave the calls of earlier answers out.
        "LFM2-8B-A1B.jinja",
        "ibm-granite-granite-3.3-2B-Instruct.jinja",
        // They fail on calls or tools, in `transformers` too.
        "Kimi-K2-Instruct.jinja",
        "Kimi-K2-Thinking.jinja",
        "fireworks-ai-llama-3-firefunction-v2.jinja",
        "llama-cpp-deepseek-r1.jinja",
    ]

    @Test func `reads the calls that every template writes`() throws {
        let golden = try JSONValue.parse(try Golden.contents("collection.json"))
        let templates = try #require(golden["templates"]?.objectValue)
        var withoutForm: Set<String> = []
        var problems: [String: String] = [:]
        for name in templates.keys {
            let source = try Self.source(name)
            let syntax = AnswerSyntax.detect(in: source)
            if syntax.describesTools {
                problems[name] = Self.problem(try ChatTemplate(source: source), syntax)
            } else {
                withoutForm.insert(name)
            }
        }
        #expect(withoutForm == Self.withoutForm)
        #expect(Set(problems.keys) == Self.withoutCalls, "\(problems)")
    }

    private static let tool: JSONValue = [
        "type": "function",
        "function": [
            "name": "get_weather", "description": "d",
            "parameters": [
                "type": "object",
                "properties": [
                    "city": ["type": "string", "description": "c"],
                    "days": ["type": "integer", "description": "n"],
                ],
                "required": ["city"],
            ],
        ],
    ]

    /// Why the call that the template writes into the prompt is not read back.
    private static func problem(_ template: ChatTemplate, _ syntax: AnswerSyntax) -> String? {
        let arguments: JSONValue = ["city": "Zürich \"ZH\"", "days": 3]
        var problems: [String] = []
        for value in [arguments, .string(arguments.serialized())] {
            let call: JSONValue = [
                "id": "call00001", "type": "function",
                "function": ["name": "get_weather", "arguments": value],
            ]
            let hi: JSONValue = ["role": "user", "content": "hi"]
            let answer: JSONValue = ["role": "assistant", "content": "", "tool_calls": [call]]
            func text(_ messages: JSONValue, prompt: Bool) -> String {
                let outcome = Outcome(
                    template,
                    [
                        "messages": messages, "tools": [tool],
                        "add_generation_prompt": .bool(prompt),
                    ],
                    ["bos_token": "<s>", "eos_token": "</s>"]
                )
                if case .text(let text) = outcome { return text }
                problems.append("\(outcome)")
                return ""
            }
            let before = Array(text([hi], prompt: true).utf8)
            let whole = Array(text([hi, answer], prompt: false).utf8)
            if before.isEmpty || whole.isEmpty { continue }
            var common = zip(before, whole).prefix { $0 == $1 }.count
            // Not inside a marker.
            let mark = whole[..<common].lastIndex(of: UInt8(ascii: "<")) ?? 0
            if !whole[mark..<common].contains(UInt8(ascii: ">")) { common = mark }
            let parser = AnswerParser(
                syntax,
                tools: [
                    ToolFacts(
                        name: "get_weather",
                        parameterTypes: ["city": ["string"], "days": ["integer"]]
                    )
                ]
            )
            let parsed = ParsedAnswer([whole[common...]], parser)
            let read = parsed.calls.first.flatMap { try? JSONValue.parse($0.arguments) }
            if parsed.calls.count == 1, parsed.calls[0].name == "get_weather", read == arguments {
                return nil
            }
            problems.append(
                "\(String(decoding: whole[common...], as: UTF8.self).debugDescription) is \(parsed)"
            )
        }
        return problems.joined(separator: "; ")
    }
}
