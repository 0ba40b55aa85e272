#!/usr/bin/env python3
"""Let schemathesis invent requests from openapi.yaml, valid and invalid, and hold the answers to it.

No request may be answered with a server error, with a status or a content type that the description does
not have, or with a body or headers that do not fit it. The description is the one that the daemon serves.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from daemon import SMOL, Suite

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
ENDLESS = ["/admin/v1/events", "/models/sse"]
SUITE = Suite(
    "schemathesis",
    __doc__,
    [SMOL],
    [(f"GET {path}", "its stream of events has no end") for path in ENDLESS],
)
SUITE.parser.add_argument("--examples", type=int, default=60, help="fuzzed requests per operation")
SUITE.parser.add_argument("--seconds", type=int, default=75, help="time for all of them")
SUITE.parser.add_argument("--seed", type=int, default=1, help="of the requests")


@SUITE.check
def answers_as_described(root):
    arguments = SUITE.arguments
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "schema_hooks",
        "PYTHONPATH": str(Path(__file__).resolve().parent),
        "TORII_MODEL": SMOL,
    }
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{root}/openapi.yaml", "--url", root,
        "--checks", CHECKS, *(word for path in ENDLESS for word in ("--exclude-path", path)),
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(arguments.examples),
        "--max-time", str(arguments.seconds), "--seed", str(arguments.seed), "--no-color",
        "--request-timeout", "60", "--generation-database", "none", "--workers", "1",
        "--continue-on-failure", "--no-shrink", "--warnings", "off",
    ]
    # It leaves a folder with what it found where it runs.
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True
        )
    assert result.returncode == 0, result.stdout[-40_000:] + result.stderr[-2_000:]
    counts = re.findall(r"(\d[\d,]*) (generated|passed|skipped|failed)", result.stdout)
    return ", ".join(f"{count} {name}" for count, name in counts)


if __name__ == "__main__":
    SUITE.run(lambda root: root)
