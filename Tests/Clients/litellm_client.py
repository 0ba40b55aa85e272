#!/usr/bin/env python3
"""Use a daemon through LiteLLM, as its users and its proxy do.

Chats, completions and their streams, tools, structured output, and the errors that LiteLLM maps to its
own: its fallbacks and retries depend on them.
"""

import asyncio
import json

import litellm
from daemon import QWEN, Suite, ask
from pydantic import BaseModel

SUITE = Suite("litellm", __doc__, [QWEN])
QUESTION = ask("What is the capital of France? Answer with one word.")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class City(BaseModel):
    name: str
    country: str


@SUITE.check
def answers_a_chat(options):
    answer = litellm.completion(messages=QUESTION, **options)
    assert "Paris" in answer.choices[0].message.content, answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@SUITE.check
def streams_a_chat(options):
    stream = litellm.completion(
        messages=QUESTION, stream=True, stream_options={"include_usage": True}, **options
    )
    chunks = list(stream)
    whole = litellm.stream_chunk_builder(chunks, messages=QUESTION)
    assert "Paris" in whole.choices[0].message.content, whole
    assert whole.choices[0].finish_reason == "stop", whole
    assert chunks[-1].usage.completion_tokens > 0, chunks[-1]


@SUITE.check
def works_asynchronously(options):
    async def main():
        answers = await asyncio.gather(
            *(litellm.acompletion(messages=QUESTION, **options) for _ in range(4))
        )
        stream = await litellm.acompletion(messages=QUESTION, stream=True, **options)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        return [answer.choices[0].message.content for answer in answers] + [text]

    texts = asyncio.run(main())
    assert len(set(texts)) == 1 and "Paris" in texts[0], texts


@SUITE.check
def completes_text(options):
    model = "text-completion-openai/" + options["model"].split("/", 1)[1]
    options = {**options, "model": model, "max_tokens": 5}
    answer = litellm.text_completion(prompt="The capital of France is", **options)
    assert "Paris" in answer.choices[0].text, answer
    chunks = list(litellm.text_completion(prompt="The capital of France is", stream=True, **options))
    assert "".join(c.choices[0].text or "" for c in chunks) == answer.choices[0].text, chunks


@SUITE.check
def calls_a_tool_in_two_turns(options):
    messages = ask("What is the weather in Paris?")
    first = litellm.completion(messages=messages, tools=[WEATHER], **options).choices[0]
    assert first.finish_reason == "tool_calls", first
    (call,) = first.message.tool_calls
    assert json.loads(call.function.arguments)["city"].startswith("Paris"), call
    messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}]
    messages += ask("So how warm is it? Answer in one short sentence.")
    second = litellm.completion(messages=messages, tools=[WEATHER], **options).choices[0]
    assert "21" in second.message.content, second


@SUITE.check
def streams_a_required_call(options):
    stream = litellm.completion(
        messages=ask("Weather in Rome?"), tools=[WEATHER], tool_choice="required", stream=True, **options
    )
    whole = litellm.stream_chunk_builder(list(stream))
    (call,) = whole.choices[0].message.tool_calls
    assert json.loads(call.function.arguments)["city"], call


@SUITE.check
def gives_structured_output(options):
    answer = litellm.completion(
        messages=ask("Name the capital of France."), response_format=City, **options
    )
    assert City.model_validate_json(answer.choices[0].message.content).name == "Paris", answer
    answer = litellm.completion(
        messages=ask("Describe Paris as JSON."), response_format={"type": "json_object"}, **options
    )
    if answer.choices[0].finish_reason == "stop":
        json.loads(answer.choices[0].message.content)


@SUITE.check
def gives_log_probabilities(options):
    answer = litellm.completion(messages=QUESTION, logprobs=True, top_logprobs=2, **options)
    first = answer.choices[0].logprobs.content[0]
    assert len(first.top_logprobs) == 2, first


@SUITE.check
def maps_errors(options):
    def refusal(kind, **changes):
        try:
            litellm.completion(**{**options, "messages": QUESTION, **changes})
        except kind as error:
            return error
        raise AssertionError(f"{changes} was not refused with {kind.__name__}")

    refusal(litellm.ContextWindowExceededError, messages=ask("word " * 40_000))
    refusal(litellm.NotFoundError, model="openai/nowhere")
    refusal(litellm.BadRequestError, temperature=7)


def connect(root):
    litellm.telemetry = False
    return {
        "model": f"openai/{QWEN}",
        "api_base": f"{root}/v1",
        "api_key": "none",
        "temperature": 0,
        "max_tokens": 200,
        "num_retries": 0,
        "timeout": 120,
    }


if __name__ == "__main__":
    SUITE.run(connect)
