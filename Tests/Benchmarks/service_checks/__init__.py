"""The checks of check-service, and what they share: processes as the kernel sees them."""

import os
import re
import resource
from dataclasses import dataclass
from pathlib import Path

from serving import SMOLLM2, Server, Torii
from streaming import Client, Failure


@dataclass
class Bench:
    """What the checks need to know about this run."""

    torii: str
    fake_server: str
    models: Path
    rounds: int = 3
    seconds: float = 4
    connections: int = 8000
    streams: int = 512
    minutes: float = 60

    def serve(self, *flags):
        """A daemon of our own with a small model; `async with` starts and stops it."""
        return Torii(self.torii, self.models / f"{SMOLLM2}.gguf", list(flags))

    def serve_fake(self):
        """The gateway over a worker that computes nothing."""
        return FakeModel(self.fake_server)


class FakeModel(Server):
    """`FakeModelServer`, which serves the model `good`."""

    def __init__(self, executable):
        super().__init__("FakeModelServer")
        self.executable = executable

    async def start(self):
        self.launch([self.executable], keeps_input=True)
        await self.wait_until(self._listens)

    async def _listens(self):
        match = re.search(r"address=127\.0\.0\.1:(\d+)", self.log())
        if match:
            self.client = Client("127.0.0.1", int(match[1]), "good")
        return bool(match)


class Process:
    """One process: what it has used, and what it holds."""

    def __init__(self, pid):
        self.path = Path(f"/proc/{pid}")

    @property
    def seconds(self):
        """Time on a processor since its start."""
        fields = (self.path / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self):
        """Its proportional set: shared pages count by their share."""
        text = (self.path / "smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024

    @property
    def descriptors(self):
        return len(list((self.path / "fd").iterdir()))

    @property
    def threads(self):
        return len(list((self.path / "task").iterdir()))

    @property
    def children(self):
        tasks = (self.path / "task").iterdir()
        return sum(len((task / "children").read_text().split()) for task in tasks)


def allow_descriptors(count):
    """Lets this process, and those it starts, have so many descriptors."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < count:
        raise Failure(f"this needs {count} descriptors and may have {most}: see `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
