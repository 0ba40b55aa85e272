"""How long those wait who did not cause the load."""

import asyncio
import contextlib
import time

from figures import median, percentile
from prompts import Prompts
from serving import KEY_A, KEY_B
from streaming import Failure, gather

from . import drop_all

# A chunk of a prompt takes this long at most; who comes while one is computed waits for its end.
CHUNK = 0.250
# A step that has running streams in it takes this long at most; a stream may have to wait for two.
STEP = 0.060
# Who is not served after so many seconds is not waited for.
PATIENCE = 20


async def stalls(bench, report):
    """Streams go on while a prompt of 7,500 tokens is computed."""
    async with bench.serve() as server:
        prompts = Prompts(server.client)
        alone, during, prefills = [], [], []
        for _ in range(bench.rounds):
            long = await prompts.chat(7500)
            streams = []
            for _ in range(4):
                chat = await prompts.chat(100, "Tell a very long story about it.")
                streams.append(await server.client.start(chat, max_tokens=4000, ignore_eos=True))
            await gather(*(stream.outputs(32) for stream in streams))
            await asyncio.sleep(1)
            answer = await server.client.start(long, max_tokens=1)
            await answer.outputs(1)
            until = answer.sent + (answer.first_token or 0)
            (await answer.end()).require()
            await drop_all(streams)
            alone += [gap for stream in streams for gap in stream.gaps(until=answer.sent)]
            gaps = [gap for stream in streams for gap in stream.gaps(since=answer.sent, until=until)]
            # A stream that got nothing at all has no gap that would show it.
            for stream in streams:
                if stream.reasons:
                    continue
                last = max(time for time in stream.tokens[0] if time <= until)
                gaps.append(until - last)
            during.append(gaps)
            prefills.append(until - answer.sent)
    report.figure("first token of the long prompt after, median", median(prefills), "s")
    report.figure("p99 between tokens, nothing else running", percentile(alone, 0.99) * 1000, "ms")
    report.figure("median between tokens, during the prefill", median(sum(during, [])) * 1000, "ms")
    report.figure(
        f"p99 between tokens, during the prefill (of {bench.rounds})",
        median([percentile(gaps, 0.99) for gaps in during]) * 1000, "ms", at_most=2 * STEP * 1000,
    )  # fmt: skip
    report.figure("longest silence of a stream", max(sum(during, [])) * 1000, "ms")


async def neighbour(bench, report):
    """A short prompt of key B comes soon though key A has queued 50 prompts of 4,000 tokens."""
    async with bench.serve(keys=[KEY_A, KEY_B]) as server:
        first, second = server.client, server.client.with_key(KEY_B)
        prompts = Prompts(first)
        idle = []
        for _ in range(5):
            idle.append((await second.chat(await prompts.chat(60), max_tokens=8)).first_token)
        chats = [await prompts.chat(4000) for _ in range(50)]
        crowd = [await first.start(chat, max_tokens=64) for chat in chats]
        await asyncio.sleep(2)
        busy = []
        for _ in range(2 * bench.rounds):
            answer = await second.start(await prompts.chat(60), max_tokens=8)
            with contextlib.suppress(Failure):
                await answer.outputs(1, within=PATIENCE)
            if answer.first_token is None:
                report.claim(f"B is answered within {PATIENCE} s", False, answer.summary())
                busy.append(time.monotonic() - answer.sent)
                answer.drop()
                break
            busy.append(answer.first_token)
            (await answer.end()).require()
            await asyncio.sleep(0.3)
        waiting = sum(answer.ended is None for answer in crowd)
        refused = sum(answer.status not in (None, 200) for answer in crowd)
        await drop_all(crowd)
    report.figure("B's first token after, idle, median", median(idle) * 1000, "ms")
    report.figure("A's prompts under way when B had its last answer", waiting, at_least=1)
    report.figure("A's prompts refused", refused, at_most=0)
    report.figure("B's first token after, beside A, longest", max(busy) * 1000, "ms")
    report.figure(
        "B's first token after, beside A, median", median(busy) * 1000, "ms",
        at_most=(2 * median(idle) + CHUNK) * 1000,
    )  # fmt: skip
