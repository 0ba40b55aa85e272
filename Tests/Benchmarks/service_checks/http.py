"""The HTTP layer alone: beside nginx, and with thousands of connections that say nothing."""

import asyncio
import re
import shutil
import socket
import subprocess

from figures import median
from serving import Server
from streaming import Client, Failure

from service_checks import Process, allow_descriptors

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port};
        location / {{ default_type application/json; return 200 '{{"status":"ok"}}'; }}
    }}
}}
"""


class Nginx(Server):
    """nginx with one process and a constant answer, the same as that of `/livez`."""

    def __init__(self):
        super().__init__("nginx")

    async def start(self):
        executable = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not executable:
            raise Failure("nginx is missing: apt-get install nginx-light wrk")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        file = self.folder / "nginx.conf"
        file.write_text(NGINX.format(folder=self.folder, port=port))
        self.launch([executable, "-c", file])
        self.client = Client("127.0.0.1", port, "none")
        await self.wait_until(self._answers)

    async def _answers(self):
        return (await (await self.client.send("GET", "/")).end(within=10)).status == 200


class Load:
    """What wrk measured, with the server's processor time a request in microseconds."""

    def __init__(self, server, path, seconds):
        process = Process(server.process.pid)
        before = process.seconds
        url = f"http://{server.client.host}:{server.client.port}{path}"
        command = ["wrk", "-t1", "-c16", f"-d{seconds:g}s", "--latency", url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        requests = int(re.search(r"(\d+) requests in", text)[1])
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        self.cost = (process.seconds - before) / max(1, requests) * 1e6
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        self.slowest = float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
        self.has_errors = "Socket errors" in text or "Non-2xx" in text


async def static(bench, report):
    """A constant answer, in turns with nginx's: half its rate, p99 10 ms, no error."""
    if not shutil.which("wrk"):
        raise Failure("wrk is missing: apt-get install nginx-light wrk")
    loads = {"nginx": [], "/livez": [], "/version": []}
    async with Nginx() as nginx, bench.serve() as torii:
        for _ in range(bench.rounds):
            for name, server, path in (
                ("nginx", nginx, "/"), ("/livez", torii, "/livez"), ("/version", torii, "/version"),
            ):  # fmt: skip
                loads[name].append(await asyncio.to_thread(Load, server, path, bench.seconds))
    for name, runs in loads.items():
        report.figure(f"{name}: requests a second", median([run.rate for run in runs]))
        report.figure(f"{name}: processor time a request", median([run.cost for run in runs]), "µs")
        report.figure(f"{name}: 99 of 100 answered within", median([run.slowest for run in runs]), "ms")
        report.claim(f"{name}: no errors", not any(run.has_errors for run in runs), "wrk saw some")
    # What the I/O loop answers by itself, and what a task does.
    for name in ("/livez", "/version"):
        pairs = list(zip(loads[name], loads["nginx"], strict=True))
        report.figure(
            f"{name}: share of nginx's rate", median([ours.rate / other.rate for ours, other in pairs]),
            at_least=0.5 if name == "/livez" else None,
        )  # fmt: skip
        report.figure(f"{name}: nginx's time / ours", median([other.cost / ours.cost for ours, other in pairs]))
    report.figure(
        "/livez: 99 of 100 within", median([run.slowest for run in loads["/livez"]]), "ms", at_most=10
    )


async def idle(bench, report):
    """Thousands of connections that have been answered once and stay open cost 8 KB each."""
    allow_descriptors(bench.connections + 500)
    request = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with bench.serve_fake() as server:
        process = Process(server.process.pid)
        await probe(server)
        before = process.memory
        sockets = []
        try:
            for _ in range(bench.connections):
                connection = socket.create_connection((server.client.host, server.client.port))
                connection.sendall(request)
                if not connection.recv(4096).startswith(b"HTTP/1.1 200 "):
                    raise Failure(f"connection {len(sockets) + 1} is not served")
                sockets.append(connection)
            each = (process.memory - before) / bench.connections
            load = await asyncio.to_thread(Load, server, "/livez", bench.seconds)
            spent = process.seconds
            await asyncio.sleep(3)
            spent = process.seconds - spent
        finally:
            for connection in sockets:
                connection.close()
    report.figure("connections", len(sockets), at_least=bench.connections)
    report.figure("memory of the server for each", each, "bytes", at_most=8192)
    report.figure("others are answered: 99 of 100 within", load.slowest, "ms", at_most=20)
    report.figure("processor time in 3 s of silence", spent * 1000, "ms", at_most=30)


async def probe(server):
    """A few requests, so that what is made once has been made."""
    for _ in range(20):
        await (await server.client.send("GET", "/livez")).end(within=60)
