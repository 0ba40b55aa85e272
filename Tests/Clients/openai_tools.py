#!/usr/bin/env python3
"""Call tools with the stock `openai` client, as agents do.

Starts `torii serve` with a model whose chat template describes tools (Qwen2.5-Coder-0.5B) and one
whose template knows none (SmolLM2-135M), runs every check, and stops it. Each check prints one line,
with how many calls it saw; the exit status is 1 when any failed.
"""

import concurrent.futures
import json

import jsonschema
import openai
from daemon import QWEN, SMOL, Suite

SUITE = Suite(f"tools with openai {openai.__version__}", __doc__, [QWEN, SMOL])
check = SUITE.check

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city's name"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
ORDER = {
    "type": "function",
    "function": {
        "name": "order",
        "description": "Order things from a shop",
        "parameters": {
            "type": "object",
            "properties": {
                "items": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 3,
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string", "maxLength": 20},
                            "count": {"type": "integer", "minimum": 1, "maximum": 99},
                        },
                        "required": ["name", "count"],
                        "additionalProperties": False,
                    },
                },
                "express": {"type": "boolean"},
                "note": {"type": ["string", "null"], "maxLength": 30},
            },
            "required": ["items", "express"],
            "additionalProperties": False,
        },
    },
}
TOOLS = [WEATHER, ORDER]
QUESTION = [{"role": "user", "content": "What is the weather in Paris, in celsius?"}]
SCHEMAS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}


def verified(call):
    """A call's arguments, valid under its tool's schema."""
    assert call.type == "function" and call.id.startswith("call_") and len(call.id) == 29, call
    arguments = json.loads(call.function.arguments)
    jsonschema.validate(arguments, SCHEMAS[call.function.name])
    return arguments


def ask(client, messages=QUESTION, model=QWEN, **more):
    return client.chat.completions.create(
        model=model, messages=messages, tools=more.pop("tools", TOOLS), max_tokens=300, **more
    )


def joined(stream):
    """The message that a stream's chunks make, as an agent joins them."""
    content, reason, calls = "", None, {}
    for chunk in stream:
        choice = chunk.choices[0]
        content += choice.delta.content or ""
        reason = choice.finish_reason or reason
        for delta in choice.delta.tool_calls or []:
            call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
            if delta.id is not None:
                assert not call["id"], "an id came twice"
                assert delta.type == "function" and delta.function.name
                call["id"], call["name"] = delta.id, delta.function.name
            call["arguments"] += delta.function.arguments or ""
    assert sorted(calls) == list(range(len(calls))), calls
    return content, reason, [calls[index] for index in sorted(calls)]


def second_turn(client, first, calls):
    messages = QUESTION + [
        {"role": "assistant", "content": first or None, "tool_calls": calls}
    ]
    for call in calls:
        messages.append(
            {"role": "tool", "tool_call_id": call["id"], "content": '{"temperature": 21, "sky": "clear"}'}
        )
    # A model of this size repeats itself when the conversation ends with the tool's result.
    messages.append({"role": "user", "content": "So how warm is it? Answer in one short sentence, not in JSON."})
    answer = ask(client, messages, temperature=0)
    assert answer.choices[0].finish_reason == "stop", answer
    assert "21" in answer.choices[0].message.content, answer
    return answer.choices[0].message.content


@check
def asks_for_the_weather_in_two_turns(client):
    answer = ask(client, temperature=0)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls", choice
    assert choice.message.content is None, choice
    (call,) = choice.message.tool_calls
    assert "paris" in verified(call)["city"].lower(), call
    return second_turn(client, None, [call.model_dump()])


@check
def asks_for_the_weather_in_two_streamed_turns(client):
    content, reason, calls = joined(ask(client, temperature=0, stream=True))
    assert reason == "tool_calls" and content == "", (content, reason)
    (call,) = calls
    jsonschema.validate(json.loads(call["arguments"]), SCHEMAS[call["name"]])
    function = {"name": call["name"], "arguments": call["arguments"]}
    return second_turn(client, "", [{"id": call["id"], "type": "function", "function": function}])


@check
def streams_with_the_helper(client):
    with client.chat.completions.stream(
        model=QWEN, messages=QUESTION, tools=TOOLS, temperature=0, max_tokens=300
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds, kinds
    verified(final.choices[0].message.tool_calls[0])


@check
def streams_what_it_answers_whole(client):
    arguments = dict(tool_choice="required", seed=3, temperature=1)
    whole = ask(client, **arguments).choices[0].message.tool_calls
    _, reason, calls = joined(ask(client, stream=True, **arguments))
    assert reason == "tool_calls"
    assert [(c.function.name, c.function.arguments) for c in whole] == [
        (c["name"], c["arguments"]) for c in calls
    ]


def count_valid(client, count, temperature=1.0, **more):
    """How many calls `count` answers hold, all of them valid."""
    total = 0
    for seed in range(count):
        choice = ask(client, seed=seed, temperature=temperature, **more).choices[0]
        if choice.finish_reason == "length":
            continue
        assert choice.finish_reason == "tool_calls" and choice.message.content is None, choice
        assert choice.message.tool_calls, choice
        for call in choice.message.tool_calls:
            verified(call)
        total += len(choice.message.tool_calls)
    assert total >= count // 2, f"{total} calls in {count} answers"
    return f"{total} valid calls in {count} answers"


HELLO = [{"role": "user", "content": "Hello! Who are you?"}]


@check
def requires_calls_whatever_is_asked(client):
    return count_valid(client, 20, messages=HELLO, tool_choice="required", parallel_tool_calls=False)


@check
def requires_calls_at_high_temperature(client):
    return count_valid(
        client, 10, temperature=2.0, messages=HELLO, tool_choice="required", parallel_tool_calls=False
    )


@check
def calls_the_named_tool(client):
    choice = {"type": "function", "function": {"name": "order"}}
    for seed in range(10):
        answer = ask(client, HELLO, seed=seed, temperature=1, tool_choice=choice).choices[0]
        if answer.finish_reason != "length":
            (call,) = answer.message.tool_calls
            assert call.function.name == "order"
            verified(call)
    return "10 answers"


@check
def calls_only_allowed_tools(client):
    allowed = {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "get_weather"}}],
    }
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    for seed in range(5):
        answer = ask(client, HELLO, seed=seed, temperature=1, tool_choice=choice).choices[0]
        assert {call.function.name for call in answer.message.tool_calls} == {"get_weather"}


@check
def calls_nothing_when_the_choice_is_none(client):
    for seed in range(3):
        choice = ask(client, seed=seed, tool_choice="none").choices[0]
        assert choice.message.tool_calls is None and choice.message.content, choice


@check
def keeps_strict_calls_valid_when_the_model_decides(client):
    strict = [{"type": "function", "function": {**t["function"], "strict": True}} for t in TOOLS]
    count = 0
    for seed in range(10):
        choice = ask(client, tools=strict, seed=seed, temperature=1.2).choices[0]
        for call in choice.message.tool_calls or []:
            if choice.finish_reason == "tool_calls":
                verified(call)
                count += 1
        assert "<tool_call>" not in (choice.message.content or ""), choice
    assert count >= 5, count
    return f"{count} valid calls in 10 answers"


@check
def makes_one_call_at_most_when_told_so(client):
    messages = [{"role": "user", "content": "What is the weather in Paris, in Rome and in Oslo?"}]
    counts = []
    for parallel in (True, False):
        answer = ask(client, messages, temperature=0, parallel_tool_calls=parallel)
        counts.append(len(answer.choices[0].message.tool_calls or []))
    assert counts[1] <= 1, counts
    return f"{counts[0]} and {counts[1]} calls"


@check
def says_length_when_a_call_is_cut(client):
    for stream in (False, True):
        answer = client.chat.completions.create(
            model=QWEN, messages=QUESTION, tools=TOOLS, tool_choice="required", temperature=0,
            max_tokens=16, stream=stream,
        )
        reason = joined(answer)[1] if stream else answer.choices[0].finish_reason
        assert reason == "length", answer


@check
def works_with_a_template_that_knows_no_tools(client):
    return count_valid(
        client, 10, model=SMOL, tool_choice="required", parallel_tool_calls=False
    )


@check
def calls_deprecated_functions(client):
    answer = client.chat.completions.create(
        model=QWEN, messages=QUESTION, temperature=0, max_tokens=300,
        functions=[tool["function"] for tool in TOOLS], function_call={"name": "get_weather"},
    ).choices[0]
    assert answer.finish_reason == "function_call" and answer.message.tool_calls is None, answer
    arguments = json.loads(answer.message.function_call.arguments)
    jsonschema.validate(arguments, SCHEMAS["get_weather"])


@check
def serves_many_callers_at_once(client):
    def one(seed):
        choice = ask(
            client, HELLO, seed=seed, temperature=1, tool_choice="required", parallel_tool_calls=False
        ).choices[0]
        if choice.finish_reason == "length":
            return 0
        (call,) = choice.message.tool_calls
        verified(call)
        return 1

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        count = sum(pool.map(one, range(32)))
    assert count >= 16
    return f"{count} valid calls in 32 answers"


@check
def gives_unique_ids(client):
    ids = [
        call.id
        for choice in ask(client, tool_choice="required", n=4, temperature=1, seed=1).choices
        for call in choice.message.tool_calls or []
    ]
    assert len(set(ids)) == len(ids) >= 4, ids


@check
def continues_the_last_message(client):
    messages = [
        {"role": "user", "content": "Name the capital of France."},
        {"role": "assistant", "content": "The capital of France is the city of"},
    ]
    answer = client.chat.completions.create(
        model=QWEN, messages=messages, temperature=0, max_tokens=10,
        extra_body={"continue_final_message": True, "add_generation_prompt": False},
    )
    assert answer.choices[0].message.content.lstrip().startswith("Paris"), answer


@check
def refuses_what_makes_no_sense(client):
    def refusal(**arguments):
        try:
            ask(client, **arguments)
        except openai.BadRequestError as error:
            return error.param
        raise AssertionError(f"{arguments} was not refused")

    assert refusal(tools=[], tool_choice="required") == "tool_choice"
    unknown = {"type": "function", "function": {"name": "nosuch"}}
    assert refusal(tool_choice=unknown) == "tool_choice"
    odd = {
        "name": "f",
        "strict": True,
        "parameters": {"type": "object", "properties": {"a": {"not": {"type": "string"}, "x": 1}}},
    }
    param = refusal(tools=[{"type": "function", "function": odd}])
    assert param.startswith("tools[0].function.parameters"), param


def connect(root):
    return openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=0, timeout=300)


if __name__ == "__main__":
    SUITE.run(connect)
