"""What chosen trace ids cost watch: the processor's time for traces whose ids fall into one slot of a table without a seed, against that for random ids.
Goal: at most 2 x. Every trace is found, read and judged; none violates. Asserts that all were judged, never times. `--short` and `--medium` push fewer.
"""
import argparse
import os
import random
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
os.environ["BETRACE_BIN"] = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULE = {"id": "tick", "dsl": "when { tick } always { tick }"}
PRIME, BASIS, SLOT_BITS, WANTED = 1099511628211, 1469598103934665603, 16, 0x1234
DEADLINE_SECONDS = 180


def random_id(numbers):
    return numbers.getrandbits(128).to_bytes(16, "big").hex()


def chosen_id(numbers):
    """One whose FNV-1a hash has the wanted last bits; the last byte is worked out from the others (tests/support/chosen_ids.h)."""
    mask = (1 << SLOT_BITS) - 1
    wanted = WANTED * pow(PRIME, -1, 1 << SLOT_BITS) & mask
    while True:
        first = numbers.getrandbits(120).to_bytes(15, "big")
        state = BASIS & mask
        for byte in first:
            state = (state ^ byte) * PRIME & mask
        if state >> 8 == wanted >> 8:
            return (first + bytes([(state ^ wanted) & 0xFF])).hex()


def push_traces(tempo, ids):
    for first in range(0, len(ids), 1000):
        now = time.time_ns()
        tempo.push([otlp.span(trace_id, "tick", now, 1_000_000) for trace_id in ids[first:first + 1000]], service="shop")


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judged(service):
    text = service.get("/metrics").body.decode()
    return sum(float(value) for value in re.findall(r"^betrace_exercised_total(?:{[^}]*})? ([0-9.e+]+)$", text, re.M))


def watch_all(ids):
    """Processor seconds of a service that watches until each of the traces was judged."""
    with TempoServer(config="fast") as tempo:
        push_traces(tempo, ids)
        with Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, "--watch", "--interval", "2s", "--settle", "4s", "--sweep", "10s",
                     "--lookback", "10m") as service:
            assert service.post("/v1/rules", RULE).status == 201
            end = time.time() + DEADLINE_SECONDS
            while judged(service) < len(ids):
                assert time.time() < end, (judged(service), len(ids))
                time.sleep(1)
            return processor_seconds(service.process.pid)


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    count = by_size(parser.parse_args().size, 5000, 20000, 40000)
    numbers = random.Random(54)
    spent = {kind.__name__: watch_all([kind(numbers) for _ in range(count)]) for kind in (random_id, chosen_id)}
    print(f"{count} traces: {spent['random_id']:.2f} s of processor with random ids, {spent['chosen_id']:.2f} s with chosen ones: "
          f"{spent['chosen_id'] / spent['random_id']:.2f} x (goal: at most 2)")


if __name__ == "__main__":
    require_tempo()
    main()
