"""The GitHub Action, the GitLab template and the hooks of pre-commit: their files are what the hosts' schemas and
actionlint expect, and their steps do what they say, from a download on.

The action is carried out as GitHub does it as far as it uses it: `if:`, `env:`, `run:` in bash, GITHUB_PATH,
GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. What `uses:` names is not run. Standard library, and packages that
ci-requirements.txt pins."""
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import go_tool  # noqa: E402
import python_packages  # noqa: E402

if __name__ == "__main__":
    python_packages.run_again_with(HERE / "ci-requirements.txt")
import yaml  # noqa: E402

ACTION = ROOT / "distribution/github-action"
VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
ACTIONLINT = "v1.7.12"
GOOD = """rules:
- id: large-orders-are-checked
  dsl: |
    when { checkout.where(amount > 1000) }
    always { fraud-check }
  severity: high
  tests:
  - {name: no check, trace: [{span: checkout, attributes: {amount: 2000}}], expect: violated}
"""
UNKNOWN_STATE = GOOD.replace("fraud-check }", "fraud-check")
WRONG_TEST = GOOD.replace("expect: violated", "expect: satisfied")
SENDS = """
import json, os, urllib.request
span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "checkout",
        "startTimeUnixNano": "1773136800000000000", "endTimeUnixNano": "1773136800080000000",
        "attributes": [{"key": "amount", "value": {"intValue": "2000"}}]}
service = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
body = {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}
request = urllib.request.Request(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces", json.dumps(body).encode(),
                                 {"Content-Type": "application/json"})
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
"""


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def served(folder):
    """(URL, end) of a server of the folder's files."""
    handler = functools.partial(QuietFiles, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def end():
        server.shutdown()
        server.server_close()
    return f"http://127.0.0.1:{server.server_address[1]}", end


def actionlint():
    package = f"github.com/rhysd/actionlint/cmd/actionlint@{ACTIONLINT}"
    return go_tool.built("actionlint", ACTIONLINT, lambda go, _: [go, "install", "-p", "2", package], None)


def program():
    """An optimised betrace: what a release has. AddressSanitizer's cannot be moved with its libraries."""
    return ROOT / "build/release/server/betrace"


def make_release(folder):
    """What `make dist` makes of the program: the tarball with its libraries, and the checksums."""
    name = f"betrace-{VERSION}-linux-{'arm64' if os.uname().machine == 'aarch64' else 'amd64'}"
    stage = folder / name
    (stage / "bin").mkdir(parents=True)
    shutil.copy(program(), stage / "bin/betrace")
    subprocess.run([ROOT / "distribution/bundle-libraries.sh", stage], check=True)
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as tar:
        tar.add(stage, name)
    digest = hashlib.sha256((folder / f"{name}.tar.gz").read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  other.tgz\n{digest}  {name}.tar.gz\n", encoding="ascii")
    for script in ("install.sh", "run.sh"):
        shutil.copy(ACTION / script, folder)
    return stage, digest


class Release(unittest.TestCase):
    """With a release on a server, and an empty folder of its own for each test."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-release-")
        cls.addClassCleanup(folder.cleanup)
        cls.release = pathlib.Path(folder.name)
        cls.stage, cls.digest = make_release(cls.release)
        cls.url, end = served(cls.release)
        cls.addClassCleanup(end)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-ci-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.work = self.folder / "repository"
        (self.work / "rules").mkdir(parents=True)
        self.rules(GOOD)
        (self.work / "send.py").write_text(SENDS, encoding="ascii")

    def rules(self, text):
        (self.work / "rules/orders.yaml").write_text(text, encoding="utf-8")

    def environment(self, **more):
        """Nothing of this machine's betrace: only what every runner has on its path."""
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                "RUNNER_TOOL_CACHE": str(self.folder / "tools"), "no_proxy": "127.0.0.1", **more}


class Action(Release):
    def setUp(self):
        super().setUp()
        self.file = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))

    def value(self, text, inputs):
        known = {"github.action_path": str(ACTION), **{f"inputs.{name}": value for name, value in inputs.items()}}
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda word: known[word.group(1)], text)

    def is_wanted(self, condition, inputs):
        found = re.fullmatch(r"inputs\.([\w-]+) (==|!=) '(.*)'", condition)
        return (inputs[found.group(1)] == found.group(3)) == (found.group(2) == "==")

    def act(self, **given):
        """Runs the action: (status of the job, log, summary, outputs)."""
        inputs = {name: str(one.get("default", "")) for name, one in self.file["inputs"].items()}
        for name, value in {"base_url": self.url, **given}.items():
            self.assertIn(name.replace("_", "-"), inputs)
            inputs[name.replace("_", "-")] = value
        files = {name: self.folder / name for name in ("GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="ascii")
        log, status = "", 0
        for step in self.file["runs"]["steps"]:
            if "uses" in step or status or not self.is_wanted(step.get("if", "inputs.run != ''"), inputs):
                continue
            env = self.environment(GITHUB_ACTIONS="true", **{name: str(file) for name, file in files.items()})
            added = files["GITHUB_PATH"].read_text(encoding="utf-8").split()
            env["PATH"] = os.pathsep.join([*reversed(added), env["PATH"]])
            env.update({name: self.value(value, inputs) for name, value in step["env"].items()})
            done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self.work,
                                  env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            log, status = log + done.stdout, done.returncode
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines())
        return status, log, files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"), outputs

    def test_good_rules_pass_with_what_was_downloaded(self):
        status, log, summary, outputs = self.act(sha256=self.digest)
        self.assertEqual(status, 0, log)
        self.assertIn(f"betrace {VERSION}", log)
        self.assertEqual(outputs["status"], "0")
        for step in ("fmt", "check", "test"):
            self.assertIn(f"| {step} | passed |  |", summary)
        self.assertTrue((self.work / outputs["reports"] / "check.sarif").exists())

    def test_a_changed_download_is_not_installed(self):
        for given in ({"sha256": "0" * 64}, {"sha256": self.digest[:-1]}):
            status, log, _, outputs = self.act(**given)
            self.assertEqual((status, outputs), (2, {}), log)
            self.assertIn("nothing is installed", log)
        status, log, _, _ = self.act(version="9.9.9")
        self.assertEqual(status, 2)
        self.assertIn("betrace-9.9.9-linux", log)
        self.assertFalse((self.folder / "tools").exists())

    def test_the_checksum_of_the_release_is_asked_where_none_is_given(self):
        self.assertEqual(self.act()[0], 0)
        sums = self.release / "SHA256SUMS"
        text = sums.read_text(encoding="ascii")
        self.addCleanup(sums.write_text, text, encoding="ascii")
        for broken in (text.replace(self.digest, "0" * 64), "", text.replace("linux", "plan9")):
            sums.write_text(broken, encoding="ascii")
            shutil.rmtree(self.folder / "tools", ignore_errors=True)
            status, log, _, _ = self.act()
            self.assertEqual(status, 2, log)
            self.assertIn("nothing is installed", log)

    def test_a_mistake_in_a_rule_is_an_annotation_at_its_line(self):
        self.rules(UNKNOWN_STATE)
        status, log, summary, outputs = self.act(run="check", program=str(self.stage / "bin"))
        self.assertEqual((status, outputs["status"]), (1, "1"), log)
        self.assertRegex(log, r"(?m)^::error file=rules/orders\.yaml,line=\d+,col=\d+,title=E\d+::.*")
        self.assertIn("| check | failed |", summary)

    def test_a_failed_test_is_told_with_its_message(self):
        self.rules(WRONG_TEST)
        status, log, summary, _ = self.act(run="test check", program=str(self.stage / "bin"))
        self.assertEqual(status, 1, log)
        self.assertIn("expected satisfied, got violated", log)
        self.assertIn("|  | failure | no check: expected satisfied, got violated |", summary)
        self.assertIn("| check | passed |", summary)  # it ran, although the test had failed

    def test_the_tests_of_a_project_run_under_rules(self):
        run = functools.partial(self.act, run="listen", program=str(self.stage / "bin"), flags="--settle 300ms")
        status, log, summary, _ = run(command=f"{sys.executable} send.py")
        self.assertEqual(status, 1, log)
        self.assertRegex(log, r"(?m)^::error.*large-orders-are-checked")
        self.assertIn("| listen | failed |", summary)
        self.assertIn("|  | failure | large-orders-are-checked: ", summary)
        self.assertIn("0af7651916cd43dd8448eb211c80319c", (self.work / "betrace-reports/traces.jsonl").read_text())
        status, log, summary, outputs = run(command="true")
        self.assertEqual((status, outputs["status"]), (3, "3"), log)
        self.assertIn("not known, which is no pass", summary)
        self.assertEqual(run(command="exit 7")[0], 1)
        self.assertEqual(run()[0], 2)

    def test_replay_and_gate_over_files(self):
        self.act(run="listen", program=str(self.stage / "bin"), flags="--settle 300ms", command=f"{sys.executable} send.py")
        shutil.move(self.work / "betrace-reports/traces.jsonl", self.work / "traces.jsonl")
        run = functools.partial(self.act, program=str(self.stage / "bin"), traces="traces.jsonl")
        status, log, summary, _ = run(run="replay")
        self.assertEqual(status, 1, log)
        self.assertIn("large-orders-are-checked: 1 violation", summary.replace("\\", ""))
        self.assertEqual(run(run="replay", replay_fail_on="critical")[0], 0)
        status, log, summary, _ = run(run="gate", flags="--baseline 1.4.2 --candidate '1.4.3'")
        self.assertEqual(status, 3, log)  # neither version is there
        self.assertIn("gate: too_few", log)
        self.assertIn("| gate | not known, which is no pass |", summary)

    def test_a_wrong_step_is_named(self):
        for steps in ("chekc", " "):
            status, log, _, outputs = self.act(run=steps, program=str(self.stage / "bin"))
            self.assertEqual((status, outputs["status"]), (2, "2"), log)
            self.assertIn("expected", log)

    def test_texts_of_rules_cannot_leave_their_place(self):
        hostile = "a | b [x](http://c) <b>` ::error::gone"
        self.rules(WRONG_TEST.replace("name: no check", f"name: '{hostile}'"))
        status, log, summary, _ = self.act(run="test", program=str(self.stage / "bin"))
        self.assertEqual(status, 1, log)
        self.assertEqual(len([line for line in summary.splitlines() if line.startswith("|  | failure")]), 1)
        self.assertNotRegex(summary, r"(?<!\\)[\[<`]")
        self.assertFalse([line for line in log.splitlines() if line.startswith("::error")])

    def test_every_line_of_run_is_a_step(self):
        self.rules(WRONG_TEST)
        status, log, summary, _ = self.act(run="fmt\n check\n\ntest\n", program=str(self.stage / "bin"))
        self.assertEqual(status, 1, log)
        self.assertEqual(re.findall(r"(?m)^\| (\w+) \|", summary), ["step", "fmt", "check", "test"])
        status, log, summary, _ = self.act(run="fmt\n# later: test\n", program=str(self.stage / "bin"))
        self.assertEqual(status, 2, log)
        self.assertIn("# is no step", log)

    def test_flags_are_words_and_no_program(self):
        run = functools.partial(self.act, run="listen", program=str(self.stage / "bin"), command=f"{sys.executable} send.py")
        for flags, why in (("--settle '300ms", "no end of"), ('--only "service=shop', "no end of"), ("--settle 300ms \\", "nothing behind"),
                           ("--settle $(touch ran)", "expands nothing"), ("--settle `touch ran`", "expands nothing"), ("--only \"service=$HOME\"", "expands nothing"),
                           ("--settle 300ms; touch ran", "quotes"), ("--settle 300ms) ; touch ran; x=(", "quotes"), ("--settle 300ms | true", "quotes"),
                           ("--settle 300ms # and more", "quotes"), ("--settle 300ms > ran", "quotes"),
                           ("--settle 300ms -- true", "which has to come behind"), ("--help", "no answer"), ("--settle 300ms -h", "no answer")):
            with self.subTest(flags):
                status, log, _, outputs = run(flags=flags)
                self.assertEqual((status, outputs["status"]), (2, "2"), log)
                self.assertIn("flags", log)
                self.assertIn(why, log)
                self.assertFalse((self.work / "ran").exists())
        for flags in ("--settle 300ms --only 'service=shop'", "--settle\n300ms\n--only service=sh\"\"op", "--settle 300ms --only \"service=other\" --only service=sh\\op"):
            status, log, _, _ = run(flags=flags)
            self.assertEqual(status, 1, log)

    def test_a_step_that_wrote_no_report_has_not_passed(self):
        status, log, _, _ = self.act(run="listen", program=str(self.stage / "bin"), command=f"{sys.executable} send.py",
                                     flags="--settle 300ms --report junit=elsewhere.xml")
        self.assertEqual(status, 1, log)
        self.rules(GOOD.replace("amount > 1000", "amount > 9000").replace("amount: 2000", "amount: 20000"))
        status, log, _, _ = self.act(run="listen", program=str(self.stage / "bin"), command=f"{sys.executable} send.py",
                                     flags="--settle 300ms --report junit=elsewhere.xml")
        self.assertEqual(status, 2, log)
        self.assertIn("listen ended with 0 and wrote no report", log)

    def test_no_rules_at_all(self):
        for rules, why in ((" \n\n", "no rule file"), ("--help", "begins with -"), ("rules\n--version", "begins with -")):
            status, log, _, outputs = self.act(run="fmt check test", rules=rules, program=str(self.stage / "bin"))
            self.assertEqual((status, outputs["status"]), (2, "2"), log)
            self.assertIn(why, log)

    # What the runner takes for commands: "::name::" behind blanks of any kind, "##[name]" anywhere in a line, which ends at a return, too.
    HOSTILE = ("::error::gone", "  ::set-output name=status::0", "\u2003::add-mask::pass", "a%0A::error::gone", "##[error]gone", "x ##[add-mask]pass",
               "::stop-commands::x", "section_start:1:x", "::group::")

    def commands_in(self, log):
        """As src/Runner.Common/ActionCommand.cs of actions/runner 2.3 reads lines."""
        registered = {"set-output", "add-mask", "error", "warning", "notice", "debug", "group", "endgroup", "stop-commands", "echo", "save-state", "set-env", "add-path"}
        found = []
        for line in re.split(r"\r\n|\r|\n", log):
            new, old = re.match(r"::([\w-]+)[^:]*(?::[^:]+)*::", line.lstrip()), re.search(r"##\[([\w-]+)[^\]]*\]", line)
            found += [(match.group(1), line) for match in (new, old) if match and match.group(1) in registered]
        return found

    def test_names_cannot_begin_a_command_of_the_runner(self):
        for name in self.HOSTILE:
            with self.subTest(name):
                self.rules(WRONG_TEST.replace("name: no check", f"name: {json.dumps(name, ensure_ascii=False)}"))
                status, log, _, _ = self.act(run="fmt check test", program=str(self.stage / "bin"))
                self.assertEqual(status, 1, log)
                self.assertIn("expected satisfied, got violated", log)
                self.assertEqual([one for one, _ in self.commands_in(log)], ["group", "endgroup"] * 3, log)

    def test_spans_cannot_begin_a_command_of_the_runner(self):
        """What the tests of a project print themselves is theirs."""
        for name in self.HOSTILE:
            with self.subTest(name):
                sends = SENDS.replace('"attributes": [{"key": "amount"', f'"attributes": [{{"key": "test.name", "value": {{"stringValue": {json.dumps(name)}}}}}, {{"key": "amount"')
                (self.work / "send.py").write_text(sends + "print('::notice::of the tests')\n", encoding="ascii")
                status, log, _, _ = self.act(run="listen\nreplay", program=str(self.stage / "bin"), flags="--settle 300ms",
                                             command=f"{sys.executable} send.py", traces="betrace-reports/traces.jsonl")
                self.assertIn(status, (1, 2), log)
                told = [one for one, _ in self.commands_in(log)]
                self.assertEqual(sorted(told), ["endgroup"] * 2 + ["error"] + ["group"] * 2 + ["notice", "warning"], log)  # of the name that no span has

    def test_rules_cannot_begin_a_command_of_the_runner(self):
        for text in self.HOSTILE:
            with self.subTest(text):
                self.rules(GOOD.replace("fraud-check }", f"fraud-check.where(x == {json.dumps(text, ensure_ascii=False)}) and "))
                status, log, _, _ = self.act(run="fmt check", program=str(self.stage / "bin"))
                self.assertNotEqual(status, 0, log)
                kinds = [one for one, _ in self.commands_in(log)]
                self.assertEqual([one for one in kinds if one not in ("error", "warning")], ["group", "endgroup"] * 2, log)
                self.assertTrue(all(line.startswith(("::error file=", "::warning file=")) for one, line in self.commands_in(log) if one in ("error", "warning")), log)

    def test_no_control_character_comes_through(self):
        """GitLab's sections begin with a return and an escape; the same script runs there."""
        self.rules(GOOD.replace("fraud-check }", 'fraud-check.where(x == "a\x1b[0Ksection_start:1:x\x7f\u009b2J") and'))
        _, log, _, _ = self.act(run="fmt check", program=str(self.stage / "bin"))
        self.assertNotRegex(log, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")

    def test_the_program_needs_no_library_of_the_machine(self):
        own = subprocess.run(["ldd", self.stage / "bin/betrace"], capture_output=True, text=True, check=True).stdout
        foreign = [line.split()[0] for line in own.splitlines() if "=>" in line and str(self.stage) not in line]
        self.assertEqual([name for name in foreign if not re.match(r"lib(c|m|resolv|pthread|dl|rt)\.so", name)], [])
        licences = list((self.stage / "share/doc/betrace/libraries").iterdir())
        self.assertGreater(len(licences), 5)


class GitLab(Release):
    """The scripts of a job, after what `extends` gives it."""

    def job(self, name, **variables):
        file = yaml.safe_load((ROOT / "distribution/gitlab/betrace.gitlab-ci.yml").read_text(encoding="utf-8"))
        job = dict(file[".betrace"], **file[name])
        values = {**file["variables"], **job.get("variables", {}), "BETRACE_BASE_URL": self.url,
                  "BETRACE_SCRIPTS": self.url, **variables}
        script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
        return subprocess.run(["bash", "-c", script], cwd=self.work, env=self.environment(**values),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False), job

    def test_rules_pass_and_fail(self):
        done, job = self.job("betrace-rules", BETRACE_SHA256=self.digest)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertTrue(list(self.work.glob(job["artifacts"]["reports"]["junit"])))
        self.rules(WRONG_TEST)
        self.assertEqual(self.job("betrace-rules")[0].returncode, 1)
        done, _ = self.job("betrace-rules", BETRACE_SHA256="0" * 64)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("nothing is installed", done.stdout)

    def test_every_line_of_the_steps_is_run_and_texts_stay_text(self):
        self.rules(WRONG_TEST.replace("name: no check", 'name: "section_start:1:x ::error::gone"'))
        done, _ = self.job("betrace-rules", BETRACE_STEPS="fmt\ncheck\ntest", GITLAB_CI="true")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("betrace test: failed", done.stdout)
        self.assertEqual(re.findall(r"section_(start|end):\d+:(\w+)[\r\n]\x1b\[0K", done.stdout),
                         [(when, f"betrace_{step}") for step in ("fmt", "check", "test") for when in ("start", "end")])
        done, _ = self.job(".betrace-listen", BETRACE_COMMAND="true", BETRACE_FLAGS="--settle '300ms")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("no end of", done.stdout)
        done, _ = self.job("betrace-rules", BETRACE_STEPS="*")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("* is no step", done.stdout)

    def test_the_tests_of_a_project_run_under_rules(self):
        done, _ = self.job(".betrace-listen", BETRACE_COMMAND=f"{sys.executable} send.py", BETRACE_FLAGS="--settle 300ms")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("no fraud-check in this trace", done.stdout)


class Files(unittest.TestCase):
    def test_the_schemas_of_the_hosts(self):
        check = pathlib.Path(sys.executable).parent / "check-jsonschema"
        for schema, file in (("github-actions", "github-action/action.yml"), ("github-workflows", "ci/github-actions.yml"),
                             ("gitlab-ci", "gitlab/betrace.gitlab-ci.yml")):
            subprocess.run([check, "--builtin-schema", f"vendor.{schema}", ROOT / "distribution" / file], check=True)

    def test_actionlint(self):
        lint = actionlint()
        with tempfile.TemporaryDirectory(prefix="betrace-lint-") as name:
            folder = pathlib.Path(name)
            (folder / ".github/workflows").mkdir(parents=True)
            shutil.copytree(ACTION, folder / "action")
            shutil.copy(ROOT / "distribution/ci/github-actions.yml", folder / ".github/workflows")
            uses = {"uses": "./action", "with": {"run": "check listen", "command": "npm test", "upload-sarif": "true"}}
            job = {"runs-on": "ubuntu-latest", "steps": [{"uses": "actions/checkout@v4"}, uses]}
            (folder / ".github/workflows/own.yml").write_text(json.dumps({"on": "push", "jobs": {"rules": job}}))
            subprocess.run(["git", "init", "-q", folder], check=True)
            subprocess.run([lint, "-shellcheck="], cwd=folder, check=True)
            uses["with"]["comand"] = "npm test"
            (folder / ".github/workflows/own.yml").write_text(json.dumps({"on": "push", "jobs": {"rules": job}}))
            wrong = subprocess.run([lint, "-shellcheck="], cwd=folder, capture_output=True, text=True, check=False)
            self.assertIn("comand", wrong.stdout)  # so the inputs were read from action.yml

    def test_actionlint_of_what_init_writes(self):
        """With the action of this repository, so that its inputs are held to action.yml; the step in comments as well."""
        lint = actionlint()
        with tempfile.TemporaryDirectory(prefix="betrace-lint-") as name:
            folder = pathlib.Path(name)
            subprocess.run([program(), "init", folder, "--ci", "github"], check=True, capture_output=True)
            shutil.copytree(ACTION, folder / "action")
            file = folder / ".github/workflows/betrace.yml"
            text, names = re.subn(r"betracehq/betrace/distribution/github-action@\S+", "./action", file.read_text(encoding="utf-8"))
            file.write_text(re.sub(r"^    # ", "    ", text, flags=re.M), encoding="utf-8")
            self.assertEqual(names, 2)
            subprocess.run(["git", "init", "-q", folder], check=True)
            subprocess.run([lint, "-shellcheck="], cwd=folder, check=True)

    def test_the_action_and_the_template_name_this_version(self):
        action = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
        gitlab = yaml.safe_load((ROOT / "distribution/gitlab/betrace.gitlab-ci.yml").read_text(encoding="utf-8"))
        self.assertEqual(str(action["inputs"]["version"]["default"]), VERSION)
        self.assertEqual(str(gitlab["variables"]["BETRACE_VERSION"]), VERSION)


class Hooks(Release):
    """pre-commit itself runs the hooks over a repository, with the betrace of the release on its path."""

    def test_pre_commit_runs_them(self):
        tool = pathlib.Path(sys.executable).parent / "pre-commit"
        subprocess.run([tool, "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True, capture_output=True)
        hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        local = {"repos": [{"repo": "local", "hooks": hooks}]}
        (self.work / ".pre-commit-config.yaml").write_text(yaml.safe_dump(local), encoding="utf-8")
        env = self.environment(PRE_COMMIT_HOME=str(self.folder / "hooks"))
        env["PATH"] = f"{self.stage / 'bin'}{os.pathsep}{env['PATH']}"

        def run():
            subprocess.run(["git", "add", "--all"], cwd=self.work, env=env, check=True)
            return subprocess.run([tool, "run", "--all-files"], cwd=self.work, env=env, capture_output=True, text=True, check=False)
        subprocess.run(["git", "init", "-q"], cwd=self.work, env=env, check=True)
        done = run()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("Passed"), 3, done.stdout)
        self.rules(WRONG_TEST)
        done = run()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("expected satisfied, got violated", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
