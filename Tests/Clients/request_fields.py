#!/usr/bin/env python3
"""Walk every field of the `openai` package's request types, and see each one honoured or refused.

The fields are read from the installed package, so that a new one fails here until somebody decides what
becomes of it. A field that is honoured has its effect on the answer, one that has no effect here changes
nothing, one that is refused is named in `param`; none is dropped in silence. The same for what fields
hold: forms of tool choices, of output formats, of message parts.
"""

import json
import typing
import urllib.error
import urllib.request

import openai
from daemon import QWEN, SMOL, Suite, ask
from openai.types import completion_create_params
from openai.types.chat import completion_create_params as chat_create_params

SUITE = Suite(f"request fields of openai {openai.__version__}", __doc__, [SMOL, QWEN])

CHAT = {"model": SMOL, "messages": ask("Tell me about the sea."), "temperature": 0, "max_tokens": 8}
TEXT = {"model": SMOL, "prompt": "The sea is", "temperature": 0, "max_tokens": 8}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
FUNCTION = TOOL["function"]


class Daemon:
    """Posts bodies as they are."""

    def __init__(self, root):
        self.root = root

    def post(self, path, body):
        """Status, names of ignored fields, and the answer: JSON, or the chunks of a stream."""
        request = urllib.request.Request(
            self.root + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                ignored = answer.headers.get("x-ignored-params", "")
                text = answer.read().decode()
                if answer.headers["content-type"].startswith("text/event-stream"):
                    events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
                    assert events[-1] == "[DONE]", events
                    return 200, ignored, [json.loads(event) for event in events[:-1]]
                return 200, ignored, json.loads(text)
        except urllib.error.HTTPError as error:
            return error.code, "", json.load(error)

    def chat(self, **fields):
        return self.honoured("/v1/chat/completions", {**CHAT, **fields})

    def text(self, **fields):
        return self.honoured("/v1/completions", {**TEXT, **fields})

    def honoured(self, path, body):
        status, ignored, answer = self.post(path, body)
        assert status == 200 and not ignored, (status, ignored, answer)
        return answer

    def refused(self, path, body, param):
        status, _, answer = self.post(path, body)
        assert status == 400, (status, answer)
        assert (answer["error"]["param"] or "").startswith(param), answer
        assert answer["error"]["message"] and isinstance(answer["error"]["code"], str), answer


def content(answer, index=0):
    return answer["choices"][index]["message"]["content"]


def words(answer, index=0):
    return answer["choices"][index]["text"]


def differs(daemon, **fields):
    """The fields change what is drawn at temperature 1."""
    base = dict(temperature=1, seed=5, max_tokens=24)
    assert content(daemon.chat(**base)) != content(daemon.chat(**{**base, **fields}))


def repeats(daemon, **fields):
    base = dict(temperature=1.5, top_p=1, max_tokens=12)
    texts = {content(daemon.chat(**{**base, **fields})) for _ in range(2)}
    assert len(texts) == 1, texts


def calls(answer):
    return [call["function"]["name"] for call in answer["choices"][0]["message"]["tool_calls"]]


def ends_before_stop(daemon):
    whole = content(daemon.chat(max_tokens=24))
    stop = whole.split()[3]
    assert content(daemon.chat(max_tokens=24, stop=stop)) == whole[: whole.index(stop)]
    assert content(daemon.chat(max_tokens=24, stop=[stop, "zzz"])) == whole[: whole.index(stop)]


def bias_changes_chat(daemon):
    first = daemon.chat(logprobs=True)["choices"][0]["logprobs"]["content"][0]["token"]
    status, _, answer = daemon.post("/tokenize", {"model": SMOL, "content": first})
    (token,) = answer["tokens"]
    other = daemon.chat(logprobs=True, logit_bias={str(token): -100})
    assert other["choices"][0]["logprobs"]["content"][0]["token"] != first, other


def bias_changes_text(daemon):
    first = daemon.text(logprobs=1)["choices"][0]["logprobs"]["tokens"][0]
    status, _, answer = daemon.post("/tokenize", {"model": SMOL, "content": first})
    (token,) = answer["tokens"]
    other = daemon.text(logprobs=1, logit_bias={str(token): -100})
    assert other["choices"][0]["logprobs"]["tokens"][0] != first, other


def effort_is_taken(daemon):
    for effort in ("none", "minimal", "low", "medium", "high", "xhigh"):
        daemon.chat(reasoning_effort=effort)
    daemon.refused("/v1/chat/completions", {**CHAT, "reasoning_effort": "very"}, "reasoning_effort")


def usage_comes_last(daemon, path, body):
    chunks = daemon.honoured(path, {**body, "stream": True, "stream_options": {"include_usage": True}})
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] > 0, chunks[-1]
    plain = daemon.honoured(path, {**body, "stream": True, "stream_options": {"include_usage": False}})
    assert all(chunk["choices"] for chunk in plain)


def fills_the_middle(daemon):
    body = {
        "model": QWEN,
        "prompt": "def add(a, b):\n    ",
        "suffix": "\n\nprint(add(1, 2))\n",
        "max_tokens": 40,
        "temperature": 0,
        "stop": ["\n\n"],
    }
    answer = daemon.honoured("/v1/completions", body)
    assert words(answer) == "return a + b", answer
    # The text behind the gap is in the prompt.
    longer = daemon.honoured("/v1/completions", {**body, "suffix": body["suffix"] * 5})
    assert longer["usage"]["prompt_tokens"] > answer["usage"]["prompt_tokens"], longer
    # A model whose vocabulary has no tokens for it says so.
    daemon.refused("/v1/completions", {**TEXT, "suffix": " blue"}, "suffix")
    daemon.refused("/v1/completions", {**body, "echo": True}, "echo")


def accepted(*values):
    """Fields that have no effect here: whatever they hold, the answer is the same."""

    def body(daemon, field):
        plain = content(daemon.chat())
        for value in values:
            assert content(daemon.chat(**{field: value})) == plain, value

    return body


def refused(*values):
    def body(daemon, field):
        for value in values:
            daemon.refused("/v1/chat/completions", {**CHAT, field: value}, field)

    return body


def honoured(function):
    return lambda daemon, field: function(daemon)


def check_n_chat(d):
    answer = d.chat(n=3, temperature=1.5, top_p=1)
    assert [c["index"] for c in answer["choices"]] == [0, 1, 2]


def check_limit(name):
    def body(d):
        answer = d.chat(**{"max_tokens": None, name: 3})
        assert answer["usage"]["completion_tokens"] == 3, answer
        assert answer["choices"][0]["finish_reason"] == "length", answer

    return honoured(body)


def check_logprobs(d):
    tokens = d.chat(logprobs=True)["choices"][0]["logprobs"]["content"]
    assert len(tokens) == 8 and all(token["top_logprobs"] == [] for token in tokens), tokens
    assert d.chat(logprobs=False)["choices"][0].get("logprobs") is None


def check_top_logprobs(d):
    tokens = d.chat(logprobs=True, top_logprobs=20)["choices"][0]["logprobs"]["content"]
    assert all(len(token["top_logprobs"]) == 20 for token in tokens), tokens
    d.refused("/v1/chat/completions", {**CHAT, "logprobs": True, "top_logprobs": 21}, "top_logprobs")
    d.refused("/v1/chat/completions", {**CHAT, "top_logprobs": 3}, "top_logprobs")


def check_tools(d):
    d.chat(tools=[TOOL])
    d.refused("/v1/chat/completions", {**CHAT, "tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]")


def check_tool_choice(d):
    base = {"model": QWEN, "tools": [TOOL], "max_tokens": 60}
    assert calls(d.chat(**base, tool_choice="required"))[0] == "look"
    assert calls(d.chat(**base, tool_choice={"type": "function", "function": {"name": "look"}})) == ["look"]
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]}
    assert calls(d.chat(**base, tool_choice={"type": "allowed_tools", "allowed_tools": allowed}))
    assert not d.chat(**base, tool_choice="none")["choices"][0]["message"].get("tool_calls")
    d.chat(**base, tool_choice="auto")
    custom = {"type": "custom", "custom": {"name": "x"}}
    d.refused("/v1/chat/completions", {**CHAT, "tools": [TOOL], "tool_choice": custom}, "tool_choice")


def check_function_call(d):
    base = {"model": QWEN, "functions": [FUNCTION], "max_tokens": 60}
    answer = d.chat(**base, function_call={"name": "look"})["choices"][0]
    assert answer["message"]["function_call"]["name"] == "look", answer
    assert answer["finish_reason"] == "function_call", answer
    d.chat(**base, function_call="none")


def check_parallel(d):
    base = {"model": QWEN, "tools": [TOOL], "tool_choice": "required", "max_tokens": 120}
    assert len(calls(d.chat(**base, parallel_tool_calls=False))) == 1


def check_response_format(d):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    named = {"name": "x", "strict": True, "schema": schema}
    text = content(d.chat(response_format={"type": "json_schema", "json_schema": named}, max_tokens=64))
    assert isinstance(json.loads(text)["n"], int), text
    assert content(d.chat(response_format={"type": "json_object"})).startswith("{")
    assert content(d.chat(response_format={"type": "text"})) == content(d.chat())
    d.refused("/v1/chat/completions", {**CHAT, "response_format": {"type": "xml"}}, "response_format")


def check_stream_chat(d):
    chunks = d.chat(stream=True)
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
    assert text == content(d.chat(stream=False)), text


def check_prediction(d):
    """A right or a wrong prediction changes nothing but the time."""
    plain = content(d.chat(max_tokens=24))
    for text in (plain, [{"type": "text", "text": plain}], "Nothing of the kind.", ""):
        prediction = {"type": "content", "content": text}
        answer = d.chat(max_tokens=24, prediction=prediction)
        assert content(answer) == plain
        details = answer["usage"]["completion_tokens_details"]
        accepted = details["accepted_prediction_tokens"]
        rejected = details["rejected_prediction_tokens"]
        if text == "":
            assert accepted == rejected == 0, details
        elif text == "Nothing of the kind.":
            assert accepted < rejected, details
        else:
            assert accepted > rejected, details
    for wrong in ({"type": "diff", "content": "x"}, {"type": "content"}):
        d.refused("/v1/chat/completions", {**CHAT, "prediction": wrong}, "prediction")


def check_messages(d):
    parts = [{"type": "text", "text": "Tell me "}, {"type": "text", "text": "about the sea."}]
    assert content(d.chat(messages=[{"role": "user", "content": parts}])) == content(d.chat())
    roles = [
        {"role": "developer", "content": "Be brief.", "name": "boss"},
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Look!", "name": "anna"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", **TOOL, "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sea"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": "Again."},
        {"role": "assistant", "content": "", "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "sea"},
        {"role": "user", "content": "Well?"},
    ]
    d.chat(messages=roles, model=QWEN)
    for part in (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
    ):
        body = {**CHAT, "messages": [{"role": "user", "content": [part]}]}
        d.refused("/v1/chat/completions", body, "messages[0].content[0]")


CHAT_FIELDS = {
    "audio": refused({"format": "wav", "voice": "alloy"}),
    "frequency_penalty": honoured(lambda d: differs(d, frequency_penalty=2)),
    "function_call": honoured(check_function_call),
    "functions": honoured(check_function_call),
    "logit_bias": honoured(bias_changes_chat),
    "logprobs": honoured(check_logprobs),
    "max_completion_tokens": check_limit("max_completion_tokens"),
    "max_tokens": check_limit("max_tokens"),
    "messages": honoured(check_messages),
    "metadata": accepted({"a": "b"}),
    "modalities": refused(["text", "audio"]),
    "model": honoured(lambda d: d.post("/v1/chat/completions", {**CHAT, "model": "no"})[0] == 404 or 1 / 0),
    "moderation": accepted({"model": "omni-moderation-latest"}),
    "n": honoured(check_n_chat),
    "parallel_tool_calls": honoured(check_parallel),
    "prediction": honoured(check_prediction),
    "presence_penalty": honoured(lambda d: differs(d, presence_penalty=2)),
    "prompt_cache_key": accepted("k"),
    "prompt_cache_options": accepted({"ttl": "30m"}),
    "prompt_cache_retention": accepted("24h", "in-memory"),
    "reasoning_effort": honoured(effort_is_taken),
    "response_format": honoured(check_response_format),
    "safety_identifier": accepted("u1"),
    "seed": honoured(lambda d: (repeats(d, seed=3), differs(d, seed=6))),
    "service_tier": accepted("auto", "default", "flex", "priority", "scale"),
    "stop": honoured(ends_before_stop),
    "store": accepted(True, False),
    "stream": honoured(check_stream_chat),
    "stream_options": honoured(lambda d: usage_comes_last(d, "/v1/chat/completions", CHAT)),
    "temperature": honoured(lambda d: repeats(d, temperature=0)),
    "tool_choice": honoured(check_tool_choice),
    "tools": honoured(check_tools),
    "top_logprobs": honoured(check_top_logprobs),
    "top_p": honoured(lambda d: repeats(d, top_p=0)),
    "user": accepted("u1"),
    "verbosity": accepted("low", "medium", "high"),
    "web_search_options": refused({"search_context_size": "low"}),
}


def text_differs(d, **fields):
    base = dict(temperature=1, seed=5, max_tokens=24)
    assert words(d.text(**base)) != words(d.text(**{**base, **fields}))


def text_repeats(d, **fields):
    base = dict(temperature=1.5, top_p=1, max_tokens=12)
    texts = {words(d.text(**{**base, **fields})) for _ in range(2)}
    assert len(texts) == 1, texts


def check_prompt(d):
    tokens = d.post("/tokenize", {"model": SMOL, "content": "The sea is"})[2]["tokens"]
    expected = words(d.text())
    assert words(d.text(prompt=tokens)) == expected
    several = d.text(prompt=["The sea is", "Blue is"])
    assert words(several) == expected and len(several["choices"]) == 2, several
    assert words(d.text(prompt=[tokens, tokens]), 1) == expected


def check_text_logprobs(d):
    values = d.text(logprobs=5)["choices"][0]["logprobs"]
    assert len(values["tokens"]) == 8 and all(len(top) >= 5 for top in values["top_logprobs"]), values
    d.refused("/v1/completions", {**TEXT, "logprobs": 6}, "logprobs")


def check_best_of(d):
    answer = d.text(best_of=3, n=1, temperature=1)
    assert len(answer["choices"]) == 1 and answer["usage"]["completion_tokens"] > 8, answer
    d.refused("/v1/completions", {**TEXT, "best_of": 2, "stream": True}, "best_of")


def check_text_stop(d):
    whole = words(d.text(max_tokens=24))
    stop = whole.split()[3]
    assert words(d.text(max_tokens=24, stop=[stop])) == whole[: whole.index(stop)]


def check_text_stream(d):
    text = "".join(c["choices"][0]["text"] for c in d.text(stream=True))
    assert text == words(d.text()), text


def check_text_n(d):
    assert len(d.text(n=2, temperature=1)["choices"]) == 2


TEXT_FIELDS = {
    "best_of": check_best_of,
    "echo": lambda d: words(d.text(echo=True)) == "The sea is" + words(d.text()) or 1 / 0,
    "frequency_penalty": lambda d: text_differs(d, frequency_penalty=2),
    "logit_bias": bias_changes_text,
    "logprobs": check_text_logprobs,
    "max_tokens": lambda d: d.text(max_tokens=3)["usage"]["completion_tokens"] == 3 or 1 / 0,
    "model": lambda d: d.post("/v1/completions", {**TEXT, "model": "no"})[0] == 404 or 1 / 0,
    "n": check_text_n,
    "presence_penalty": lambda d: text_differs(d, presence_penalty=2),
    "prompt": check_prompt,
    "seed": lambda d: (text_repeats(d, seed=3), text_differs(d, seed=6)),
    "stop": check_text_stop,
    "stream": check_text_stream,
    "stream_options": lambda d: usage_comes_last(d, "/v1/completions", TEXT),
    "suffix": fills_the_middle,
    "temperature": lambda d: text_repeats(d, temperature=0),
    "top_p": lambda d: text_repeats(d, top_p=0),
    "user": lambda d: d.text(user="u1"),
}

def check_minimum(d):
    body = dict(messages=ask("Say only: OK."), model=QWEN, max_tokens=40)
    assert d.chat(**body)["usage"]["completion_tokens"] < 25
    assert d.chat(**body, min_tokens=25)["usage"]["completion_tokens"] >= 25
    d.refused("/v1/chat/completions", {**CHAT, **body, "min_tokens": 41}, "min_tokens")


# What llama-server's and vLLM's clients send.
EXTENSIONS = {
    "top_k": lambda d: repeats(d, top_k=1),
    "min_p": lambda d: repeats(d, min_p=1),
    "typical_p": lambda d: differs(d, typical_p=0.1, top_p=1),
    "repeat_penalty": lambda d: differs(d, repeat_penalty=1.5),
    "repetition_penalty": lambda d: differs(d, repetition_penalty=1.5),
    "repeat_last_n": lambda d: d.chat(repeat_penalty=1.5, repeat_last_n=-1),
    "xtc_probability": lambda d: differs(d, xtc_probability=1, xtc_threshold=0.05),
    "xtc_threshold": lambda d: d.chat(xtc_probability=1, xtc_threshold=0.5),
    "dry_multiplier": lambda d: breaks_a_loop(d),
    "ignore_eos": lambda d: d.chat(max_tokens=200, ignore_eos=True)["usage"]["completion_tokens"] == 200
    or 1 / 0,
    "min_tokens": check_minimum,
    "grammar": lambda d: content(d.chat(grammar='root ::= "yes" | "no"')) in ("yes", "no") or 1 / 0,
    "chat_template_kwargs": lambda d: d.chat(chat_template_kwargs={"enable_thinking": False}),
    "cache_prompt": lambda d: d.chat(cache_prompt=False),
}


def breaks_a_loop(d):
    """A text that repeats itself goes on doing so, unless that costs more and more."""
    # It ends where a word ends: after a space the model would have to guess what it has not seen.
    body = dict(prompt=", ".join(["one two three four"] * 6) + ",", max_tokens=20)
    loop = words(d.text(**body))
    assert "one two three four, one two three four" in loop, loop
    dry = dict(dry_multiplier=2, dry_base=2, dry_allowed_length=2, dry_penalty_last_n=-1)
    broken = words(d.text(**body, **dry, dry_sequence_breakers=["\n"]))
    assert "one two three four" not in broken, broken
    # Repetitions that are short enough cost nothing, and at a comma each begins anew.
    short = {**dry, "dry_allowed_length": 9, "dry_sequence_breakers": [","]}
    assert words(d.text(**body, **short)) == loop
    assert words(d.text(**body, **{**dry, "dry_penalty_last_n": 0})) == loop


@SUITE.check
def knows_every_field_of_the_package(daemon):
    chat = set(typing.get_type_hints(chat_create_params.CompletionCreateParamsStreaming))
    text = set(typing.get_type_hints(completion_create_params.CompletionCreateParamsStreaming))
    assert chat <= set(CHAT_FIELDS), f"decide what becomes of {chat - set(CHAT_FIELDS)} in chats"
    assert text <= set(TEXT_FIELDS), f"decide what becomes of {text - set(TEXT_FIELDS)} in completions"
    return f"{len(chat)} fields of chats, {len(text)} of completions"


def walk(fields, call):
    failures = []
    for name in fields:
        try:
            call(name)
        except Exception as error:
            failures.append(f"{name}: {type(error).__name__}: {str(error)[:500]}")
    assert not failures, "\n" + "\n".join(failures)
    return f"{len(fields)} fields"


@SUITE.check
def treats_every_field_of_chats_as_documented(daemon):
    return walk(CHAT_FIELDS, lambda name: CHAT_FIELDS[name](daemon, name))


@SUITE.check
def treats_every_field_of_completions_as_documented(daemon):
    return walk(TEXT_FIELDS, lambda name: TEXT_FIELDS[name](daemon))


@SUITE.check
def honours_the_common_extensions(daemon):
    return walk(EXTENSIONS, lambda name: EXTENSIONS[name](daemon))


@SUITE.check
def names_unknown_fields_and_goes_on(daemon):
    status, ignored, _ = daemon.post("/v1/chat/completions", {**CHAT, "mirostat": 2, "foo": None, "bar": {}})
    assert status == 200 and ignored == "mirostat, bar", (status, ignored)


@SUITE.check
def takes_null_for_every_optional_field(daemon):
    fields = {name: None for name in CHAT_FIELDS if name not in CHAT}
    assert content(daemon.chat(**fields)) == content(daemon.chat())
    fields = {name: None for name in TEXT_FIELDS if name not in TEXT}
    assert words(daemon.text(**fields)) == words(daemon.text())


@SUITE.check
def refuses_a_wrong_kind_of_value_by_name(daemon):
    nonsense = [{"no": "such thing"}]
    count = 0
    for path, base, fields in (
        ("/v1/chat/completions", CHAT, CHAT_FIELDS),
        ("/v1/completions", TEXT, TEXT_FIELDS),
    ):
        for name in fields:
            status, _, answer = daemon.post(path, {**base, name: nonsense})
            if status != 200:
                assert status == 400 and answer["error"]["param"].startswith(name), (name, answer)
                count += 1
    return f"{count} refusals"


if __name__ == "__main__":
    SUITE.run(Daemon)
