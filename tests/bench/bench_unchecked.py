"""What a Tempo costs whose version nobody has checked, next to the same one as a version that was: the same Tempo answers both, and a proxy says which
version it is. Goal: at most 3 times the requests, and at most 3 times Tempo's processor time. Prints both and their ratios for each rule; asserts that both
find the same traces, never a time. BETRACE_TEMPO_VARIANT chooses the Tempo.

Rules of each kind: what sets of ids decide, what spans decide, what is read, links, and counts. `--short` and `--medium`: 400 traces, each once;
else 5,000, medians of five.
"""
import argparse
import json
import random
import statistics
import time

from replay_cost import counting, medians  # sets the path
from betrace_process import run_cli  # noqa: E402
from http_wire import Answer, Proxy, send_whole  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from sizes import add_sizes, by_size  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
import otlp  # noqa: E402

SECOND = 10**9
BEGAN_BEFORE_S, LASTED_S = 3 * 3600, 3600
SPANS_PER_PUSH = 4000
CHECKED, UNCHECKED = "3.0.3", "9.9.9"
GOAL = 3
RULES = {
    "sets of ids": "when { db.query } always { audit }",
    "few are candidates": 'when { trace.has(http.route == "/r7") } always { db.query }',
    "a value of a span": 'when { "web" } always { trace.has(http.method != "PUT") }',
    "absence": 'when { web.where(http.method == "POST") } always { audit }',
    "a count": "trace.count(http.status_code >= 500) >= 2",
    "two counts": 'trace.count(http.method == "GET") > trace.count(http.status_code >= 400)',
    "same user": "when { audit.where(user.id == web.user.id) } always { db.query }",
    "order": "when { db.query as q } always { audit after q }",
    "links": "when { web as p } always { process.where(user.id == p.user.id) linked to p within 10m }",
}


class Named(Proxy):
    """In front of a Tempo, as one of another version."""

    def __init__(self, upstream, version):
        super().__init__(upstream, self.answer)
        self.version = version

    def answer(self, wire, request, answer):
        if request.path != "/api/status/buildinfo":
            send_whole(wire, request, answer())
            return True
        said = json.dumps({"version": self.version, "goVersion": "go1.26.8"}).encode()
        send_whole(wire, request, Answer(200, {"Content-Type": "application/json"}, said))
        return True


def spans_of(chance, number, start_ns):
    """A request, most with a query and an audit; every third has a linked job in a trace of its own."""
    trace_id, method = otlp.new_trace_id(), chance.choice(("GET", "GET", "POST", "PUT"))
    attributes = {"http.method": method, "http.route": f"/r{chance.randrange(30)}", "http.status_code": chance.choice((200, 200, 404, 500)),
                  "user.id": f"u{chance.randrange(40)}"}
    root = otlp.span(trace_id, "web", start_ns, span_id=otlp.new_span_id(), attrs=attributes)
    spans = [root]
    if number % 100:
        spans.append(otlp.span(trace_id, "db.query", start_ns + 1000, parent=root["spanId"], attrs={"http.status_code": 503 if number % 200 == 1 else 200}))
    if number % 50:
        spans.append(otlp.span(trace_id, "audit", start_ns + 2000, parent=root["spanId"], attrs={"user.id": f"u{chance.randrange(40)}"}))
    if number % 3 == 0:
        job = otlp.span(otlp.new_trace_id(), "process", start_ns + 3000, attrs={"user.id": attributes["user.id"]})
        job["links"] = [{"traceId": trace_id, "spanId": root["spanId"]}]
        spans.append(job)
    return spans


def push(tempo, count, began_ns):
    chance, spans, pushed = random.Random("unchecked"), [], set()
    for number in range(count):
        spans += spans_of(chance, number, began_ns + number * LASTED_S * SECOND // count)
        if len(spans) >= SPANS_PER_PUSH or number == count - 1:
            tempo.push(spans)
            pushed |= {span["traceId"] for span in spans}
            spans = []
    return len(pushed)


def replay(url, dsl, bounds):
    done = run_cli("replay", "--dsl", dsl, "--tempo", url, "--start", str(bounds[0]), "--end", str(bounds[1]), "--limit", "0", "--json", timeout=600)
    assert done.returncode in (0, 1), (dsl, done.returncode, done.stderr[-2000:])
    answer = json.loads(done.stdout)
    assert answer["status"] == "completed", {**answer, "violations": []}
    return answer


def measure(tempo, urls, name, bounds, runs):
    functions, used = counting(tempo.pid, {kind: lambda url=url: replay(url, RULES[name], bounds) for kind, url in urls.items()})
    times, answers = medians(runs, functions)
    work = {kind: max(statistics.median(each), 0.01) for kind, each in used.items()}
    found = {kind: sorted(one["trace_id"] for one in answer["violations"]) for kind, answer in answers.items()}
    assert found["checked"] == found["unchecked"], (name, {kind: len(ids) for kind, ids in found.items()})
    requests = {kind: answer["queries"] for kind, answer in answers.items()}
    shown = "; ".join(f"{kind} {times[kind]:6.3f} s, {work[kind]:5.2f} s of Tempo's processor, {requests[kind]:4d} requests ({answers[kind]['strategy']})" for kind in urls)
    ratios = requests["unchecked"] / requests["checked"], work["unchecked"] / work["checked"]
    print(f"{name:20s}{len(found['checked']):5d} violate; {shown}; ratio of requests {ratios[0]:5.2f}, of processor time {ratios[1]:5.2f} (goal {GOAL})", flush=True)
    return ratios


def bench(count, runs, names):
    with TempoServer("fast", closes_blocks=True) as tempo, Named(tempo.url, CHECKED) as checked, Named(tempo.url, UNCHECKED) as unchecked:
        began_s = int(time.time()) - BEGAN_BEFORE_S
        pushed = push(tempo, count, began_s * SECOND)

        def are_there():
            return len(tempo.search("{ }", began_s - 60, began_s + LASTED_S + 60, limit=pushed + 1, spss=1)) == pushed
        tempo.wait_until(are_there, "all traces are searchable", seconds=300, pause=1)
        tempo.close_blocks()
        tempo.wait_until(are_there, "all traces are searchable in blocks", seconds=300, pause=1)
        print(f"Tempo {tempo.variant.name}: {pushed} traces", flush=True)
        bounds = (began_s - 60, began_s + LASTED_S + 60)
        ratios = [measure(tempo, {"checked": checked.url, "unchecked": unchecked.url}, name, bounds, runs) for name in names]
        print(f"the highest ratio of requests {max(one for one, _ in ratios):.2f}, of processor time {max(one for _, one in ratios):.2f} (goal {GOAL})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_sizes(parser)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--traces", type=int, help="so many, whatever the size says")
    parser.add_argument("--rules", default=",".join(RULES), help="names, joined by commas")
    options = parser.parse_args()
    count, runs = by_size(options.size, (400, 1), (400, 1), (5000, options.runs))
    bench(options.traces or count, runs, options.rules.split(","))


if __name__ == "__main__":
    require_tempo()
    main()
