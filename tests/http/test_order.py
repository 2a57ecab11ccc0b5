"""The order in which spans, batches and files come changes no byte of any answer: random spans in random layouts, and every command and door that shows
traces. What is measured (how long it took) is the one thing that may differ."""
import itertools
import json
import os
import pathlib
import random
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

SECOND = 10**9
BEGIN = 1_790_000_000 * SECOND
NAMES = ("retry", "pub", "sub", "db.query", "checkout", "pay")
SERVICES = ("web", "shop", "store", "")
RULES = {
    "retry": "never { retry }",
    "text-order": "never { pay and checkout }",
    "queries": "when { checkout as c } always { db.query after c within 2s }",
    "pairs": "when { checkout as c and pay as p } never { retry before p }",
    "sum": "when { checkout } always { sum(pay, amount) < 0.05 }",
    "many": "count(retry) > 1",
    "last": "when { db.query } always { last(db.query).where(amount > 0.5) }",
    "linked": "when { pub as p } always { sub linked to p within 30s and pay after p within 1s }",
    "downstream": "when { pub as p } never { retry downstream of p within 1m }",
    "before": "trace.has_before(pay, checkout)",
}
FILES = ("a.jsonl", "b.jsonl", "c.jsonl")
MEASURED = (
    (re.compile(r'("(?:duration|first_answer|elapsed)\w*": ?)[0-9.e+-]+'), r"\1T"),
    (re.compile(r'\btime="[0-9.]+"'), 'time="T"'),
    (re.compile(r"\b(completed|incomplete)(.*?), [0-9.]+ s,"), r"\1\2, T s,"),
    (re.compile(r'"requests": ?[0-9]+'), '"requests": N'),  # as many as a layout has documents
)
SEND = """
import os, sys, urllib.request
for line in open(sys.argv[1], "rb"):
    urllib.request.urlopen(urllib.request.Request(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces", line, {"Content-Type": "application/json"}))
"""


def plain(text):
    for pattern, instead in MEASURED:
        text = pattern.sub(instead, text)
    return text


# ---- what is laid out ----

def attribute(key, value):
    kind = "doubleValue" if isinstance(value, float) else "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value) if isinstance(value, int) else value}}


def random_span(draw, trace, number, at, before):
    start = at + draw.choice((0, 0, 1, 5 * 10**8, draw.randrange(8 * SECOND)))
    record = {"traceId": f"{trace:032x}", "spanId": f"{draw.getrandbits(60) << 4 | number % 16:016x}", "name": draw.choice(NAMES),
              "kind": draw.randrange(1, 6), "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + draw.randrange(2 * SECOND)),
              "attributes": [attribute("amount", draw.choice((0.1, 0.2, 0.3, 1e-9, 7e7, draw.random()))), attribute("tenant", draw.choice(("acme", "umbrella")))]}
    if before and draw.random() < 0.8:
        record["parentSpanId"] = draw.choice(before)["spanId"]
    elif draw.random() < 0.2:
        record["parentSpanId"] = f"{draw.getrandbits(60) | 1:016x}"
    if before and draw.random() < 0.1:  # the other half of a call
        record["spanId"] = draw.choice(before)["spanId"]
        record["kind"] = 1 + draw.choice(before)["kind"] % 5
    return record


def random_spans(draw, count):
    """(service, scope, record) of each; some with links to spans of any trace, a start of zero, or a second copy."""
    every, at = [], BEGIN
    hour = 3600 * SECOND
    for trace in draw.sample(range(1, 1 << 40), count):
        at += draw.choice((0, SECOND, 20 * SECOND))
        mine = []
        for number in range(draw.choice((1, 2, 5, 9, 40))):
            record = random_span(draw, trace, number, at, mine)
            if all((record["spanId"], record["kind"]) != (other["spanId"], other["kind"]) for other in mine):
                mine.append(record)
        if draw.random() < 0.05 and len(mine) > 2:
            mine[-1]["startTimeUnixNano"] = "0"
        if draw.random() < 0.2 and len(mine) > 2:  # longer than margin
            mine[-2]["startTimeUnixNano"] = str(int(mine[-2]["startTimeUnixNano"]) + hour)
            mine[-2]["endTimeUnixNano"] = str(int(mine[-2]["endTimeUnixNano"]) + hour)
        every += mine
    publications = [record for record in every if record["name"] == "pub"]
    for record in every:
        if record["name"] == "sub" and publications:
            to = draw.choice(publications)
            record["links"] = [{"traceId": to["traceId"], "spanId": to["spanId"]}]
    placed = [(draw.choice(SERVICES), draw.choice(("one", "two")), record) for record in every]
    return placed + draw.sample(placed, len(placed) // 20)


def lay_out(draw, spans):
    """The documents of each file; none is empty."""
    files, turns = {name: [] for name in FILES}, itertools.chain(FILES, iter(lambda: draw.choice(FILES), None))
    spans = draw.sample(spans, len(spans))
    while spans:
        size = draw.choice((1, 7, 60, 1 + len(spans) // 3))
        part, spans = spans[:size], spans[size:]
        groups = {}
        for service, scope, record in part:
            where = (service, draw.randrange(2))  # one resource may stand there twice
            groups.setdefault(where, {}).setdefault((scope, draw.randrange(2)), []).append(record)
        resources = [{"resource": {"attributes": [attribute("service.name", service)] if service else []},
                      "scopeSpans": [{"scope": {"name": scope}, "spans": records} for (scope, _), records in scopes.items()]}
                     for (service, _), scopes in groups.items()]
        files[next(turns)].append({"resourceSpans": resources})
    return files


# ---- what is asked ----

def rules_file(folder, name="rules.yaml", only=None):
    path = folder / name
    path.write_text("rules:\n" + "".join(f"- id: {rule}\n  dsl: {json.dumps(dsl)}\n" for rule, dsl in RULES.items() if only is None or rule in only))
    return name


def questions(spans):
    """Every command that reads traces of files, in every form that it writes."""
    times = sorted({int(record["startTimeUnixNano"]) for _, _, record in spans} - {0})
    middle = (times[len(times) // 3], times[2 * len(times) // 3])
    ids = sorted({record["traceId"] for _, _, record in spans}, key=lambda id: (sum(r["traceId"] == id for _, _, r in spans), id))
    traces, rules = FILES, ("--rules", "rules.yaml")
    for form in ((), ("--json",), ("--all",), ("--all", "--json")):
        yield ("eval", *rules, *form, *traces)
    for form in ("text", "json", "jsonl", "junit", "github"):
        yield ("replay", *rules, "--output", form, "--limit", "0", *traces)
        yield ("replay", *rules, "--output", form, "--limit", "3", "--start", middle[0], "--end", middle[1], *traces)
    yield ("replay", *rules, "--ids", *traces)
    for form in ("text", "json"):
        yield ("replay", *rules, "--group", "--output", form, *traces)
    for rule in RULES:
        yield ("first", *rules, "--rule", rule, *traces)
        yield ("first", *rules, "--rule", rule, "--json", *traces)
        yield ("first", *rules, "--rule", rule, "--json", "--start", middle[0], "--end", middle[1], *traces)
    for one in (ids[0], ids[len(ids) // 2], ids[-1]):
        for form in ((), ("--json",)):
            yield ("trace", one, *rules, *form, *traces)
        yield ("record", one, *rules, "--rule", "retry", *traces)
    for form in ((), ("--json",)):
        yield ("vacuity", *rules, *form, *traces)
        yield ("suggest", *form, *itertools.chain(*(("--traces", name) for name in traces)))
        yield ("contrast", *rules, "--rule", "retry", *form, *traces)
        yield ("diff", "old.yaml", "rules.yaml", *form, *traces)
        yield ("compare", *rules, "--rule", "retry", "--before", f"{times[0]}..{middle[0]}", "--after", f"{middle[0]}..{times[-1]}", *form,
               *itertools.chain(*(("--traces", name) for name in traces)))
        yield ("gate", *rules, "--by", "tenant", "--baseline", "acme", "--candidate", "umbrella", *form,
               *itertools.chain(*(("--traces", name) for name in traces)))


class OrderTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        name = tempfile.TemporaryDirectory(prefix="betrace-order-")
        self.addCleanup(name.cleanup)
        self.folder = pathlib.Path(name.name)
        rules_file(self.folder)
        rules_file(self.folder, "old.yaml", ("retry", "queries", "sum"))

    def compare(self, answers, layouts=2):
        """answers(files) -> name -> text of each answer, for the same spans in several layouts."""
        for seed in range(int(os.environ.get("ORDER_SEEDS", "1"))):
            draw = random.Random(seed)
            spans = random_spans(draw, 30)
            expected = answers(spans, lay_out(draw, spans))
            self.assertFalse([said for said in expected.values() if said.startswith(("2\n", "4", "5"))], "every question is one")
            for layout in range(1, layouts):
                told = answers(spans, lay_out(draw, spans))
                for question, said in expected.items():
                    with self.subTest(seed=seed, layout=layout, question=question):
                        self.assertEqual(told[question], said)

    def write(self, files):
        for name, documents in files.items():
            (self.folder / name).write_text("".join(json.dumps(document) + "\n" for document in documents))

    # ---- commands over files ----

    def of_files(self, spans, files):
        self.write(files)
        told = {}
        for question in questions(spans):
            done = run_cli(*question, cwd=self.folder)
            told[" ".join(map(str, question))] = plain(f"{done.returncode}\n{done.stdout}\n{done.stderr}")
        one = max((record["traceId"] for _, _, record in spans), key=lambda id: (sum(r["traceId"] == id for _, _, r in spans), id))
        for flags in ((), ("--keep-all",)):
            run_cli("record", one, "--rules", "rules.yaml", "--rule", "retry", "--as", "fixture", "--name", "kept", *flags, *FILES, cwd=self.folder)
            fixture, = (self.folder / "fixtures").iterdir()
            told[f"record {flags}"] = fixture.read_text()
            fixture.unlink()
        return told

    def test_files(self):
        self.compare(self.of_files)

    # ---- what is sent ----

    def of_sent(self, _, files):
        documents = [document for of_file in files.values() for document in of_file]
        self.write({"all.jsonl": documents})
        told = {}
        for form in ((), ("--json",), ("--report", "github")):
            done = run_cli("listen", "--rules", "rules.yaml", "--settle", "50ms", "--save", "saved.jsonl", "--report", "junit=junit.xml,sarif=sarif.json",
                           *form, "--", sys.executable, "-c", SEND, "all.jsonl", cwd=self.folder)
            told[f"listen {form}"] = plain(f"{done.returncode}\n{done.stdout}\n{done.stderr}")
            for name in ("saved.jsonl", "junit.xml", "sarif.json"):
                told[f"listen {form} {name}"] = (self.folder / name).read_text()
        return told

    def test_sent(self):
        self.compare(self.of_sent)

    # ---- the service ----

    def of_service(self, spans, files):
        times = sorted({int(record["startTimeUnixNano"]) for _, _, record in spans} - {0})
        ids = sorted({record["traceId"] for _, _, record in spans})
        end = times[-1] + 10 * SECOND
        ranges = (f"start={times[0]}&end={end}", f"start={times[len(times) // 3]}&end={times[2 * len(times) // 3]}")
        told = {}
        with Betrace("--memory-source") as server:
            for rule, dsl in RULES.items():
                self.assertEqual(server.post("/v1/rules", {"id": rule, "name": rule, "dsl": dsl}).status, 201)
            for document in (document for of_file in files.values() for document in of_file):
                self.assertEqual(server.post("/v1/spans", document, headers={"Content-Type": "application/json"}).status, 200)
            paths = [f"/v1/traces/{id}/verdicts?include=spans" for id in ids[:8]]
            for part in ranges:
                paths += [f"/v1/violations?{part}&limit=1000", f"/v1/violations?{part}&limit=1000&order=oldest", f"/v1/violations/series?{part}&step=60s"]
                paths += [f"/v1/rules/{rule}/{door}?{part}" for rule in ("retry", "pairs", "linked") for door in ("first-violation", "contrast")]
                paths += [f"/v1/suggestions?{part}", f"/v1/gate?rule_id=retry&by=tenant&baseline=acme&candidate=umbrella&{part}", f"/v1/changes?candidate=tenant%3Dumbrella&{part}", f"/v1/problems?{part}"]
            for path in paths:
                answer = server.get(path)
                told[path] = f"{answer.status} {self.plain_json(answer)}"
            job = server.post("/v1/replays", {"rule_ids": list(RULES), "start_time": str(times[0]), "end_time": str(end)})
            self.assertEqual(job.status, 202, job)
            job = job.json()
            ended = server.wait_job(job["replay_id"])
            told["replay"] = json.dumps({key: ended[key] for key in ("status", "violations_found", "first_violation", "last_violation", "coverage")})
            told["replay violations"] = self.plain_json(server.get(f"/v1/replays/{job['replay_id']}/violations"))
        return told

    def plain_json(self, answer):
        """A cursor names the evaluation that it goes on with."""
        return re.sub(r'("cursor": ?)"[^"]*"', r'\1"C"', plain(answer.body.decode()))

    def test_service(self):
        self.compare(self.of_service)


if __name__ == "__main__":
    unittest.main()
