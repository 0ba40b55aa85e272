"""Faults of one model's process beside another model that generates."""

import asyncio
import os
import signal
import time

from figures import median, percentile
from serving import SMOLLM2

FAULTS = ["SIGKILL", "SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGTRAP", "SIGSTOP"]
# How soon a stream has to end in an error after the death of its model, in milliseconds.
SOON = 100
# Seconds of silence after which a process is ended, and what may come on top: its heartbeat's interval, and
# the time to end it.
TIMEOUT = 2
ON_TOP = 1.5
QUESTION = "Write a long story about a river, a bridge and the people who cross it."


async def faults(bench, report):
    """A model that dies, traps or hangs, again and again, is an error for its requests and nothing to others."""
    # Each round has a model of its own: one that died repeatedly would not be started again for a while.
    names = {name: [f"{name.lower()}-{number}" for number in range(bench.fault_rounds)] for name in FAULTS}
    victims = {victim: bench.models / f"{SMOLLM2}.gguf" for group in names.values() for victim in group}
    flags = ["--worker-timeout", str(TIMEOUT), "--context", "4096"]
    async with bench.serve(*flags, others=victims, preload=False) as server:
        calm = await server.client.chat(QUESTION, max_tokens=150, ignore_eos=True)
        same, answered = True, True
        for name, group in names.items():
            delays = []
            for attempt, victim in enumerate(group):
                client = server.client_of(victim)
                hit = await client.start(QUESTION, max_tokens=3000, ignore_eos=True)
                await hit.outputs(5)
                other = await server.client.start(QUESTION, max_tokens=150, ignore_eos=True)
                await other.outputs(5)
                pid = (await server.state(victim))["pid"]
                # Not always at the same point of a step.
                await asyncio.sleep(0.002 * (attempt % 10))
                died = time.monotonic()
                os.kill(pid, signal.Signals[name])
                await hit.end()
                delays.append(1000 * (hit.ended - died))
                if not hit.error:
                    report.claim(f"{name} ends the stream in an error", False, hit.summary())
                same = same and (await other.end()).require().text == calm.text
                fresh = await client.chat(QUESTION, max_tokens=150, ignore_eos=True)
                answered = answered and fresh.text == calm.text
                # It has done its part; its memory is for the next ones.
                os.kill((await server.state(victim))["pid"], signal.SIGKILL)
            bound = 1000 * (TIMEOUT + ON_TOP) if name == "SIGSTOP" else SOON
            report.note(f"{name}: error after {median(delays):.0f} ms, p95 {percentile(delays, 0.95):.0f} ms")
            report.figure(f"{name}: error after, longest", max(delays), "ms", at_most=bound)
        report.claim("the other model's answers are those of a calm run", same)
        report.claim("the next request gets a new process and the right answer", answered)
        report.claim("the daemon lives", server.process.poll() is None)
