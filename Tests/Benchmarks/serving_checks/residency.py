"""Models that come and go in less memory than all of them need."""

import asyncio
import contextlib
import time

from figures import percentile
from streaming import Failure, gather

CONTEXT = 1024
# A model that needs more than any budget of these checks.
MEBIBYTE = 1 << 20


def configuration(budget, swap_max_wait=10):
    """Every name is the same file, so that answers can be compared and all models need the same."""
    return {
        "models": {
            "memory": f"{budget // MEBIBYTE}MiB",
            "swap_max_wait": swap_max_wait,
            "defaults": {"context": CONTEXT},
        }
    }


async def need(bench):
    """What one of the models takes, in bytes."""
    async with bench.serve("--context", str(CONTEXT)) as server:
        plan = await server.client.json("POST", "/admin/v1/plan", {"model": server.model})
        return plan["needed_bytes"]


def several(bench, count, budget, **more):
    """A daemon with the model under `count` names besides its own, and memory for so much."""
    path = bench.models / "smollm2-135m-instruct.q4_1.gguf"
    others = {f"model-{number}": path for number in range(count)}
    return bench.serve(others=others, preload=False, configuration=configuration(budget, **more))


async def plan(bench, report):
    """What a plan says a model takes is what its process takes once it has worked at full length."""
    for model in sorted(path.stem for path in bench.models.glob("*.gguf")):
        for kv_type, context in (("f16", 2048), ("f16", 8192), ("q8", 2048), ("q8", 8192)):
            flags = ("--kv-type", kv_type, "--context", str(context), "--parallel", "32")
            async with bench.serve(*flags, model=model) as server:
                name = f"{model}, {kv_type}, context {context}"
                planned = await server.client.json("POST", "/admin/v1/plan", {"model": server.model})
                needed = planned["needed_bytes"]
                report.figure(f"{name}: planned", needed / MEBIBYTE, "MiB")
                # Keys and values of one request of full length, then rows of logits for every sequence.
                tokens = [1000 + number * 7 % 3000 for number in range(context - 40)]
                body = {"model": server.model, "prompt": tokens, "max_tokens": 16, "temperature": 0}
                await server.client.json("POST", "/v1/completions", body, within=300)
                memory = (await server.state())["memory"]
                ratio = memory["resident_byte_count"] / needed
                report.figure(f"{name}: measured, of the plan", ratio, "", at_least=0.97, at_most=1.03)
                count = {"model": server.model, "prompt": "1, 2, 3,", "max_tokens": 24}
                await gather(*(server.client.json("POST", "/v1/completions", count) for _ in range(40)))
                memory = (await server.state())["memory"]
                ratio = memory["resident_byte_count"] / memory["held_byte_count"]
                report.figure(f"{name}: later, of what is held", ratio, "", at_most=1.03)


async def impossible(bench, report):
    """A model that can never fit is refused at once, with figures, and nobody goes for it."""
    one = await need(bench)
    async with several(bench, 1, int(one * 1.5)) as server:
        large = {"model": "model-0", "context": 8192}
        planned = await server.client.json("POST", "/admin/v1/plan", large)
        report.claim("the plan says so", planned["outcome"] == "never_fits", planned["outcome"])
        times = []
        for _ in range(5):
            began = time.monotonic()
            answer = await server.client.send(
                "POST", "/admin/v1/models/model-0/load", {"context": 8192, "wait": True}
            )
            await answer.end()
            times.append(time.monotonic() - began)
            report.claim("it is refused with 507", answer.status == 507, f"status {answer.status}")
        report.figure("longest until the refusal", max(times) * 1000, "ms", at_most=100)
        state = await server.state()
        report.claim("the other model stays", state["state"] == "resident", state["state"])


async def swaps(bench, report):
    """Three models in memory for two, under mixed traffic: nobody starves, nothing is hurt, memory is kept to."""
    one = await need(bench)
    budget = int(one * 2.3)
    async with several(bench, 2, budget, swap_max_wait=10) as server:
        clients = {"hot": server.client, "warm": server.client_of("model-0"), "cold": server.client_of("model-1")}
        end = time.monotonic() + bench.minutes * 60
        waits = {name: [] for name in clients}
        texts, problems, held = {}, [], []

        async def ask(name, number):
            prompt = f"Say something about the number {number % 5}."
            answer = await clients[name].start(prompt, max_tokens=48, temperature=0)
            await answer.end(within=300)
            if answer.status != 200 or not answer.text or answer.first_token is None:
                problems.append(f"{name}: {answer.summary()}")
                return
            waits[name].append(answer.first_token)
            # The weights are the same, so the answer is, whichever name it came by and whatever went on.
            if texts.setdefault(prompt, answer.text) != answer.text:
                problems.append(f"{name}: another answer to the same prompt")

        async def traffic(name, pause):
            number = 0
            while time.monotonic() < end:
                await ask(name, number)
                number += 1
                await asyncio.sleep(pause)

        async def watch():
            while time.monotonic() < end:
                with contextlib.suppress(Failure):
                    status = await server.client.json("GET", "/admin/v1/status")
                    memory = status["memory"]
                    held.append(memory["reserved_byte_count"] + memory["granted_byte_count"])
                await asyncio.sleep(1)

        await gather(traffic("hot", 0), traffic("hot", 0), traffic("warm", 3), traffic("cold", 12), watch())
        status = await server.client.json("GET", "/admin/v1/status")
        counts = [model["counts"] for model in status["models"]]
        report.figure("answers", sum(len(times) for times in waits.values()))
        report.claim("every one is right", not problems, "; ".join(problems[:3]))
        for name, times in waits.items():
            if not times:
                report.claim(f"{name} was answered", False, "not once")
                continue
            report.figure(f"{name}: median until the first token", percentile(times, 0.5), "s")
            # A turn, the end of the running requests, a load, and the same for the model that is before it.
            report.figure(f"{name}: longest until the first token", max(times), "s", at_most=2 * (10 + 15))
        report.figure("most memory held, of the budget", max(held, default=0) / budget, "", at_most=1.0)
        loads = sum(count["loads"] for count in counts)
        report.figure("loads", loads, f"in {bench.minutes} min", at_most=2 + bench.minutes * 60 / 5 * 2)
        report.figure("evictions", sum(count["evictions"] for count in counts), at_least=1)
        report.claim("no process died", not any(count["crashes"] for count in counts), str(counts))
