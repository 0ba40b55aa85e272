"""Long mixed use, and what is left of it: nothing."""

import asyncio
import random
import socket
import time

from figures import median
from streaming import gather

from service_checks import Process

# Seconds between two looks.
INTERVAL = 5
# Growth in bytes a minute that is taken for the allocator's.
SLOPE = 100_000


async def soak(bench, report):
    """Minutes of streams, hang-ups, rubbish, loading and unloading leave no memory, descriptor, thread or worker."""
    draws = random.Random(6)
    counts = {"answered": 0, "hung up": 0, "refused": 0, "unloads": 0}
    samples = []
    async with bench.serve("--drain-timeout", "5") as server:
        process = Process(server.process.pid)
        client = server.client
        await client.chat("Say hello.", max_tokens=4)
        deadline = time.monotonic() + bench.minutes * 60

        async def talk():
            while time.monotonic() < deadline:
                answer = await client.start(
                    "Say hello.", stream=draws.random() < 0.7, max_tokens=draws.choice([1, 4, 16])
                )
                if draws.random() < 0.3:
                    await asyncio.sleep(draws.uniform(0, 0.3))
                    answer.drop()
                    counts["hung up"] += 1
                await answer.end(within=120)
                counts["answered"] += answer.status == 200
                await asyncio.sleep(draws.expovariate(4))

        async def pester():
            rubbish = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n", b"POST /v1/chat/completions", b""]
            while time.monotonic() < deadline:
                with socket.create_connection((client.host, client.port)) as connection:
                    connection.sendall(draws.choice(rubbish))
                    await asyncio.sleep(draws.uniform(0, 0.2))
                answer = await client.send("POST", "/v1/chat/completions", {"model": "none", "messages": 1})
                await answer.end(within=120)
                counts["refused"] += answer.status in (400, 404)

        async def unload():
            while time.monotonic() < deadline:
                await asyncio.sleep(min(15, bench.minutes * 6))
                answer = await client.send("POST", f"/admin/v1/models/{server.model}/unload", {})
                await answer.end(within=120)
                counts["unloads"] += answer.status in (200, 202)

        async def watch():
            while time.monotonic() < deadline:
                await asyncio.sleep(INTERVAL)
                samples.append((time.monotonic(), process.memory, process.descriptors, process.threads))

        await gather(watch(), unload(), pester(), *(talk() for _ in range(4)))
        await (await client.send("POST", f"/admin/v1/models/{server.model}/unload", {})).end(within=120)
        workers = await until_none(process)
        end = (process.descriptors, process.threads)
    for what, count in counts.items():
        report.figure(what, count, at_least=1)
    calm = samples[len(samples) // 5 :]
    report.figure("memory of the gateway after a fifth of it", calm[0][1] / 1e6, "MB")
    report.figure("memory of the gateway in the end", calm[-1][1] / 1e6, "MB")
    # Minutes are needed before a slope is more than the allocator's noise.
    report.figure(
        "growth a minute", slope(calm) / 1e6, "MB", at_most=SLOPE / 1e6 if bench.minutes >= 10 else None
    )
    report.figure("workers left", workers, at_most=0)
    usual = median([sample[2] for sample in calm])
    report.figure("descriptors in the end", end[0], at_most=usual)
    report.figure("threads in the end", end[1], at_most=max(sample[3] for sample in samples[: len(samples) // 2]))


async def until_none(process):
    """How many workers are left when those that are ending have had their time."""
    deadline = time.monotonic() + 20
    while process.children and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return process.children


def slope(samples):
    """Bytes a minute: the line through the samples that fits them best."""
    times = [sample[0] / 60 for sample in samples]
    values = [sample[1] for sample in samples]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((time - middle) ** 2 for time in times)
    product = sum((x - middle) * (y - mean) for x, y in zip(times, values, strict=True))
    return product / spread if spread else 0.0
