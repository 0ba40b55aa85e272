"""Asks a server without a pause until standard input ends, and prints what became of it as JSON.

Each thread opens a connection per request, as curl does. `refused` counts connections that nobody
accepted, `broken` those that ended before their answer did, `other` any status but 200.
"""

import http.client
import json
import os
import socket
import sys
import threading

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
    done.set()
    for thread in threads:
        thread.join()
    print(json.dumps(counts))


main()
