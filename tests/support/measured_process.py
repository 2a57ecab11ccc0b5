"""Runs one betrace command and says what it took: peak memory and time next to what it wrote. Standard library only.

The peak is the kernel's VmHWM, looked at until the end: wait4's ru_maxrss would count what this process had when it forked.
"""
import os
import re
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import Optional

from betrace_process import binary, sanitizer_environment


@dataclass
class Measured:
    returncode: Optional[int]  # None: ended by the timeout
    stdout: str
    stderr: str
    peak_kib: int
    seconds: float


def _peak_kib(process):
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            found = re.search(r"VmHWM:\s+(\d+)", file.read())
    except OSError:
        return 0
    return int(found.group(1)) if found else 0


def run_measured(arguments, timeout=300):
    started, peak = time.monotonic(), 0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=sanitizer_environment())
        pidfd = os.pidfd_open(process.pid)  # to see its end at once, and not at the next look at its memory
        while not select.select([pidfd], [], [], 0.01)[0] and time.monotonic() - started < timeout:
            peak = max(peak, _peak_kib(process))
        seconds = time.monotonic() - started
        os.close(pidfd)
        ended = process.poll() is not None
        if not ended:
            process.kill()
            process.wait()
        out.seek(0)
        err.seek(0)
        return Measured(process.returncode if ended else None, out.read().decode(errors="replace"), err.read().decode(errors="replace"), peak, seconds)
