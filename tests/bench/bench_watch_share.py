"""Watch's share of Tempo's processor: what Tempo takes for 200 spans a second with watch, against what it takes for the spans alone.
`packs` has 50 rules of distribution/packs, and most of their antecedents are in every trace; `selective` has one rule that one trace of 25 meets.
Goals for the processor: at most 3 x for packs (2.5 x at 2,000 spans a second, `--rate 250`), 2 x for selective. Tempo inspects for a round at most 3 x
the bytes of one search of its slice. 95 % of violations are told within settle, interval and 10 s. Asserts that each planted violation was sent, never
times. `--only KIND` measures one of them, `--show` lists what Tempo was asked, by kind. `--short` and `--medium` measure for a shorter time, and
`--seconds N` for N.

`--restart-every N`: every N seconds BeTrace is killed and started again, or Tempo is restarted, in turn. Then only what was missed is told.
"""
import argparse
import collections
import json
import os
import re
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
os.environ["BETRACE_BIN"] = os.environ.get("BETRACE_RELEASE_BIN", os.path.join(ROOT, "build/release/server/betrace"))
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

PACKS = ("payments", "hipaa", "pci", "soc2", "security", "sre-reliability", "n-plus-one")
RULES, TRACES_A_SECOND, VIOLATING = 50, 25, 100  # one trace of so many lacks its entry in the ledger
PUSHES_A_SECOND, DELAY_GOAL_SECONDS, RATIO_OF_BYTES = 5, 10, 3
SLOW = {"id": "slow-no-retry", "dsl": "when { db.slow } always { retry }"}
INTERVAL_SECONDS, SETTLE_SECONDS, WARM_SECONDS, SENT_SECONDS = 10, 5, 30, 120
FLAGS = ("--watch", "--settle", f"{SETTLE_SECONDS}s", "--sweep", "20s", "--lookback", "60s", "--margin", "30s",
         "--lateness", "5s")
TICKS = os.sysconf("SC_CLK_TCK")


def pack_rules():
    """The first 50 rules of these packs: id and dsl."""
    rules = []
    for pack in PACKS:
        with open(os.path.join(ROOT, "distribution", "packs", f"{pack}.yaml"), encoding="utf-8") as file:
            text = file.read()
        for found in re.finditer(r"^  - id: (\S+)\n(?:    .*\n)*?    dsl: \|\n((?:      .*\n|\n)+)", text, re.M):
            rules.append({"id": found[1], "dsl": "\n".join(line[6:] for line in found[2].split("\n")).strip()})
    assert len(rules) >= RULES, len(rules)
    return rules[:RULES]


def trace_of(number):
    """Eight spans. Nothing is wrong with them, but that one of 100 has no entry in the ledger, and one of 25 is slow."""
    trace_id, now = otlp.new_trace_id(), time.time_ns() - 60_000_000
    ids = {"payment.id": f"p-{number}", "order.id": f"o-{number}"}
    step = iter(range(1, 100))

    def child(name, parent, **attrs):
        kind = attrs.pop("kind", "internal")
        return otlp.span(trace_id, name, now + next(step) * 5_000_000, parent=parent, kind=kind, attrs={k.replace("__", "."): v for k, v in attrs.items()})

    root = otlp.span(trace_id, "POST /admin/refunds", now, 50_000_000, kind="server",
                     attrs={"http.route": "/admin/refunds", "http.request.method": "POST", "http.response.status_code": 200, "user.id": "u-1"})
    patient = {"patient.id": f"pat-{number}", "user.id": "u-1"}
    spans = [root, child("authz.check", root["spanId"], authz__decision="allow"),
             child("record.read", root["spanId"], data__classification="PHI", **patient),
             child("audit.log", root["spanId"], **patient),
             child("fraud.check", root["spanId"], **ids),
             child("payment.authorize", root["spanId"], payment__amount=1500, payment__currency="EUR", **ids),
             child("payment.capture", root["spanId"], payment__amount=1500, payment__currency="EUR", **ids)]
    violates = number % VIOLATING == 0
    spans.append(child("receipt.send" if violates else "ledger.post", root["spanId"], **ids))
    if number % 25 == 0:
        spans[-2 if violates else -1]["attributes"] += otlp.attributes({"slow": True})
        spans += [child("db.slow", root["spanId"])] + ([] if violates else [child("retry", root["spanId"])])
    return trace_id, spans, violates


class Traffic(threading.Thread):
    """Eight spans for each trace until end(). `violating`: {trace that violates: when its spans were taken}. Nothing is pushed while `pause` is held."""

    def __init__(self, tempo, rate):
        super().__init__(daemon=True)
        self.tempo, self.rate, self.ending, self.violating, self.pause = tempo, rate, threading.Event(), {}, threading.Lock()
        self.pushed = 0  # traces

    def run(self):
        number, due = 0, time.time()
        while not self.ending.is_set():
            with self.pause:
                spans, violating = [], []
                for _ in range(self.rate // PUSHES_A_SECOND):
                    trace_id, more, violates = trace_of(number)
                    spans += more
                    number += 1
                    if violates:
                        violating.append(trace_id)
                self.tempo.push(spans, service="shop")
                self.violating.update(dict.fromkeys(violating, time.time()))
                self.pushed = number
            due = max(due + 1 / PUSHES_A_SECOND, time.time() - 1)
            time.sleep(max(0, due - time.time()))

    def end(self):
        self.ending.set()
        self.join()


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def kind_of(path):
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
    text = query.get("q", [""])[0]
    if not path.startswith("/api/search"):
        return "by id" if "/traces/" in path else "other"
    if "by(span:id)" not in text:
        return "search"
    return "batch" if text.startswith("{ trace:id =~") and "|| true) }" in text else "some spans"


def metric(service, name):
    text = service.get("/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M))


def sent_of(tempo, begin, known):
    """Adds to `known`, {span of a violation in Tempo: (the trace that it names, when it was sent)}."""
    for trace_id in set(tempo.search('{ name = "betrace.violation" }', begin, int(time.time()) + 60, limit=100000, spss=100)) - {one for one, _ in known}:
        known.update({(trace_id, span["span_id"]): (span["attrs"]["betrace.violation.trace_id"], span["start_ns"] / 1e9)
                      for span in tempo.trace(trace_id)})
    return known


def slice_bytes(tempo, interval):
    """Of one search over the slice that a round would ask for now, for spans of any name."""
    end = int(time.time()) - SETTLE_SECONDS
    status, body = tempo.search_raw("{ }", end - interval, end, 100000)
    assert status == 200, body
    return int(json.loads(body)["metrics"].get("inspectedBytes", 0))


class Restarts:
    """Kills BeTrace, and restarts Tempo, in turn."""

    def __init__(self, service, tempo, traffic):
        self.service, self.tempo, self.traffic, self.count = service, tempo, traffic, 0

    def next(self):
        if self.count % 2 == 0:
            self.service.kill()
            time.sleep(3)
            self.service.start()
        else:
            with self.traffic.pause:
                self.tempo.restart()
        self.count += 1


def restart_for(seconds, every, restarts):
    end = time.time() + seconds
    while (left := end - time.time()) > 0:
        time.sleep(min(left, every))
        if time.time() + every / 2 < end:
            restarts.next()
    print(f"  {restarts.count} restarts in {seconds} s")


def wait_for_sent(tempo, begin, wanted):
    """Until every wanted trace has its violation: what sent_of knows then."""
    deadline, known, missing = time.time() + SENT_SECONDS, {}, wanted
    while missing:
        assert time.time() < deadline, f"{len(missing)} of {len(wanted)} violations were not sent: {sorted(missing)[:3]}"
        time.sleep(1)
        missing = wanted - {named for named, _ in sent_of(tempo, begin, known).values()}
    return known


def print_delays(violating, wanted, known, interval):
    first = {}
    for named, at in known.values():
        first[named] = min(at, first.get(named, at))
    delays = sorted(first[one] - violating[one] for one in wanted)
    print(f"  {len(delays)} violations; from the last span to the violation {delays[len(delays) // 2]:.1f} s in the middle, "
          f"{delays[int(len(delays) * 0.95)]:.1f} s at the 95th percentile, {delays[-1]:.1f} s at most "
          f"(goal: 95 % within {SETTLE_SECONDS + interval + DELAY_GOAL_SECONDS} s)")


def measure_alone(tempo, seconds, traffic):
    time.sleep(WARM_SECONDS)
    before, pushed = processor_seconds(tempo.pid), traffic.pushed
    time.sleep(seconds)
    print(f"{(traffic.pushed - pushed) / seconds:.0f} traces a second were pushed", flush=True)
    return (processor_seconds(tempo.pid) - before) / seconds


def measure_beside(tempo, service, proxy, seconds, options):
    asked, before = len(proxy.seen), processor_seconds(tempo.pid)
    rounds, inspected = metric(service, "betrace_watch_rounds_total"), metric(service, "betrace_watch_inspected_bytes_total")
    of_slices, end = [], time.time() + seconds
    while (left := end - time.time()) > 0:
        time.sleep(min(left, options.interval))
        of_slices.append(slice_bytes(tempo, options.interval))
    taken = (processor_seconds(tempo.pid) - before) / seconds
    rounds = max(1, metric(service, "betrace_watch_rounds_total") - rounds)
    inspected = (metric(service, "betrace_watch_inspected_bytes_total") - inspected) / rounds
    kinds = collections.Counter(kind_of(path) for _, path, _, _ in proxy.seen[asked:])
    print(f"  {rounds:.0f} rounds; Tempo inspected {inspected:,.0f} bytes a round, {inspected * len(of_slices) / max(sum(of_slices), 1):.2f} x those of one "
          f"search of its slice (goal: at most {RATIO_OF_BYTES})")
    if options.show:
        print("  asked a round: " + ", ".join(f"{kind} {count / rounds:.1f}" for kind, count in sorted(kinds.items())))
    return taken


def measure(rules, seconds, options):
    """Tempo's processor seconds a second under the same traffic; rules None: without watch. Prints what else watch cost."""
    with TempoServer(config="fast") as tempo, CountingProxy(tempo.url) as proxy:
        traffic, begin = Traffic(tempo, options.rate), int(time.time()) - 5
        traffic.start()
        if rules is None:
            taken = measure_alone(tempo, seconds, traffic)
            traffic.end()
            return taken
        asked_at = tempo.url if options.restart_every else proxy.url  # the proxy ends when nobody listens behind it
        with Betrace("--tempo", asked_at, "--otlp", tempo.otlp_url, "--interval", f"{options.interval}s", *FLAGS) as service:
            for rule in rules:
                answer = service.post("/v1/rules", rule)
                assert answer.status == 201, answer
            started = time.time()
            time.sleep(max(WARM_SECONDS, options.interval))
            if options.restart_every:
                taken = float("nan")
                restart_for(seconds, options.restart_every, Restarts(service, tempo, traffic))
            else:
                taken = measure_beside(tempo, service, proxy, seconds, options)
            with traffic.pause:
                wanted = {one for one, at in traffic.violating.items() if at > started + options.interval + 2}
            known = wait_for_sent(tempo, begin, wanted)
            traffic.end()
        assert wanted and {named for named, _ in known.values()} <= set(traffic.violating)
        print_delays(traffic.violating, wanted, known, options.interval)
        return taken


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--only", choices=("packs", "selective"))
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--interval", type=int, default=INTERVAL_SECONDS, help="of watch, in seconds")
    parser.add_argument("--rate", type=int, default=TRACES_A_SECOND, help="traces a second, of eight spans each")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--restart-every", type=int)
    options = parser.parse_args()
    seconds = options.seconds or by_size(options.size, 10, 25, 60)
    kinds = [("packs", pack_rules(), 3 if options.rate <= TRACES_A_SECOND else 2.5), ("selective", [SLOW], 2)]
    alone = None if options.restart_every else measure(None, seconds, options)
    print(f"{options.rate} traces a second" + (f": Tempo takes {alone:.3f} s of processor a second for them alone" if alone else ""), flush=True)
    for name, rules, goal in kinds:
        if options.only in (None, name):
            print(f"{name}: {len(rules)} rules watched beside", flush=True)
            beside = measure(rules, seconds, options)
            if alone:
                print(f"{name}: {beside:.3f}, {beside / alone:.2f} x (goal: at most {goal})", flush=True)


if __name__ == "__main__":
    require_tempo()
    main()
