"""Percentiles, and figures that are held against bounds."""

import json
import os
import platform
import sys
import time
from pathlib import Path


# The share of the processors that others may use while times are measured.
QUIET = 0.1


def percentile(values, share):
    """The value that `share` of the values (0 … 1) do not exceed, between neighbours in proportion."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def median(values):
    return percentile(values, 0.5)


def machine():
    """What the figures were measured on: numbers without it say little."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "busy_before": busy_share(),
    }


def busy_share(seconds=0.5):
    """How much of the processors others use now, 0 … 1.

    Servers that wait by spinning, as llama.cpp's does, become many times slower beside other work: on a busy
    machine even ratios say nothing.
    """

    def times():
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, idle, waiting, *rest = map(int, fields)
        return user + nice + system + sum(rest), idle + waiting

    busy, idle = times()
    time.sleep(seconds)
    busy, idle = times()[0] - busy, times()[1] - idle
    return busy / max(1, busy + idle)


def write_json(path, value):
    if path:
        Path(path).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


class Report:
    """What one check measured, printed as it comes, and whether all of it was within its bounds."""

    def __init__(self, name):
        self.name = name
        self.figures = []
        self.failures = []
        self.busy_before = 0.0

    def figure(self, label, value, unit="", at_most=None, at_least=None):
        """A measured number; with a bound it decides."""
        holds = value == value  # not a number means that nothing was measured
        bounds = []
        if at_most is not None:
            holds = holds and value <= at_most
            bounds.append(f"at most {at_most:.4g} {unit}".rstrip())
        if at_least is not None:
            holds = holds and value >= at_least
            bounds.append(f"at least {at_least:.4g} {unit}".rstrip())
        self.figures.append(
            {"label": label, "value": value, "unit": unit, "at_most": at_most, "at_least": at_least}
        )
        self._line(label, f"{value:.4g} {unit}".rstrip(), holds, ", ".join(bounds))

    def claim(self, label, holds, detail=""):
        """A statement that is either true or not."""
        self.figures.append({"label": label, "value": bool(holds)})
        self._line(label, "yes" if holds else "no", holds, "" if holds else detail)

    def note(self, text):
        self.figures.append({"label": text})
        print(f"    {text}", flush=True)

    def _line(self, label, value, holds, bound):
        if not holds:
            self.failures.append(label)
        sign = " " if holds else "!"
        print(f"  {sign} {label + ':':52} {value}{f'   ({bound})' if bound else ''}", flush=True)


def progress(text):
    """A line that the next one replaces, for those who watch."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
