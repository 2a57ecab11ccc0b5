"""Debian's Prometheus and promtool. require() gives the folder that holds both, or ends the program as skipped (77) and says why."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from debian_package import programs_of  # noqa: E402

SKIPPED = 77


def require():
    try:
        return programs_of("prometheus", "usr/bin/prometheus", "usr/bin/promtool")
    except OSError as error:
        print(f"skipped: {error}")
        sys.exit(SKIPPED)
