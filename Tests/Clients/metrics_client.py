#!/usr/bin/env python3
"""Hold /metrics against what the stock `openai` client has seen.

Starts `torii serve` with the real starter model, sends requests of several kinds, and compares the
counts with Prometheus' own parser. Checks that deploy/grafana-dashboard.json asks for nothing that
/metrics lacks, and lets promtool look at the metrics if it is installed. The exit status is 1 when
anything is amiss.
"""

import concurrent.futures
import http.client
import json
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import openai
from daemon import SMOL as MODEL
from daemon import Suite, ask
from prometheus_client.parser import text_string_to_metric_families

DASHBOARD = Path(__file__).parents[2] / "deploy/grafana-dashboard.json"
# What Prometheus adds to every series.
TARGET_LABELS = {"job", "instance"}


class Metrics:
    """One look at /metrics."""

    def __init__(self, root):
        with urllib.request.urlopen(f"{root}/metrics") as answer:
            kind = answer.headers["content-type"]
            assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
            self.text = answer.read().decode()
        self.values = {}
        self.labels = {}
        for family in text_string_to_metric_families(self.text):
            assert family.documentation and family.type != "unknown", family
            for sample in family.samples:
                place = (sample.name, frozenset(sample.labels.items()))
                assert place not in self.values, f"{place} comes twice"
                self.values[place] = sample.value
                self.labels.setdefault(sample.name, set()).update(sample.labels)

    def get(self, name, **labels):
        """The sum of the series that have these labels."""
        wanted = frozenset(labels.items())
        return sum(v for (n, given), v in self.values.items() if n == name and wanted <= given)


def wait(root, condition, what):
    """The first metrics that fulfil the condition: what is counted is counted a moment late."""
    started = time.monotonic()
    while True:
        metrics = Metrics(root)
        if condition(metrics):
            return metrics
        assert time.monotonic() - started < 30, f"{what} do not show:\n{metrics.text}"
        time.sleep(0.1)


def counts_requests_and_tokens(client):
    usages = []
    for number in range(3):
        arguments = dict(
            model=MODEL, messages=ask("Tell me about the sea."), max_tokens=24, seed=number
        )
        if number == 1:
            options = {"include_usage": True}
            stream = client.chat.completions.create(**arguments, stream=True, stream_options=options)
            usages.append(list(stream)[-1].usage)
        else:
            usages.append(client.chat.completions.create(**arguments).usage)
    several = client.chat.completions.create(
        model=MODEL, messages=ask("Pick a colour."), n=2, max_tokens=8
    )
    usages.append(several.usage)
    try:
        client.chat.completions.create(model=MODEL, messages=[])
        raise AssertionError("no messages were accepted")
    except openai.BadRequestError:
        pass

    route = dict(route="/v1/chat/completions")
    metrics = wait(
        client.root,
        lambda m: m.get("torii_requests_total", **route) == 5,
        "five requests",
    )
    of_model = dict(model=MODEL, key="anonymous")
    assert metrics.get("torii_requests_total", **route, **of_model, code="200") == 4
    assert metrics.get("torii_requests_total", **route, code="400") == 1
    assert metrics.get("torii_generations_total", **of_model) == 5
    prompt = sum(usage.prompt_tokens for usage in usages)
    output = sum(usage.completion_tokens for usage in usages)
    cached = sum(usage.prompt_tokens_details.cached_tokens for usage in usages)
    assert cached > 0, usages
    assert metrics.get("torii_prompt_tokens_total", **of_model) == prompt, usages
    assert metrics.get("torii_generation_tokens_total", **of_model) == output, usages
    assert metrics.get("torii_prompt_tokens_cached_total", **of_model) == cached, usages
    for name in ("time_to_first_token", "e2e_request_latency", "request_queue_time"):
        assert metrics.get(f"torii_{name}_seconds_count", **of_model) == 4, name
    assert metrics.get("torii_request_prefill_time_seconds_count", model=MODEL) == 5
    pieces = metrics.get("torii_inter_token_latency_seconds_count", model=MODEL)
    assert 0 < pieces <= output - 5, (pieces, output)
    assert metrics.get("torii_requests_cancelled_total") == 0
    assert metrics.get("torii_model_loads_total", model=MODEL, outcome="ok") == 1
    assert metrics.get("torii_model_resident", model=MODEL) == 1
    # The engine counts every choice's prompt, and tells its counters once a second.
    metrics = wait(
        client.root,
        lambda m: m.get("torii_engine_generation_tokens_total", model=MODEL) == output,
        "the engine's output tokens",
    )
    computed = metrics.get("torii_engine_prompt_tokens_total", model=MODEL)
    asked = metrics.get("torii_prefix_cache_queries_total", model=MODEL)
    had = metrics.get("torii_prefix_cache_hits_total", model=MODEL)
    assert computed == asked - had, (computed, asked, had)
    assert asked == prompt + several.usage.prompt_tokens, (asked, prompt)
    assert 0 < metrics.get("torii_http_connections") <= 20
    assert metrics.get("torii_http_connections_accepted_total") > 1
    assert 0 < metrics.get("torii_engine_busy_seconds_total", model=MODEL) < 600
    planned = metrics.get("torii_model_memory_planned_bytes", model=MODEL, kind="weights")
    assert planned < 2 * metrics.get("torii_model_memory_resident_bytes", model=MODEL)


def counts_clients_that_leave(client):
    before = Metrics(client.root)
    for number in range(4):
        stream = client.chat.completions.create(
            model=MODEL, messages=ask("Write a very long story."), max_tokens=2000, stream=True
        )
        for _ in range(3):
            next(stream)
        if number == 3:
            admin = f"{client.root}/admin/v1/requests"
            with urllib.request.urlopen(admin) as answer:
                (request,) = json.load(answer)["requests"]
            deletion = urllib.request.Request(f"{admin}/{request['id']}", method="DELETE")
            urllib.request.urlopen(deletion).close()
        stream.close()
        wait(
            client.root,
            lambda m: m.get("torii_requests_cancelled_total", model=MODEL) == number + 1,
            "cancelled requests",
        )
    metrics = wait(
        client.root,
        lambda m: m.get("torii_requests_running", model=MODEL) == 0
        and m.get("torii_requests_in_flight", model=MODEL) == 0
        and m.get("torii_kv_blocks", model=MODEL, state="used") == 0,
        "blocks of cancelled requests that came back",
    )
    name = "torii_requests_cancelled_total"
    assert metrics.get(name, model=MODEL, phase="decoding", reason="disconnect") == 3, metrics.text
    assert metrics.get(name, model=MODEL, phase="decoding", reason="admin") == 1, metrics.text
    for name in ("torii_generations_total", "torii_e2e_request_latency_seconds_count"):
        assert metrics.get(name) == before.get(name), name
    with urllib.request.urlopen(f"{client.root}/admin/v1/status") as answer:
        assert json.load(answer)["requests"]["cancelled_total"] == 4


def counts_a_crowd(client):
    before = Metrics(client.root)

    def request(number):
        answer = client.chat.completions.create(
            model=MODEL, messages=ask(f"Count from {number}."), max_tokens=16, seed=number
        )
        return answer.usage

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        usages = list(pool.map(request, range(36)))

    def added(metrics, name):
        return metrics.get(name, model=MODEL) - before.get(name, model=MODEL)

    metrics = wait(
        client.root, lambda m: added(m, "torii_requests_total") == 36, "the crowd's requests"
    )
    prompt = sum(usage.prompt_tokens for usage in usages)
    output = sum(usage.completion_tokens for usage in usages)
    assert added(metrics, "torii_prompt_tokens_total") == prompt
    assert added(metrics, "torii_generation_tokens_total") == output
    assert added(metrics, "torii_time_to_first_token_seconds_count") == 36
    assert added(metrics, "torii_e2e_request_latency_seconds_count") == 36
    assert added(metrics, "torii_requests_cancelled_total") == 0


def counts_a_client_that_leaves_during_the_prefill(client):
    body = {"model": MODEL, "messages": ask("word " * 7000), "max_tokens": 1}
    host = client.root.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    started = time.monotonic()
    while True:
        with urllib.request.urlopen(f"{client.root}/admin/v1/requests") as answer:
            states = [request["state"] for request in json.load(answer)["requests"]]
        if states == ["prefill"]:
            break
        assert time.monotonic() - started < 30, f"no request computes its prompt: {states}"
    connection.close()
    wait(
        client.root,
        lambda m: m.get("torii_requests_cancelled_total", phase="prefill", reason="disconnect") == 1
        and m.get("torii_requests_running", model=MODEL) == 0,
        "a request that was cancelled in its prefill",
    )


def has_all_that_the_dashboard_asks_for(client):
    metrics = Metrics(client.root)
    described = set(re.findall(r"^# TYPE (\S+)", metrics.text, re.MULTILINE))
    dashboard = json.loads(DASHBOARD.read_text())
    variables = dashboard["templating"]["list"]
    names = {variable["name"] for variable in variables} | {"__rate_interval"}
    targets = [t for panel in dashboard["panels"] for t in panel.get("targets", [])]
    assert len(targets) > 50
    expressions = [target["expr"] for target in targets]
    expressions += [v["query"]["query"] for v in variables if v["type"] == "query"]
    asked = set()
    for expression in expressions:
        unknown = set(re.findall(r"\$(\w+)", expression)) - names
        assert not unknown, f"{expression}: {unknown}"
        for name, selector in re.findall(r"((?:torii|process)_\w+)(?:\{([^}]*)\})?", expression):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in described or base in described, f"{name} is in no metric"
            asked.add(base if base in described else name)
            # A metric without series yet shows no labels.
            known = metrics.labels.get(name)
            wanted = set(re.findall(r"(\w+)=", selector)) - TARGET_LABELS
            assert known is None or wanted <= known, f"{name} has no label {wanted - known}"
    forgotten = {name for name in described if name.startswith("torii_")} - asked
    allowed = {"torii_model_info", "torii_engine_steps_total", "torii_requests_in_flight"}
    allowed.add("torii_memory_free_bytes")
    assert forgotten <= allowed, f"the dashboard does not show {forgotten - allowed}"


def pleases_promtool(client):
    if not (promtool := shutil.which("promtool")):
        return
    result = subprocess.run(
        [promtool, "check", "metrics"],
        input=Metrics(client.root).text,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0 and not result.stderr, result.stderr or result.stdout


def connect(root):
    client = openai.OpenAI(base_url=f"{root}/v1", api_key="none", max_retries=0, timeout=120)
    client.root = root
    return client


if __name__ == "__main__":
    suite = Suite("metrics", __doc__)
    # In this order: the counts of the first are those of a new daemon.
    suite.checks = [
        counts_requests_and_tokens,
        counts_clients_that_leave,
        counts_a_client_that_leaves_during_the_prefill,
        counts_a_crowd,
        has_all_that_the_dashboard_asks_for,
        pleases_promtool,
    ]
    suite.run(connect)
