"""`betrace doctor` on a real Tempo: what holds, holds. What a proxy takes out of answers is seen and named. The probes
of an earlier run, and a tenant."""
import json
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
from http_wire import Proxy, send_whole  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

# Arrays under a key that has a column of its own: 2.8 mixes them up where it is asked for what lies outside the column (docs/RELIABILITY.md).
COLUMNS = ("span.http.method", "span.http.url", "span.http.status_code", "resource.k8s.namespace.name")
LOST = {"2.8": {f"{key}/{aspect}/arrays" for key in COLUMNS for aspect in ("searched", "counted")}}


def by_id(report):
    return {fact["id"]: fact for fact in report["facts"]}


def failed(report):
    return {fact["id"] for fact in report["facts"] if fact["outcome"] != "holds"}


class DoctorOnTempo(unittest.TestCase):
    def doctor(self, tempo, otlp, *more):
        done = run_cli("doctor", "--tempo", tempo, "--otlp", otlp, "--again-after", "0s", "--json", *more)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_what_holds_and_the_same_probes_again(self):
        with TempoServer(config="fast") as tempo:
            code, report = self.doctor(tempo.url, tempo.otlp_url, "--key", "span.order.id")
            wrong = failed(report) - LOST.get(tempo.variant.family, set())
            self.assertEqual(wrong, set(), {fact: by_id(report)[fact] for fact in wrong})
            self.assertEqual(code, 1 if failed(report) else 0)
            self.assertGreater(len(report["facts"]), 90)
            self.assertIn("span.order.id/subtracted/arrays", by_id(report))
            self.assertGreater(len([request for request in report["requests"] if request["what"] == "search" and request["status"] == 200]), 300)
            self.assertEqual((report["store"]["max_result_limit"], report["store"]["hidden_tail_seconds"]), (262144, 0.0))
            self.assertEqual(report["store"]["max_attribute_bytes"], 2048)
            known = "it may store two traces as one; 2.8.1 and newer do not" if report["store"]["version"].startswith("2.8.0") else None
            self.assertEqual((report["store"]["checked"], report["store"]["note"]), (True, known))
            self.check_odd_times(report, tempo)
            done = run_cli("doctor", "--tempo", tempo.url, "--again", report["run"], "--key", "span.order.id")
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            marks = {name: re.findall(rf"(?m)^{name} ", done.stdout) for name in ("ok", "FAIL")}
            self.assertEqual((len(marks["ok"]), len(marks["FAIL"])), (report["summary"]["holds"], report["summary"]["fails"]))
            self.assertIn(f"run {report['run']}, {len(report['probes'])} probe traces", done.stdout)

    def check_odd_times(self, report, tempo):
        """This Tempo dates blocks by what is in them, so late spans show as soon as others; no Tempo shows what never ended."""
        odd = {one["id"]: one for one in report["odd_times"]["probes"]}
        unended = odd.pop("not-ended")
        self.assertEqual((unended["found_after_seconds"], unended["by_id"], unended["pushed"]), (None, True, True))
        (span,) = tempo.trace(unended["trace_id"])
        self.assertEqual(span["end_ns"], 0)
        for one in odd.values():
            self.assertLess(0, one["found_after_seconds"] or 0, one)
            self.assertTrue(one["by_id"], one)

    def test_spans_that_come_late_are_hidden_by_a_stock_tempo(self):
        """Its blocks are dated by arrival where spans are older than two minutes."""
        with TempoServer(config="stock") as tempo:
            done = run_cli("doctor", "--tempo", tempo.url, "--otlp", tempo.otlp_url, "--again-after", "0s")
            self.assertIn(done.returncode, (0, 1), done.stderr)
        text = " ".join(done.stdout.split())
        self.assertRegex(text, r"a span that comes 20 min late (up to now after [\d.]+ s, not over its own time|in no search within \d\S*; by id it is there)")
        self.assertRegex(text, r"ingestion_time_range_slack .*\(as long as --lateness\)")
        self.assertIn("a trace that never ended in no search within", text)
        self.assertIn("--again " + re.search(r"run (\S+),", text)[1], text)

    def test_what_is_taken_out_of_answers(self):
        """Searches by a pattern find nothing, as in a store that does not know patterns and does not say so; and a read loses the late span of a trace."""
        def behave(wire, request, answer):
            request.headers["Accept"] = "application/json"  # a newer Tempo would answer protobuf
            got, query = answer(), request.parameters.get("q", "")
            if request.path.endswith("/api/search") and got.status == 200:
                found = json.loads(got.body)
                if re.search(r'(?<!trace:id) =~ "', query) and "select(" not in query:
                    found["traces"] = []
                for trace in found.get("traces", []):
                    trace["spanSets"] = [one for one in trace.get("spanSets", []) if all(s.get("name") != "doctor.late" for s in one["spans"])]
                got = got.with_body(json.dumps(found).encode())
            send_whole(wire, request, got)
            return True

        with TempoServer(config="fast", multitenant=True) as tempo, Proxy(tempo.url, behave) as proxy:
            done = run_cli("doctor", "--tempo", proxy.url, "--otlp", tempo.otlp_url, "--wait", "5s")
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertIn("no org id", done.stderr)
            code, report = self.doctor(proxy.url, tempo.otlp_url, "--tenant", "betrace-doctor")
        facts = by_id(report)
        self.assertEqual(code, 1)
        searched = facts["span.betrace.plain/searched"]["passes"][0]
        self.assertIn("an empty answer where a match is certain", searched["means"])
        findings = {one["rule"]: one for one in searched["findings"]}
        lost = findings['trace.has(span.attributes["betrace.plain"] =~ "G.*")']
        self.assertEqual(lost["text"], "finds nothing, lacks: text GET")
        self.assertTrue(lost["query"].startswith('{ span.betrace.plain =~ "G.*" || (span.betrace.plain =~ "(?s:.{512,})"'), lost["query"])
        self.assertNotIn('trace.has(span.attributes["betrace.plain"] == "GET")', findings)
        split = facts["fields/read/split trace"]["passes"][0]
        self.assertEqual(split["outcome"], "fails")
        self.assertIn('trace "in two parts": the number of spans was pushed as 4 and comes as 3', [one["text"] for one in split["findings"]])
        for fact in ("by-id", "by-search", "same", "fields/read/many spans", "span.betrace.plain/subtracted", "full-answer", "window"):
            self.assertEqual(facts[fact]["outcome"], "holds", facts[fact])


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
