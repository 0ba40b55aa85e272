"""What the service promises about memory, one function each."""

import re
import subprocess
import sys
import time
from pathlib import Path

from memory_service import MEBIBYTE, Failed, Group, await_true, claim, note, run

# Of the models that are to fill the memory.
CONTEXT = 512
FILLERS = ("starter", "m1", "m2", "m3", "m4", "m5", "m6")


def check(function):
    function.is_check = True
    return function


def mebibytes(count):
    return f"{count / MEBIBYTE:.0f} MiB"


@check
def groups(service):
    """each worker has a control group of its own with the limit of its plan, which goes with it"""
    status = service.status()
    claim(status["worker_groups"] == str(service.group.path), f"workers' groups are in {status['worker_groups']}")
    for name in ("a", "b"):
        plan = service.admin("POST", "plan", {"model": name})
        status, answer = service.load(name)
        claim(status == 200, f"{name} cannot be loaded: {answer}")
        pid, group = service.worker(name)
        claim(group.path == service.group.path / f"worker-{pid}", f"{name} is in {group.path}")
        claim(group.text("cgroup.procs") == str(pid), "others are in its group")
        need = plan["needed_bytes"] - plan["kv_bytes"] + max(plan["kv_bytes"], plan["maximum_kv_bytes"])
        expected = need * 1.05 + 256 * MEBIBYTE
        limit = group.number("memory.max")
        memory = service.model(name)["memory"]
        note(f"{name}: {mebibytes(group.number('memory.current'))} used, {mebibytes(limit)} allowed, memory {memory}")
        claim(abs(limit - expected) < 16 * MEBIBYTE, f"memory.max is {limit} instead of {expected}")
        claim(group.number("memory.oom.group") == 1, "its processes are not killed together")
        claim(memory["resident_byte_count"], "nobody can say what the worker takes")
    daemon = Path(f"/proc/{service.property('MainPID')}/cgroup").read_text().strip()
    claim(daemon.endswith("/torii.service/gateway"), f"the daemon is in {daemon}")
    service.unload("a")
    service.unload("b")
    await_true(lambda: not list(service.group.path.glob("worker-*")), "the workers' groups are gone", 30)


def out_of_memory(service, name):
    """Lets a model's worker run out of memory in the middle of an answer; the answer."""
    hit = service.stream(name, max_tokens=1900).begun()
    _, group = service.worker(name)
    began = time.monotonic()
    try:
        group.put("memory.max", 8 * MEBIBYTE)
    except OSError as problem:
        # It goes with its last process, maybe before the kernel has answered.
        note(f"memory.max: {problem}")
    hit.end()
    note(f"the hit stream ended {hit.ended - began:.1f} s later: {hit.error}")
    return hit


@check
def oom(service):
    """a worker that takes more than its limit dies alone, its requests learn why, and it comes back"""
    service.restart()
    calm = service.text("a", max_tokens=200)
    claim(service.text("b", max_tokens=200) == calm, "two names of one file answer differently")
    pid = service.property("MainPID")
    for round in (1, 2):
        neighbour = service.stream("a", max_tokens=200).begun()
        hit = out_of_memory(service, "b")
        claim(hit.error and "ran out of memory" in hit.error["message"], f"the stream ends in {hit.error}")
        claim(neighbour.whole() == calm, "the neighbour's answer is another one")
        claim(service.property("MainPID") == pid, "the daemon was restarted")
        model = service.model("b")
        shown = run("torii", "show", "b")
        claim("out of memory" in shown, f"torii show says: {shown}")
        claim(model["counts"]["crashes"] == round, f"counts: {model['counts']}")
        if round == 1:
            note(next(line.strip() for line in shown.splitlines() if "out of memory" in line))
            claim(service.text("b", max_tokens=200) == calm, "the new worker answers differently")
    counts = service.ask("GET", "/metrics")[1]
    wanted = 'torii_worker_out_of_memory_total{model="b"} 2'
    claim(wanted in counts, f"metrics have no {wanted}")
    events = service.group.counts("memory.events")
    claim(events["oom_group_kill"] == 2, f"not only two workers were killed: {events}")
    # The next ones are a loop, which is slowed down.
    out_of_memory(service, "b")
    out_of_memory(service, "b")
    status, answer = service.complete("b")
    while status == 200 or answer["error"]["code"] == "model_worker_died":
        out_of_memory(service, "b")
        status, answer = service.complete("b")
    claim(status == 503 and "out of memory" in answer["error"]["message"], f"then it is {status}: {answer}")
    pause = service.model("b")["retry_after_seconds"]
    note(f"after more: {answer['error']['message']} Again in {pause} s.")
    claim(service.text("a", max_tokens=200) == calm, "the neighbour suffers")
    time.sleep(pause + 1)
    claim(service.text("b", max_tokens=200) == calm, "it does not come back")


@check
def limit(service):
    """with 400 MB for the service, models are loaded until one is refused, and nothing stalls or dies"""
    since = int(time.time())
    loaded = filled(service)
    await_true(lambda: said(service, "packed weights kept", since) >= len(loaded), "all weights are kept", 120)
    # The second time they are mapped, which must not look like free memory.
    claim(filled(service) == loaded, "others fit when their weights are mapped")
    claim(said(service, "weights=mapped", since) >= len(loaded), "not all weights were mapped")
    # Somebody else in the service's own group, such as a leak of the daemon's.
    since = int(time.time())
    with Hog() as hog:
        own = Group(service.group.path / "hog")
        own.path.mkdir()
        own.put("cgroup.procs", hog.process.pid)
        hog.take(400 * MEBIBYTE - service.group.number("memory.current") + cached(service.group) - 30 * MEBIBYTE)
        await_true(lambda: "evictIdleModel" in steps(service, since), "an idle model goes", 60)
    await_true(lambda: not own.text("cgroup.procs"), "the hog is gone")
    own.path.rmdir()
    note(f"another one took what was left: {' → '.join(steps(service, since))}")
    claim(steps(service, since)[:2] == ["shrinkCaches", "evictIdleModel"], "the order is another one")
    unhurt(service, loaded)


def filled(service):
    """The models that fit into a fresh service with 400 MB, all of them at work once."""
    service.restart("MemoryMax=400M")
    claim(service.group.number("memory.max") == 400 * MEBIBYTE, "the unit's limit is another one")
    loaded, refused = fill(service)
    memory = service.status()["memory"]
    note(f"{len(loaded)} models, then {refused['message']}")
    note(f"{mebibytes(memory['capacity_byte_count'])} for models, {mebibytes(memory['room_byte_count'])} left")
    claim(len(loaded) >= 3, "hardly anything fits")
    # Most of them at once, so that all that was planned is used.
    streams = [service.stream(name, prompt="word " * 40, max_tokens=30) for name in loaded if name != "starter"]
    texts = {stream.whole() for stream in streams}
    claim(len(texts) == 1, "answers differ")
    note(f"longest gap within {len(streams)} answers: {max(stream.longest_gap() for stream in streams):.1f} s")
    unhurt(service, loaded)
    return loaded


def said(service, text, since):
    """How often a text is in the journal."""
    return service.journal(since=since).count(text)


def fill(service):
    """Loads models until one is refused; their names, and the error."""
    loaded = []
    for name in FILLERS:
        began = time.monotonic()
        status, answer = service.load(name, allow_evict=False, context=CONTEXT)
        if status != 200:
            claim(time.monotonic() - began < 10, "the refusal took long")
            claim(answer["error"]["code"] == "insufficient_memory", f"it is refused with {status}: {answer}")
            return loaded, answer["error"]
        loaded.append(name)
    raise Failed("everything fits")


def unhurt(service, names):
    """The kernel has killed nobody and hardly stopped anybody."""
    events = service.group.counts("memory.events")
    current = service.group.number("memory.current")
    note(f"{mebibytes(current)} used, events {events}, stalled {service.group.stalled():.2f} s")
    claim(events["oom_kill"] == 0, "the kernel killed a process")
    claim(service.group.stalled() < 2, "processes stood still")
    for name in names:
        claim(service.model(name)["counts"]["crashes"] == 0, f"{name} crashed")


@check
def high(service):
    """memory.high is as much a wall as memory.max, and so is what an ancestor has"""
    service.restart("MemoryHigh=300M")
    loaded, refused = fill(service)
    note(f"memory.high: {len(loaded)} models, then {refused['message']}")
    unhurt(service, loaded)
    claim(service.group.counts("memory.events")["high"] == 0, "it was reached")
    service.restart()
    before = service.status()["memory"]["room_byte_count"]
    parent = Group(service.group.path.parent)
    wall = parent.number("memory.current") + 220 * MEBIBYTE
    parent.put("memory.high", wall)
    try:
        room = service.status()["memory"]
        plan = service.admin("POST", "plan", {"model": "starter"})
        note(f"{mebibytes(before)} without, {mebibytes(room['room_byte_count'])} with the slice's limit")
        claim(room["room_byte_count"] < before and room["limit"] == "machine", f"the room is {room}")
        claim(plan["available_bytes"] == room["room_byte_count"] or plan["limit"] == "machine", f"the plan is {plan}")
        shown = run("torii", "plan", "starter", check=False)
        note(shown.strip().replace("\n", "\n    "))
    finally:
        parent.put("memory.high", "max")


HOG = """
import mmap, sys
taken = []
for line in sys.stdin:
    size = int(line)
    taken.append(mmap.mmap(-1, size))
    for offset in range(0, size, 4096):
        taken[-1][offset] = 1
    print("taken", flush=True)
"""


class Hog:
    """Somebody else on the machine who takes memory."""

    def __enter__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", HOG], stdin=pipe, stdout=pipe, text=True)
        return self

    def take(self, byte_count):
        """Takes so much at once, and no more when somebody makes room."""
        print(byte_count, file=self.process.stdin, flush=True)
        claim(self.process.stdout.readline(), "the hog died")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def cached(group):
    """Bytes of a group that the kernel can drop."""
    counts = group.counts("memory.stat")
    return counts["active_file"] + counts["inactive_file"] + counts["slab_reclaimable"]


def available():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise Failed("the kernel does not say")


def steps(service, since):
    """What the service gave up, in order."""
    return re.findall(r"the machine runs out of memory.*?step=(\w+)", service.journal(since=since))


@check
def pressure(service):
    """when memory ends, caches shrink, then idle models go, and only then requests are refused"""
    service.restart()
    calm = service.text("c", max_tokens=1000)
    for name in ("a", "b"):
        service.text(name, prompt="word " * 200)
    since = int(time.time())
    running = service.stream("c", max_tokens=1000).begun()
    with Hog() as hog:
        hog.take(available() - 150 * MEBIBYTE)
        await_true(lambda: "refuseRequests" in steps(service, since), "requests are refused", 60)
        status, answer = service.complete("c")
        note(f"{' → '.join(steps(service, since))}; then {status}: {answer}")
        claim(steps(service, since)[:4] == ["shrinkCaches", "evictIdleModel", "evictIdleModel", "refuseRequests"],
              "the order is another one")
        claim(status == 503 and answer["error"]["code"] == "memory_pressure", "requests are not refused")
        claim({service.model(name)["state"] for name in "ab"} == {"unloaded"}, "idle models stay")
    claim(running.whole() == calm, "the running answer is another one")
    await_true(lambda: service.complete("a")[0] == 200, "requests are served again", 60)


@check
def clock(service):
    """the clock jumps by a day, forth and back, and nothing ends or goes for that"""
    service.restart("WatchdogSec=10")
    calm = service.text("a", max_tokens=800)
    service.load("b")
    pid = service.property("MainPID")
    stream = service.stream("a", max_tokens=800).begun()
    for jump in ("+1 day", "-2 days", "+1 day"):
        # Not a time of day, which would be today's.
        run("date", "-s", f"@{int(time.time()) + {'+1 day': 86400, '-2 days': -172800}[jump]}")
        count = len(stream.times)
        await_true(lambda: len(stream.times) > count + 10 or stream.is_done, "the answer goes on", 60)
    claim(stream.whole() == calm, "the answer is another one")
    claim(service.ask("GET", "/readyz")[0] == 200, "it is not ready")
    claim(service.model("b")["state"] == "resident", "an idle model went")
    claim(service.property("MainPID") == pid and service.property("NRestarts") == "0", "it was restarted")
    note([line for line in service.journal().splitlines() if "/v1/completions" in line][-1])
