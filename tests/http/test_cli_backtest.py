"""betrace backtest: alerts over what traces of a file violated, at known minutes. When they fire and resolve, how often, at which hours, what would make
them page less, and what is not known. That its PromQL and its alerts are Prometheus's is in tests/e2e/test_backtest_prometheus.py."""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, run_cli  # noqa: E402

DAY = 1767571200  # Monday, 2026-01-05T00:00:00Z
DSL = "when { order } always { retry }"
SHIPPED = [str(ROOT / "distribution/prometheus" / f"betrace-{name}.yaml") for name in ("slo", "alerts")]


def line(number, minute, *names, parent=True):
    """A trace of that minute of the week; parent False: the first span's is missing."""
    trace, at = f"{number + 1:032x}", str((DAY + 60 * minute + 20) * 10**9)
    spans = [{"traceId": trace, "spanId": f"{place + 1:016x}", "parentSpanId": f"{1:016x}" if place else ("" if parent else "00000000000000aa"), "name": name,
              "startTimeUnixNano": at, "endTimeUnixNano": at} for place, name in enumerate(names)]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + "\n"


def at(minute):
    return f"2026-01-{5 + minute // 1440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00.000000000Z"


class Backtest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-backtest-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def traces(self, violating, minutes, lines=()):
        """An order each ten minutes that is retried, and violating ones."""
        kept = [line(minute, minute, "order", "retry") for minute in range(0, minutes, 10)]
        return self.write("t.jsonl", "".join([*kept, *(line(10**6 + place, minute, "order") for place, minute in enumerate(violating)), *lines]))

    def alerts(self, expr, **more):
        return self.write("alerts.yaml", json.dumps({"groups": [{"name": "g", "rules": [{"alert": "Own", "expr": expr, **more}]}]}))

    def run_it(self, traces, *more, dsl=DSL, days=7):
        rules = self.write("rules.yaml", json.dumps({"rules": [{"id": "retried", "severity": "high", "dsl": dsl}]}))
        done = run_cli("backtest", rules, traces, "--start", str(DAY), "--end", str(DAY + days * 86400), "--json", *more)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def test_the_shipped_alerts_fire_when_it_was_violated_and_resolve_after(self):
        code, answer, said = self.run_it(self.traces([125, 3600, 3601], 7 * 1440), *(word for path in SHIPPED for word in ("--alerts", path)))
        self.assertEqual(code, 1, said)
        self.assertIn("1 rules, 10080 steps of 1m", said)
        alerts = {alert["alert"]: alert for alert in answer["alerts"]}
        own = alerts["BetraceViolation"]
        # Counted at the end of its minute; ten minutes and both ends later the increase is 0.
        self.assertEqual([(page["fired"], page["resolved"]) for page in own["firings"]], [(at(126), at(136)), (at(3601), at(3612))])
        self.assertEqual((own["pages"], own["pages_at_night"], own["rests_on"], own["too_often"]), (2, 1, "counted", True))
        self.assertEqual(own["firings"][0]["labels"]["rule_id"], "retried")
        self.assertEqual((alerts["BetraceDown"]["rests_on"], alerts["BetraceRuleSilent"]["rests_on"]), ("assumed", "no_series"))
        self.assertEqual(alerts["BetraceViolationLowSeverity"]["pages"], 0, "the rule's severity is high")
        self.assertEqual(answer["rules"], [{"rule_id": "retried", "violations": 3, "exercised": 1011, "unknown_steps": 0}])

    def test_what_it_suggests_pages_as_seldom_as_it_says(self):
        bursts = [minute + 60 * hour for hour in range(0, 160, 8) for minute in range(3 if hour % 16 else 25)]
        traces, expr = self.traces(bursts, 7 * 1440), "sum(increase(betrace_violations_total[5m])) > 0"
        code, answer, said = self.run_it(traces, "--alerts", self.alerts(expr, **{"for": "1m"}), "--per-week", "10")
        own = answer["alerts"][0]
        self.assertEqual((code, own["pages"]), (1, 20), said)
        wait, threshold = own["suggestions"]["for"], own["suggestions"]["threshold"]
        self.assertEqual((wait["pages"], threshold["pages"], threshold["now"]), (10, 10, 0))
        self.assertEqual(expr[threshold["offset"]], ">")
        for changed in (self.alerts(expr, **{"for": wait["for"]}), self.alerts(expr.replace("> 0", f"> {threshold['instead']}"), **{"for": "1m"})):
            code, answer, said = self.run_it(traces, "--alerts", changed, "--per-week", "10")
            self.assertEqual((code, answer["alerts"][0]["pages"]), (0, 10), said)

    def test_a_threshold_may_be_reckoned_from_numbers(self):
        """What 14.4 * 0.001 is worth is the threshold, and each value that stands for it pages as often as the number itself."""
        traces = self.traces([minute + 60 * hour for hour in range(0, 160, 8) for minute in range(2 if hour % 16 else 4)], 7 * 1440)
        for text, number in (("14.4 * 0.001", 0.0144), ("(2 + 1) ^ 2 / 1000", 0.009), ("-(-1 + 0.5) % 3", 0.5), ("2 - -1 * 5 - 7", 0)):
            with self.subTest(text=text):
                found = []
                for threshold in (text, str(number)):
                    own = self.run_it(traces, "--alerts", self.alerts(f"sum(increase(betrace_violations_total[6m])) > {threshold}"), "--per-week", "10")[1]["alerts"][0]
                    found.append((own["pages"], own["suggestions"]["threshold"]))
                self.assertEqual(found[0], found[1])
                self.assertEqual((found[0][0], found[0][1]["now"]), (20, number))
                self.assertLessEqual(found[0][1]["pages"], 10)

    def test_hours_of_the_night_are_those_of_the_zone(self):
        traces, alerts = self.traces([60 * 6], 1440), self.alerts("increase(betrace_violations_total[5m]) > 0")
        for more, expected in (((), 1), (("--zone", "+02:00"), 0), (("--night", "7-9", "--zone", "+02:00"), 1), (("--night", "0-0"), 0), (("--zone", "-07:00"), 1)):
            with self.subTest(more=more):
                self.assertEqual(self.run_it(traces, "--alerts", alerts, *more, days=1)[1]["alerts"][0]["pages_at_night"], expected)
        self.assertEqual(run_cli("backtest", "--zone", "2").returncode, 2)

    def test_what_could_not_be_counted_is_no_silence(self):
        """A trace whose root is missing may have a retry: its minute is a gap, for as long as the alert looks back."""
        lines = [line(5 * 10**6, 600, "order", parent=False)]
        code, answer, said = self.run_it(self.traces([], 1440, lines), "--require-complete", "--alerts", self.alerts("increase(betrace_violations_total[30m]) > 0"), days=1)
        own = answer["alerts"][0]
        self.assertEqual((code, own["pages"], own["unknown"]), (3, 0, [{"from": at(601), "until": at(631)}]), said)
        self.assertEqual(answer["rules"][0]["unknown_steps"], 1)
        # A counter lacks for good what a gap had. An alert that keeps firing, or that is looked at by another, is not known for longer.
        traces, brief = self.traces([], 1440, lines), "increase(betrace_violations_total[30m]) > 0"
        for expr, more, until in (("betrace_violations_total > 100", {}, 1440), ("max_over_time(betrace_violations_total[5m]) > 100", {}, 1440), (brief, {"for": "5m", "keep_firing_for": "10m"}, 646)):
            with self.subTest(expr=expr):
                own = self.run_it(traces, "--require-complete", "--alerts", self.alerts(expr, **more), days=1)[1]["alerts"][0]
                self.assertEqual((own["pages"], own["unknown"]), (0, [{"from": at(601), "until": at(until)}]))
        rules = [{"alert": "Own", "expr": brief, "for": "5m"}, {"alert": "Other", "expr": 'count_over_time(ALERTS{alertname="Own"}[1h]) > 0'},
                 {"alert": "Itself", "expr": 'ALERTS{alertname="Itself"} or ALERTS{alertname="Itself"}'}]
        answer = self.run_it(traces, "--require-complete", "--alerts", self.write("other.yaml", json.dumps({"groups": [{"name": "g", "rules": rules}]})), days=1)[1]
        self.assertEqual([alert["rests_on"] for alert in answer["alerts"]], ["counted", "counted", "no_series"])
        self.assertEqual(answer["alerts"][1]["unknown"], [{"from": at(601), "until": at(696)}])

    def test_no_data_is_no_silence(self):
        """Before the first trace of the range and after its last one nothing is known, as after a passed retention. A week is one with traces."""
        traces, alerts = self.traces([100], 1440), self.alerts("increase(betrace_violations_total[5m]) > 0")
        code, answer, said = self.run_it(traces, "--alerts", alerts, days=7)
        own = answer["alerts"][0]
        self.assertEqual((code, own["pages"], answer["not_counted"]), (3, 1, "no trace from 2026-01-05T23:51:00Z on"), said)
        self.assertEqual((round(own["pages_per_week"], 2), answer["rules"][0]["unknown_steps"]), (round(10080 / 1431, 2), 10080 - 1431))
        self.assertEqual(own["unknown"], [{"from": at(1432), "until": at(10080)}])
        rules = self.write("rules.yaml", json.dumps({"rules": [{"id": "retried", "dsl": DSL}]}))
        for start, end, expected in ((-9, -2, "the source has no trace in the range"), (-9, 1, "no trace before 2026-01-05T00:00:00Z")):
            with self.subTest(start=start):
                bounds = ("--start", str(DAY + start * 86400), "--end", str(DAY + end * 86400))
                done = run_cli("backtest", rules, self.traces([], 1440), "--alerts", alerts, *bounds)
                self.assertEqual((done.returncode, done.stdout.splitlines()[0]), (3, "Own: no page as far as is known"), done.stdout)
                self.assertIn(f"not counted in full: {expected}\n", done.stdout)

    def test_no_trace_at_all_is_told_by_the_alert_on_that(self):
        lines = [line(7 * 10**6 + minute, minute, "order", "retry") for minute in range(900, 1440, 5)]
        code, answer, said = self.run_it(self.write("t.jsonl", "".join([line(1, 5, "order", "retry"), *lines])), "--alerts", SHIPPED[1], days=1)
        own = {alert["alert"]: alert for alert in answer["alerts"]}["BetraceCannotLook"]
        self.assertEqual([(page["fired"], page["resolved"]) for page in own["firings"]], [(at(27), at(901))], said)

    def test_a_series_that_is_not_there_is_no_silence(self):
        """A rule that is not given, another job, a metric that nobody counts: the alert is not known, alone or beside what was counted."""
        traces, own = self.traces([], 1440), "increase(betrace_violations_total[5m]) > 0"
        violations = "increase(betrace_violations_total{%s}[5m]) > 0"
        for expr, code, rests_on, missing in (
                (violations % 'rule_id="gone"', 3, "no_series", [('betrace_violations_total{rule_id="gone"}', None, True)]),
                (violations % 'job="other"', 3, "no_series", [('betrace_violations_total{job="other"}', None, True)]),
                (violations % 'rule_id=~"retried|gone"', 3, "counted", [('betrace_violations_total{rule_id=~"retried|gone"}', "gone", True)]),
                (violations % 'rule_id=~"(re.*|gone)"', 3, "counted", [('betrace_violations_total{rule_id=~"(re.*|gone)"}', "gone", True)]),
                (violations % 'rule_id=~"retried|re.*"', 0, "counted", []), (violations % 'rule_id=~".*[^x]"', 0, "counted", []),
                (f"{own} or {violations}" % 'rule_id="gone"', 3, "counted", [('betrace_violations_total{rule_id="gone"}', None, True)]),
                (f"{own} unless on () maintenance == 1", 3, "counted", [("maintenance", None, False)]), ("maintenance == 1", 0, "no_series", [("maintenance", None, False)]),
                (f'{own} unless on () ALERTS{{alertname="Other"}}', 3, "counted", [('ALERTS{alertname="Other"}', None, False)]),
                (violations % 'severity="low"', 0, "no_series", []), (violations % 'severity="low",rule_id="gone"', 3, "no_series", [('betrace_violations_total{severity="low",rule_id="gone"}', None, True)]),
                ('absent(up{job="other"})', 0, "no_series", [('up{job="other"}', None, False)])):
            with self.subTest(expr=expr):
                got, answer, said = self.run_it(traces, "--alerts", self.alerts(expr), days=1)
                alert = answer["alerts"][0]
                self.assertEqual((got, alert["rests_on"]), (code, rests_on), said)
                self.assertEqual([(one["selector"], one["rule_id"], one["counted"]) for one in alert["not_there"]], missing)
        recorded = self.write("recorded.yaml", json.dumps({"groups": [{"name": "g", "rules": [
            {"record": "gone:rate", "expr": 'rate(betrace_violations_total{rule_id="gone"}[5m])'}, {"alert": "Own", "expr": "gone:rate > 0"}]}]}))
        rules = self.write("rules.yaml", json.dumps({"rules": [{"id": "retried", "dsl": DSL}]}))
        for expr, lines in ((None, ["not tested: Own", '  not known: nothing that was counted for these rules passes betrace_violations_total{rule_id="gone"}']),
                            (f"{own} and on () maintenance", ["Own: no page as far as is known", "  not known: a backtest has no series for maintenance"]),
                            (violations % 'rule_id=~"retried|gone"',
                             ["Own: no page as far as is known", '  not known: no rule here has the id gone of betrace_violations_total{rule_id=~"retried|gone"}'])):
            done = run_cli("backtest", rules, traces, "--alerts", self.alerts(expr) if expr else recorded)
            self.assertEqual((done.returncode, done.stdout.splitlines()[:2]), (3, lines), done.stdout)

    def test_an_alert_that_stands_twice_pages_once(self):
        """Equal labels are one alert to who is paged. One of the same name that says something else is another."""
        traces, rules = self.traces([125], 1440), self.write("rules.yaml", json.dumps({"rules": [{"id": "retried", "dsl": DSL}]}))
        own = {"alert": "Own", "expr": "increase(betrace_violations_total[5m]) > 0", "labels": {"severity": "page", "team": "a"}}
        twin, other = own | {"labels": {"team": "a", "severity": "page"}, "annotations": {"summary": "x"}}, own | {"for": "1m"}
        first = self.write("first.yaml", json.dumps({"groups": [{"name": "g", "rules": [own]}]}))
        second = self.write("second.yaml", json.dumps({"groups": [{"name": "h", "rules": [twin, other]}]}))
        code, answer, said = self.run_it(traces, "--alerts", first, "--alerts", second, "--alerts", first, days=1)
        self.assertEqual([(alert["file"], alert["also_in"], alert["pages"]) for alert in answer["alerts"]],
                         [(first, [{"file": second, "line": 1}, {"file": first, "line": 1}], 1), (second, [], 1)], said)
        alone = self.run_it(traces, "--alerts", first, days=1)[1]["alerts"][0]
        self.assertEqual(answer["alerts"][0]["firings"], alone["firings"])
        lines = run_cli("backtest", rules, traces, "--alerts", first, "--alerts", second).stdout.splitlines()
        self.assertRegex("\n".join(lines), rf"(?s)^Own \({first}:1\): 1 page, .*\n  {second}:1 has the same alert: it pages once\nOwn \({second}:1\): 1 page, ")
        self.assertIn("2 pages, ", lines[-2])

    def test_what_is_not_known_of_promql_is_refused_with_its_place(self):
        traces = self.traces([], 60)
        for expr, expected in (("histogram_quantile(0.9, x)", "character 1 of .*histogram_quantile is not known here; known are rate, increase"),
                               ("a * on (x) group_left b", "character 12 of .*group_left is not known here"), ("max_over_time(a[5m:1m])", "a subquery is not known here"),
                               ("count_over_time((rate(a[5m]) > 1)[5m:30s]) >= 10", "character 34 of .*a subquery is not known here"),
                               ("a @ 5", "the modifier @ is not known"), ("a > 1 and", "expected an expression, got the end"), ("1 > 2", "needs bool"),
                               ("rate(a)", "expected a range of time, got an instant vector"), ("a[5m]", "a range of time is the argument"), ('{b=~".*"}', "a selector needs a name"),
                               ('a{b=~"("}', "missing"), ("a[5x]", "expected a duration")):
            with self.subTest(expr=expr):
                code, _, said = self.run_it(traces, "--alerts", self.alerts(expr))
                self.assertEqual(code, 2, said)
                self.assertRegex(said, r"alerts.yaml:1:\d+: expr: .*" + expected)
        for text, expected in (("groups:\n- name: g\n  rules:\n  - alert: A\n", "4:5: a rule needs the key expr"), ("group: []\n", 'no key "group"; did you mean "groups"'),
                               ("groups:\n- name: g\n  limit: 3\n", "not known here"),
                               ("groups:\n- name: g\n  rules:\n  - {alert: A, expr: a, labels: {s: '{{ $value }}'}}\n", "a template in a label is not known")):
            with self.subTest(text=text):
                code, _, said = self.run_it(traces, "--alerts", self.write("bad.yaml", text))
                self.assertEqual((code, expected in said), (2, True), said)

    def test_an_evaluation_that_prometheus_refuses_is_said(self):
        code, answer, said = self.run_it(self.traces([], 60), "--alerts", self.alerts("{__name__=~\"betrace_.*_total\"} * 1"), days=1)
        self.assertEqual((code, answer["alerts"][0]["refused"]), (3, "a vector has two samples with the same labels"), said)
        rules = self.write("rules.yaml", json.dumps({"rules": [{"id": "retried", "dsl": DSL}]}))
        done = run_cli("backtest", rules, self.traces([], 60), "--alerts", self.alerts("{__name__=~\"betrace_.*_total\"} * 1"))
        self.assertIn("Own: no page as far as is known\n", done.stdout)

    def test_text_says_worst_first_and_what_was_assumed(self):
        rules = self.write("rules.yaml", json.dumps({"rules": [{"id": "retried", "severity": "high", "dsl": DSL}]}))
        done = run_cli("backtest", rules, self.traces([125, 300], 1440), "--alerts", SHIPPED[1])
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^BetraceViolation: 2 pages, 14\.\d a week, 2 at night; the longest fires for 10m$")
        self.assertEqual(lines[2].split(), ["2026-01-05T02:06Z", "to", "2026-01-05T02:16Z", "10m", "night", "rule_id=retried", "severity=high"])
        self.assertIn("not tested: BetraceDown, BetraceWatchLags, ", done.stdout)
        self.assertIn("counted: retried: 2 violations of 146 traces that exercised it", lines)


if __name__ == "__main__":
    unittest.main()
