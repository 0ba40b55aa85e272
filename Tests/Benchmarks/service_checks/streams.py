"""Hundreds of streams at a time."""

import time

from streaming import gather

from service_checks import Process, allow_descriptors

EVENTS = 200


async def streams(bench, report):
    """512 streams of 200 events: each whole and in order, for 30 µs of the gateway's time an event."""
    allow_descriptors(bench.streams + 500)
    words = [f"n{number} " for number in range(EVENTS)]
    async with bench.serve_fake() as server:
        # The worker starts with the first request.
        await server.client.chat("hello")
        process = Process(server.process.pid)
        spent, started = process.seconds, time.monotonic()

        async def read():
            answer = await server.client.start("".join(words))
            await answer.end(within=300)
            return answer

        answers = await gather(*(read() for _ in range(bench.streams)))
        spent, taken = process.seconds - spent, time.monotonic() - started
    whole = sum(answer.text == "".join(words) and answer.is_done for answer in answers)
    events = sum(len(answer.tokens.get(0, ())) for answer in answers)
    total = bench.streams * EVENTS
    report.figure("streams that are whole and in order", whole, at_least=bench.streams)
    report.figure("pieces of text", total)
    # Pieces that came while a client was slow to read go out as one event.
    report.figure("events that carried them", events, at_most=total)
    report.figure("gateway's processor time a piece", spent / total * 1e6, "µs", at_most=30)
    report.figure("pieces a second, all together", total / taken)
    if whole < bench.streams:
        report.note(next(a.summary() for a in answers if not a.is_done or a.text != "".join(words)))
