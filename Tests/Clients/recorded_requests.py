#!/usr/bin/env python3
"""Send a daemon what applications send, as they send it, and read the answers as strictly as they do.

The requests in recorded_requests.json have the bodies and headers of Open WebUI, aider, Copilot, the AI
SDK and others, in the versions that they name. Answers are read from the bytes: framing of events, what
is in every chunk and what only in one, calls joined from their deltas.
"""

import json
import urllib.request
from pathlib import Path

from daemon import QWEN, Suite

SUITE = Suite("recorded requests", __doc__, [QWEN])
REQUESTS = json.loads(Path(__file__).with_suffix(".json").read_text())
REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}


class Answer:
    """What an application keeps of an answer."""

    def __init__(self):
        self.text, self.calls, self.reason, self.usage, self.scored = "", {}, None, None, 0

    def read_whole(self, body):
        (choice,) = body["choices"]
        message = choice.get("message") or {"content": choice.get("text")}
        self.text = message["content"] or ""
        for index, call in enumerate(message.get("tool_calls") or []):
            self.calls[index] = (call["function"]["name"], call["function"]["arguments"])
            assert call["id"] and call["type"] == "function", call
        self.reason, self.usage = choice["finish_reason"], body["usage"]
        self.scored = len((choice.get("logprobs") or {}).get("token_logprobs") or [])

    def read_stream(self, text, wants_usage):
        *events, rest = text.split("\n\n")
        assert rest == "", rest
        chunks = []
        for event in events:
            if event.startswith(":"):
                continue
            assert event.startswith("data: ") and "\n" not in event, event
            chunks.append(event.removeprefix("data: "))
        assert chunks.pop() == "[DONE]", text[-200:]
        chunks = [json.loads(chunk) for chunk in chunks]
        assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1, chunks[:2]
        if wants_usage:
            last = chunks.pop()
            assert last["choices"] == [], last
            self.usage = last["usage"]
        for number, chunk in enumerate(chunks):
            assert chunk.get("usage") is None or not wants_usage, chunk
            (choice,) = chunk["choices"]
            assert choice["index"] == 0 and self.reason is None, chunk
            self.reason = choice["finish_reason"]
            assert self.reason is None or self.reason in REASONS, chunk
            if "delta" in choice:
                self.read_delta(choice["delta"], is_first=number == 0)
            else:
                self.text += choice["text"]
        assert self.reason is not None, chunks[-1]

    def read_delta(self, delta, is_first):
        assert ("role" in delta) == is_first, delta
        self.text += delta.get("content") or ""
        for part in delta.get("tool_calls") or []:
            name, arguments = self.calls.get(part["index"], (None, ""))
            if name is None:
                assert part["id"] and part["type"] == "function", part
                name = part["function"]["name"]
            else:
                assert not {"id", "type"} & set(part) and "name" not in part["function"], part
            self.calls[part["index"]] = (name, arguments + part["function"].get("arguments", ""))


def send(root, request):
    body = {**request["body"], "model": QWEN}
    message = urllib.request.Request(
        root + request["path"],
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **request["headers"]},
    )
    expects = request["expects"]
    with urllib.request.urlopen(message, timeout=120) as response:
        assert response.headers.get("x-ignored-params", "") == expects.get("ignored", "")
        request_id = response.headers["x-request-id"]
        assert request_id == expects.get("request_id", request_id), request_id
        text = response.read().decode()
        answer = Answer()
        if body.get("stream"):
            assert response.headers["content-type"].startswith("text/event-stream")
            answer.read_stream(text, expects.get("usage", False))
        else:
            assert response.headers["content-type"].startswith("application/json")
            answer.read_whole(json.loads(text))
    return answer


def verify(answer, expects):
    assert expects.get("text", "") in answer.text, answer.text
    if "call" in expects:
        assert answer.reason == "tool_calls" and answer.calls, (answer.reason, answer.text)
        for name, arguments in answer.calls.values():
            assert name == expects["call"] and isinstance(json.loads(arguments), dict), (name, arguments)
    elif "scored" in expects:
        assert answer.scored == expects["scored"], answer.scored
    else:
        assert answer.text or answer.calls, "an empty answer"
    if "tokens" in expects:
        assert answer.usage["completion_tokens"] == expects["tokens"], answer.usage
    if answer.usage:
        counts = answer.usage
        assert counts["total_tokens"] == counts["prompt_tokens"] + counts["completion_tokens"], counts


def check(request):
    def body(root):
        answer = send(root, request)
        verify(answer, request["expects"])
        return answer.reason

    body.__name__ = request["client"]
    return body


SUITE.checks = [check(request) for request in REQUESTS]

if __name__ == "__main__":
    SUITE.run(lambda root: root)
