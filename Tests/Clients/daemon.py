#!/usr/bin/env python3
"""Start a daemon with real models, and run checks against it: what all client scripts share.

Run as a script it starts a daemon, runs a command that finds it at TORII_URL, and stops it:

    daemon.py --torii .build/release/torii COMMAND ARGUMENT...
"""

import argparse
import atexit
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

SMOL = "smollm2-135m-instruct.q4_1"
QWEN = "qwen2.5-coder-0.5b-instruct.Q4_K_M"
MINILM = "all-minilm-l6-v2"


def ask(text):
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


class Daemon:
    """A daemon of our own, on a port that the kernel chooses."""

    def __init__(self, torii, models, names):
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        (folder / "models").mkdir()
        for name in names:
            # A file, or a folder as Hugging Face has it.
            file = models / f"{name}.gguf"
            path = file if file.is_file() else models / name
            if not path.exists():
                sys.exit(f"{file} is missing: run Tests/fetch-models")
            (folder / "models" / path.name).symlink_to(path)
        environment = {
            "PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no", "HOME": str(folder),
            "CACHE_DIRECTORY": str(folder / "cache"),
        }  # fmt: skip
        command = [torii, "serve", "--listen", "127.0.0.1:0", "--models", str(folder / "models")]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, errors="replace"
        )
        # Also when the script fails or is ended: a daemon must not be left behind.
        atexit.register(self.process.kill)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        self.log = []
        self.url = None
        found = threading.Event()

        def read():
            for line in self.process.stderr:
                self.log.append(line)
                if match := re.search(r"address=(127\.0\.0\.1:\d+)", line):
                    self.url = f"http://{match[1]}"
                    found.set()
            found.set()

        threading.Thread(target=read, daemon=True).start()
        if not found.wait(30) or self.url is None:
            self.process.kill()
            sys.exit("the daemon did not start:\n" + "".join(self.log))

    def stop(self):
        """Its exit status, once its requests have ended."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return -1


class Suite:
    """Checks of one client, run one after the other against a daemon.

    A check is a function of the suite's client that raises when something is amiss; what it returns is
    shown beside its name. `arguments` are those of the command line, `root` is the daemon's address.
    """

    def __init__(self, title, description, models=(SMOL,), exclusions=()):
        self.title = title
        self.checks = []
        # What the client's own suite holds and we leave out, with the reason for it.
        self.exclusions = exclusions
        self.failed = []
        self.passed = 0
        parser = argparse.ArgumentParser(description=description.splitlines()[0])
        add_daemon_arguments(parser)
        parser.add_argument(
            "--url", default=os.environ.get("TORII_URL"), help="a daemon that runs already"
        )
        parser.add_argument("names", nargs="*", help="checks to run; all if none is named")
        self.parser = parser
        self.model_names = models

    def check(self, function):
        """Adds a check; for use as a decorator."""
        self.checks.append(function)
        return function

    def run(self, connect):
        """Runs all checks with the client that `connect` makes for an address, and exits."""
        self.arguments = self.parser.parse_args()
        daemon = None
        if not self.arguments.url:
            daemon = Daemon(self.arguments.torii, self.arguments.models, self.model_names)
        self.root = self.arguments.url or daemon.url
        client = connect(self.root)
        for function in self.checks:
            if not self.arguments.names or function.__name__ in self.arguments.names:
                self.attempt(function.__name__, lambda: function(client))
        if daemon and (status := daemon.stop()) != 0:
            self.failed.append("stop")
            print(f"FAILED  the daemon ended with {status}")
        if daemon and self.failed:
            print("the end of the daemon's log:\n" + "".join(daemon.log[-20:]))
        for name, reason in self.exclusions:
            print(f"left out  {name}: {reason}")
        print(
            f"{self.title}: {self.passed} passed, {len(self.failed)} failed, "
            f"{len(self.exclusions)} left out",
            flush=True,
        )
        sys.exit(1 if self.failed else 0)

    def attempt(self, name, body):
        """Runs one check and prints a line about it."""
        started = time.monotonic()
        try:
            remark = body()
            self.passed += 1
            seconds = time.monotonic() - started
            print(f"passed  {name} ({seconds:.1f} s){f': {remark}' if remark else ''}", flush=True)
        except Exception:
            self.failed.append(name)
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)


def add_daemon_arguments(parser):
    """What says which daemon to start; models are where Tests/fetch-models puts them."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(os.environ.get("TORII_TEST_MODELS") or f"{cache}/torii/test-models")
    parser.add_argument("--torii", default=".build/release/torii", help="executable to start")
    parser.add_argument("--models", type=Path, default=folder, help="folder of models")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_daemon_arguments(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run")
    arguments = parser.parse_args()
    daemon = Daemon(arguments.torii, arguments.models, [SMOL, QWEN, MINILM])
    status = subprocess.call(arguments.command, env={**os.environ, "TORII_URL": daemon.url})
    if (end := daemon.stop()) != 0:
        print(f"FAILED  the daemon ended with {end}")
    if status != 0 or end != 0:
        print("the end of the daemon's log:\n" + "".join(daemon.log[-20:]))
    sys.exit(1 if status != 0 or end != 0 else 0)


if __name__ == "__main__":
    main()
