import ChatTemplates
import JSON

/// Reads arbitrary bytes as a chat template and renders it over a small conversation.
///
/// It must end within its limits, with a prompt whose runs alternate or with an error that has a place.
func fuzzChatTemplate(_ bytes: [UInt8]) {
    let limits = ChatTemplateLimits(
        maximumStepCount: 20_000,
        maximumOutputByteCount: 1 << 20,
        maximumTouchedByteCount: 1 << 20
    )
    let tool: JSONValue = [
        "type": "function", "function": ["name": "f", "parameters": ["a": [1]]],
    ]
    let arguments: JSONObject = [
        "messages": [
            ["role": "system", "content": "s"],
            ["role": "user", "content": "héllo\n <|x|>"],
            ["role": "assistant", "content": nil, "tool_calls": [tool]],
        ],
        "tools": [tool], "add_generation_prompt": true, "x": 1.5, "y": -3, "d": ["a": "b"],
    ]
    let now = ChatTemplateDate(year: 2026, month: 2, day: 29)
    do throws(ChatTemplateError) {
        let source = String(decoding: bytes, as: UTF8.self)
        let template = try ChatTemplate(source: source, limits: limits)
        let specialTokens: JSONObject = ["bos_token": "<s>"]
        let prompt = try template.render(arguments, specialTokens: specialTokens, now: now)
        for (run, next) in zip(prompt.runs, prompt.runs.dropFirst()) {
            precondition(run.isTrusted != next.isTrusted, "two runs of one provenance")
        }
        precondition(prompt.runs.allSatisfy { !$0.text.isEmpty }, "an empty run")
    } catch {
        precondition(error.line > 0 && error.column > 0 || bytes.isEmpty, "an error has no place")
    }
}
