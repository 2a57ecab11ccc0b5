"""One grammar of the command line. Rules come from paths, --rules or --dsl in every command that takes rules. Every status of `betrace help exit`
is met by a command line here, or named with the suite that meets it. Each form of --output is one that its readers accept."""
import json
import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, all_at_once, run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

DSL = "when { a } always { b }"
RULES = "rules:\n- id: a\n  dsl: |\n    when { a }\n    always { b }\n"
TESTED = RULES + "  tests:\n  - {name: t, trace: [{span: a}], expect: violated}\n"
KEPT = "rules:\n- id: a\n  dsl: |\n    when { a }\n    always { a }\n"
OTHER = "rules:\n- id: a\n  dsl: |\n    when { a }\n    always { c }\n"
ALERTS = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: betrace_violations_total > 0}\n"
WARNED = "rules:\n- id: a\n  dsl: |\n    when { a as x }\n    always { b }\n"
NOWHERE = ("--tempo", "http://127.0.0.1:1")
WINDOWS = ("--before", "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z", "--after", "2026-01-01T00:00:00Z..2026-01-02T00:00:00Z")
# Many rules: "one" is violated by both traces, "two" by one, "kept" by none, the others by none because nothing exercises them.
MANY = "rules:\n" + "".join(f"- {{id: {name}, dsl: '{dsl}'}}\n" for name, dsl in (
    ("nothing-1", "when { n1 } always { b }"), ("kept", "when { a } always { a }"), ("two", DSL), ("one", "when { a } always { c }"),
    ("nothing-2", "when { n2 } always { b }"), ("a-name-that-is-longer-than-what-a-terminal-of-forty-columns-has", "when { a } always { a }")))

# What takes rules: each way to give them has to lead to the same status. {} is the rules.
TAKES_RULES = {"check": (0, "{}"), "fmt": (0, "{}"), "test": (0, "{}"), "eval": (1, "{}", "--traces", "{traces}"), "replay": (1, "{}", "--traces", "{traces}"),
               "first": (1, "{}", "--traces", "{traces}"), "trace": (1, "2", "{}", "--traces", "{traces}"), "contrast": (3, "{}", "--traces", "{traces}"),
               "compare": (3, "{}", "--traces", "{traces}", *WINDOWS), "gate": (3, "{}", "--traces", "{traces}", "--baseline", "1", "--candidate", "2"),
               "record": (0, "2", "{}", "--traces", "{traces}", "--out", "{out}"), "sync": (1, "{}", "--url", "{url}", "--tenant", "other"), "explain": (0, "{}"), "sampler": (0, "{}"),
               "vacuity": (0, "{}", "--traces", "{traces}"), "silent": (3, "{}", "--traces", "{traces}"), "backtest": (0, "{}", "--traces", "{traces}", "--alerts", "{alerts}"), "listen": (3, "{}", "--settle", "10ms", "--", "true"),
               "mcp": (0, "{}", "--traces", "{traces}"),
               "diff": (0, "{}", "{}", "--traces", "{traces}")}
NO_DSL = {"test", "sync", "mcp"}  # they say why not
# Commands whose operands are something else.
TAKES_NO_RULES = {"suggest", "changed", "verify-report", "merge", "serve", "token", "backup", "health", "doctor", "canary", "generate", "import", "completion", "version", "init"}

STATUSES = [
    (0, "init", "{out}-1"), (1, "init", "{there}"), (2, "init", "a", "b"), (3, "init", "{out}-2", *NOWHERE),
    (0, "check", "{rules}"), (1, "check", "{broken}"), (2, "check"), (1, "check", "--fail-on", "warning", "{warned}"), (0, "check", "{warned}"),
    (0, "fmt", "{rules}"), (1, "fmt", "--check", "{unformatted}"), (1, "fmt", "{broken}"), (2, "fmt", "{none}"),
    (0, "test", "{tested}"), (0, "test", "{rules}"), (1, "test", "{failing}"), (1, "test", "{broken}"), (2, "test", "{none}"), (3, "test", "{rules}", "--require-exercised"),
    (0, "eval", "{kept}", "{traces}"), (1, "eval", "{rules}", "{traces}"), (2, "eval", "{rules}", "{none}"), (3, "eval", "{rules}", "{empty}"),
    (0, "replay", "{kept}", "{traces}"), (1, "replay", "{rules}", "{traces}"), (2, "replay", "{rules}"), (3, "replay", "{rules}", *NOWHERE),
    (0, "replay", "{kept}", "{traces}", "--group"), (1, "replay", "{rules}", "{traces}", "--group"), (2, "replay", "{rules}", "{traces}", "--group", "--ids"), (3, "replay", "{rules}", *NOWHERE, "--group"),
    (2, "merge"), (2, "merge", "{rules}"),
    (0, "first", "{kept}", "{traces}"), (1, "first", "{rules}", "{traces}"), (2, "first", "{rules}"), (3, "first", "{rules}", *NOWHERE),
    (0, "diff", "{rules}", "{rules}", "{traces}"), (1, "diff", "{rules}", "{kept}", "{traces}"), (2, "diff", "{rules}", "{traces}"),
    (3, "diff", "{rules}", "{other}", *NOWHERE),
    (0, "trace", "1", "{kept}", "{traces}"), (1, "trace", "2", "{rules}", "{traces}"), (2, "trace"), (3, "trace", "77", "{traces}"),
    (2, "contrast"), (3, "contrast", "{rules}", *NOWHERE),
    (2, "compare"), (3, "compare", "{rules}", *NOWHERE, *WINDOWS), (2, "gate"), (3, "gate", "{rules}", *NOWHERE, "--baseline", "1", "--candidate", "2"),
    (0, "record", "2", "{rules}", "{traces}", "--out", "{out}"), (2, "record"), (3, "record", "77", "{rules}", "{traces}", "--out", "{out}"),
    (0, "sync", "{rules}", "--url", "{url}", "--apply"), (1, "sync", "{kept}", "--url", "{url}"), (2, "sync"),
    (3, "sync", "{rules}", "--url", "http://127.0.0.1:1"),
    (2, "canary"), (3, "canary", *NOWHERE, "--otlp", "http://127.0.0.1:1", "--count", "1", "--within", "1ms", "--every", "1ms"),
    (0, "explain", "{rules}"), (2, "explain"), (3, "explain", "{rules}", *NOWHERE),
    (0, "sampler", "{rules}"), (1, "sampler", "{rules}", "--check", "{traces}"), (2, "sampler"), (3, "sampler", "{rules}", "--traces", "{empty}"),
    (0, "vacuity", "{rules}", "{traces}"), (1, "vacuity", "{vacuous}", "{traces}"), (2, "vacuity"), (3, "vacuity", "{rules}", *NOWHERE),
    (2, "silent"), (3, "silent", "{rules}", "{traces}"),
    (0, "backtest", "{rules}", "{traces}", "--alerts", "{alerts}"), (1, "backtest", "{rules}", "{traces}", "--alerts", "{alerts}", "--per-week", "0"), (2, "backtest", "{rules}", "{traces}", "--night", "5"),
    (3, "backtest", "{rules}", *NOWHERE, "--alerts", "{alerts}"),
    (2, "suggest"), (3, "suggest", *NOWHERE), (2, "changed"), (3, "changed", "--candidate", "a=b", "{traces}"), (2, "verify-report"), (2, "serve", "--nothing"), (3, "serve", "--db", "{folder}/no/such/rules.db"),
    (0, "token", "new", "--name", "x"), (2, "token"), (3, "token", "new", "--name", "x", "--file", "{folder}/no/such/file"), (2, "backup"), (3, "backup", "--db", "{none}", "{folder}/copy.db"),
    (0, "health", "--url", "{url}"), (2, "health", "x"), (3, "health", "--url", "http://127.0.0.1:1"),
    (2, "doctor"), (3, "doctor", *NOWHERE, "--otlp", "http://127.0.0.1:1"),
    (0, "generate", "--traces", "1", "--out", "{folder}/g.jsonl"), (2, "generate"), (3, "generate", "--traces", "1", "--otlp", "http://127.0.0.1:1"),
    (2, "import"), (0, "listen", "{rules}", "--settle", "10ms", "--help"), (2, "listen"), (3, "listen", "{rules}", "--settle", "10ms", "--", "true"),
    (0, "mcp", "{rules}", "--traces", "{traces}"), (2, "mcp"), (3, "mcp", "--traces", "{none}"),
    (0, "completion", "bash"), (2, "completion"), (0, "version"), (2, "version", "x"),
]
# Statuses that take more than a command line; each is met in the suite that is named.
ELSEWHERE = {("contrast", 0): "test_contrast.py", ("contrast", 1): "test_contrast.py", ("compare", 0): "test_cli_rates.py", ("compare", 1): "test_cli_rates.py",
             ("gate", 0): "test_cli_gate.py", ("gate", 1): "test_cli_gate.py", ("canary", 0): "test_canary.py", ("canary", 1): "test_canary.py",
             ("suggest", 0): "test_cli_suggest.py", ("changed", 0): "test_changed.py", ("changed", 1): "test_changed.py", ("verify-report", 0): "test_cli_verify_report.py", ("verify-report", 1): "test_cli_verify_report.py",
             ("verify-report", 3): "test_cli_verify_report.py", ("serve", 0): "test_api.py", ("doctor", 0): "test_cli_doctor.py",
             ("doctor", 1): "test_cli_doctor.py", ("import", 0): "test_cli_import.py", ("import", 1): "test_cli_import.py",
             ("silent", 0): "test_cli_silent.py", ("silent", 1): "test_cli_silent.py", ("listen", 1): "test_listen.py", ("backup", 0): "test_backup.py", ("health", 1): "test_cli_health.py",
             ("merge", 0): "test_cli_merge.py", ("merge", 1): "test_cli_merge.py", ("merge", 3): "test_cli_merge.py"}


class GrammarTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-grammar-")
        cls.addClassCleanup(folder.cleanup)
        cls.names = {"folder": folder.name, "out": os.path.join(folder.name, "recorded"), "none": os.path.join(folder.name, "none")}
        texts = {"rules": RULES, "tested": TESTED, "failing": TESTED.replace("violated", "satisfied"), "kept": KEPT, "other": OTHER, "many": MANY,
                 "broken": RULES.replace("always", "alway"), "warned": WARNED, "unformatted": RULES.replace("when { a }\n", "when {a}\n"),
                 "vacuous": RULES.replace("{ a }", "{ never.seen }"), "traces": trace(1, span("a"), span("b")) + trace(2, span("a")), "empty": '{"resourceSpans": []}', "alerts": ALERTS}
        for name, text in texts.items():
            cls.names[name] = os.path.join(folder.name, name + (".jsonl" if name in ("traces", "empty") else ".yaml"))
            with open(cls.names[name], "w", encoding="utf-8") as file:
                file.write(text)
        cls.names["there"] = os.path.join(folder.name, "there")
        os.mkdir(cls.names["there"])
        with open(os.path.join(cls.names["there"], ".pre-commit-config.yaml"), "w", encoding="utf-8") as file:
            file.write("repos: []\n")
        cls.names["url"] = f"http://127.0.0.1:{cls.enterClassContext(Betrace('--memory-source')).port}"

    def fill(self, words):
        return [re.sub(r"\{(\w+)\}", lambda found: self.names[found[1]], word) for word in words]

    def run_words(self, *words):
        return run_cli(*self.fill(words))

    def table(self):
        """{(command, status)} as `betrace help exit` prints it."""
        found, command = set(), None
        for line in run_cli("help", "exit").stdout.splitlines():
            if re.fullmatch(r"[a-z-]+", line):
                command = line
            elif command and (status := re.match(r"  (\d)  ", line)):
                found.add((command, int(status[1])))
        return found

    def given(self, command, words, as_):
        rules = {"path": ["{rules}"], "--rules": ["--rules", "{rules}"], "--dsl": ["--dsl", DSL]}[as_]
        return self.run_words(command, *[one for word in words for one in (rules if word == "{}" else [word])])

    def test_rules_from_a_path_a_flag_or_a_text(self):
        names = set(run_cli("help", "--names").stdout.split())
        self.assertEqual(names, set(TAKES_RULES) | TAKES_NO_RULES | (names & {"lsp"}))
        for command, (status, *words) in TAKES_RULES.items():
            for way in ("path", "--rules", "--dsl"):
                with self.subTest(command=command, way=way):
                    done = self.given(command, words, way)
                    if way == "--dsl" and command in NO_DSL:
                        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                    else:
                        self.assertEqual(done.returncode, status, done.stdout + done.stderr)

    def test_every_status_of_the_table(self):
        table = self.table()
        self.assertGreater(len(table), 60)
        met = set()
        ran = all_at_once(lambda line: self.run_words(*line[1:]), STATUSES)
        for (status, *words), done in zip(STATUSES, ran):
            with self.subTest(" ".join(words)):
                self.assertEqual(done.returncode, status, done.stdout + done.stderr)
                met.add((words[0], status))
        missing = {pair for pair in table - met if pair not in ELSEWHERE and pair[0] != "lsp"}
        self.assertEqual(missing, set(), "a command line for each, or the suite that meets it")
        self.assertEqual({pair for pair in met if pair[1] != 2} - table, set(), "the table leaves out what was met")

    def test_traces_of_diff_need_no_flag_and_a_rule_file_needs_no_name(self):
        done = self.run_words("diff", "{kept}", "/dev/stdin", "{traces}")
        self.assertEqual(done.returncode, 2, "nothing stands on stdin, so that is no rule file")
        done = self.run_words("diff", "--dsl", DSL, "{kept}", "{traces}")
        self.assertEqual(done.returncode, 1, done.stderr)
        done = self.run_words("diff", "--rules", "{rules}", "{kept}", "{other}", "--traces", "{traces}")
        self.assertEqual(done.returncode, 2, "a third version is no file of traces")

    # ---- forms ----

    def test_forms_of_check(self):
        files = ("{broken}", "{warned}", "{none}")
        lines = [json.loads(line) for line in self.run_words("check", *files, "--output", "jsonl").stdout.splitlines()]
        self.assertEqual([line["severity"] for line in lines], ["error", "warning"])
        junit = ElementTree.fromstring(self.run_words("check", *files, "--output", "junit").stdout)
        self.assertEqual((junit.get("tests"), junit.get("failures"), junit.get("errors")), ("3", "1", "1"))
        self.assertIn("alway", junit.find(".//failure").text)
        self.assertIn("none", junit.find(".//error").get("message"))
        notes = self.run_words("check", *files, "--output", "github").stdout.splitlines()
        self.assertRegex(notes[0], r"^::error file=.*broken\.yaml,line=5,col=5,title=betrace E\d+::.*alway")
        self.assertRegex(notes[1], r"^::warning file=.*warned\.yaml,line=4,col=\d+,title=betrace W005::")

    def test_forms_of_test(self):
        line = json.loads(self.run_words("test", "{failing}", "--output", "jsonl").stdout)
        self.assertEqual((line["outcome"], line["test"]), ("failed", "t"))
        self.assertRegex(self.run_words("test", "{failing}", "--output", "github").stdout, r"^::error file=.*failing\.yaml,line=7,col=1,title=betrace test a%3A t::.*%0A")
        self.assertEqual(self.run_words("test", "{tested}", "--output", "github").stdout, "")
        self.assertRegex(self.run_words("test", "{broken}", "--output", "github").stdout, r"^::error file=.*broken\.yaml,")

    def test_forms_of_replay(self):
        lines = [json.loads(line) for line in self.run_words("replay", "{many}", "{traces}", "--output", "jsonl").stdout.splitlines()]
        self.assertEqual([line["rule_id"] for line in lines[:-1]], ["one", "two", "one"])
        self.assertEqual(lines[-1]["summary"]["status"], "completed")
        notes = self.run_words("replay", "{many}", "{traces}", "--output", "github").stdout.splitlines()
        self.assertEqual([re.match(r"::error title=betrace (\S+)::", note)[1] for note in notes[1:-1]], ["two", "one"])
        self.assertRegex(notes[-1], "^::notice title=betrace one%3A about the data::`c` is the name of no span and no service")
        self.assertRegex(notes[0], "^::warning title=betrace%3A rules that say nothing::nothing-1: nothing exercised this rule")
        self.assertIn("not everything could be read", self.run_words("replay", "{many}", *NOWHERE, "--output", "github").stdout)

    def test_a_form_that_a_command_does_not_write_is_named_with_who_writes_it(self):
        for form, writers in (("junit", "check, test and replay"), ("jsonl", "test and replay"), ("github", "check, test"), ("sarif", "by check")):
            done = run_cli("explain", "--output", form)
            self.assertEqual(done.returncode, 2)
            self.assertIn("text or json", done.stderr)
            self.assertRegex(done.stderr, f'not "{form}"; {form} is written by ')
            for word in writers.replace(" and", ",").split(", "):
                self.assertIn(word.replace("by ", ""), done.stderr)

    # ---- many rules ----

    def columns(self, columns, *words):
        return run_cli(*self.fill(words), env={"COLUMNS": str(columns)}).stdout.splitlines()

    def test_many_rules_are_a_table(self):
        lines = self.columns(120, "replay", "{many}", "{traces}", "--limit", "1")
        head = next(at for at, line in enumerate(lines) if line.startswith("RULE"))
        rows = [line.split()[:3] for line in lines[head + 1:head + 5]]
        self.assertEqual(rows[:3], [["one", "2", "2"], ["two", "1", "2"], ["kept", "0", "2"]])
        self.assertEqual(lines[head + 5], "2 not exercised by any trace: nothing-1, nothing-2")
        self.assertEqual(lines[head + 6], "2 traces for each rule")

    def test_no_line_is_wider_than_the_terminal_and_no_id_is_cut(self):
        long = "a-name-that-is-longer-than-what-a-terminal-of-forty-columns-has"
        for columns in (40, 60, 80, 120):
            lines = self.columns(columns, "replay", "{many}", "{traces}", "--limit", "1")
            table = lines[next(at for at, line in enumerate(lines) if line.startswith("RULE")):-1]
            self.assertIn(long, "\n".join(table))
            self.assertEqual([line for line in table if len(line) > columns and line != long and not line.startswith("note: ")], [], columns)
            self.assertEqual([line for line in table if line.endswith(" ")], [], columns)

    def test_what_could_not_be_read_is_no_number(self):
        lines = self.columns(80, "replay", "{many}", *NOWHERE)
        self.assertIn("UNKNOWN", "\n".join(lines))
        self.assertNotRegex("\n".join(lines), r"not exercised|violations? (in|found)|EXERCISED")

    def test_ids_are_all_that_is_printed(self):
        done = self.run_words("replay", "{many}", "{traces}", "--ids")
        self.assertEqual((done.returncode, len(done.stdout.splitlines()), done.stderr), (1, 2, ""))
        self.assertTrue(all(re.fullmatch(r"[0-9a-f]{32}", line) for line in done.stdout.splitlines()))
        self.assertEqual(len(self.run_words("replay", "{many}", "{traces}", "--ids", "--limit", "1").stdout.splitlines()), 1)
        done = self.run_words("replay", "{many}", *NOWHERE, "--ids")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("there may be more", done.stderr)


if __name__ == "__main__":
    unittest.main()
