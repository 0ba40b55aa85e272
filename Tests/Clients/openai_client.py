#!/usr/bin/env python3
"""Drive a daemon with the stock `openai` client, as users do.

Starts `torii serve` with the real starter model (Tests/fetch-models puts it in place), runs every
check against it, and stops it. With --url it uses a daemon that runs already. Each check prints
one line; the exit status is 1 when any failed.
"""

import concurrent.futures
import json
import time
import urllib.request

import openai
from daemon import SMOL as MODEL
from daemon import Suite, ask

# The starter model answers the bare question in French, and so does llama.cpp with this file.
PARIS = "What is the capital of France? Answer in one sentence."
SUITE = Suite(f"openai {openai.__version__}", __doc__)
check = SUITE.check


@check
def answers_a_chat(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=ask(PARIS), temperature=0, max_tokens=32
    )
    assert answer.object == "chat.completion", answer
    assert answer.id.startswith("chatcmpl-"), answer.id
    choice = answer.choices[0]
    assert "Paris" in choice.message.content, choice
    assert choice.message.role == "assistant"
    assert choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.prompt_tokens > 5 and 0 < usage.completion_tokens <= 32
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert answer._request_id


@check
def streams_what_it_answers(client):
    arguments = dict(model=MODEL, messages=ask("Count to five."), temperature=0, max_tokens=40)
    whole = client.chat.completions.create(**arguments)
    chunks = list(
        client.chat.completions.create(
            **arguments, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content, (text, whole)
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].delta.role is None for chunk in chunks[1:] if chunk.choices)
    reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert reasons[-1] == whole.choices[0].finish_reason and not any(reasons[:-1])
    usage = chunks[-1].usage
    assert chunks[-1].choices == [] and usage.total_tokens == whole.usage.total_tokens, chunks[-1]
    # The second time the prompt is known, but for its last token at least.
    cached = usage.prompt_tokens_details.cached_tokens
    assert 0 < cached < usage.prompt_tokens, usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


@check
def leaves_usage_out_when_nobody_asks(client):
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=ask("Hi"), max_tokens=3, temperature=0, stream=True
        )
    )
    assert all(chunk.choices for chunk in chunks)


@check
def accumulates_with_the_stream_helper(client):
    with client.chat.completions.stream(
        model=MODEL, messages=ask("Say hello."), max_tokens=200, temperature=0
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.role == "assistant", final
    assert final.choices[0].message.content


@check
def stops_at_a_stop_string(client):
    arguments = dict(
        model=MODEL,
        messages=ask("Write the numbers from one to ten as digits, parted by commas."),
        temperature=0,
        max_tokens=60,
    )
    whole = client.chat.completions.create(**arguments).choices[0].message.content
    middle = whole[len(whole) // 2 : len(whole) // 2 + 3]
    for stream in (False, True):
        answer = client.chat.completions.create(**arguments, stop=[middle], stream=stream)
        if stream:
            chunks = list(answer)
            text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
            reason = chunks[-1].choices[0].finish_reason
        else:
            text, reason = answer.choices[0].message.content, answer.choices[0].finish_reason
        assert text == whole[: whole.index(middle)], (text, whole, middle)
        assert reason == "stop", reason


@check
def repeats_itself_with_a_seed(client):
    def sample(seed):
        answer = client.chat.completions.create(
            model=MODEL, messages=ask("Tell me a story."), temperature=1.2, seed=seed, max_tokens=24
        )
        return answer.choices[0].message.content

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(1, 5)}) > 1


@check
def gives_the_same_answers_side_by_side(client):
    def sample(seed):
        answer = client.chat.completions.create(
            model=MODEL, messages=ask("Tell me a story."), temperature=1, seed=seed, max_tokens=24
        )
        return answer.choices[0].message.content

    alone = [sample(seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(sample, range(4)))
    assert alone == together


@check
def gives_several_choices(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=ask("Pick a colour."), n=3, seed=5, max_tokens=8, temperature=1.5
    )
    assert sorted(choice.index for choice in answer.choices) == [0, 1, 2]
    one = client.chat.completions.create(
        model=MODEL, messages=ask("Pick a colour."), n=1, seed=5, max_tokens=8, temperature=1.5
    )
    assert len(one.choices) == 1


@check
def gives_the_best_of_several(client):
    options = {"model": MODEL, "prompt": "My favourite colour is", "seed": 7, "max_tokens": 12, "temperature": 1.3}
    every = client.completions.create(n=4, logprobs=0, **options)

    def score(choice):
        values = choice.logprobs.token_logprobs
        return sum(values) / len(values) if values else float("-inf")

    ranked = sorted(every.choices, key=score, reverse=True)
    best = client.completions.create(n=2, best_of=4, **options)
    assert [choice.text for choice in best.choices] == [choice.text for choice in ranked[:2]]
    assert [choice.index for choice in best.choices] == [0, 1]
    assert best.choices[0].logprobs is None
    assert best.usage.completion_tokens == every.usage.completion_tokens


@check
def gives_log_probabilities(client):
    answer = client.chat.completions.create(
        model=MODEL,
        messages=ask(PARIS),
        temperature=0,
        max_tokens=8,
        logprobs=True,
        top_logprobs=3,
    )
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens or answer.choices[0].finish_reason == "stop"
    for token in content:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == 3
        assert token.token == token.top_logprobs[0].token
        assert [top.logprob for top in token.top_logprobs] == sorted(
            (top.logprob for top in token.top_logprobs), reverse=True
        )
    joined = b"".join(bytes(token.bytes) for token in content).decode()
    assert joined.startswith(answer.choices[0].message.content), (joined, answer)


@check
def completes_text_with_echo_and_log_probabilities(client):
    answer = client.completions.create(
        model=MODEL,
        prompt="The capital of France is",
        temperature=0,
        max_tokens=4,
        logprobs=2,
        echo=True,
    )
    choice = answer.choices[0]
    assert choice.text.startswith("The capital of France is")
    assert "Paris" in choice.text, choice.text
    assert choice.logprobs.token_logprobs[0] is None
    assert all(value <= 0 for value in choice.logprobs.token_logprobs[1:])
    assert "".join(choice.logprobs.tokens) == choice.text
    assert len(choice.logprobs.tokens) == len(choice.logprobs.text_offset)


@check
def takes_a_whole_conversation(client):
    messages = [
        {"role": "developer", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Name a colour."},
        {"role": "assistant", "content": "Blue."},
        {"role": "user", "content": [{"type": "text", "text": "Name "}, {"type": "text", "text": "another."}]},
    ]
    counts = []
    for count in (2, 4):
        answer = client.chat.completions.create(
            model=MODEL, messages=messages[:count], temperature=0, max_tokens=8
        )
        assert answer.choices[0].message.content
        counts.append(answer.usage.prompt_tokens)
    assert counts[0] < counts[1], counts


@check
def lists_models(client):
    models = client.models.list().data
    assert MODEL in [model.id for model in models], models
    assert client.models.retrieve(MODEL).id == MODEL


@check
def refuses_with_the_right_errors(client):
    def refusal(kind, **arguments):
        base = dict(model=MODEL, messages=ask("Hi"), max_tokens=1)
        try:
            client.chat.completions.create(**{**base, **arguments})
        except kind as error:
            return error
        raise AssertionError(f"{arguments} was not refused with {kind.__name__}")

    error = refusal(openai.NotFoundError, model="nowhere")
    assert error.code == "model_not_found", error
    error = refusal(openai.BadRequestError, temperature=-1)
    assert error.param == "temperature", error
    error = refusal(openai.BadRequestError, messages=[])
    assert error.param == "messages", error
    error = refusal(openai.BadRequestError, top_logprobs=3)
    assert error.param in ("top_logprobs", "logprobs"), error
    error = refusal(openai.BadRequestError, messages=ask("word " * 20_000))
    assert error.code == "context_length_exceeded", error


@check
def survives_clients_that_leave(client):
    for _ in range(5):
        stream = client.chat.completions.create(
            model=MODEL, messages=ask("Write a very long story."), max_tokens=2000, stream=True
        )
        for number, _ in enumerate(stream):
            if number == 3:
                break
        stream.close()
    started = time.monotonic()
    while True:
        with urllib.request.urlopen(f"{client.root}/admin/v1/models/{MODEL}") as answer:
            state = json.load(answer)
        if not state.get("running"):
            break
        assert time.monotonic() - started < 30, f"requests of gone clients still run: {state}"
        time.sleep(0.1)
    answers_a_chat(client)


@check
def works_asynchronously(client):
    import asyncio

    async def main():
        async with openai.AsyncOpenAI(base_url=client.base_url, api_key="none") as other:
            stream = await other.chat.completions.create(
                model=MODEL, messages=ask("Hi"), max_tokens=5, temperature=0, stream=True
            )
            return [chunk async for chunk in stream]

    assert asyncio.run(main())


def connect(root):
    client = openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=0, timeout=120)
    client.root = root
    return client


if __name__ == "__main__":
    SUITE.run(connect)
