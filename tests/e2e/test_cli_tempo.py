"""The command line against a real Tempo: each command says the same of what was pushed as it says of the same traces in a file."""
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import binary, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

TRACES, PLANTED = 400, 8
SLOW = 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'
RULES = """rules:
- {id: slow, severity: high, dsl: '%s'}
- {id: typo, dsl: "when { chekout } always { fraud-check }"}
- {id: pii, dsl: 'trace.has(span.attributes["data.classification"] == "PII") and not trace.has(span.name == "audit.log")'}
""" % SLOW


OLDER = """import json, subprocess, sys
done = subprocess.run([{betrace!r}, *sys.argv[1:]], stdout=subprocess.PIPE, check=False)
said = [json.loads(line) for line in done.stdout.splitlines()] if sys.argv[1] == "eval" else [json.loads(done.stdout)]
for line in said:
    if line.get("trace_id") == {missed!r} and line["rule_id"] == "slow":
        line["verdict"] = "satisfied"
    kept = [v for v in line.get("violations", []) if v["trace_id"] != {missed!r}]
    if "rules" in line:
        next(r for r in line["rules"] if r["rule_id"] == "slow")["violations_found"] -= len(line["violations"]) - len(kept)
        line["violations"] = kept
    print(json.dumps(line))
sys.exit(done.returncode)
"""


class CliTempoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-cli-tempo-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        end = str(int(time.time()) - 7200)
        cls.filled = ["--since", "20h", "--end", end]
        shape = ["--traces", TRACES, "--violations", PLANTED, *cls.filled, "--seed", "7"]
        cls.file, truth = cls.path("t.jsonl"), cls.path("truth.json")
        for target in (["--otlp", cls.tempo.otlp_url], ["--out", cls.file, "--truth", truth]):
            done = run_cli("generate", *shape, *target)
            assert done.returncode == 0, done.stderr
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 86400, now)) >= TRACES, "the traces are searchable")
        with open(truth, encoding="utf-8") as file:
            cls.truth = json.load(file)
        cls.rules = cls.path("rules.yaml")
        with open(cls.rules, "w", encoding="utf-8") as file:
            file.write(RULES)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def both(self, status, *arguments, ranged=True):
        """The answers from Tempo and from the file."""
        answers = []
        for source in (["--tempo", self.tempo.url, *(["--since", "24h"] if ranged else [])], ["--traces", self.file]):
            done = run_cli(*arguments, *source, "--json", timeout=300)
            self.assertEqual(done.returncode, status, f"{arguments} {source}\n{done.stdout[:2000]}\n{done.stderr}")
            answers.append(json.loads(done.stdout))
        return answers

    def test_replay_first_and_trace(self):
        planted = set(self.truth["slow-db-no-retry"])
        for answer in self.both(1, "replay", "--rules", self.rules, "--rule", "slow"):
            self.assertEqual({v["trace_id"] for v in answer["violations"]}, planted)
        tempo, file = self.both(1, "first", "--rules", self.rules, "--rule", "slow")
        self.assertEqual(tempo["violation"]["trace_id"], file["violation"]["trace_id"])
        self.assertTrue(tempo["proven"] and file["proven"])
        tempo, file = self.both(1, "trace", tempo["violation"]["trace_id"], "--rules", self.rules, ranged=False)
        for key in ("verdicts", "duration_ns", "missing_parents"):
            self.assertEqual(tempo[key], file[key])
        order = [sorted((s["span_id"], s["parent_span_id"], s["depth"], tuple(s["witness_of"])) for s in answer["spans"]) for answer in (tempo, file)]
        self.assertEqual(*order)

    def test_problems(self):
        """The same problems, with the same numbers by steps wherever both know them."""
        end = int(self.filled[-1])
        rows = ("id", "rule_id", "failed", "message", "entry", "entry_service", "count", "count_kind", "provisional", "first_seen", "last_seen")
        for more in ((), ("--evidence", 1)):
            tempo, file = self.both(1, "replay", "--rules", self.rules, "--group", "--start", end - 72000, "--end", end, *more, ranged=False)
            self.assertEqual(*({one["rule_id"]: {name: one[name] for name in rows} for one in answer["problems"]} for answer in (tempo, file)))
            self.assertEqual(len(tempo["problems"]), 2)
            for one in tempo["problems"]:
                other, = (each for each in file["problems"] if each["id"] == one["id"])
                pairs = [pair for pair in zip(one["sparkline"], other["sparkline"]) if None not in pair]
                self.assertTrue(len(pairs) > 12 and all(left == right for left, right in pairs), (one, other))

    def test_diff_of_two_programs(self):
        """The old program is this one, but that it misses one violation: over a Tempo and over a file that is the one verdict which changes."""
        old, missed = self.path("betrace-old"), self.truth["slow-db-no-retry"][0]
        with open(old, "w", encoding="utf-8") as file:
            file.write(f"#!{sys.executable}\n" + OLDER.format(betrace=str(binary()), missed=missed))
        os.chmod(old, 0o755)
        for source in (["--tempo", self.tempo.url, "--since", "24h"], ["--traces", self.file]):
            done = run_cli("diff", "--old-program", old, self.rules, *source, "--json", timeout=300)
            self.assertEqual(done.returncode, 1, f"{done.stdout[:2000]}\n{done.stderr}")
            answer = json.loads(done.stdout)
            self.assertEqual((answer["status"], answer["verdicts_changed"]), ("completed", 1), done.stdout[:3000])
            (trace,) = [t for rule in answer["rules"] for t in rule["traces"]]
            self.assertEqual((trace["trace_id"], trace["change"], trace["after"]), (missed, "newly_violated", "violated"))
        done = run_cli("diff", "--old-program", binary(), self.rules, "--tempo", self.tempo.url, "--since", "24h", timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.endswith("\nno verdict changes\n"), done.stdout)

    def test_diff(self):
        changed = self.path("changed.yaml")
        with open(changed, "w", encoding="utf-8") as file:
            file.write(RULES.replace("> 1s", "> 2s").replace('and not trace.has(span.name == "audit.log")', ""))
        tempo, file = self.both(1, "diff", self.rules, changed, "--examples", "0")
        for a, b in zip(tempo["rules"], file["rules"]):
            self.assertEqual([(t["trace_id"], t["before"], t["after"]) for t in a["traces"]], [(t["trace_id"], t["before"], t["after"]) for t in b["traces"]])
        by_id = {r["new"]["id"]: r for r in tempo["rules"]}
        self.assertEqual(by_id["slow"]["newly_violated"], 0)
        self.assertGreater(by_id["slow"]["no_longer_violated"], 0)
        self.assertGreater(by_id["pii"]["newly_violated"], 0)
        self.assertEqual(by_id["typo"]["change"], "same")

    def test_compare_and_gate(self):
        now = int(time.time())
        middle = now - 7200 - 36000
        tempo, file = self.both(3, "compare", "--rules", self.rules, "--rule", "slow", "--before", f"{now - 86000}..{middle}", "--after",
                                f"{middle}..{now - 7000}", ranged=False)
        for side in ("before", "after"):
            self.assertEqual([tempo[side][k] for k in ("violated", "exercised", "certain")], [file[side][k] for k in ("violated", "exercised", "certain")])
        self.assertEqual(tempo["before"]["violated"] + tempo["after"]["violated"], PLANTED)
        tempo, file = self.both(3, "gate", "--rules", self.rules, "--rule", "slow", "--baseline", "1.4.1", "--candidate", "1.4.2", "--min-exercised", "1")
        self.assertEqual(tempo["rules"], file["rules"])
        self.assertEqual(tempo["rules"][0]["candidate"]["violated"], PLANTED)

    def test_a_rule_that_nothing_exercised(self):
        for command, status in (("replay", 3), ("first", 3)):
            # Over the time that has traces: beyond it nobody knows what exercised a rule.
            answers = self.both(status, command, "--rules", self.rules, "--rule", "typo", "--require-exercised", *self.filled, ranged=False)
            tempo, file = ([(one["rule_id"], one["known"], [(a["name"], [n["name"] for n in a["near"]]) for a in one["absent"]])
                            for one in answer["unexercised"]] for answer in answers)
            self.assertEqual(tempo, file)
            self.assertEqual(tempo, [("typo", True, [("chekout", ["checkout"])])])
            counts = [answer["unexercised"][0]["absent"][0]["near"][0]["traces"] for answer in answers]
            self.assertEqual((counts[0], counts[1] > 0), (None, True), "nobody counts them in a Tempo")
        for answer in self.both(0, "first", "--dsl", "when { checkout and not nobody } always { checkout }", *self.filled, ranged=False):
            self.assertEqual(answer["unexercised"], [], "what no search decides is read until some trace exercised it")

    def test_vacuity(self):
        tempo, file = self.both(1, "vacuity", "--rules", self.rules)
        for a, b in zip(tempo["rules"], file["rules"]):
            self.assertEqual((a["result"], a["rate"]["violated"], [x["name"] for x in a["absent"]]), (b["result"], b["rate"]["violated"], [x["name"] for x in b["absent"]]))
        typo = tempo["rules"][1]
        self.assertEqual((typo["result"], typo["absent"][0]["name"]), ("never_exercised", "chekout"))
        self.assertIn("checkout", typo["absent"][0]["near"])

    def test_record(self):
        trace_id = self.truth["slow-db-no-retry"][0]
        tempo, file = self.both(0, "record", trace_id, "--rules", self.rules, "--rule", "slow", ranged=False)
        lines = [sorted(answer["test"].splitlines()) for answer in (tempo, file)]
        self.assertEqual(*lines)
        self.assertIn("    expect: violated", lines[0])

    def test_explain_asks_and_estimates(self):
        done = run_cli("explain", self.rules, "--tempo", self.tempo.url, "--since", "24h", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertTrue(answer["probed"])
        text = run_cli("explain", self.rules, "--tempo", self.tempo.url, "--since", "24h").stdout
        self.assertIn("estimates, from ", text)
        self.assertRegex(text, r"about \d+ traces")


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
