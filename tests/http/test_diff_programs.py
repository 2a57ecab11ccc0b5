"""`betrace diff --old-program`: two programs judge the same rules and traces. An old program that does not tell everything is never one that agrees.
In its place is a script that runs this program and changes what it said."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import all_at_once, binary, run_cli, sanitizer_environment  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

RULES = """rules:
- {id: failed, dsl: "never { span(http.status >= 500) }"}
- {id: retried, dsl: "when { in } always { retry }"}
- {id: idle, dsl: "when { nobody } always { retry }"}
"""
TRACES = (trace(1, span("in", http_status="503")), trace(2, span("in"), span("retry")), trace(3, span("in", http_status=500), span("retry")))
# `said` are the lines of eval (or the one object of replay, or what check says), `code` is the exit status.
FRAME = """#!{python}
import json, os, signal, subprocess, sys, time
command = sys.argv[1]
done = subprocess.run([{betrace!r}, *sys.argv[1:]], stdout=subprocess.PIPE, close_fds=False, check=False)
said = [json.loads(line) for line in done.stdout.splitlines()] if command == "eval" else [json.loads(done.stdout)]
code = done.returncode
with open({log!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
def of(rule, number):
    return next(line for line in said if line.get("rule_id") == rule and line["trace_id"].endswith(str(number)))
{change}
sys.stdout.write("".join(json.dumps(line) + "\\n" for line in said))
sys.stdout.flush()
sys.exit(code)
"""
# What the script does to `eval`, and a piece of the reason that is told of the rule `failed`.
NOT_KNOWN = {
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by signal 9 (Killed)"),
    "another status": ("code = 7", "ended with status 7"),
    "it refuses everything": ("said, code = [], 2", "ended with status 2"),
    "garbage": ("print('Segmentation violation'); said = []", "line 1 of its output: no JSON object"),
    "cut in a line": ("sys.stdout.write(json.dumps(said[0])[:-9]); said = []", "no JSON object"),
    "cut between lines": ("del said[-1]", "it ends without a summary"),
    "nothing": ("said = []", "it ends without a summary"),
    "no number of traces": ("del said[-1]['summary']['traces']", "does not say how many traces"),
    "two summaries": ("said.append(said[-1])", "there is a second summary"),
    "a verdict of another time": ("said[0]['verdict'] = 'perhaps'", "a verdict that this program does not know"),
    "another rule": ("said[0]['rule_id'] = 'other'", "a rule that it was not asked for"),
    "no trace": ("said[0]['trace_id'] = 'x'", "no id of a trace"),
    "a verdict is missing": ("said.remove(of('failed', 3))", "judged 3 traces and has 2 verdicts of this rule"),
    "a rule is missing": ("said = [line for line in said if line.get('rule_id') != 'failed']", "does not speak of this rule"),
    "a trace is missing": ("said = [line for line in said if not line.get('trace_id', '').endswith('2')]; said[-1]['summary']['traces'] = 2",
                           "this program alone speaks of 1 trace"),
    "a trace of its own": ("said.insert(0, dict(of('failed', 2), trace_id='a' * 32)); said[-1]['summary']['traces'] = 4", "alone speaks of 1 trace"),
    "a trace twice": ("said.insert(0, of('failed', 2))", "speaks of a trace twice"),
}


class DiffPrograms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-programs-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rules = self.write("rules.yaml", RULES)
        self.traces = self.write("t.jsonl", "".join(TRACES))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def older(self, change="", name="betrace-old", only="eval"):
        """A program that says what this one says, but for the change in what it says for a command."""
        indented = f"if command == {only!r}:\n" + "".join(f"    {line}\n" for line in (change or "pass").split("\n"))
        path = self.write(name, FRAME.format(python=sys.executable, betrace=str(binary()), change=indented, log=os.path.join(self.folder, name + ".log")))
        os.chmod(path, 0o755)
        return path

    def asked(self, name="betrace-old"):
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def compare(self, old, *arguments, status, rules=None, traces=None, env=None):
        done = run_cli("diff", "--old-program", old, rules or self.rules, *([self.traces] if traces is None else traces), *arguments, env=env)
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return done

    def compare_json(self, old, *arguments, **how):
        answer = json.loads(self.compare(old, *arguments, "--json", **how).stdout)
        return answer, {rule["id"]: rule for rule in answer["rules"]}

    # ---- what is known ----

    def test_the_same_program(self):
        done = self.compare(binary(), status=0)
        self.assertEqual((done.stdout, done.stderr), ("3 rules keep their verdicts\nno verdict changes\n", ""))
        answer, rules = self.compare_json(self.older(), status=0)
        self.assertEqual((answer["status"], answer["verdicts_changed"], answer["range"], [rule["known"] for rule in answer["rules"]]),
                         ("completed", 0, None, [True] * 3))
        self.assertEqual(rules["failed"]["old"], {"violations": 2, "inconclusive": 0, "exercised": 3, "exercised_kind": "exact"})
        self.assertEqual(rules["failed"]["old"], rules["failed"]["new"])
        self.assertEqual([words[0] for words in self.asked()], ["eval", "replay"])

    def test_verdicts_that_change(self):
        old = self.older("line = of('failed', 1); line['verdict'] = 'satisfied'; del line['violation']\n"
                         "of('retried', 2).update(verdict='violated', violation={'message': 'no retry'})")
        done = self.compare(old, status=1)
        for line in ("failed: verdicts change", "  violations 1 → 2", "  exercised by traces 3 → 3", "  1 trace: satisfied → violated",
                     f"  + satisfied → violated  2026-01-01T00:00:00Z  {trace_id(1)}", f"  - violated → satisfied  {trace_id(2)}", "      before: no retry",
                     "1 rule keeps its verdicts", "2 verdicts change"):
            self.assertIn(line + "\n", done.stdout)
        answer, rules = self.compare_json(old, status=1)
        self.assertEqual((answer["verdicts_changed"], answer["status"]), (2, "completed"))
        self.assertEqual([(rules[name]["newly_violated"], rules[name]["no_longer_violated"]) for name in ("failed", "retried", "idle")], [(1, 0), (0, 1), (0, 0)])
        (only,) = rules["failed"]["traces"]
        self.assertEqual([only[key] for key in ("trace_id", "change", "before", "after")], [trace_id(1), "newly_violated", "satisfied", "violated"])
        self.assertIn("http.status", only["message"])

    def test_to_and_from_inconclusive(self):
        old = self.older("of('failed', 2).update(verdict='inconclusive', reason='copies')\nof('retried', 3).update(verdict='not_applicable')")
        done = self.compare(old, status=1)
        self.assertIn("  1 trace: inconclusive (copies) → satisfied\n  ~ inconclusive (copies) → satisfied", done.stdout)
        self.assertIn("  inconclusive 1 → 0\n", done.stdout)
        self.assertIn("  1 trace: not_applicable → satisfied\n", done.stdout)
        _, rules = self.compare_json(old, status=1)
        self.assertEqual(rules["failed"]["kinds"],
                         [{"before": "inconclusive", "before_reason": "copies", "after": "satisfied", "after_reason": None, "traces": 1}])

    def test_another_reason_is_told_and_is_no_change(self):
        rules = self.write("copies.yaml", "rules:\n- {id: r, dsl: \"never { span(x > 1) }\"}\n")
        copies = [json.loads(trace(4, span("in", x=value, id="1" * 16))) for value in (1, 2)]
        traces = self.write("copies.jsonl", "".join(json.dumps(line) + "\n" for line in copies))
        done = self.compare(self.older("of('r', 4).update(reason='dropped')"), status=0, rules=rules, traces=[traces])
        self.assertIn("r: its verdicts stay\n  1 trace is still inconclusive, for another reason\n", done.stdout)

    def test_counts_are_told_and_are_no_change(self):
        old = self.older("next(r for r in said[0]['rules'] if r['rule_id'] == 'retried')['traces_exercised'] = 1", only="replay")
        done = self.compare(old, status=0)
        self.assertEqual(done.stdout, "retried: its verdicts stay\n  exercised by traces 1 → 3; this is a count, and no verdict changes by it\n"
                                      "3 rules keep their verdicts\nno verdict changes\n")

    def test_counts_that_are_missing_change_no_verdict(self):
        _, rules = self.compare_json(self.older("said = [{}]", only="replay"), status=0)
        self.assertEqual((rules["failed"]["old"]["exercised"], rules["failed"]["new"]["exercised"]), (None, 3))

    def test_examples_are_limited_and_numbers_are_not(self):
        traces = self.write("many.jsonl", "".join(trace(n, span("in", http_status=503)) for n in range(1, 31)))
        old = self.older("for line in said:\n    if line.get('rule_id') == 'failed': line['verdict'] = 'satisfied'")
        done = self.compare(old, "--examples", "2", status=1, traces=[traces])
        self.assertIn("  30 traces: satisfied → violated\n", done.stdout)
        self.assertEqual(done.stdout.count("  + satisfied → violated"), 2)
        self.assertIn("  … and 28 more (--examples 0 shows all)\n", done.stdout)
        _, rules = self.compare_json(old, "--examples", "2", status=1, traces=[traces])
        self.assertEqual(len(rules["failed"]["traces"]), 30)

    def test_require_exercised(self):
        done = self.compare(binary(), "--require-exercised", status=3)
        self.assertIn("betrace diff: idle: nothing exercised this rule: no trace has nobody", done.stderr)
        self.compare(binary(), status=0)

    def test_one_rule_as_text(self):
        answer, rules = self.compare_json(self.older("of('dsl', 1)['verdict'] = 'satisfied'"), "--dsl", "never { span(http.status >= 500) }", status=1,
                                          rules=self.traces, traces=[])
        self.assertEqual((list(rules), answer["verdicts_changed"]), (["dsl"], 1))

    def test_what_a_terminal_obeys_is_shown(self):
        old = self.older("of('failed', 1).update(verdict='inconclusive', reason='\x1b[31mred')\nprint('\x1b[2J', file=sys.stderr)\n"
                         "of('retried', 2).update(verdict='violated', violation={'message': '\x1b]0;x', 'time': '\x1b[1m' * 9})")
        for words in ((), ("--json",)):
            done = self.compare(old, *words, status=1)
            self.assertNotIn("\x1b", done.stdout + done.stderr)
            self.assertIn("red", done.stdout)

    # ---- what is not known ----

    def test_what_is_not_known_is_never_no_change(self):
        def look(at):
            name, (change, says) = at
            old = self.older(change, name.replace(" ", "-"))
            return name, says, self.compare_json(old, status=3), self.compare(old, status=3).stdout
        for name, says, (answer, rules), text in all_at_once(look, NOT_KNOWN.items()):
            with self.subTest(name):
                self.assertEqual((answer["status"], answer["verdicts_changed"], rules["failed"]["known"]), ("incomplete", 0, False))
                self.assertIn(says, rules["failed"]["not_known"])
                self.assertIn(says, text)
                self.assertIn("UNKNOWN", text)
                self.assertNotIn("no verdict changes", text)

    def test_a_change_is_told_where_others_are_not_known(self):
        done = self.compare(self.older("of('failed', 1)['verdict'] = 'satisfied'\nsaid.remove(of('retried', 3))"), status=1)
        self.assertIn("retried: not known: ", done.stdout)
        self.assertIn("1 verdict was found to change; of 1 rule not everything is known (above)\n", done.stdout)

    def test_no_traces(self):
        empty = self.write("empty.jsonl", '{"resourceSpans": []}\n')
        self.assertIn("UNKNOWN: there is no trace in these files", self.compare(binary(), status=3, traces=[empty]).stdout)

    def test_much_on_stderr_and_slow(self):
        """Neither fills a pipe that nobody reads."""
        old = self.older("for n in range(50000): print('warning number', n, file=sys.stderr)\ntime.sleep(0.5)\nsaid = said + []")
        done = self.compare(old, status=0)
        self.assertIn(f"betrace diff: {old}: warning number 0\n", done.stderr)
        self.assertRegex(done.stderr, r"betrace diff: \S+: … and \d+ more lines\n$")
        self.assertLess(len(done.stderr), 200000)

    def test_it_leaves_a_process_behind(self):
        """Which holds its pipes, and is not waited for."""
        old = self.older("subprocess.Popen(['timeout', '60', 'sleep', '60'])")
        begin = time.monotonic()
        self.compare(old, status=0)
        self.assertLess(time.monotonic() - begin, 50)
        old = self.older("subprocess.Popen(['timeout', '60', 'yes'], stdout=sys.stderr)")
        self.compare(old, status=0)
        self.assertLess(time.monotonic() - begin, 110)

    def test_interrupted(self):
        old = self.older("with open(sys.argv[0] + '.runs', 'w') as file: file.write(str(os.getpid()))\ntime.sleep(60)")
        with subprocess.Popen([binary(), "diff", "--old-program", old, self.rules, self.traces], env=sanitizer_environment(), stdout=subprocess.PIPE,
                              text=True) as run:
            while not os.path.exists(old + ".runs") or not os.path.getsize(old + ".runs"):
                self.assertIsNone(run.poll())
                time.sleep(0.02)
            run.send_signal(signal.SIGTERM)
            output = run.communicate(timeout=30)[0]
        self.assertEqual(run.returncode, 3)
        self.assertIn(f"UNKNOWN: {old} was interrupted", output)
        with open(old + ".runs", encoding="utf-8") as file, self.assertRaises(ProcessLookupError):
            os.kill(int(file.read()), 0)

    # ---- rules that one program alone takes ----

    REFUSES_RETRIED = """rules = open(sys.argv[sys.argv.index("--rules") + 1] if command != "check" else sys.argv[-1]).read()
if "retried" in rules:
    print("rules.yaml:3: error[E010]: no such word", file=sys.stderr)
    said, code = [], 2"""

    def refusing(self):
        path = self.older(self.REFUSES_RETRIED)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check = ('if command == "check":\n    said, code = [{"diagnostics": [{"rule_id": "retried", "code": "E010", "severity": "error", '
                 '"message": "no such word"}]}], 1\n')
        self.write("betrace-old", text.replace("sys.stdout.write(", check + "sys.stdout.write(", 1))
        return path

    def test_a_rule_that_the_old_program_does_not_take(self):
        old = self.refusing()
        done = self.compare(old, status=3)
        self.assertIn(f"retried: not known: {old} does not take it: error[E010]: no such word\n", done.stdout)
        self.assertIn("2 rules keep their verdicts\nUNKNOWN: of 1 rule not everything is known (above)\n", done.stdout)
        self.assertEqual([words[0] for words in self.asked()], ["eval", "check", "eval", "replay"])
        _, rules = self.compare_json(old, status=3)
        self.assertEqual({name: rule["known"] for name, rule in rules.items()}, {"failed": True, "retried": False, "idle": True})

    def test_a_rule_that_this_program_does_not_take(self):
        rules = self.write("rules.yaml", RULES + "- {id: broken, dsl: \"when {\"}\n- {id: past, dsl: \"count(x) == \\\"3\\\"\"}\n")
        done = self.compare(binary(), status=3)
        self.assertIn("broken: not known: neither program takes it: error[E010]: ", done.stdout)
        self.assertIn("3 rules keep their verdicts\n", done.stdout)
        old = self.older("said[0]['diagnostics'] = [d for d in said[0]['diagnostics'] if d['rule_id'] != 'past']", only="check")
        self.assertIn("past: not known: this program does not take it: error[E031]: ", self.compare(old, status=3, rules=rules).stdout)

    # ---- how it is called ----

    def test_wrong_use(self):
        other = self.write("other.yaml", RULES)
        missing, nothing = os.path.join(self.folder, "none"), self.write("nothing.yaml", "rules: []\n")
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        for words, says in (((self.rules, other, self.traces), "one version of the rules"), ((self.rules,), "say where the traces are"),
                            ((self.rules, "-"), "two programs can read"), ((self.rules, pipe), "two programs can read"), ((self.rules, missing), "two programs can read"),
                            ((missing, self.traces), missing), ((nothing, self.traces), "there are none"),
                            ((self.rules, self.traces, "--since", "1h"), "--since says nothing of files"),
                            ((self.rules, self.traces, "--clock-skew", "1s"), "--clock-skew says nothing of files")):
            with self.subTest(words):
                done = run_cli("diff", "--old-program", binary(), *words)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(says, done.stderr)
        self.assertIn("cannot be started: No such file", self.compare(missing, status=2).stderr)
        self.assertIn("cannot be started: Permission denied", self.compare(self.rules, status=2).stderr)

    def test_a_folder_of_rules_and_odd_names(self):
        os.mkdir(os.path.join(self.folder, "of rules"))
        self.write("of rules/a b.yaml", RULES)
        traces = self.write("--json", "".join(TRACES))
        done = run_cli("diff", "--old-program", self.older(), os.path.join(self.folder, "of rules"), "--", os.path.basename(traces), cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (0, "3 rules keep their verdicts\nno verdict changes\n"), done.stderr)

    def test_a_tempo_is_asked_by_both_with_one_range(self):
        with StubTempo() as tempo:
            old = self.older(only="replay")
            answer, rules = self.compare_json(old, "--tempo", tempo.url, "--since", "6h", "--tenant", "shop", "--margin", "1m", status=3, traces=[])
            (words,) = self.asked()
        self.assertEqual(words, ["replay", "--json", "--limit", "0", "--rules", self.rules, "--tempo", tempo.url, "--start", answer["range"]["start"],
                                 "--end", answer["range"]["end"], "--tenant", "shop", "--margin", "1m"])
        self.assertFalse(rules["failed"]["known"], "a Tempo that shows no trace says nothing")
        self.assertIn("the replay of this program was not completed", rules["failed"]["not_known"])

    def test_the_address_of_the_environment_is_not_written_down(self):
        with StubTempo() as tempo:
            self.compare(self.older(only="replay"), status=3, traces=[], env={"BETRACE_TEMPO_URL": tempo.url})
            self.assertGreater(tempo.asked, 0)
        self.assertNotIn("--tempo", self.asked()[0])


if __name__ == "__main__":
    unittest.main(verbosity=1)
