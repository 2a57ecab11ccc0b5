"""Ends a process by SIGTERM and says how long that took, and how much of it is the machine's. The time in which a
thread of the process could have run and was in line for a processor that others had (the kernel's schedstat). Where
the kernel does not count that, nothing is taken off. Standard library only."""
import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Optional

LOOK_MS = 10


@dataclass
class Stop:
    status: Optional[int]  # None: it is still there
    seconds: float
    in_line: float  # seconds in which a thread of it stood in line
    processor: float  # seconds of the processor's that it used itself

    @property
    def own(self):
        """What it would have taken on processors of its own."""
        return self.seconds - self.in_line

    def __str__(self):
        return f"{self.seconds:.2f} s, {self.in_line:.2f} of it in line for a processor, {self.processor:.2f} of one"


def _processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _delays(pid):
    """{thread: seconds that it stood in line}, of threads that are there. A thread that stands there now is counted when
    it runs."""
    delays = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                delays[thread] = int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        pass  # a thread, or all, ended meanwhile
    return delays


def united_length(spans):
    """Of (begin, end), what lies in at least one."""
    length, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        length += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return length


class _Line:
    """When threads stood in line since `began`."""

    def __init__(self, pid, began):
        self.pid, self.began, self.spans, self.seen = pid, began, [], _delays(pid)

    def look(self):
        now = time.monotonic()
        for thread, seconds in _delays(self.pid).items():
            waited = seconds - self.seen.get(thread, 0.0)
            self.seen[thread] = seconds
            if waited > 0:
                self.spans.append((max(self.began, now - waited), now))


def measure_stop(process, patience):
    """process: a Popen. One that does not end within `patience` seconds goes on."""
    pidfd = os.pidfd_open(process.pid)
    before, began = _processor_seconds(process.pid), time.monotonic()
    line = _Line(process.pid, began)
    process.send_signal(signal.SIGTERM)
    ended = select.poll()  # select takes no descriptor above 1,023
    ended.register(pidfd, select.POLLIN)
    while not (has_ended := bool(ended.poll(LOOK_MS))) and time.monotonic() - began < patience:
        line.look()
    seconds = time.monotonic() - began
    line.look()
    processor = _processor_seconds(process.pid) - before  # also of one that has ended and was not waited for
    os.close(pidfd)
    return Stop(process.wait() if has_ended else None, seconds, min(seconds, united_length(line.spans)), processor)
