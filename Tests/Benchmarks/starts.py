"""How long a server takes from its start to the first token of its first answer.

Cold: the model's file is not in the page cache. Warm: it is. Torii's third figure is a load of a model that
the daemon had loaded before and unloaded: its packed weights are mapped.
"""

import asyncio
import os
import time

from figures import median

KINDS = ("cold", "warm", "again")


def evict(path):
    """Drops a file from the page cache, as far as nobody else has it mapped."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def read(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


async def first_token(client):
    return (await client.chat("Say hello.", max_tokens=1, ignore_eos=True)).first_token


async def measure_starts(make_server, side, model, completes=False):
    """Seconds by kind; `make_server` makes a fresh server of a side, `completes` is its client's."""
    found = {}
    for kind, prepare in (("cold", evict), ("warm", read)):
        prepare(model)
        started = time.monotonic()
        async with make_server() as running:
            running.client.completes = completes
            await first_token(running.client)
            found[kind] = time.monotonic() - started
            if side == "torii" and kind == "warm":
                await wait_for_packed_weights(running)
                await running.client.json("POST", f"/admin/v1/models/{running.model}/unload", {"wait": True})
                started = time.monotonic()
                await first_token(running.client)
                found["again"] = time.monotonic() - started
    return found


async def wait_for_packed_weights(running, within=60):
    """Until the worker has written what the next load maps: a file that has its name and no longer grows."""
    deadline, last = time.monotonic() + within, None
    while time.monotonic() < deadline:
        files = [path for path in running.folder.rglob("weights/*") if path.is_file()]
        sizes = {path: path.stat().st_size for path in files}
        if sizes and sizes == last:
            return
        last = sizes
        await asyncio.sleep(1)


def starts_table(rounds):
    """The medians in Markdown; `rounds`: [{side: {kind: seconds}}]."""

    def cell(side, kind):
        values = [found[side][kind] for found in rounds if kind in found[side]]
        return f"{median(values):.2f}" if values else "–"

    lines = ["| start to first token, s | file not cached | file cached | loaded before |"]
    lines.append("| --- | --- | --- | --- |")
    for side, name in (("torii", "Torii"), ("llama", "llama.cpp")):
        lines.append(f"| {name} | " + " | ".join(cell(side, kind) for kind in KINDS) + " |")
    return "\n".join(lines)
