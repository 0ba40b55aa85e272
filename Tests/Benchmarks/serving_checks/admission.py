"""What happens to those for whom there is no room now, or never."""

import asyncio
import contextlib
import re
import time

from figures import percentile
from prompts import Prompts
from streaming import Failure, gather

from . import drop_all, openai_client

LIMITS = [
    f"x-ratelimit-{what}-{unit}" for what in ("limit", "remaining", "reset") for unit in ("requests", "tokens")
]


async def burst(bench, report):
    """More requests than the queue takes: raw ones are refused with how long to wait, stock clients all succeed."""
    async with bench.serve("--parallel", "2", *bench.queue_flags) as server:
        probe = await server.client.chat("Say hello.", max_tokens=4)
        missing = [name for name in LIMITS if name not in probe.headers]
        report.claim("an answer has the x-ratelimit headers", not missing, f"without {', '.join(missing)}")
        # Without the header the check has failed already; the rest of it still says something.
        limit = int(probe.headers.get("x-ratelimit-limit-requests", 16))
        count = limit + max(4, limit // 4)
        report.figure("requests that one key may have under way", limit)

        chats = [f"Request {number}: say something." for number in range(count)]
        answers = [await server.client.start(chat, max_tokens=16, ignore_eos=True) for chat in chats]
        for answer in answers:
            await answer.end()
        refused = [answer for answer in answers if answer.status == 429]
        others = {answer.status for answer in answers} - {200, 429}
        report.figure("raw requests that were refused with 429", len(refused), f"of {count}", at_least=1)
        report.claim("none was answered otherwise", not others, f"status {others}")
        if refused:
            waits = [answer.headers.get("retry-after", "") for answer in refused]
            honest = all(wait.isdigit() and 1 <= int(wait) <= 60 for wait in waits)
            report.claim("each says Retry-After: 1 … 60", honest, f"{sorted(set(waits))[:5]}")
            bare = [answer for answer in refused if any(name not in answer.headers for name in LIMITS)]
            report.claim("each has the x-ratelimit headers", not bare, f"{len(bare)} have not")
            worst = percentile([answer.duration for answer in refused], 0.99)
            report.figure("p99 until the refusal", worst * 1000, "ms")

        client = openai_client(server, timeout=600)

        async def ask(chat):
            try:
                completion = await client.chat.completions.create(
                    model=server.model, messages=[{"role": "user", "content": chat}], max_tokens=16
                )
                return completion.choices[0].message.content is not None
            except Exception as error:  # whatever the stock client throws is what its user sees
                return f"{type(error).__name__}: {error}"

        async with client:
            results = await gather(*(ask(chat) for chat in chats))
        bad = [result for result in results if result is not True]
        report.figure("stock clients that succeeded", count - len(bad), f"of {count}", at_least=count)
        if bad:
            report.note(f"the others saw: {bad[0][:200]}")
        retried = len(re.findall(r"status=429", server.log())) - len(refused)
        report.figure("refusals that they overcame by themselves", retried)


async def patience(bench, report):
    """Clients with a read timeout of 15 s, streaming and plain, get their answer after a minute in the queue."""
    timeout = 15
    async with bench.serve("--parallel", "1") as server:
        prompts = Prompts(server.client)
        chat = await prompts.chat(60, "Tell a very long story.")
        # Enough to hold the only place for longer than the wait; they are dropped when it is over.
        busy = [await server.client.start(chat, max_tokens=8000, ignore_eos=True) for _ in range(8)]
        await busy[0].outputs(1)
        queued = {
            "a raw stream": await server.client.start("Say hello.", max_tokens=8),
            "a raw plain request": await server.client.start("Say hello.", stream=False, max_tokens=8),
        }
        stock = {}
        try:
            client = openai_client(server, timeout=timeout, max_retries=0)
            stock["the stock client, streaming"] = asyncio.create_task(stock_chat(client, server, True))
            stock["the stock client, plain"] = asyncio.create_task(stock_chat(client, server, False))
        except Failure as failure:
            report.note(f"without the stock client: {failure}")
        await asyncio.sleep(bench.queue_wait)
        early = [name for name, answer in queued.items() if answer.tokens]
        report.claim(
            f"all waited for {bench.queue_wait:.0f} s", not early, f"{', '.join(early)} did not have to wait"
        )
        await drop_all(busy)
        for name, answer in queued.items():
            with contextlib.suppress(Failure):
                await answer.end(within=60)
            ended = answer.ended or time.monotonic()
            silence = answer.longest_silence if answer.ended else ended - answer.sent
            is_whole = answer.status == 200 and bool(answer.text)
            report.claim(f"{name} is answered", is_whole, answer.summary())
            report.figure(f"{name}: longest silence", silence, "s", at_most=timeout)
            if not answer.ended:
                answer.drop()
        for name, task in stock.items():
            result = await task
            report.claim(f"{name} is answered", result is True, str(result))


async def stock_chat(client, server, streams):
    """True if it is answered; what went wrong if not."""
    try:
        answer = await client.chat.completions.create(
            model=server.model, messages=[{"role": "user", "content": "Say hello."}], max_tokens=8, stream=streams
        )
        if not streams:
            return bool(answer.choices[0].message.content)
        text = [chunk.choices[0].delta.content or "" async for chunk in answer if chunk.choices]
        return bool("".join(text))
    except Exception as error:  # whatever the stock client throws is what its user sees
        return f"{type(error).__name__}: {error}"


async def oversize(bench, report):
    """A request that can never fit is refused at once, however long the queue is."""
    # Keys and values of some 2,900 tokens of the model: less than it was trained for.
    async with bench.serve("--parallel", "1", "--kv-bytes", "64MiB") as server:
        prompts = Prompts(server.client)
        facts = (await server.state())["facts"]
        capacity, context = facts["kv_capacity_tokens"], facts["trained_context_length"]
        report.figure("tokens that keys and values have room for", capacity, "tokens", at_most=context - 1)
        for name, length in (("the memory", capacity + 200), ("the context", context + 200)):
            chat = await prompts.chat(length)
            for place, load in (("idle", 0), ("busy", 6)):
                busy = [
                    await server.client.start(await prompts.chat(60), max_tokens=2000, ignore_eos=True)
                    for _ in range(load)
                ]
                if busy:
                    await busy[0].outputs(1)
                    await asyncio.sleep(0.3)
                for streams in (True, False):
                    answer = await server.client.start(chat, stream=streams, max_tokens=8)
                    with contextlib.suppress(Failure):
                        await answer.end(within=20)
                    label = f"more than {name}, {place}, {'stream' if streams else 'plain'}"
                    if answer.ended is None:
                        answer.drop()
                        report.claim(f"{label}: refused with 400", False, "no answer within 20 s")
                        continue
                    report.claim(f"{label}: refused with 400", answer.status == 400, answer.summary())
                    # Time for its tokens to be counted, no more.
                    report.figure(f"{label}: after", answer.duration * 1000, "ms", at_most=500)
                await drop_all(busy)
                await server.settle(5)
