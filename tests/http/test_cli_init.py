"""`betrace init`: what it writes passes the commands that the written pipelines and hooks run, and what was there stays as it was."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import ROOT, binary, run_cli  # noqa: E402
from partial_store import PartialStore  # noqa: E402
from protobuf_answer import bytes_field, varint  # noqa: E402
from trace_files import span, trace, trace_id  # noqa: E402

ALWAYS = {"rules/checkout.yaml", ".pre-commit-config.yaml", ".vscode/settings.json", ".vscode/betrace-rule-file.schema.json"}
RECORDED = {"rules/recorded.yaml", "rules/fixtures/recorded.otlp.json"}
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "reference", "rule-file.schema.json")


class HandingOver(PartialStore):
    """Searches find every trace. Reads by id do not find those in `hidden`, or only after so many of them as `hidden` says. `read`: ids, as they were asked for."""

    def __init__(self, seconds_ago, hidden):
        super().__init__(lambda store, query, ids: store.rows(list(store.spans)))
        self.hidden, self.read = dict(hidden), []
        for number, ago in enumerate(seconds_ago, 1):
            at_ns = (int(time.time()) - ago) * 10**9
            times = b"".join(varint(field << 3 | 1) + (at_ns + field).to_bytes(8, "little") for field in (7, 8))
            one = bytes_field(1, bytes.fromhex(trace_id(number))) + bytes_field(2, number.to_bytes(8, "big")) + bytes_field(5, f"operation-{number}") + times
            self.push(bytes_field(1, bytes_field(2, bytes_field(2, one))))

    def trace(self, trace_id):  # pylint: disable=redefined-outer-name
        number = int(trace_id, 16)
        self.read.append(number)
        if self.hidden.get(number, 0) > 0:
            self.hidden[number] -= 1
            return super().trace("0")  # as a Tempo answers about a trace that it does not know: 200, and a trace of nothing
        return super().trace(trace_id)


class InitTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-init-")
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "new")
        self.traces = os.path.join(folder.name, "traces.jsonl")
        with open(self.traces, "w", encoding="utf-8") as file:
            file.write(trace(1, span("GET \"/cart\"", card_number="4111-secret"), span("b")))

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def files(self):
        return {os.path.relpath(os.path.join(at, name), self.folder) for at, _, names in os.walk(self.folder) for name in names}

    def init(self, *arguments, status=0):
        done = run_cli("init", self.folder, *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def run_lines(self, lines):
        """As a pipeline does: in the folder, with this program on PATH."""
        with tempfile.TemporaryDirectory() as programs:
            os.symlink(binary(), os.path.join(programs, "betrace"))
            for line in lines:
                done = subprocess.run(["bash", "-c", line], cwd=self.folder, capture_output=True, text=True, timeout=60,
                                      env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
                self.assertEqual(done.returncode, 0, f"{line}: {done.stdout}{done.stderr}")

    def test_what_it_writes_passes_its_own_commands(self):
        done = self.init()
        self.assertEqual(self.files(), ALWAYS)
        self.assertIn("1 rule checked: 0 errors, 0 warnings", done.stdout)
        self.assertIn("3 tests: 3 passed", done.stdout)
        self.run_lines(["betrace check --fail-on warning rules", "betrace test rules", "betrace fmt --check rules"])

    def test_lines_of_the_pipelines_and_hooks_run(self):
        self.init("--ci", "github", "--traces", self.traces)
        self.init("--ci", "gitlab")
        self.assertEqual(self.files(), ALWAYS | RECORDED | {".github/workflows/betrace.yml", ".gitlab-ci.yml"})
        workflow = self.read(".github/workflows/betrace.yml")
        github = [self.action_line(*step) for step in re.findall(r"^        run: (.*)\n        rules: (.*)\n", workflow, re.M)]
        gitlab = re.findall(r"^  - (betrace .*)$", self.read(".gitlab-ci.yml"), re.M)
        hooks = re.findall(r"^    entry: (betrace .*)$", self.read(".pre-commit-config.yaml"), re.M)
        self.assertEqual((len(github), len(gitlab), len(hooks)), (1, 3, 3))
        self.run_lines([*github, *gitlab, *(f"{hook} rules/checkout.yaml rules/recorded.yaml" for hook in hooks)])
        with open(self.traces, encoding="utf-8") as file, open(self.path("traces.jsonl"), "w", encoding="utf-8") as copy:
            copy.write(file.read())
        gates = re.findall(r"^  # - (betrace replay .*)$", self.read(".gitlab-ci.yml"), re.M)
        inputs = dict(re.findall(r"^    #     ([a-z-]+): (.*)$", workflow, re.M))
        self.assertEqual((len(gates), set(inputs)), (1, {"run", "rules", "traces", "replay-fail-on"}))
        self.run_lines([*gates, self.action_line(*inputs.values())])

    def test_the_action_of_the_workflow_is_that_of_this_version(self):
        self.init("--ci", "github")
        used = re.findall(r"uses: betracehq/betrace/(\S+)@v(\S+)$", self.read(".github/workflows/betrace.yml"), re.M)
        self.assertEqual(set(used), {("distribution/github-action", (ROOT / "VERSION").read_text(encoding="ascii").strip())})

    @staticmethod
    def action_line(steps, rules, traces="", fail_on="info"):
        """What the action runs; tests/dist/test_ci_templates.py shows that it does."""
        script = ROOT / "distribution/github-action/run.sh"
        return f"BETRACE_RULES={rules} BETRACE_TRACES={traces} BETRACE_REPLAY_FAIL_ON={fail_on} bash {script} {steps}"

    def test_editor_settings_name_the_schema_of_the_docs(self):
        self.init()
        settings = json.loads(self.read(".vscode/settings.json"))
        for path in (*settings["yaml.schemas"], settings["json.schemas"][0]["url"]):
            self.assertTrue(os.path.exists(self.path(path)), path)
        with open(SCHEMA, encoding="utf-8") as file:
            self.assertEqual(self.read(".vscode/betrace-rule-file.schema.json"), file.read())

    def test_a_recorded_trace_has_no_attributes_and_is_a_test(self):
        done = self.init("--traces", self.traces)
        self.assertEqual(self.files(), ALWAYS | RECORDED)
        self.assertIn("4 tests: 4 passed", done.stdout)
        self.assertNotIn("secret", self.read("rules/fixtures/recorded.otlp.json"))
        self.assertIn('GET "/cart"', json.loads(self.read("rules/fixtures/recorded.otlp.json"))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"])
        self.assertIn("expect: satisfied", self.read("rules/recorded.yaml"))

    def test_what_is_there_stays(self):
        os.makedirs(self.path("rules"))
        own = "rules:\n- {id: mine, dsl: 'when { a } always { b }'}\n"
        for name in ("rules/checkout.yaml", "rules/recorded.yaml"):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(own.replace("mine", name[6:9]))
        done = self.init("--traces", self.traces, status=1)
        self.assertRegex(done.stdout, r"left alone +\S+rules/checkout\.yaml")
        self.assertIn("--force", done.stdout)
        self.assertEqual(self.read("rules/checkout.yaml"), own.replace("mine", "che"))
        self.assertNotIn("rules/fixtures/recorded.otlp.json", self.files(), "the fixture belongs to the rules that were left alone")
        self.assertEqual(json.loads(run_cli("init", self.folder, "--json").stdout)["left_alone"], [self.path("rules/checkout.yaml")])
        self.init("--traces", self.traces, "--force")
        self.assertIn("large-orders", self.read("rules/checkout.yaml"))
        self.assertIn("rules/fixtures/recorded.otlp.json", self.files())

    def test_twice_changes_nothing(self):
        self.init()
        self.assertNotIn("written", self.init().stdout)

    def test_nothing_is_written_where_the_tempo_does_not_answer(self):
        self.init("--tempo", "http://127.0.0.1:1", status=3)
        self.assertFalse(os.path.exists(self.folder))

    def record_from(self, seconds_ago, hidden, status=0):
        with HandingOver(seconds_ago, hidden) as tempo:
            done = self.init("--tempo", tempo.url, status=status)
            return done, [number for at, number in enumerate(tempo.read) if tempo.read[:at][-1:] != [number]]

    def test_what_ended_a_minute_ago_is_recorded_rather_than_the_youngest(self):
        _, read = self.record_from([5, 3600, 300, 7200], {})
        self.assertEqual(read, [3])
        self.assertIn("operation-3", self.read("rules/recorded.yaml"))

    def test_of_young_traces_the_oldest_is_recorded(self):
        self.assertEqual(self.record_from([5, 20, 10], {})[1], [2])

    def test_where_a_trace_cannot_be_read_the_next_is(self):
        done, read = self.record_from([5, 300, 20], {2: 1000, 3: 1000})
        self.assertEqual(read, [2, 3, 1])
        self.assertIn("operation-1", self.read("rules/recorded.yaml"))
        self.assertIn("4 tests: 4 passed", done.stdout)

    def test_the_only_trace_is_read_again(self):
        done, _ = self.record_from([3], {1: 2})
        self.assertIn("operation-1", self.read("rules/recorded.yaml"))
        self.assertNotIn("waiting", done.stderr)

    def test_a_hand_over_that_takes_longer_is_waited_for_and_that_is_said(self):
        done, _ = self.record_from([3, 300], {1: 5, 2: 5})
        self.assertIn("operation-", self.read("rules/recorded.yaml"))
        self.assertIn("waiting up to 27 s", done.stderr)

    def test_where_no_trace_can_be_read_it_is_said_and_nothing_is_written(self):
        done, read = self.record_from([3, 300], {1: 1000, 2: 1000}, status=3)
        self.assertEqual(read, [2, 1] * 15)
        self.assertIn("found traces (2), but none", done.stderr)
        self.assertIn("again in a minute", done.stderr)
        self.assertFalse(os.path.exists(self.folder))

    def test_a_folder_that_cannot_be_written_is_named(self):
        with open(self.folder, "w", encoding="utf-8") as file:
            file.write("a file")
        self.assertIn("cannot be written", self.init(status=2).stderr)


if __name__ == "__main__":
    unittest.main()
