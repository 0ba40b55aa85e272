"""Requests that end before they are done, and what they leave behind: nothing."""

import asyncio
import random
import time

from figures import median
from prompts import Prompts
from streaming import Failure, gather

# The admin API's counters come with the worker's heartbeat, once a second.
HEARTBEAT = 1.0
# How soon after an end nothing of a request may be left.
RELEASE = 1.0
# Seconds for which computed prompts are kept after their last use.
RETENTION = 300


async def disconnects(bench, report):
    """Clients that hang up in the queue, in the prefill and while decoding leave no request and no memory."""
    draws = random.Random(4)
    stages = {"before the first token": 0, "after it": 0}
    taken = []
    async with bench.serve("--parallel", "4") as server:
        prompts = Prompts(server.client)
        chats = [await prompts.chat(draws.choice([60, 500, 3000])) for _ in range(24)]
        for _ in range(bench.rounds):
            answers = [
                await server.client.start(
                    chat, stream=draws.random() < 0.8, max_tokens=400, ignore_eos=True
                )
                for chat in chats
            ]  # fmt: skip

            async def leave(answer, delay):
                await asyncio.sleep(delay)
                stages["after it" if answer.tokens else "before the first token"] += 1
                answer.drop()

            await gather(*(leave(answer, draws.uniform(0, 4)) for answer in answers))
            seconds, left = await server.settle(RELEASE + HEARTBEAT)
            taken.append(seconds)
            if left:
                report.claim("nothing is left", False, f"after {seconds:.1f} s: {left}")
            else:
                (await server.client.start("Say hello.", max_tokens=4)).drop()
        answer = await server.client.chat("What is the capital of France?", max_tokens=8)
        report.claim("the server still answers", bool(answer.text))
        try:
            report.figure("blocks kept for later prompts", await server.counter("kv_blocks_cached"), "blocks")
        except Failure as failure:
            report.note(str(failure))
    for stage, count in stages.items():
        report.figure(f"clients that hung up {stage}", count, at_least=1)
    report.figure(
        "nothing was left after, longest (a heartbeat included)", max(taken), "s",
        at_most=RELEASE + HEARTBEAT,
    )  # fmt: skip


async def cancel(bench, report):
    """DELETE /admin/v1/requests/{id} ends a request within 200 ms in the queue, in prefill and in decode."""
    async with bench.serve("--parallel", "1") as server:
        prompts = Prompts(server.client)
        client = server.client
        ids = (f"benchmark-cancel-{number}" for number in range(10**6))

        async def start(chat, count):
            name = next(ids)
            return name, await client.start(
                chat, headers={"x-request-id": name}, max_tokens=count, ignore_eos=True
            )

        async def end(name, answer, state):
            """Cancels it; milliseconds until the client has its end."""
            listed = {request.get("id"): request.get("state") for request in await server.requests()}
            if name not in listed:
                raise Failure(f"GET /admin/v1/requests does not list {name}, only {list(listed)[:5]}")
            if listed[name] != state:
                states.append(f"{listed[name]}, not {state}")
            if answer.ended is not None:
                raise Failure(f"it ended before it was cancelled: {answer.summary()}")
            started = time.monotonic()
            deletion = await client.send("DELETE", f"/admin/v1/requests/{name}")
            await answer.end(within=30)
            await deletion.end(within=30)
            if deletion.status not in (200, 202, 204):
                raise Failure(f"DELETE /admin/v1/requests/{name}: {deletion.summary()}")
            return (answer.ended - started) * 1000

        times = {"queue": [], "prefill": [], "decode": []}
        states = []
        for _ in range(bench.rounds):
            running, long = await start(await prompts.chat(60, "Tell a very long story."), 4000)
            await long.outputs(4)
            waiting = await start(await prompts.chat(60), 8)
            await asyncio.sleep(0.3)
            times["queue"].append(await end(*waiting, "queued"))
            times["decode"].append(await end(running, long, "decoding"))
            prefill = await start(await prompts.chat(7500), 8)
            await asyncio.sleep(0.4)
            times["prefill"].append(await end(*prefill, "prefill"))
        seconds, left = await server.settle(RELEASE + HEARTBEAT)
        report.claim("nothing is left", not left, f"after {seconds:.1f} s: {left}")
    report.claim("each was listed in its state", not states, "; ".join(states))
    for stage, found in times.items():
        report.figure(f"cancelled in {stage}: ended after, median", median(found), "ms")
        report.figure(f"cancelled in {stage}: ended after, longest", max(found), "ms", at_most=200)


async def until_expired(server, started):
    """The worker's memory once it is near its start, or some time after what it keeps must have expired."""
    deadline = time.monotonic() + RETENTION + 60
    while True:
        memory = await server.worker_memory()
        if memory <= started * 1.1 or time.monotonic() > deadline:
            return memory
        await asyncio.sleep(5)


async def soak(bench, report):
    """After minutes of mixed load, the worker's memory is within what it was allowed, and nothing leaks."""
    draws = random.Random(9)
    budget = 256 << 20
    counts = {"answered": 0, "hung up": 0, "refused": 0}
    samples = []
    async with bench.serve("--kv-bytes", str(budget)) as server:
        prompts = Prompts(server.client, seed=9)
        await server.client.chat("Say hello.", max_tokens=16)
        started = await server.worker_memory()
        heads = [await prompts.text(600) for _ in range(8)]
        deadline = time.monotonic() + bench.minutes * 60

        async def visit():
            while time.monotonic() < deadline:
                chat = await prompts.chat(draws.choice([20, 60, 200, 900, 2500]))
                if draws.random() < 0.4:
                    chat.insert(0, {"role": "system", "content": draws.choice(heads)})
                answer = await server.client.start(
                    chat, stream=draws.random() < 0.7, temperature=draws.choice([0, 0.8]),
                    n=draws.choice([1, 1, 1, 2]), max_tokens=draws.choice([1, 16, 64, 200]),
                )  # fmt: skip
                if draws.random() < 0.25:
                    await asyncio.sleep(draws.uniform(0, 2))
                    answer.drop()
                    await answer.end(within=10)
                    counts["hung up"] += 1
                    continue
                await answer.end()
                if answer.status == 429:
                    counts["refused"] += 1
                    await asyncio.sleep(1)
                else:
                    answer.require()
                    counts["answered"] += 1
                await asyncio.sleep(draws.expovariate(4))

        async def watch():
            while time.monotonic() < deadline:
                await asyncio.sleep(2)
                samples.append(await server.worker_memory())

        pid = (await server.state())["pid"]
        await gather(watch(), *(visit() for _ in range(12)))
        seconds, left = await server.settle(RELEASE + HEARTBEAT)
        ended = await server.worker_memory()
        state = await server.state()
        expired = await until_expired(server, started)
    megabytes = 1 << 20
    facts, worker = state["facts"], state["worker"]
    allowed = facts["kv_capacity_tokens"] * facts["kv_bytes_per_token"]
    late = samples[len(samples) // 2 :] or [ended]
    for what, count in counts.items():
        report.figure(f"requests {what}", count)
    report.figure("requests that were preempted", worker["preemption_total"])
    report.claim("one worker lived through it", state["pid"] == pid, "it was replaced")
    report.claim("nothing is left", not left, f"after {seconds:.1f} s: {left}")
    report.figure("the worker's memory after its first answer", started / megabytes, "MiB")
    # Scratch memory grows with the widest step; a twentieth and 32 MiB are for that and the allocator.
    report.figure(
        "the worker's memory in the end", ended / megabytes, "MiB",
        at_most=(started * 1.05 + allowed) / megabytes + 32,
    )  # fmt: skip
    report.figure(
        "the worker's memory when what it keeps has expired", expired / megabytes, "MiB",
        at_most=started * 1.1 / megabytes + 32,
    )  # fmt: skip
    # A short run ends before keys and values fill their memory, which is growth that was allowed.
    is_long = bench.minutes >= 3
    report.figure(
        "growth in the second half", (ended - median(late[:3])) / megabytes, "MiB",
        at_most=0.05 * ended / megabytes + 16 if is_long else None,
    )  # fmt: skip
