"""`betrace eval` on small traces, as a user calls it: exit statuses, standard input, and readings that only show through a decoder."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402


def document(*spans, service=None):
    attributes = [] if service is None else [{"key": "service.name", "value": {"stringValue": service}}]
    return json.dumps({"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]})


def span(name, number=1, start=1, end=2):
    return {"traceId": "0" * 31 + "1", "spanId": f"{number:016x}", "name": name, "startTimeUnixNano": str(start), "endTimeUnixNano": str(end)}


class LeftOutTest(unittest.TestCase):
    """What is left out of a file is said, and with it nothing ends as if all was fine, whichever command asks."""
    LOGS = json.dumps({"resourceLogs": [{"scopeLogs": []}]})

    def ask(self, text, command="eval", dsl="never { b }", flags=()):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return run_cli(command, "--dsl", dsl, *flags, "--traces", path)

    def test_other_signals_change_nothing(self):
        done = self.ask(self.LOGS + "\n" + document(span("a")))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 document holds logs, metrics or profiles", done.stderr)

    def test_a_cut_end_is_never_fine(self):
        whole, last = document(span("a")), document(span("b", 2))
        for command in ("eval", "replay", "first", "vacuity"):
            done = self.ask(f"{whole}\n{last[:-20]}", command)
            self.assertEqual(done.returncode, 3, (command, done.stdout, done.stderr))
            self.assertIn("what begins in line 2 (", done.stderr)
        done = self.ask(f"{whole}\n{last[:-20]}", dsl="never { a }", flags=["--json"])
        self.assertEqual(done.returncode, 1, "what was found is found")
        self.assertIn("is cut off", json.loads(done.stdout.splitlines()[-1])["summary"]["left_out"][0])
        coverage = json.loads(self.ask(f"{whole}\n{last[:-20]}", "replay", flags=["--json"]).stdout)["coverage"]
        self.assertFalse(coverage["complete"])
        self.assertIn("is cut off", coverage["windows_failed"][0]["reason"])

    def test_spans_without_an_id(self):
        nameless = dict(span("b", 2), spanId="")
        for dsl, verdicts in (("never { b }", [0, 1]), ("never { a }", [1, 0]), ("always { b }", [0, 1])):
            done = self.ask(document(span("a"), nameless), dsl=dsl, flags=["--json"])
            summary = json.loads(done.stdout.splitlines()[-1])["summary"]
            self.assertEqual([summary["violated"], summary["inconclusive"]], verdicts, dsl)
            self.assertEqual(done.returncode, 1 if verdicts[0] else 3)
            self.assertIn("1 span has no trace id or no span id", done.stderr)


class OperandsTest(unittest.TestCase):
    """What stands on the line without a flag: rules, traces, and folders of either."""
    RULES = "rules:\n  - id: a\n    dsl: \"never { b }\"\n"
    JAEGER = json.dumps({"data": [{"traceID": "7", "spans": [{"traceID": "7", "spanID": "1", "operationName": "b", "startTime": 1, "duration": 1}]}]})
    ZIPKIN = json.dumps([{"traceId": "8", "id": "1", "name": "b", "timestamp": 1, "duration": 1}])

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def put(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def check(self, code, traces, *arguments, **options):
        done = run_cli("eval", "--json", *arguments, **options)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["summary"]["traces"], traces)
        return done

    def test_json_behind_rules_is_traces(self):
        jaeger, zipkin, rules = self.put("j.json", self.JAEGER), self.put("z.json", self.ZIPKIN), self.put("r.yaml", self.RULES)
        self.check(1, 2, "--dsl", "never { b }", jaeger, zipkin)
        self.check(1, 2, jaeger, rules, zipkin)
        self.check(1, 2, self.put("r.json", json.dumps({"rules": [{"id": "a", "dsl": "never { b }"}]})), jaeger, zipkin)
        for command in ("replay", "first"):
            self.assertEqual(run_cli(command, "--dsl", "never { b }", jaeger).returncode, 1, command)
        other = self.put("o.json", json.dumps({"data": 1}))
        done = run_cli("eval", "--dsl", "never { b }", other)
        self.assertEqual(done.returncode, 2)
        self.assertIn("this is something else", done.stderr)
        self.assertIn("expected groups: or rules:", run_cli("eval", other, jaeger).stderr, "nothing else has rules")

    def test_folders(self):
        self.put("t/a.jsonl", document(span("a")))
        self.put("t/deep/z.json", self.ZIPKIN)
        self.put("t/empty.jsonl", "")
        self.put("t/.hidden", "x")
        folder, rules = os.path.join(self.folder, "t"), os.path.dirname(self.put("r/r.yaml", self.RULES))
        self.assertEqual(self.check(1, 2, "--dsl", "never { b }", folder).stderr, "")
        self.check(1, 2, rules, folder)
        self.check(1, 2, folder, rules)
        self.check(1, 3, rules, folder, "-", stdin=self.JAEGER)
        text = self.put("t/README.md", "What these are.")
        self.assertIn(f"{text}: it is neither JSON nor protobuf, and was left out", self.check(3, 2, "--dsl", "never { c }", folder).stderr)
        done = run_cli("eval", "--dsl", "never { c }", text)
        self.assertEqual(done.returncode, 2, "a file that was named has to be traces")
        self.put("t/l.json", json.dumps([{"id": "1", "traceId": "2", "type": "SPAN", "startTime": "x"}]))
        done = run_cli("eval", "--dsl", "never { c }", folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("this is Langfuse's export", done.stderr)
        none = os.path.join(self.folder, "none")
        os.mkdir(none)
        self.assertIn("expected files of traces in this folder", run_cli("eval", "--dsl", "never { c }", none).stderr)


class JobsTest(unittest.TestCase):
    """Any number of jobs prints the same bytes, and ends the same way."""
    RULES = ("when { payment.charge as c } always { fraud-check before c }", "trace.has(duration > 300ms)", "when { db.query } always { retry }")

    def said(self, *arguments):
        done = run_cli("eval", *(word for rule in self.RULES for word in ("--dsl", rule)), *arguments)
        return done.returncode, done.stdout, done.stderr

    def test_eval_and_replay(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("traces.jsonl", "traces.pb"):
                path = os.path.join(folder, name)
                run_cli("generate", "--scenario", "rollout", "--traces", "1500", "--out", path)
                for flags in ((), ("--all", "--json")):
                    one = self.said("--jobs", "1", *flags, path)
                    self.assertEqual(one[0], 1, one[2])
                    for jobs in ("2", "5"):
                        self.assertEqual(self.said("--jobs", jobs, *flags, path), one, (name, jobs, flags))
                replays = [json.loads(run_cli("replay", "--dsl", self.RULES[2], "--json", "--jobs", jobs, "--traces", path).stdout) for jobs in "14"]
                self.assertEqual(*([one["violations"], one["violations_found"], one["coverage"]] for one in replays))

    def test_documents_that_are_no_lines(self):
        """A file is cut at its lines as long as each is a document, and then at brackets: the same verdicts in the same order, and the same place
        of what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            path, damaged = os.path.join(folder, "traces.jsonl"), os.path.join(folder, "damaged.jsonl")
            run_cli("generate", "--scenario", "rollout", "--traces", "1000", "--out", path)
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
            half = len(lines) // 2
            pretty = [json.dumps(json.loads(line), indent=1) for line in lines]
            layouts = {"lines": "\n".join(lines), "carriage returns": "\r\n".join(lines) + "\r\n\r\n", "one line": " ".join(lines),
                       "two on a line": "\n".join(" ".join(lines[at:at + 2]) for at in range(0, len(lines), 2)),
                       "over many lines": "\n".join(pretty), "lines at first": "\n".join(lines[:half] + pretty[half:]),
                       "lines at the end": "\n".join(pretty[:3] + lines[3:])}
            self.assertGreater(len(layouts["one line"]), 1 << 20, "longer than what is taken as a line")
            expected = self.said("--jobs", "1", "--all", "--json", path)
            self.assertEqual(expected[0], 1, expected[2])
            for name, text in layouts.items():
                with open(path, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                with open(damaged, "w", encoding="utf-8", newline="") as file:
                    file.write(text[:-2000].rstrip("{") + "\n\n 7")
                wrong_line = text[:-2000].count("\n") + 1
                messages = set()
                for jobs in "12345678":
                    self.assertEqual(self.said("--jobs", jobs, "--all", "--json", path), expected, (name, jobs))
                    messages.add(self.said("--jobs", jobs, damaged))
                (code, out, err), = messages
                self.assertEqual((code, out), (2, ""))
                self.assertRegex(err, rf"line ({wrong_line}|{wrong_line + 2})\b", name)

    def test_a_damaged_line_ends_it_the_same_way(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            run_cli("generate", "--scenario", "none", "--traces", "1000", "--out", path)
            with open(path, encoding="utf-8") as file:
                lines = file.readlines()
            for at in (len(lines) // 2, len(lines) - 10):
                lines[at] = lines[at].replace('"spans"', '"spans":7,"x"', 1)
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(lines)
            one = self.said("--jobs", "1", path)
            self.assertEqual((one[0], one[1]), (2, ""))
            self.assertIn("traces.jsonl", one[2])
            for jobs in ("2", "5"):
                self.assertEqual(self.said("--jobs", jobs, path), one)

    def test_numbers_of_jobs(self):
        for jobs in ("0", "-1", "257", "many", "1.5", ""):
            done = run_cli("eval", "--dsl", self.RULES[0], f"--jobs={jobs}", "-", stdin=document(span("a")))
            self.assertEqual(done.returncode, 2, jobs)
            self.assertIn("1 to 256", done.stderr, jobs)


class EvalTest(unittest.TestCase):
    def verdicts(self, dsl, text):
        done = run_cli("eval", "--dsl", dsl, "--all", "--json", "-", stdin=text)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, [line["verdict"] for line in lines[:-1]]

    def test_exit_statuses(self):
        trace = document(span("db.query"))
        self.assertEqual(self.verdicts("trace.has(span.name == \"db.query\")", trace), (1, ["violated"]))
        self.assertEqual(self.verdicts("trace.has(span.name == \"retry\")", trace), (0, ["satisfied"]))
        self.assertEqual(self.verdicts("when { nosuch } always { db.query }", trace), (0, ["not_applicable"]))
        self.assertEqual(run_cli("eval", "--dsl", "trace.has(", "-", stdin=trace).returncode, 2)
        self.assertEqual(run_cli("eval", "--dsl", "a", "-", stdin="{").returncode, 2)
        self.assertEqual(self.verdicts("a", '{"resourceSpans": []}')[0], 3, "no trace is not a clean bill of health")
        self.assertEqual(run_cli("eval", "--dsl", "a").returncode, 2)

    def test_what_names_and_comparisons_met_is_said(self):
        """A bare name that selects by service and by name, and numbers that are compared with strings: no verdict says why."""
        text = dict(span("work", 2), attributes=[{"key": "amount", "value": {"stringValue": "12 EUR"}}])
        trace = document(span("shop"), text, service="shop")
        rules = ("--dsl", "when { shop } always { trace.has(amount > 5) }", "--all", "-")
        done = run_cli("eval", *rules, stdin=trace)
        self.assertIn("`shop` selected 1 span by service and 1 by name; service:shop or name:shop says which", done.stdout)
        self.assertIn("`amount` was a string in 1 of 1 spans, and here it is compared with a number", done.stdout)
        summary = json.loads(run_cli("eval", "--json", *rules, stdin=trace).stdout.splitlines()[-1])["summary"]
        self.assertEqual([note["rule_id"] for note in summary["notes"]], ["dsl", "dsl"])
        self.assertEqual(summary["notes"][0]["range"], {"start": 7, "end": 11})
        self.assertEqual(self.verdicts("when { service:shop } never { name:shop }", trace), (1, ["violated"]))
        self.assertNotIn("note:", run_cli("eval", "--dsl", "name:shop", "-", stdin=trace).stdout)

    def test_a_replay_says_what_it_met_in_what_it_reads(self):
        text = dict(span("work", 2), attributes=[{"key": "amount", "value": {"stringValue": "12 EUR"}}])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(document(span("shop"), text, service="shop"))
            asked = ("replay", "--dsl", "when { shop } always { trace.has(amount > 5) }", "--traces", path,
                     "--start", "1970-01-01T00:00:00Z", "--end", "1970-01-01T01:00:00Z")
            lines = run_cli(*asked).stdout
            self.assertIn("note: dsl: `shop` selected 1 span by service and 1 by name; service:shop or name:shop says which (1 trace looked at)", lines)
            self.assertIn("note: dsl: `amount` was a string in 1 of 1 spans", lines)
            answer = json.loads(run_cli(*asked, "--json").stdout)
            self.assertEqual([note["range"] for note in answer["notes"]], [{"start": 7, "end": 11}, {"start": 33, "end": 43}])
            self.assertEqual(answer["traces_noted"], 1)

    def test_an_empty_service_name_is_none(self):
        """Tempo's searches give "" for a service that is not there: a verdict must not depend on how the trace was read."""
        for service in ("", None):
            trace = document(span("a"), service=service)
            self.assertEqual(self.verdicts('trace.has(span.service == "")', trace)[1], ["satisfied"])
            self.assertEqual(self.verdicts('trace.has(span.service != "x")', trace)[1], ["satisfied"])
            self.assertEqual(self.verdicts("trace.has(not exists(span.service))", trace)[1], ["violated"])
        self.assertEqual(self.verdicts('trace.has(span.service == "x")', document(span("a"), service="x"))[1], ["violated"])

    def test_an_empty_service_name_is_none_beside_a_key_that_stands_twice(self):
        """Of such a resource each reading has its service anew."""
        text = json.loads(document(span("a"), service=""))
        text["resourceSpans"][0]["resource"]["attributes"] += [{"key": "k", "value": {"stringValue": value}} for value in ("x", "y")]
        for dsl in ('never { span(span.service != "s") }', "never { span(exists(span.service)) }"):
            self.assertEqual(run_cli("eval", "--dsl", dsl, "-", stdin=json.dumps(text)).returncode, 0, dsl)

    def test_what_takes_too_long_is_inconclusive(self):
        """Pairs of 600 spans are more steps than are taken between two looks at the time; the trace behind it is judged."""
        trace = document(*(span("x", number + 1) for number in range(600)))
        small = document(dict(span("x"), traceId="0" * 31 + "2"))
        asked = ("eval", "--dsl", "x as a and x as b and a.k < b.id", "--all", "-")
        done = run_cli(*asked, "--trace-time", "1ns", stdin=trace + "\n" + small)
        self.assertEqual(done.returncode, 3, done)
        self.assertRegex(done.stdout, r"inconclusive +dsl +0{31}1 +\(budget: it took too long, in `x as b` \(line 1, column 12\)\)")
        self.assertRegex(done.stdout, r"satisfied +dsl +0{31}2\n")
        self.assertEqual(run_cli(*asked, stdin=trace).returncode, 0)
        for wrong in ("0s", "-1s", "soon"):
            self.assertEqual(run_cli(*asked, "--trace-time", wrong, stdin=trace).returncode, 2)

    def test_events_of_one_span_are_counted(self):
        """Retries that a library writes as events of one span, under one name (g14 of the shared cases) or under numbered ones."""
        for names, test in ((["retry"] * 5, 'event.name == "retry"'), ([f"Starting RPC retry {n}" for n in range(1, 6)], 'event.name starts_with "Starting RPC retry"')):
            events = [{"name": name, "timeUnixNano": "1"} for name in ["sent", *names]]
            sent, other = dict(span("send"), events=events), dict(span("send", number=2), events=events[:2])
            for most, status in ((3, 1), (4, 1), (5, 0)):
                done = run_cli("eval", "--dsl", f"trace.has(event.count({test}) > {most})", "-", stdin=document(sent, other))
                self.assertEqual((done.returncode, "warning" in done.stderr), (status, False), done.stdout + done.stderr)
        for rule, fix in (("trace.has(event.count > 3)", "event.count(true)"), ('trace.has(count(event.name == "retry") > 3)', 'event.count(event.name == "retry")')):
            self.assertIn(f"fix: write `{fix}`", run_cli("eval", "--dsl", rule, "-", stdin=document(sent)).stderr)

    def test_a_name_that_is_an_attribute_is_said(self):
        failing = dict(span("send"), attributes=[{"key": "error", "value": {"boolValue": True}}])
        done = run_cli("eval", "--dsl", "span(error)", "-", stdin=document(failing))
        self.assertIn("`error` is the name of no span and no service that was read, and an attribute of 1 span", done.stdout + done.stderr)

    def test_a_rule_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rules.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("rules:\n- id: one\n  name: One\n  dsl: |\n    when { a }\n    always { b }\n- id: two\n  dsl: count(a) > 1\n")
            done = run_cli("eval", "--rules", path, "--all", "-", stdin=document(span("a")))
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, r"violated +one ")
            self.assertRegex(done.stdout, r"satisfied +two ")

    def test_an_id_twice_in_a_test_trace(self):
        """With one kind it is one span, whichever record is right; with two kinds it is the halves of a call, which are siblings. A child
        of the id has both as parents."""
        halves = "{span: call, id: a, kind: client}, {span: call, id: a, kind: server}, {span: work, parent: a}"
        cases = [("count(call) == 1 and call.where(k == 1 or k == 2)", "{span: call, id: a, attributes: {k: 1}}, {span: call, id: a, attributes: {k: 2}}"),
                 ("count(call) == 2 and call sibling of (call)", "{span: root}, {span: call, id: a, kind: client}, {span: call, id: a, kind: server}"),
                 ("work child of (call.where(span.kind == client)) and work child of (call.where(span.kind == server))", halves)]
        rules = "".join(f"- id: r{i}\n  dsl: {condition}\n  tests:\n  - {{trace: [{trace}], expect: violated}}\n"
                        f"  - {{trace: [{{span: other, id: a}}, {{span: call, id: b, kind: consumer}}], expect: satisfied}}\n"
                        for i, (condition, trace) in enumerate(cases))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rules.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("rules:\n" + rules)
            done = run_cli("test", path)
            self.assertEqual((done.returncode, done.stdout), (0, "6 tests: 6 passed, 0 failed, 0 errors\n"), done)

    def test_what_spent_the_budget(self):
        trace = document(*(span("a", number=i + 1, start=i + 1, end=i + 2) for i in range(1100)))
        done = run_cli("eval", "--dsl", "when { a as x }\nnever  { a where(k < x.k) }", "--all", "-", stdin=trace)
        self.assertIn("inconclusive", done.stdout)
        self.assertIn("(budget: too many spans were looked at, in `a where(k < x.k)` (line 2, column 10))", done.stdout)
        line = json.loads(run_cli("eval", "--dsl", "when { a as x }\nnever  { a where(k < x.k) }", "--json", "-", stdin=trace).stdout.splitlines()[0])
        self.assertEqual((line["reason"], line["spent"]["range"]), ("budget", {"start": 25, "end": 41}))
        self.assertEqual(line["spent"]["text"], "too many spans were looked at, in `a where(k < x.k)` (line 2, column 10)")

    def test_a_rules_own_budget_raises_what_it_may_take(self):
        """1,100 spans set against one another are more than a million steps; a budget that is less than the service's changes nothing."""
        trace = document(*(span("a", number=i + 1, start=i + 1, end=i + 2) for i in range(1100)))
        with tempfile.TemporaryDirectory() as folder:
            rules, traces = os.path.join(folder, "rules.yaml"), os.path.join(folder, "trace.json")
            with open(traces, "w", encoding="utf-8") as file:
                file.write(trace)
            for budget, inconclusive in (("1", 1), ("5000000", 0)):
                with open(rules, "w", encoding="utf-8") as file:
                    file.write(f"rules:\n- id: r\n  dsl: \"when {{ a as x }} never {{ a where(k < x.k) }}\"\n  budget: {budget}\n")
                done = run_cli("eval", "--rules", rules, "--all", "--json", traces)
                self.assertEqual(json.loads(done.stdout.splitlines()[0])["verdict"], "inconclusive" if inconclusive else "satisfied", done)
                done = run_cli("replay", "--rules", rules, "--traces", traces)
                self.assertIn(f"{inconclusive} inconclusive", done.stdout, done)

    def test_a_budget_of_ones_own(self):
        """What decides a rule with the default budget need not do so with less, and says nothing else."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(document(*(span("a", number=i + 1, start=i + 1, end=i + 2) for i in range(100))))
            for budget, inconclusive in (("0", 0), ("10", 1), ("1000000", 0)):
                done = run_cli("replay", "--dsl", "a as x and a.where(k < x.k)", "--traces", path, "--budget", budget)
                self.assertIn(f"{inconclusive} inconclusive", done.stdout, (budget, done.stderr))


if __name__ == "__main__":
    unittest.main(verbosity=1)
