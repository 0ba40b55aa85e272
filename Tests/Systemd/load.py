"""Asks a server without a pause until standard input ends, and prints what became of it as JSON.

Says `begun` once 50 requests were answered, and goes on until 50 more were after the end of the input,
for 30 s at most. Each thread opens a connection per request, as curl does. `refused` counts connections that nobody
accepted, `broken` those that ended before their answer did, `other` any status but 200.
"""

import http.client
import json
import os
import socket
import sys
import threading
import time

PORT = int(os.environ.get("TORII_TEST_PORT", "11435"))
THREADS = int(os.environ.get("TORII_TEST_THREADS", "4"))


def main():
    headers = {"Authorization": "Bearer " + os.environ["TORII_API_KEY"]}
    counts = {"ok": 0, "refused": 0, "broken": 0, "other": 0}
    lock = threading.Lock()
    done = threading.Event()

    def count(kind):
        with lock:
            counts[kind] += 1
            if kind == "ok" and counts["ok"] == 50:
                print("begun", flush=True)

    def ask():
        while not done.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
            try:
                connection.connect()
            except OSError:
                count("refused")
                continue
            try:
                connection.request("GET", "/v1/models", headers=headers)
                answer = connection.getresponse()
                answer.read()
                count("ok" if answer.status == 200 else "other")
            except (OSError, http.client.HTTPException, socket.timeout):
                count("broken")
            finally:
                connection.close()

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    enough = counts["ok"] + 50
    end = time.monotonic() + 30
    while counts["ok"] < enough and time.monotonic() < end:
        time.sleep(0.05)
    done.set()
    for thread in threads:
        thread.join()
    print(json.dumps(counts))


main()
