import ChatTemplates
import JSON

private let paris: JSONValue = ["city": "Paris"]
private let think = ReasoningSyntax(start: "<think>", end: "</think>")

private func detected(_ template: String) -> AnswerSyntax { AnswerSyntax.detect(in: template) }

private let hermes = AnswerSyntax(reasoning: think, toolCalls: .hermes)
private let llama = detected("respond with a JSON for a function call {{ tools }}")
private let coder = detected(
    "<tool_call><function=f><parameter=p></parameter></function> {{ tools }}"
)
private let glm = detected("<tool_call>f<arg_key>k</arg_key> {{ tools }}")
private let kimi = detected("<|tool_calls_section_begin|> {{ tools }}")
private let deepseek = detected("<｜tool▁call▁begin｜> {{ tools }}")
private let deepseekR1 = detected("<｜tool▁call▁begin｜> ```json </think> {{ tools }}")
private let gemma = detected("<start_function_call> {{ tools }}")
private let liquid = detected("<|tool_call_start|> {{ tools }}")
private let harmony = detected("<|channel|>analysis<|message|> functions. {{ tools }}")

extension AnswerCase {
    /// Well-formed answers of every family.
    static let wellFormed: [AnswerCase] = [
        AnswerCase(
            name: "plain text",
            syntax: hermes,
            text: "Héllo <b>you</b>\n",
            content: "Héllo <b>you</b>\n"
        ),
        AnswerCase(
            name: "hermes",
            syntax: hermes,
            text:
                #"<tool_call>\#n{"name": "get_weather", "arguments": {"city": "Paris"}}\#n</tool_call>"#,
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "hermes, text and two calls",
            syntax: hermes,
            text:
                #"Let me see.\#n<tool_call>{"name":"get_weather","arguments":{"city":"Paris"}}</tool_call>\#n"#
                + #"<tool_call>{"arguments": {}, "name": "clock"}</tool_call>"#,
            content: "Let me see.",
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "hermes without arguments or an end",
            syntax: hermes,
            text: #"<tool_call>{"name": "clock"}"#,
            calls: [("clock", [:])]
        ),
        AnswerCase(
            name: "hermes, arguments as text",
            syntax: hermes,
            text:
                #"<tool_call>{"name":"get_weather","arguments":"{\"city\": \"Paris\"}"}</tool_call>"#,
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "hermes, arguments null and other members",
            syntax: hermes,
            text:
                #"<tool_call>{"id":7,"name":"clock","arguments":null,"x":[{"a":1}]}</tool_call> done"#,
            content: "done",
            calls: [("clock", [:])]
        ),
        AnswerCase(
            name: "hermes, a raw newline in a string",
            syntax: hermes,
            text:
                "<tool_call>{\"name\":\"get_weather\",\"arguments\":{\"city\":\"a\n\tb\"}}</tool_call>",
            calls: [("get_weather", ["city": "a\n\tb"])]
        ),
        AnswerCase(
            name: "hermes, in a code block",
            syntax: hermes,
            text:
                "```json\n{\n  \"name\": \"get_weather\",\n  \"arguments\": {\n    \"city\": \"Paris\"\n"
                + "  }\n}\n```",
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "hermes, two objects without markers",
            syntax: hermes,
            text: " {\"name\":\"get_weather\", \"arguments\":{\"city\": \"Paris\"}}\n"
                + "{\"name\": \"clock\", \"arguments\": {}}",
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "reasoning and a call",
            syntax: hermes,
            text:
                "<think>\nHm, <i>so</i>.\n</think>\n\n<tool_call>{\"name\": \"clock\"}</tool_call>",
            reasoning: "Hm, <i>so</i>.",
            calls: [("clock", [:])]
        ),
        AnswerCase(
            name: "reasoning that the prompt began",
            syntax: hermes,
            text: "\nOne.\n\nTwo.\n</think>\n\nThe answer.",
            content: "The answer.",
            reasoning: "One.\n\nTwo.",
            startsInReasoning: true
        ),
        AnswerCase(
            name: "reasoning without an end",
            syntax: hermes,
            text: "<think>On and on </thin",
            reasoning: "On and on </thin"
        ),
        AnswerCase(
            name: "a stray end of reasoning",
            syntax: hermes,
            text: "Well </think>yes",
            content: "Well yes"
        ),
        AnswerCase(
            name: "llama, bare",
            syntax: llama,
            text:
                #"{"name": "get_weather", "parameters": {"city": "Paris"}}; {"name":"clock","parameters":{}}"#,
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "llama, marked",
            syntax: llama,
            text:
                #"<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}}"#,
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "mistral, array",
            syntax: detected("[TOOL_CALLS] {{ tools }}"),
            text:
                #"[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "x"}, {"name":"clock","arguments":{}}]"#,
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "mistral, named",
            syntax: detected("[TOOL_CALLS][ARGS][CALL_ID] {{ tools }}"),
            text:
                #"[TOOL_CALLS]get_weather[CALL_ID]abc[ARGS]{"city": "Paris"}[TOOL_CALLS]clock[ARGS]{}"#,
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "qwen coder",
            syntax: coder,
            text:
                "I'll look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis \"<x>\"\n2\n"
                + "</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=zip>\n75001\n</parameter>\n"
                + "</function>\n</tool_call>",
            content: "I'll look.",
            calls: [("get_weather", ["city": "Paris \"<x>\"\n2", "days": 3, "zip": "75001"])]
        ),
        AnswerCase(
            name: "glm",
            syntax: glm,
            text: "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
                + "<arg_key>flags</arg_key><arg_value>[1, true]</arg_value></tool_call><tool_call>clock</tool_call>",
            calls: [("get_weather", ["city": "Paris", "flags": [1, true]]), ("clock", [:])]
        ),
        AnswerCase(
            name: "minimax",
            syntax: detected("<minimax:tool_call> {{ tools }}"),
            text:
                "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Paris</parameter>\n"
                + "</invoke>\n<invoke name=\"clock\">\n</invoke>\n</minimax:tool_call>",
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "deepseek v3.2",
            syntax: detected("｜DSML｜ function_calls {{ tools }}"),
            text: "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n"
                + "<｜DSML｜parameter name=\"zip\" string=\"true\">75</｜DSML｜parameter>\n"
                + "<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n"
                + "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
            calls: [("get_weather", ["zip": "75", "days": 2])]
        ),
        AnswerCase(
            name: "deepseek r1",
            syntax: deepseekR1,
            text:
                "Sure.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
                + "{\"city\": \"Paris\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>clock\n"
                + "```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            content: "Sure.",
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "deepseek v3.1",
            syntax: deepseek,
            text:
                "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Paris\"}"
                + "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "kimi",
            syntax: kimi,
            text:
                "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
                + "{\"city\": \"Paris\"}<|tool_call_end|><|tool_calls_section_end|>",
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "gemma",
            syntax: gemma,
            text:
                "<start_function_call>call:get_weather{city:<escape>Par{is<escape>,days:2,x:[true,{a:null}]}"
                + "<end_function_call>",
            calls: [("get_weather", ["city": "Par{is", "days": 2, "x": [true, ["a": nil]]])]
        ),
        AnswerCase(
            name: "liquid",
            syntax: liquid,
            text:
                #"<|tool_call_start|>[get_weather(city="Pa\"r]is", x={'a': [1.5, None]}), clock()]<|tool_call_end|>Ok"#,
            content: "Ok",
            calls: [
                ("get_weather", ["city": "Pa\"r]is", "x": ["a": [1.5, nil]]]), ("clock", [:]),
            ]
        ),
        AnswerCase(
            name: "granite",
            syntax: detected("<|tool_call|> {{ tools }}"),
            text: #"<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]"#,
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "phi",
            syntax: detected("functools[ {{ tools }}"),
            text: #" functools[{"name": "get_weather", "arguments": {"city": "Paris"}}]"#,
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "apertus",
            syntax: detected("<|tools_prefix|> {{ tools }}"),
            text:
                #"<|tools_prefix|>[{"get_weather": {"city": "Paris"}}, {"clock": {}}]<|tools_suffix|>"#,
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "command r7b",
            syntax: detected("<|START_THINKING|><|END_THINKING|><|START_ACTION|> {{ tools }}"),
            text:
                "<|START_THINKING|>I will.<|END_THINKING|><|START_ACTION|>[\n {\"tool_call_id\": \"0\", "
                + "\"tool_name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}\n]<|END_ACTION|>",
            reasoning: "I will.",
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "functionary 3.1",
            syntax: detected("<function=x></function> {{ tools }}"),
            text: #"<function=get_weather>{"city": "Paris"}</function>"#,
            calls: [("get_weather", paris)]
        ),
        AnswerCase(
            name: "functionary 3.2",
            syntax: detected(">>> recipient {{ tools }}"),
            text: "all\nLet me see.>>>get_weather\n{\"city\": \"Paris\"}>>>clock\n{}",
            content: "Let me see.",
            calls: [("get_weather", paris), ("clock", [:])]
        ),
        AnswerCase(
            name: "harmony, an answer",
            syntax: harmony,
            text:
                "<|channel|>analysis<|message|>Need 1+1.<|end|><|start|>assistant<|channel|>final<|message|>2.",
            content: "2.",
            reasoning: "Need 1+1."
        ),
        AnswerCase(
            name: "harmony, calls",
            syntax: harmony,
            text:
                "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I'll look."
                + "<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
                + "{\"city\": \"Paris\"}<|call|><|start|>assistant to=functions.clock<|channel|>commentary json"
                + "<|message|>{}<|call|>",
            content: "I'll look.",
            reasoning: "Hm.",
            calls: [("get_weather", paris), ("clock", [:])]
        ),
    ]

    /// What begins like a call and is none: all of it is content.
    static let malformed: [(AnswerSyntax, String)] = [
        (hermes, "<tool_call>{\"name\": \"clock\", \"arguments\": {\"a\": 1,}}</tool_call> x"),
        (hermes, "a\n <tool_call>\nno call</tool_call>"),
        (hermes, "<tool_call>{\"arguments\": {}}</tool_call>"),
        (hermes, "<tool_call>{\"name\": \"clock\", \"arguments\": {\"a\": tru"),
        (hermes, "<tool_call>{\"name\": \"clock\", \"arguments\": 5}</tool_call>"),
        (hermes, "<tool_cal"),
        (hermes, "text <tool_call>"),
        (hermes, "```json\n{\"name\": \"Bob\", \"arguments\": {}}\n```"),
        (hermes, "```json\n{\"answer\": 42}\n```"),
        (hermes, "```python\nprint({})\n```"),
        (hermes, "```\nx"),
        (hermes, "``"),
        (hermes, "{\"name\" : \"clock\", \"arguments\": {}}"),
        (hermes, "{\"name\": \"clock\", \"parameters\": {}}"),
        (hermes, "{\"arguments\": {}, \"name\": \"clock\"}"),
        (hermes, "Like this: {\"name\": \"clock\", \"arguments\": {}}"),
        (llama, "{\"name\": \"Bob\", \"parameters\": {}}"),
        (llama, " {\"answer\": 42, \"name\": \"clock\"}\n"),
        (llama, "The call is {\"name\": \"clock\"}"),
        (llama, "[1, 2]"),
        (coder, "<tool_call>\n<function=clock>\n<para>x</para>"),
        (coder, "<tool_call>\n<function=get_weather>\n<parameter=city>\nPar"),
        (glm, "<tool_call>clock\n<arg_key>city</arg_key>Paris</tool_call>"),
        (kimi, "<|tool_calls_section_begin|>what<|tool_calls_section_end|>"),
        (deepseek, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>clock<｜tool▁sep｜>[]"),
        (gemma, "<start_function_call>call:f{a:}<end_function_call>"),
        (gemma, "<start_function_call>call f<end_function_call>"),
        (liquid, "<|tool_call_start|>[f(1)]<|tool_call_end|>"),
        (liquid, "<|tool_call_start|>[f(a='x]<|tool_call_end|>"),
        (harmony, "no header at all"),
    ]
}
