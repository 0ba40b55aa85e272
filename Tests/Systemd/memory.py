"""Runs inside the virtual machine of check-memory, as root: the service with real memory controllers.

  memory.py [CHECK…]    all checks if none is named

Prints a line per claim, figures behind it, and the journal's last lines if one does not hold.
"""

import subprocess
import sys
import time

import memory_checks
from memory_service import Failed, Service


def main():
    checks = [check for name, check in vars(memory_checks).items() if getattr(check, "is_check", False)]
    names = sys.argv[1:] or [check.__name__ for check in checks]
    passed = failed = 0
    for check in checks:
        if check.__name__ not in names:
            continue
        began = time.monotonic()
        service = Service()
        try:
            check(service)
        except (Failed, OSError, subprocess.SubprocessError) as failure:
            print(f"FAILED  {check.__name__}: {failure!r}", flush=True)
            print(service.journal(40), flush=True)
            failed += 1
            continue
        passed += 1
        print(f"ok  {check.__doc__.strip()} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{failed} checks FAILED" if failed else f"{passed} checks passed", flush=True)
    raise SystemExit(failed > 0)


main()
