"""What was computed once is not computed again."""

import asyncio

from figures import median, percentile
from prompts import Prompts
from streaming import Failure, gather

from . import BLOCK

QUESTIONS = [
    "What is it about?",
    "Name the first thing that it mentions.",
    "Who would want to read this, and why?",
    "Find a title.",
    "Is it prose or code?",
    "Which word is in it most often?",
    "Say it in French.",
    "What is missing from it?",
]


def question(number):
    """A user's message; no two of them are alike."""
    return {"role": "user", "content": f"{QUESTIONS[number % len(QUESTIONS)]} ({number})"}


async def system(prompts, token_count=2000):
    return {"role": "system", "content": await prompts.text(token_count)}


async def prefix(bench, report):
    """A second chat with the same system prompt of 2,000 tokens has its first token in a tenth of the time."""
    ratios, firsts, shortfalls, overshoots = [], [], [], []
    async with bench.serve() as server:
        prompts = Prompts(server.client)
        for number in range(max(3, bench.rounds)):
            head = await system(prompts)
            one, other = [head, question(2 * number)], [head, question(2 * number + 1)]
            first = await server.client.chat(one, max_tokens=8)
            second = await server.client.chat(other, max_tokens=8)
            shared = await prompts.shared_length(one, other)
            firsts.append(first.first_token)
            ratios.append(second.first_token / first.first_token)
            shortfalls.append(shared - second.cached_tokens)
            overshoots.append(second.cached_tokens - shared)
            if first.cached_tokens >= BLOCK:
                report.note(f"the first chat had {first.cached_tokens} tokens from the cache: not a cold start")
    report.figure("first token of the first chat after, median", median(firsts) * 1000, "ms")
    report.figure("second chat's, in percent of it, median", median(ratios) * 100, "%", at_most=10)
    report.figure("shared tokens that were not cached, most", max(shortfalls), "tokens", at_most=BLOCK)
    report.figure("tokens called cached that are not shared, most", max(0, *overshoots), "tokens", at_most=0)


async def together(bench, report):
    """Chats with the same beginning that come at the same moment compute it once."""
    for count in (2, 8):
        extra = []
        async with bench.serve() as server:
            prompts = Prompts(server.client)
            for _ in range(bench.rounds):
                head = await system(prompts)
                chats = [[head, question(number)] for number in range(count)]
                shared = await prompts.shared_length(chats[0], chats[1])
                answers = await gather(*(server.client.chat(chat, max_tokens=8) for chat in chats))
                computed = sum(answer.prompt_tokens - answer.cached_tokens for answer in answers)
                tails = sum(answer.prompt_tokens - shared for answer in answers)
                extra.append((computed - tails) / shared)
        report.figure(
            f"{count} at once: the beginning was computed, median", median(extra), "times",
            at_most=1 + (count - 1) * BLOCK / 2000,
        )  # fmt: skip


async def turns(bench, report):
    """In a chat of ten turns, only the new message of each is computed."""
    missing, times = [], []
    async with bench.serve() as server:
        prompts = Prompts(server.client)
        messages = [await system(prompts, 300)]
        before = 0
        for number in range(10):
            text = await prompts.text(30)
            messages.append({"role": "user", "content": f"{text}\n{question(number)['content']}"})
            answer = await server.client.chat(messages, max_tokens=64)
            times.append(answer.first_token)
            if number:
                missing.append(before - answer.cached_tokens)
            before = answer.prompt_tokens + answer.output_tokens
            messages.append({"role": "assistant", "content": answer.text})
    report.figure("tokens of the conversation in the end", before, "tokens")
    report.figure("first token of turn 1 after", times[0] * 1000, "ms")
    report.figure("first token of turns 2 to 10 after, median", median(times[1:]) * 1000, "ms")
    report.figure("tokens of what was before, not cached, median", median(missing), "tokens", at_most=BLOCK)
    # An answer's text may be cut into other tokens when it comes back as a message; that is the client's doing.
    report.figure("the same, most", max(missing), "tokens", at_most=64 + BLOCK)


async def crowd(bench, report):
    """32 clients that share a beginning of 2,000 tokens share its memory too."""
    count, output = 32, 32
    async with bench.serve() as server:
        prompts = Prompts(server.client)
        head = await system(prompts)
        chats = [[head, question(number)] for number in range(count)]
        shared = await prompts.shared_length(chats[0], chats[1])
        await server.client.chat([head, question(count)], max_tokens=1)
        peak = [0]
        watch = asyncio.create_task(watch_blocks(server, peak))
        try:
            answers = await gather(
                *(server.client.chat(chat, max_tokens=output, ignore_eos=True) for chat in chats)
            )
        finally:
            watch.cancel()
        state = await server.state()
    facts, worker = state["facts"], state["worker"]
    tail = max(answer.prompt_tokens - shared for answer in answers) + output
    needed = shared / BLOCK + min(count, facts["maximum_sequence_count"]) * (tail / BLOCK + 2)
    missing = max(shared - answer.cached_tokens for answer in answers)
    first = [answer.first_token for answer in answers]
    wall = max(answer.ended for answer in answers) - min(answer.sent for answer in answers)
    report.figure("output of all", sum(answer.output_tokens for answer in answers) / wall, "tokens/s")
    report.figure("first token after, median", median(first) * 1000, "ms")
    report.figure("first token after, p95", percentile(first, 0.95) * 1000, "ms")
    report.figure("shared tokens that were not cached, most", missing, "tokens", at_most=BLOCK)
    report.figure("KV blocks in use, highest seen", max(peak), "blocks", at_most=needed)
    report.figure("preemptions", worker["preemption_total"], at_most=0)


async def watch_blocks(server, peak):
    """Notes the blocks in use while others work; the counters come once a second."""
    while True:
        try:
            peak.append(await server.counter("kv_blocks_in_use"))
        except Failure:
            return
        await asyncio.sleep(0.2)
