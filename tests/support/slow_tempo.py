"""A Tempo that has answered the newest part of a range and takes its time over the rest: searches about anything before a moment are held until somebody
lets them go. Each of its traces has one span, `slow.query`. As a program it says where it listens, lets go at the line "release", and ends with its input:

    python3 tests/support/slow_tempo.py NEW OLD [MINUTES]     so many traces of the last half hour, and of more than two hours ago;
                                                              MINUTES: how old it is what waits, 90 if not said
"""
import os
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from partial_store import PartialStore  # noqa: E402
from protobuf_answer import bytes_field, varint  # noqa: E402

SPAN = "slow.query"
MINUTE = 60
HELD_SECONDS = 90 * MINUTE  # searches about what is older than this wait


def fixed(field, value):
    return varint(field << 3 | 1) + value.to_bytes(8, "little")


def export_request(trace_id, start_ns):
    """One trace of one span, as OTLP's protobuf."""
    span = (bytes_field(1, bytes.fromhex(trace_id)) + bytes_field(2, bytes.fromhex(trace_id[-16:])) + bytes_field(5, SPAN)
            + fixed(7, start_ns) + fixed(8, start_ns + 2_000_000_000))
    service = bytes_field(1, "service.name") + bytes_field(2, bytes_field(1, "shop"))
    return bytes_field(1, bytes_field(1, bytes_field(1, service)) + bytes_field(2, bytes_field(2, span)))


class SlowTempo(PartialStore):
    """`held`: searches that wait now."""

    def __init__(self, new, old, held_seconds=HELD_SECONDS):
        super().__init__(self.find)
        self.held_seconds = held_seconds
        self.released, self.held, self.now = threading.Event(), 0, int(time.time())
        for i in range(new):
            self.add(i, 10 * MINUTE + i)
        for i in range(old):
            self.add(new + i, 150 * MINUTE + i)

    def add(self, number, seconds_ago):
        self.push(export_request(f"{number + 1:032x}", (self.now - seconds_ago) * 1_000_000_000))

    def search(self, target):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
        query = asked["q"][0]
        recent = (("start", self.now - 30 * MINUTE), ("end", self.now))  # what a Tempo looks at without a range
        start, end = (int(asked[name][0]) if name in asked else otherwise for name, otherwise in recent)
        is_read = "trace:id" in query
        if not is_read and start < self.now - self.held_seconds:
            with self.lock:
                self.held += 1
            self.released.wait()
        if is_read:
            return super().search(target)
        return self.rows(self.among(start, end) if SPAN in query or query.strip(" {}") == "" else [])

    def among(self, start, end):
        with self.lock:
            return [one for one, spans in sorted(self.spans.items()) if start <= spans[0].start // 1_000_000_000 <= end]

    @staticmethod
    def find(store, _, ids):
        return store.rows(ids or [], {"service.name": "shop"})


def main():
    held_seconds = int(sys.argv[3]) * MINUTE if len(sys.argv) > 3 else HELD_SECONDS
    with SlowTempo(int(sys.argv[1]), int(sys.argv[2]), held_seconds) as tempo:
        print("listening", tempo.url, flush=True)
        for line in sys.stdin:
            if line.strip() == "release":
                tempo.released.set()
        tempo.released.set()


if __name__ == "__main__":
    main()
