"""`POST /v1/backtests` says what `betrace backtest --json` says. What was not counted, and a rule that cannot be, is no silence."""
import json
import os
import sys
import tempfile
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]
from betrace_process import ROOT, Betrace, run_cli  # noqa: E402
from slow_tempo import SlowTempo  # noqa: E402

START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
RANGE = {"start": START, "end": END}
RULE = {"id": "retried", "name": "retried", "severity": "high", "dsl": "when { db.query.where(span.duration > 1s) } always { retry }"}
OWN = "groups:\n- name: own\n  rules:\n  - {alert: Own, expr: 'increase(betrace_violations_total{rule_id=\"retried\"}[2m]) > 0'}\n"
SHIPPED = [str(ROOT / "distribution/prometheus" / f"betrace-{name}.yaml") for name in ("slo", "alerts")]


class PartTempo(SlowTempo):
    """Has a trace each minute, and refuses, if it is broken, to search what is older than 130 min."""

    def __init__(self, is_broken):
        super().__init__(0, 0, 7800)
        self.released.set()
        self.is_broken = is_broken
        for number in range(130):  # older than what a Tempo may still hide
            self.add(number, 2400 + 60 * number)

    def search(self, target):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
        is_old = int(asked.get("start", [self.now])[0]) < self.now - self.held_seconds and "trace:id" not in asked["q"][0]
        return (400, "text/plain", b"no") if self.is_broken and is_old else super().search(target)


class BacktestsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.traces = cls.path("t.jsonl")
        done = run_cli("generate", "--traces", "3000", "--end", END, "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        cls.service = cls.enterClassContext(Betrace("--traces", cls.traces))
        assert cls.service.post("/v1/rules", RULE).status == 201

    @classmethod
    def path(cls, name, text=None):
        path = os.path.join(cls.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def ask(self, question, service=None):
        answer = (service or self.service).post("/v1/backtests", question)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def refused(self, question, service=None):
        answer = (service or self.service).post("/v1/backtests", question)
        self.assertEqual(answer.status, 400, answer)
        return {one["field"]: one["message"] for one in answer.json()["errors"]}

    def command(self, *more):
        rules = self.path("rules.yaml", json.dumps({"rules": [{name: RULE[name] for name in ("id", "severity", "dsl")}]}))
        done = run_cli("backtest", rules, self.traces, "--start", START, "--end", END, "--json", *more)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return json.loads(done.stdout), done.returncode

    @staticmethod
    def plain(answer, file=None):
        """Without how long it took, and with one name for the file of the alerts."""
        def named(place):
            return {**place, "file": file or os.path.basename(place["file"])}
        alerts = [{**named(alert), "also_in": [named(place) for place in alert["also_in"]]} for alert in answer["alerts"]]
        return {**answer, "alerts": alerts, "evaluating_seconds": None}

    def test_it_says_what_the_command_says(self):
        own = self.path("own.yaml", OWN)
        for question, words in (({}, ()), ({}, [word for path in SHIPPED for word in ("--alerts", path)]), ({"alerts": OWN}, ("--alerts", own)),
                                ({"alerts": OWN, "step": "2m", "per_week": 500, "night": "0-6", "zone": "+05:30"},
                                 ("--alerts", own, "--step", "2m", "--per-week", "500", "--night", "0-6", "--zone", "+05:30"))):
            with self.subTest(question=question, words=words):
                file = "own" if "alerts" in question else None
                answer = self.plain(self.ask(RANGE | question), file)
                said, code = self.command(*words)
                self.assertEqual(answer, self.plain(said, file))
                self.assertEqual({"seldom": 0, "too_often": 1, "unknown": 3}[answer["status"]], code)
                self.assertEqual(answer["rules"][0]["unknown_steps"], 0)

    def test_the_rules_are_those_that_are_asked_for(self):
        with Betrace("--traces", self.traces) as service:
            for rule in (RULE, {**RULE, "id": "other", "labels": {"team": "x"}}, {**RULE, "id": "off", "enabled": False}):
                self.assertEqual(service.post("/v1/rules", rule).status, 201)
            for question, expected in (({}, ["other", "retried"]), ({"rule_ids": ["off"]}, ["off"]), ({"labels": {"team": "x"}}, ["other"])):
                with self.subTest(question=question):
                    self.assertEqual(sorted(rule["rule_id"] for rule in self.ask(RANGE | question, service)["rules"]), expected)
            self.assertIn("rule_ids", self.refused({"dsl": "a", "rule_ids": ["off"]}, service))
            counted = {rule["rule_id"]: rule["violations"] for rule in self.ask(RANGE, service)["rules"]}
            adhoc = self.ask(RANGE | {"dsl": RULE["dsl"]}, service)["rules"][0]["violations"]
            self.assertEqual((adhoc, counted["other"]), (counted["retried"], counted["retried"]))
            self.assertGreater(adhoc, 0)

    def test_a_firing_list_is_cut_and_its_number_is_not(self):
        flapping = OWN.replace("increase(betrace_violations_total{rule_id=\"retried\"}[2m]) > 0", "betrace_violations_total and on () (vector(time()) % 4 < 2)")
        own = self.ask(RANGE | {"alerts": flapping, "step": "2s", "start": "2026-03-10T09:00:00Z"})["alerts"][0]
        self.assertGreater(own["pages"], 1000)
        self.assertEqual(len(own["firings"]), 1000)

    def test_what_cannot_be_asked_is_refused_by_its_field(self):
        for question, field, expected in (({"alerts": "groups: 3"}, "alerts", "alerts:1:9: groups: expected a list"), ({"alerts": 3}, "alerts", "has to be a string"),
                                          ({"alerts": "#" * 300000}, "alerts", "longer than 256 KiB"), ({"alerts": OWN.replace("increase", "rat")}, "alerts", "rat is not known here"),
                                          ({"night": "5"}, "night", "two hours"), ({"night": "25-3"}, "night", "two hours"), ({"zone": "2"}, "zone", "an offset"),
                                          ({"zone": "+15:00"}, "zone", "an offset"), ({"step": "500ms"}, "step", "whole seconds"), ({"step": "10m"}, "step", "at most 5m"),
                                          ({"per_week": 0}, "per_week", "from 1 to 100000"), ({"timeout": "2m"}, "timeout", "at most 1m"),
                                          ({"rule_ids": ["no"]}, "rule_ids", 'no rule "no"'), ({"start": END, "end": START}, "start", "before end"), ({"alert": ""}, "alert", "no such field")):
            with self.subTest(question=str(question)[:60]):
                self.assertIn(expected, self.refused(RANGE | question)[field])

    def test_without_a_rule_nothing_is_said(self):
        with Betrace("--traces", self.traces) as service:
            self.assertIn("no enabled rule", self.refused(RANGE, service)["labels"])

    def test_what_was_not_counted_is_no_silence(self):
        """The older part of the range is refused by the store: alerts are not known there, and no page is no answer."""
        for is_broken, expected in ((False, "seldom"), (True, "unknown")):
            with self.subTest(is_broken=is_broken), PartTempo(is_broken) as tempo, Betrace("--tempo", tempo.url, "--settle", "1m") as service:
                self.assertEqual(service.post("/v1/rules", {**RULE, "dsl": "when { slow.query } always { slow.query }"}).status, 201)
                answer = self.ask({"alerts": OWN, "start": str(tempo.now - 10000), "end": str(tempo.now - 2460)}, service)
                self.assertEqual((answer["status"], answer["alerts"][0]["pages"]), (expected, 0), answer)
                self.assertEqual((bool(answer["alerts"][0]["unknown"]), bool(answer["not_counted"])), (is_broken, is_broken))

    def test_it_ends_when_its_time_is_over(self):
        with SlowTempo(60, 60) as tempo, Betrace("--tempo", tempo.url) as service:
            self.assertEqual(service.post("/v1/rules", RULE).status, 201)
            try:
                answer = service.post("/v1/backtests", {"start": "now-4h", "timeout": "1s"})
            finally:
                tempo.released.set()
        self.assertEqual(answer.status, 503)
        self.assertIn("no step could be counted", answer.json()["detail"])

    def test_without_room_it_is_busy(self):
        with Betrace("--traces", self.traces, "--memory-limit", "2MiB") as service:
            self.assertEqual(service.post("/v1/rules", RULE).status, 201)
            answer = service.post("/v1/backtests", RANGE | {"step": "1s"})
            self.assertEqual((answer.status, "--memory-limit" in answer.json()["detail"]), (503, True), answer)
            self.assertIn("retry-after", answer.headers)

    def test_what_it_held_is_given_back(self):
        self.ask(RANGE)
        held = [line.split()[-1] for line in self.service.get("/metrics").body.decode().splitlines() if line.startswith('betrace_memory_held_bytes{kind="series"}')]
        self.assertEqual(held, ["0"])


if __name__ == "__main__":
    unittest.main()
