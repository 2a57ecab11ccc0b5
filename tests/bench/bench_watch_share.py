"""Watch's share of Tempo's processor: what Tempo takes for 200 spans a second with watch, against what it takes for the spans alone.
`packs` has 50 rules of distribution/packs, and most of their antecedents are in every trace; `selective` has one rule that one trace of 25 meets.
Goals: at most 3 x for packs, 2 x for selective. Asserts that each planted violation was sent, never times. `--only KIND` measures one of them, `--show`
lists what Tempo was asked, by kind. `--short` and `--medium` measure for a shorter time.
"""
import argparse
import collections
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
SLOW = {"id": "slow-no-retry", "dsl": "when { db.slow } always { retry }"}
INTERVAL_SECONDS, SETTLE_SECONDS, WARM_SECONDS, SENT_SECONDS = 10, 5, 30, 120
FLAGS = ("--watch", "--interval", f"{INTERVAL_SECONDS}s", "--settle", f"{SETTLE_SECONDS}s", "--sweep", "20s", "--lookback", "60s", "--margin", "30s",
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
    """200 spans a second until end()."""

    def __init__(self, tempo):
        super().__init__(daemon=True)
        self.tempo, self.ending, self.violating = tempo, threading.Event(), {}

    def run(self):
        number, due = 0, time.time()
        while not self.ending.is_set():
            spans = []
            for _ in range(TRACES_A_SECOND // 5):
                trace_id, more, violates = trace_of(number)
                spans += more
                number += 1
                if violates:
                    self.violating[trace_id] = time.time()
            self.tempo.push(spans, service="shop")
            due += 0.2
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


def sent_of(tempo, begin):
    """The traces that violations in Tempo name."""
    found = set()
    for trace_id in tempo.search('{ name = "betrace.violation" }', begin, int(time.time()) + 60, limit=10000, spss=100):
        found |= {span["attrs"]["betrace.violation.trace_id"] for span in tempo.trace(trace_id)}
    return found


def measure(rules, seconds, show):
    """(Tempo's processor seconds a second, inspected bytes a round) under the same traffic; rules None: without watch."""
    with TempoServer(config="fast") as tempo, CountingProxy(tempo.url) as proxy:
        traffic, begin = Traffic(tempo), int(time.time()) - 5
        traffic.start()
        if rules is None:
            time.sleep(WARM_SECONDS)
            before = processor_seconds(tempo.pid)
            time.sleep(seconds)
            taken = processor_seconds(tempo.pid) - before
            traffic.end()
            return taken / seconds
        with Betrace("--tempo", proxy.url, "--otlp", tempo.otlp_url, *FLAGS) as service:
            for rule in rules:
                answer = service.post("/v1/rules", rule)
                assert answer.status == 201, answer
            started = time.time()
            time.sleep(WARM_SECONDS)
            asked, before = len(proxy.seen), processor_seconds(tempo.pid)
            rounds, inspected = metric(service, "betrace_watch_rounds_total"), metric(service, "betrace_watch_inspected_bytes_total")
            time.sleep(seconds)
            taken = processor_seconds(tempo.pid) - before
            rounds = metric(service, "betrace_watch_rounds_total") - rounds
            inspected = metric(service, "betrace_watch_inspected_bytes_total") - inspected
            asked = collections.Counter(kind_of(path) for _, path, _, _ in proxy.seen[asked:])
            if show:
                print(f"  {taken:.1f} s of processor in {seconds} s, {rounds:.0f} rounds, {inspected / max(rounds, 1):,.0f} bytes inspected a round; asked a round: "
                      + ", ".join(f"{kind} {count / max(rounds, 1):.1f}" for kind, count in sorted(asked.items())))
            wanted = {one for one, at in list(traffic.violating.items()) if at > started + INTERVAL_SECONDS + 2}
            deadline = time.time() + SENT_SECONDS
            missing = wanted
            while missing:
                assert time.time() < deadline, f"{len(missing)} of {len(wanted)} violations were not sent: {sorted(missing)[:3]}"
                time.sleep(1)
                missing = wanted - sent_of(tempo, begin)
            assert wanted and sent_of(tempo, begin) <= set(traffic.violating)
            traffic.end()
        return taken / seconds


def main():
    parser = argparse.ArgumentParser()
    add_sizes(parser)
    parser.add_argument("--only", choices=("packs", "selective"))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    seconds = by_size(options.size, 10, 25, 60)
    kinds = [("packs", pack_rules(), 3), ("selective", [SLOW], 2)]
    alone = measure(None, seconds, False)
    print(f"Tempo takes {alone:.3f} s of processor a second for {TRACES_A_SECOND} traces a second alone")
    for name, rules, goal in kinds:
        if options.only in (None, name):
            beside = measure(rules, seconds, options.show)
            print(f"{name}: {len(rules)} rules watched beside: {beside:.3f}, {beside / alone:.2f} x (goal: at most {goal})")


if __name__ == "__main__":
    require_tempo()
    main()
