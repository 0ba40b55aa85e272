"""Servers that the benchmarks start and stop: Torii's daemon and llama.cpp's server.

Each is started for one measurement, on a port of this machine that the kernel chooses and with an empty home
folder, so that nothing of an earlier one and no configuration of the user is in the figures.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from streaming import Client, Failure

SMOLLM2 = "smollm2-135m-instruct.q4_1"
QWEN = "qwen2.5-coder-0.5b-instruct.Q4_K_M"
GEMMA = "gemma-3-270m.q4_k_m"
# Keys of the daemon's key file have at least 16 characters.
KEY_A = "benchmark-key-of-client-a"
KEY_B = "benchmark-key-of-client-b"


def model_folder():
    """Where Tests/fetch-models puts the models."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return os.environ.get("TORII_TEST_MODELS") or f"{cache}/torii/test-models"


class Server:
    """A server process with its log in a file, since a pipe that nobody reads would stop it."""

    def __init__(self, name):
        self.name = name
        self.process = None
        self.address = None
        self.client = None
        self._folder = tempfile.TemporaryDirectory(prefix=f"{name}-")
        self.folder = Path(self._folder.name)
        self.log_file = self.folder / "log"

    def launch(self, command, keeps_input=False):
        """Starts it; with `keeps_input` it ends when this script does, for its standard input is ours."""
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "CACHE_DIRECTORY": str(self.folder / "cache"),
            "SWIFT_BACKTRACE": "enable=no",
        }
        if libraries := os.environ.get("LD_LIBRARY_PATH"):
            environment["LD_LIBRARY_PATH"] = libraries
        with open(self.log_file, "wb") as log:
            try:
                self.process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.PIPE if keeps_input else subprocess.DEVNULL,
                    stdout=log, stderr=log, env=environment, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise Failure(f"{command[0]} cannot be started: {error}") from None

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    async def wait_until(self, ready, within=120):
        """Waits for `await ready()`; a process that ends instead is a failure with the end of its log."""
        deadline = time.monotonic() + within
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                end = "\n".join(self.log().strip().splitlines()[-6:])
                raise Failure(f"{self.name} did not start:\n{end}")
            if await ready():
                return
            await asyncio.sleep(0.05)

    def stop(self):
        """Ends it and removes its folder; returns its exit status."""
        status = None
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._folder.cleanup()
        return status

    async def __aenter__(self):
        try:
            await self.start()
        except BaseException:
            self.stop()
            raise
        return self

    async def __aexit__(self, *_):
        self.stop()


class Torii(Server):
    """`torii serve` with one model, or several, and a configuration file of our own.

    `others` are further models: a name to a file. One file may have several names, which makes it several
    models. All are loaded at the start, or only the first one.
    """

    def __init__(self, executable, model, flags=(), configuration=None, keys=(), others=None, preload=True):
        super().__init__("torii")
        self.others, self.preload = others or {}, preload
        self.executable, self.flags, self.keys = executable, list(flags), list(keys)
        self.model_path = Path(model).resolve()
        self.model = self.model_path.stem.lower()
        self.configuration = configuration or {}

    async def start(self):
        if not self.model_path.is_file():
            raise Failure(f"{self.model_path} is missing: Tests/fetch-models fetches it")
        models = self.folder / "models"
        models.mkdir()
        (models / self.model_path.name).symlink_to(self.model_path)
        for name, path in self.others.items():
            (models / f"{name}.gguf").symlink_to(Path(path).resolve())
        file = self.folder / "torii.json"
        file.write_text(json.dumps(self.configuration))
        command = [self.executable, "serve", "--config", file, "--listen", "127.0.0.1:0", "--models", models]
        if self.keys:
            key_file = self.folder / "keys"
            key_file.write_text("".join(f"{key}\n" for key in self.keys))
            key_file.chmod(0o600)
            command += ["--api-key-file", key_file]
        self.launch(command + self.flags)
        await self.wait_until(self._listens)
        # The model is loaded by the first request that needs it.
        for model in (self.model, *(self.others if self.preload else ())):
            await self.client.json("POST", "/tokenize", {"model": model, "content": "ready"})

    async def _listens(self):
        match = re.search(r"address=127\.0\.0\.1:(\d+)", self.log())
        if match:
            self.client = Client("127.0.0.1", int(match[1]), self.model, *self.keys[:1])
        return bool(match)

    def client_of(self, model):
        """A client of one of the other models."""
        return Client(self.client.host, self.client.port, model, self.client.key)

    async def state(self, model=None):
        """A model's state as the admin API has it; the counters are of the last heartbeat."""
        return await self.client.json("GET", f"/admin/v1/models/{model or self.model}")

    async def counter(self, name):
        """A counter of the worker; a failure when this build does not have it yet."""
        worker = (await self.state())["worker"] or {}
        if name not in worker:
            raise Failure(f"the admin API shows no {name}; there are {', '.join(worker)}")
        return worker[name]

    async def requests(self):
        """What runs and waits, as the admin API lists it."""
        listed = await self.client.json("GET", "/admin/v1/requests")
        return listed.get("requests", listed.get("data", []))

    async def settle(self, within=1.0):
        """Waits until nothing runs, waits or holds memory; returns how long that took and what is left.

        The counters may be a heartbeat old, so up to a second of what is returned is not the engine's.
        """
        started = time.monotonic()
        while True:
            state = await self.state()
            worker = state["worker"] or {}
            left = {
                "running": state["running"],
                "waiting": state["waiting"],
                "leases": state["leases"],
                "kv_blocks_in_use": worker.get("kv_blocks_in_use", 0),
            }
            taken = time.monotonic() - started
            if not any(left.values()) or taken > within:
                return taken, {name: value for name, value in left.items() if value}
            await asyncio.sleep(0.02)

    async def worker_memory(self):
        """The resident bytes of the worker, now."""
        return memory((await self.state())["pid"], "VmRSS")


class LlamaServer(Server):
    """llama.cpp's server with as many slots as clients may run at once."""

    def __init__(self, executable, model, slots, slot_context, threads, flags=()):
        super().__init__("llama-server")
        self.executable, self.model_path, self.flags = executable, Path(model), list(flags)
        self.slots, self.slot_context, self.threads = slots, slot_context, threads

    async def start(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.launch(
            [
                self.executable, "-m", self.model_path.resolve(), "--host", "127.0.0.1", "--port", port,
                "-np", self.slots, "--ctx-size", self.slots * self.slot_context, "-t", self.threads,
                *self.flags,
            ]
        )  # fmt: skip
        self.client = Client("127.0.0.1", port, self.model_path.stem)
        await self.wait_until(self._is_healthy)

    async def _is_healthy(self):
        answer = await (await self.client.send("GET", "/health")).end(within=60)
        return answer.status == 200


def stop_servers_when_ended():
    """Lets SIGTERM, which a time limit sends, end a script as Ctrl-C does: with its servers stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def memory(pid, field):
    """A `Vm…` field of a process, in bytes; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    match = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def process_tree(pid):
    """The process and all that descend from it."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, pending = [], [pid]
    while pending:
        found.append(pending.pop())
        pending += children.get(found[-1], [])
    return found


def peak_memory(pid):
    """The highest resident bytes so far of the processes of a tree, added up.

    The kernel keeps the mark, so nothing has to be sampled. Gateway and worker need not have been highest at
    the same moment: the sum is at most too large.
    """
    return sum(memory(process, "VmHWM") for process in process_tree(pid))
