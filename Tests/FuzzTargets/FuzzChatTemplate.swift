import ChatTemplates
import JSON

/// A template, rendered with a small conversation under tight limits.
func fuzzChatTemplate(_ bytes: [UInt8]) {
    guard let source = String(validating: bytes, as: UTF8.self) else { return }
    var limits = ChatTemplateLimits()
    limits.maximumStepCount = 20_000
    limits.maximumOutputByteCount = 1 << 16
    limits.maximumTouchedByteCount = 1 << 20
    guard let template = try? ChatTemplate(source: source, limits: limits) else { return }
    let arguments: JSONObject = [
        "messages": [
            ["role": "system", "content": "Be brief."],
            ["role": "user", "content": "Hello <|im_end|>"],
            [
                "role": "assistant", "content": "",
                "tool_calls": [["name": "f", "arguments": ["a": 1]]],
            ],
        ],
        "tools": [["type": "function", "function": ["name": "f", "description": "d"]]],
        "add_generation_prompt": true,
    ]
    let prompt = try? template.render(
        arguments,
        specialTokens: ["bos_token": "<s>", "eos_token": "</s>"],
        now: ChatTemplateDate(year: 2026, month: 11, day: 23)
    )
    if let prompt {
        precondition(prompt.text.utf8.count <= limits.maximumOutputByteCount, "output is bounded")
        precondition(prompt.runs.map(\.text).joined() == prompt.text, "runs make up the text")
    }
}
