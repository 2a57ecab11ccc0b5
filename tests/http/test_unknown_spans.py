"""Spans of which not everything is known, in files: a start or an end of 0, and attributes and events that were dropped, of a span, its
events, its links, its resource and its scope. eval, replay and first say that they do not know, and never that all is well."""
import json
import os
import subprocess
import tempfile
import unittest

BETRACE = os.environ["BETRACE_BIN"]
START_NS = 1772000000 * 10**9


def span(name, span_id, start_ms, end_ms, **more):
    start, end = (0 if ms is None else START_NS + ms * 10**6 for ms in (start_ms, end_ms))
    return {"traceId": "91".rjust(32, "0"), "spanId": span_id.rjust(16, "0"), "name": name, "startTimeUnixNano": str(start), "endTimeUnixNano": str(end)} | more


def document(*spans, of_resource=0, of_scope=0):
    return {"resourceSpans": [{"resource": {"attributes": [], "droppedAttributesCount": of_resource},
                               "scopeSpans": [{"scope": {"name": "lib", "droppedAttributesCount": of_scope}, "spans": list(spans)}]}]}


STILL_RUNNING = document(span("import", "1", 0, None), span("db.query", "2", 5, 6, parentSpanId="1".rjust(16, "0")))
DROPPED = document(span("export", "1", 0, 9, droppedAttributesCount=3, droppedEventsCount=7))
LOSING = {"of_event": document(span("export", "1", 0, 9, events=[{"name": "start", "droppedAttributesCount": 2}])),
          "of_link": document(span("export", "1", 0, 9, links=[{"traceId": "92".rjust(32, "0"), "spanId": "2".rjust(16, "0"), "droppedAttributesCount": 1}])),
          "of_resource": document(span("export", "1", 0, 9), of_resource=1), "of_scope": document(span("export", "1", 0, 9), of_scope=4294967295)}
CASES = [(STILL_RUNNING, "when { import as r } never { db.query after r.end }", "time"),
         (STILL_RUNNING, "when { import as r } always { r.where(span.duration < 2s) }", "time"),
         (DROPPED, "when { export as e } always { e.where(exists(user.id)) }", "dropped"),
         (DROPPED, 'never { export.where(event.name == "pii.read") }', "dropped"),
         (LOSING["of_event"], "never { trace.has(exists(event.k)) }", "dropped"),
         (LOSING["of_link"], "never { export.where(link.k == 1) }", "dropped"),
         (LOSING["of_resource"], "never { export.where(resource.k == 1) }", "dropped"),
         (LOSING["of_resource"], "never { export.where(k == 1) }", "dropped"),
         (LOSING["of_scope"], 'never { export.where(exists(scope.attributes["k"])) }', "dropped")]


class UnknownSpansTest(unittest.TestCase):
    def run_on(self, command, data, rule, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(data, file)
            return subprocess.run([BETRACE, command, "--dsl", rule, *options, path], capture_output=True, text=True, timeout=60)

    def test_eval_says_why(self):
        for data, rule, reason in CASES:
            with self.subTest(rule=rule):
                run = self.run_on("eval", data, rule, "--all")
                self.assertIn(f"({reason})", run.stdout)
                self.assertIn("0 violated, 1 inconclusive", run.stdout)
                self.assertEqual(run.returncode, 3)

    def test_replay_counts_it_as_inconclusive(self):
        for data, rule, _ in CASES:
            with self.subTest(rule=rule):
                run = self.run_on("replay", data, rule)
                self.assertIn("1 inconclusive", run.stdout)
                self.assertEqual(run.returncode, 3)

    def test_first_does_not_know(self):
        for data, rule, _ in CASES:
            with self.subTest(rule=rule):
                run = self.run_on("first", data, rule)
                self.assertIn("UNKNOWN", run.stdout)
                self.assertEqual(run.returncode, 3)

    def test_what_does_not_ask_for_it_is_decided(self):
        run = self.run_on("eval", STILL_RUNNING, "when { import as r } never { db.query after r }", "--all")
        self.assertIn("1 violated", run.stdout)
        run = self.run_on("eval", DROPPED, "always { export }", "--all")
        self.assertIn("1 satisfied", run.stdout)
        for where, data in LOSING.items():
            with self.subTest(where=where):
                run = self.run_on("eval", data, 'never { export.where(exists(span.k)) or export.where(event.name == "k") or shop }', "--all")
                self.assertIn("1 satisfied", run.stdout)

    def test_traces_without_a_time_are_judged_in_every_range_and_counted(self):
        """Two of the three have a time; a violation of the third is told whatever is asked for."""
        lines = [document(span("slow", number, *times, traceId=number.rjust(32, "0"))) for number, times in (("1", (None, None)), ("2", (0, 1)), ("3", (None, 1)))]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            for options, violations in (((), 3), (("--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z"), 1)):
                run = subprocess.run([BETRACE, "replay", "--dsl", "never { slow }", *options, path], capture_output=True, text=True, timeout=60)
                self.assertIn("without a time: 1 of the traces", run.stdout)
                run = subprocess.run([BETRACE, "replay", "--dsl", "never { slow }", *options, path, "--json"], capture_output=True, text=True, timeout=60)
                answer = json.loads(run.stdout)
                self.assertEqual((answer["violations_found"], answer["coverage"]["without_time"]), (violations, 1), options)


if __name__ == "__main__":
    unittest.main()
