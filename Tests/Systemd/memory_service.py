"""The service under test: what one does to it, and what the kernel says of it."""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

SOCKET = "/run/torii/torii.sock"
ADMIN_SOCKET = "/run/torii/admin.sock"
COMPLETIONS = "/v1/completions"
MEBIBYTE = 1 << 20
# Everything is emulated; what takes longer hangs.
PATIENCE = 180


class Failed(Exception):
    """A claim that does not hold."""


def claim(holds, what):
    if not holds:
        raise Failed(what)


def note(text):
    print(f"    {text}", flush=True)


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    claim(not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def await_true(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        claim(time.monotonic() < end, f"this never became true: {what}")
        time.sleep(0.1)


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Group:
    """A control group, by its directory."""

    def __init__(self, path):
        self.path = Path(path)

    def text(self, name):
        return (self.path / name).read_text().strip()

    def number(self, name):
        return int(self.text(name))

    def counts(self, name):
        return {word: int(count) for word, count in (line.split() for line in self.text(name).splitlines())}

    def put(self, name, value):
        (self.path / name).write_text(str(value))

    def stalled(self):
        """Seconds in which nobody in the group got on for want of memory."""
        line = next(line for line in self.text("memory.pressure").splitlines() if line.startswith("full"))
        return int(re.search(r"total=(\d+)", line)[1]) / 1e6


class Service:
    """Torii as the units of deploy/ run it."""

    def __init__(self):
        self.group = Group("/sys/fs/cgroup/system.slice/torii.service")

    def ask(self, method, path, body=None, admin=False):
        """The status and the JSON or text of an answer."""
        connection = Connection(ADMIN_SOCKET if admin else SOCKET)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            data = answer.read().decode()
            is_json = "json" in (answer.getheader("Content-Type") or "")
            return answer.status, json.loads(data) if is_json else data
        finally:
            connection.close()

    def admin(self, method, path, body=None, status=200):
        got, answer = self.ask(method, f"/admin/v1/{path}", body, admin=True)
        claim(got == status, f"{method} {path} answers {got}: {answer}")
        return answer

    def status(self):
        return self.admin("GET", "status")

    def model(self, name):
        return self.admin("GET", f"models/{name}")

    def load(self, name, **options):
        return self.ask("POST", f"/admin/v1/models/{name}/load", {"wait": True, **options}, admin=True)

    def unload(self, name):
        self.ask("POST", f"/admin/v1/models/{name}/unload", {"wait": True}, admin=True)

    def complete(self, model, **options):
        return self.ask("POST", COMPLETIONS, completion(model, **options))

    def text(self, model, **options):
        status, answer = self.complete(model, **options)
        claim(status == 200, f"{model} answers {status}: {answer}")
        return answer["choices"][0]["text"]

    def stream(self, model, **options):
        return Stream(completion(model, stream=True, **options))

    def restart(self, *properties):
        """Starts it anew with other properties of the unit, or with its own ones."""
        folder = Path("/run/systemd/system/torii.service.d")
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{line}\n" for line in properties)
        (folder / "zz-check.conf").write_text(f"[Service]\n{lines}")
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", "torii.service")
        claim(self.ask("GET", "/livez")[0] == 200, "it does not live")

    def property(self, name):
        return run("systemctl", "show", "-P", name, "torii.service").strip()

    def journal(self, lines=1000, since=None):
        run("journalctl", "--sync")
        bounds = [f"--since=@{since}"] if since else []
        return run("journalctl", "--no-pager", "-u", "torii", "-n", str(lines), "-o", "cat", *bounds)

    def worker(self, name):
        """The process of a model, and its control group."""
        pid = self.model(name)["pid"]
        claim(pid, f"{name} has no process")
        own = Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")
        return pid, Group(f"/sys/fs/cgroup{own}")


def completion(model, prompt="Hello", max_tokens=40, **options):
    return {"model": model, "prompt": prompt, "max_tokens": max_tokens, "seed": 7, "ignore_eos": True, **options}


class Stream(threading.Thread):
    """An answer that is read while other things happen."""

    def __init__(self, body):
        super().__init__(daemon=True)
        self.body = body
        self.status, self.text, self.error, self.is_done = None, "", None, False
        self.times = []
        self.problem = None
        self.start()

    def run(self):
        connection = Connection(SOCKET)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", COMPLETIONS, json.dumps(self.body), headers)
            answer = connection.getresponse()
            self.status = answer.status
            if answer.status != 200:
                self.error = json.loads(answer.read())["error"]
                return
            for line in answer:
                self.take(line.decode().strip())
        except (OSError, http.client.HTTPException) as problem:
            self.problem = repr(problem)
        finally:
            self.ended = time.monotonic()
            connection.close()

    def take(self, line):
        if not line.startswith("data: "):
            return
        data = line.removeprefix("data: ")
        if data == "[DONE]":
            self.is_done = True
            return
        event = json.loads(data)
        self.error = event.get("error", self.error)
        for choice in event.get("choices", []):
            if choice["text"]:
                self.text += choice["text"]
                self.times.append(time.monotonic())

    def begun(self, pieces=3):
        await_true(lambda: len(self.times) >= pieces or not self.is_alive(), "the answer begins")
        claim(not self.error and not self.problem, f"it did not begin: {self.error or self.problem}")
        return self

    def end(self):
        self.join(PATIENCE)
        claim(not self.is_alive(), "the answer does not end")
        return self

    def whole(self):
        """Its text, once it has ended as it should."""
        self.end()
        claim(self.is_done and not self.error and not self.problem, f"it ended in {self.error or self.problem}")
        return self.text

    def longest_gap(self):
        return max((later - earlier for earlier, later in zip(self.times, self.times[1:])), default=0)
