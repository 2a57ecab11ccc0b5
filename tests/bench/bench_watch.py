"""What watch costs Tempo: bytes that Tempo says it inspected for a round, against the bytes of the round's own slice searched once by the same filters.
Goal: at most 2 x. Traffic goes on while it is measured, so that slices hold traces to read. Asserts that violations were found, never times.
`--short` and `--medium` measure for a shorter time.
"""
import argparse
import json
import os
import re
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
os.environ["BETRACE_BIN"] = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(HERE, "../../build/release/server/betrace"))
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

INTERVAL_SECONDS, SETTLE_SECONDS = 2, 4
RULE = {"id": "slow-no-retry", "dsl": "when { db.slow } always { retry }"}
FILTER = '{ name = "db.slow" }'


def push_traffic(tempo, stop):
    """50 traces a second of 8 spans; one in 25 is slow, one in 100 violates."""
    number = 0
    while not stop.is_set():
        spans = []
        for _ in range(25):
            trace_id, now = otlp.new_trace_id(), time.time_ns()
            root = otlp.span(trace_id, "checkout", now, 50_000_000)
            spans += [root] + [otlp.span(trace_id, f"step.{i}", now + i * 1_000_000, parent=root["spanId"], attrs={"step": i}) for i in range(6)]
            if number % 25 == 0:
                spans.append(otlp.span(trace_id, "db.slow", now + 1_000_000, parent=root["spanId"]))
                if number % 100:
                    spans.append(otlp.span(trace_id, "retry", now + 2_000_000, parent=root["spanId"]))
            number += 1
        tempo.push(spans, service="shop")
        stop.wait(0.5)


def metric(service, name):
    text = service.get("/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M))


def slice_bytes(tempo):
    """Of one search over the slice that a round would ask for now."""
    end = int(time.time()) - SETTLE_SECONDS
    status, body = tempo.search_raw(FILTER, end - INTERVAL_SECONDS, end, 10000)
    assert status == 200, body
    return int(json.loads(body)["metrics"].get("inspectedBytes", 0))


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    seconds = by_size(parser.parse_args().size, 8, 20, 90)
    stop = threading.Event()
    with TempoServer(config="fast") as tempo:
        traffic = threading.Thread(target=push_traffic, args=(tempo, stop), daemon=True)
        traffic.start()
        with Betrace("--tempo", tempo.url, "--otlp", tempo.otlp_url, "--watch", "--interval", f"{INTERVAL_SECONDS}s", "--settle", f"{SETTLE_SECONDS}s",
                     "--sweep", "10s", "--lookback", "30s") as service:
            assert service.post("/v1/rules", RULE).status == 201
            time.sleep(SETTLE_SECONDS + 3 * INTERVAL_SECONDS)
            rounds, inspected = metric(service, "betrace_watch_rounds_total"), metric(service, "betrace_watch_inspected_bytes_total")
            own, end = [], time.time() + seconds
            while time.time() < end:
                own.append(slice_bytes(tempo))
                time.sleep(INTERVAL_SECONDS)
            rounds = metric(service, "betrace_watch_rounds_total") - rounds
            inspected = metric(service, "betrace_watch_inspected_bytes_total") - inspected
            sent = metric(service, "betrace_violations_total")
            stop.set()
            traffic.join()
    assert rounds > 3 and sent > 0, (rounds, sent)
    per_round, per_slice = inspected / rounds, sum(own) / len(own)
    print(f"{rounds:.0f} rounds of {INTERVAL_SECONDS} s over {seconds} s, {sent:.0f} violations sent")
    print(f"Tempo's inspected bytes: {per_round:,.0f} a round, {per_slice:,.0f} for one search of the slice: "
          f"{per_round / per_slice if per_slice else float('nan'):.2f} x (goal: at most 2)")


if __name__ == "__main__":
    require_tempo()
    main()
