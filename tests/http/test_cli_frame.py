"""The frame of the command line: help, did-you-mean, colours, manual pages, completion. All of it is made from one table of commands, so these
tests take the names of commands from the program and ask the same of each."""
import functools
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402


@functools.lru_cache
def names():
    return run_cli("help", "--names").stdout.split()


@functools.lru_cache
def help_of(name):
    """The answer to --help in 80 columns."""
    return run_cli(name, "--help", env={"COLUMNS": "80"})


def on_terminal(*arguments, env=None):
    """stdout and stderr of a command that sees a terminal of 80 columns, and its exit status. The terminal stays open until all was read: one that nobody has
    open any more may lose what was written last."""
    terminal, end = pty.openpty()
    variables = {**os.environ, **sanitizer_environment(), "NO_COLOR": "", "TERM": "xterm", **(env or {})}
    output, is_over = b"", False
    with subprocess.Popen([binary(), *arguments], stdin=end, stdout=end, stderr=end, start_new_session=True, env=variables) as process:
        while not is_over:
            has_ended = process.poll() is not None
            has_more = select.select([terminal], [], [], 0.3 if has_ended else 0.05)[0]
            output += os.read(terminal, 65536) if has_more else b""
            is_over = has_ended and not has_more
    os.close(terminal)
    os.close(end)
    return output.decode(), process.returncode


class FrameTest(unittest.TestCase):
    def test_every_command_has_help_with_examples_and_statuses(self):
        listed = run_cli("--help").stdout
        for name in names():
            with self.subTest(command=name):
                self.assertEqual(len(re.findall(rf"\n  {name} +\S", listed)), 1, "it stands once in the list")
                done = help_of(name)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                sections = re.findall(r"^([A-Z][^\n]*:)$", done.stdout, re.M)
                self.assertLess(sections.index("Usage:"), sections.index("Examples:"))
                self.assertEqual(sections[-1], "Exit status:")
                self.assertIn(f"  betrace {name}", done.stdout)
                self.assertEqual(run_cli("help", name, env={"COLUMNS": "80"}).stdout, done.stdout)
                examples = done.stdout.split("Examples:\n")[1].split("\n\n\n")[0]
                self.assertIn("betrace", examples)

    def test_help_fits_the_terminal(self):
        for name in ("", *names()):
            text = help_of(name).stdout if name else run_cli("--help", env={"COLUMNS": "80"}).stdout
            self.assertEqual([line for line in text.splitlines() if len(line) > 80], [], name)

    def test_a_terminal_without_utf8_is_sent_ascii(self):
        """Signs of ours have a spelling, and a name of others can still be told from another one."""
        arguments = ("check", "--dsl", 'when { "caf\u00e9" } alway { b }')
        text, code = on_terminal(*arguments, env={"LC_ALL": "C"})
        self.assertEqual((code, text.isascii()), (1, True), text)
        self.assertTrue(on_terminal(*arguments, env={"LC_ALL": "", "LC_CTYPE": "", "LANG": "en_US.CP1252"})[0].isascii())
        self.assertIn("caf\\u00e9", text)
        text, _ = on_terminal(*arguments, env={"LC_ALL": "C.UTF-8"})
        self.assertIn("caf\u00e9", text)
        text, _ = on_terminal("check", "--help", env={"LC_ALL": "C"})
        self.assertTrue(text.isascii())
        self.assertIn("FILE|FOLDER...", text)
        self.assertIn("caf\u00e9", run_cli(*arguments, env={"LC_ALL": "C"}).stdout, "a pipe gets the bytes")

    def test_examples_parse(self):
        """Every flag that an example shows is one of its command."""
        for name in names():
            help_text = help_of(name).stdout
            flags = set(re.findall(r"^  +(?:-\w, )?(--[a-z-]+)", help_text.split("Examples:")[1], re.M))
            for line in re.findall(rf"betrace {name} [^\n]*(?:\\\n[^\n]*)*", help_text.split("Examples:")[1]):
                for flag in re.findall(r"(?<!\S)(--[a-z-]+)", re.sub(r"'[^']*'|\|.*", "", line)):
                    self.assertIn(flag, flags, f"{name}: {line}")

    def test_did_you_mean(self):
        for arguments, said in ((["chek"], 'did you mean "check"?'), (["replay", "--fail-no", "high"], "did you mean --fail-on?"),
                                (["serve", "--lissen=x"], "did you mean --listen?"), (["check", "-json"], "did you mean --json?"),
                                (["replay", "--limit"], "--limit needs a value"), (["check", "--format", "sarf"], "text, json, jsonl, sarif, junit or github"),
                                (["check", "--json=1"], "takes no value"), (["help", "evla"], 'did you mean "eval"?')):
            done = run_cli(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(said, done.stderr)
        secret = run_cli("serve", "--tempo-pasword-file=s3cret")
        self.assertNotIn("s3cret", secret.stderr)

    def test_flags_and_operands_in_any_order(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "-rules.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("rules:\n- id: a\n  dsl: when { a } always { b }\n")
            for arguments in ((path, "--json"), ("--json", path), ("--format=json", "--", path), ("--format", "json", path)):
                self.assertIn('"rules": 1', run_cli("check", *arguments).stdout, arguments)
            done = subprocess.run([binary(), "check", "--", "-rules.yaml"], cwd=folder, capture_output=True, text=True, env=sanitizer_environment())
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_files_without_a_flag(self):
        """Rules and traces are told apart by what they are; behind -- and as - they are traces."""
        with tempfile.TemporaryDirectory() as folder:
            rules, traces, json_rules, json_traces = (os.path.join(folder, name) for name in ("r.yaml", "t.jsonl", "r.json", "t.json"))
            with open(rules, "w", encoding="utf-8") as file:
                file.write("rules:\n- id: slow\n  dsl: when { checkout } always { nothing-like-it }\n")
            with open(json_rules, "w", encoding="utf-8") as file:
                json.dump({"rules": [{"id": "slow", "dsl": "when { checkout } always { nothing-like-it }"}]}, file)
            run_cli("generate", "--traces", "10", "--out", traces)
            with open(traces, encoding="utf-8") as lines, open(json_traces, "w", encoding="utf-8") as file:
                text = lines.read()
                file.write(text.splitlines()[0])
            expected = run_cli("replay", "--rules", rules, "--traces", traces, "--json")
            self.assertEqual(expected.returncode, 1, expected)
            found = json.loads(expected.stdout)["violations"]
            for arguments in ((rules, traces), (traces, rules), (json_rules, traces), (rules, "--", traces), ("--rules", rules, traces), (rules, "--traces", traces)):
                done = run_cli("replay", "--output", "json", *arguments)
                self.assertEqual((done.returncode, json.loads(done.stdout)["violations"]), (1, found), arguments)
            summary = run_cli("eval", "--rules", rules, traces).stdout.splitlines()[-1]
            for arguments in ((rules, traces), (rules, "--traces", traces), (traces, "--rules", json_rules), (rules, "--", traces)):
                self.assertEqual(run_cli("eval", *arguments).stdout.splitlines()[-1], summary, arguments)
            self.assertEqual(run_cli("eval", rules, "-", stdin=text).stdout.splitlines()[-1], summary)
            one = run_cli("eval", "--rules", rules, "--traces", json_traces, "--all").stdout
            self.assertRegex(one, r"\b[1-9]\d* traces, 1 rules")
            self.assertEqual(run_cli("eval", rules, json_traces, "--all").stdout, one)
            trace = found[0]["trace_id"]
            for command in (("trace", trace), ("record", trace), ("first",), ("vacuity",), ("explain",)):
                old = run_cli(*command, "--rules", rules, "--traces", traces)
                new = run_cli(*command, rules, *(["--"] if command == ("explain",) else []), traces)
                if command != ("vacuity",):
                    self.assertEqual(*(re.sub(r"[\d.]+ s\b", "", done.stdout) for done in (new, old)), command)
                self.assertEqual((new.returncode, new.stderr), (old.returncode, old.stderr), command)

    def test_stdin_is_a_rule_file_or_one_rule(self):
        rule, file = "when { a } always { b }\n", "# of a team\nrules:\n- id: a\n  dsl: |\n    when { a }\n    always { b }\n"
        for text in (rule, file, json.dumps({"rules": [{"id": "a", "dsl": "when { a } always { b }"}]})):
            done = run_cli("check", "-", stdin=text)
            self.assertEqual((done.returncode, done.stdout), (0, "1 rule checked: 0 errors, 0 warnings\n"), done.stderr)
        self.assertEqual(run_cli("fmt", "-", stdin=file).stdout, file)
        self.assertEqual(run_cli("fmt", "-", stdin=rule).stdout, "when { a }\nalways { b }\n")
        wrong = run_cli("check", "-", stdin="when { a } alway { b }")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("<stdin>:1:12: error[E010]", wrong.stdout)

    def test_explain_shows_what_a_person_can_read(self):
        done = run_cli("explain", "--dsl", "when { checkout.where(duration > 1s) } always { b }")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("{ trace:id =~ ID|ID|… }", done.stdout)
        self.assertIn("duration > 1", done.stdout)
        self.assertNotIn("9223372036854775807", done.stdout)

    def test_generate_counts_in_json(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run_cli("generate", "--traces", "20", "--out", os.path.join(folder, "t.pb"), "--json")
            self.assertEqual((json.loads(done.stdout)["traces"], done.stderr), (20, ""))
            self.assertEqual(run_cli("generate", "--traces", "20", "--out", "-", "--json").returncode, 2)

    def test_colours_only_on_a_terminal(self):
        dsl = "when { a } alway { b }"
        self.assertNotIn("\033", run_cli("check", "--dsl", dsl).stdout)
        coloured, status = on_terminal("check", "--dsl", dsl)
        self.assertEqual(status, 1)
        self.assertIn("\033[31merror[E010]\033[0m", coloured)
        self.assertNotIn("\033", on_terminal("check", "--dsl", dsl, env={"NO_COLOR": "1"})[0])
        self.assertNotIn("\033", on_terminal("check", "--dsl", dsl, env={"TERM": "dumb"})[0])
        self.assertIn("\033[1mUsage:", on_terminal("check", "--help")[0])

    def test_output_that_cannot_be_written_is_no_answer(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([binary(), "--help"], stdout=full, stderr=subprocess.PIPE, text=True, env=sanitizer_environment())
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot be written", done.stderr)


class MadeFromTheTableTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_man_pages_have_no_warnings(self):
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for page in [[], *([name] for name in names())]:
                text = run_cli("help", "--man", *page).stdout
                files.append(os.path.join(folder, "-".join(["betrace", *page]) + ".1"))
                with open(files[-1], "w", encoding="utf-8") as file:
                    file.write(text)
                for flag in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_of(*page).stdout if page else "", re.M):
                    self.assertIn(flag.replace("-", "\\-"), text)
            done = subprocess.run(["groff", "-man", "-Tutf8", "-Kutf8", "-ww", *files], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(re.sub(r".\x08|\033\[[0-9;]*m", "", done.stdout).count("EXIT STATUS"), len(files))

    def completions(self, line):
        """What bash offers for a line that ends where the cursor is."""
        script = f"""
            source <({binary()} completion bash)
            COMP_LINE={line!r}; COMP_WORDS=({line} ); [[ "$COMP_LINE" == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); _betrace; printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=sanitizer_environment())
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertIn("replay", self.completions("betrace re"))
        self.assertNotIn("check", self.completions("betrace re"))
        self.assertEqual(self.completions("betrace replay --fail"), ["--fail-on"])
        self.assertIn("critical", self.completions("betrace replay --fail-on "))
        self.assertEqual(self.completions("betrace check --output s"), ["sarif"])
        self.assertEqual(self.completions("betrace completion f"), ["fish"])
        self.assertEqual(self.completions("betrace replay --tempo "), [])

    def test_the_scripts_parse(self):
        for shell, arguments in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["-n"])):
            text = run_cli("completion", shell).stdout
            for name in names():
                self.assertIn(name, text)
            if not shutil.which(shell):
                continue
            with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
                file.write(text)
                file.flush()
                done = subprocess.run([shell, *arguments, file.name], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), shell)


if __name__ == "__main__":
    unittest.main(verbosity=1)
