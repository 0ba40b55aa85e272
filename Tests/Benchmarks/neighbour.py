"""A neighbour on the machine: a process that takes a share of one processor."""

import contextlib
import os
import subprocess
import sys

PERIOD = 0.01  # seconds in which it works once and rests once

LOOP = """
import sys, time
share, period = float(sys.argv[1]), float(sys.argv[2])
while True:
    start = time.monotonic()
    while time.monotonic() - start < share * period:
        pass
    time.sleep(max(0, (1 - share) * period))
"""


@contextlib.contextmanager
def neighbour(share):
    """For as long as the block runs, a process works on the last processor for `share` (0 … 1) of the time."""
    if share == 0:
        yield
        return
    last = max(os.sched_getaffinity(0))
    process = subprocess.Popen(
        [sys.executable, "-c", LOOP, str(share), str(PERIOD)],
        preexec_fn=lambda: os.sched_setaffinity(0, {last}),
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
