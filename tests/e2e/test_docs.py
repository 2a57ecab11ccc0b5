"""Every code block of README.md and of the pages below docs/ runs. What a block is follows from its info string and its text:

  sh                  run by bash against a real Tempo and a service on free ports (the ports in the text are replaced)
  sh run=background   started and left running while the rest of the page runs
  sh run=clean-root   installs programs: run by tests/dist/full_tutorial.py in a bare Debian, not here
  checked=clickhouse    needs a ClickHouse: not run here but by tests/e2e/test_replay_clickhouse.py, test_signoz_clickhouse.py,
                        test_doctor_clickhouse.py or test_stores_clickhouse.py
  checked=opensearch    needs an OpenSearch: not run here but by tests/e2e/test_replay_opensearch.py
  checked=kibana        needs a Kibana or an OpenSearch Dashboards: not run here but by tests/dist/test_kibana_objects.py
  sh checked=rendering  needs Docker or Kubernetes: not run here; tests/dist/test_quick_start.py renders what it names
  json                the answer of the block above, or (behind no sh block) JSON that parses
  yaml                a rule file that `betrace eval` accepts
  betrace             a rule: it has to compile
  betrace-invalid     a rule that must not compile
  traceql             a query that Tempo accepts
  lua, toml           settings of an editor: the command that they name is a language server (Lua itself is not read)
  text                output or a drawing: not run
  text output         what the sh block above it prints, but for how long that took

    python3 tests/e2e/test_docs.py [--half 1|2] [--short]

A half is every other page: the halves run beside each other. --short leaves out the pages that ask Tempo the most.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import doc_pages  # noqa: E402
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402
from debian_package import programs_of  # noqa: E402
from run_tempo import TempoServer, free_ports, http  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

KINDS = {"sh", "json", "yaml", "betrace", "betrace-invalid", "traceql", "text", "lua", "toml", "sql"}


# They look for the first violation, and at every trace of a day: what other pages push a moment before is not settled.
FIRST = ("find-when-it-started.md", "evidence-for-an-auditor.md")

# Each of them makes Tempo work for a quarter of a minute: every rule of the packs over a day, and all that doctor asks.
MANY_QUESTIONS = ("rules-in-ci.md", "check-your-tempo.md", "add-a-rule-pack.md")


def pages_of_half(half, is_short):
    """Every page; of half 1 those at even places, of half 2 the others. A page needs nothing of another one."""
    pages = sorted(doc_pages.pages(), key=lambda page: page.name not in FIRST)
    if is_short:
        pages = [page for page in pages if page.name not in MANY_QUESTIONS]
    return pages[half - 1::2] if half else pages


class DocsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        # Of a seed of its own: pages push the same traces as the default seed makes, at other times.
        pushed = run_cli("generate", "--seed", 23, "--traces", 300, "--violations", 5, "--since", "23h", "--end", "now-5m", "--otlp", cls.tempo.otlp_url)
        assert pushed.returncode == 0, pushed.stderr
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 86400, now)) >= 300, "the traces are searchable")

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="betrace-docs-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.port, self.prometheus_port = free_ports(2)
        os.symlink(binary(), os.path.join(self.folder, "betrace"))
        if PROMETHEUS:
            os.symlink(PROMETHEUS / "prometheus", os.path.join(self.folder, "prometheus"))
        os.symlink(os.path.join(ROOT, "distribution"), os.path.join(self.folder, "distribution"))
        run_cli("generate", "--traces", 50, "--violations", 2, "--out", os.path.join(self.folder, "traces.jsonl"))
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": "r", "name": "r", "dsl": "trace.has(span.name == \"nosuch\")"}]}, file)

    def adapt(self, text):
        """The same text with this test's ports, and with what a package installs where it is here."""
        text = text.replace("/usr/share/betrace/", f"{ROOT}/distribution/")
        return doc_pages.with_addresses(text, self.tempo.url, self.tempo.otlp_url, self.port, self.prometheus_port)

    def environment(self):
        return dict(sanitizer_environment(), LC_ALL="C.UTF-8", PATH=self.folder + os.pathsep + os.environ["PATH"])

    def background(self, text):
        process = subprocess.Popen(["bash", "-c", "exec " + text], cwd=self.folder, env=self.environment(), stderr=subprocess.PIPE, text=True)
        self.running.callback(process.stderr.close)
        self.running.callback(process.wait, 30)
        self.running.callback(process.terminate)
        ready = f"http://127.0.0.1:{self.prometheus_port}/-/ready" if text.startswith("prometheus") else f"http://127.0.0.1:{self.port}/health"
        for _ in range(600):
            try:
                if http("GET", ready)[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        self.fail(f"did not start: {text}")

    def run_shell(self, text):
        """Runs one block; its output. Doors of the Makefile and of distribution/local are run by the suites that bear their names, so here only that they exist."""
        if re.fullmatch(r"(distribution/local/\w+\n)+", text):
            for line in text.splitlines():
                self.assertTrue(os.access(os.path.join(ROOT, line), os.X_OK), line)
            return ""
        if all(re.fullmatch(r"make [a-z-]+( [A-Z]+=\S+)*", line) for line in text.strip().splitlines()):
            with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
                doors = re.findall(r"^([a-z -]+):", file.read(), re.M)
            for line in text.strip().splitlines():
                self.assertIn(line.split()[1], " ".join(doors).split())
            return ""
        done = subprocess.run(["bash", "-c", text], cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=120)
        # 1 of betrace says that something was found; that is what the pages show.
        self.assertIn(done.returncode, (0, 1), f"{text}\n{done.stdout}\n{done.stderr}")
        self.assertNotIn("urn:betrace:problem", done.stdout, text)
        self.assertNotIn("Sanitizer", done.stderr)
        return done.stdout

    def check_rule(self, text, valid):
        done = run_cli("eval", "--dsl", text, os.path.join(self.folder, "traces.jsonl"))
        if valid:
            self.assertNotEqual(done.returncode, 2, f"{text}\n{done.stderr}")
        else:
            self.assertEqual(done.returncode, 2, text)

    def check_editor(self, kind, text):
        """What an editor would start by these settings answers initialize and ends well."""
        if kind == "toml":
            servers = tomllib.loads(text)["language-server"]
            self.assertTrue(any(set(servers) & set(language["language-servers"]) for language in tomllib.loads(text)["language"]))
            commands = [[server["command"], *server["args"]] for server in servers.values()]
        else:
            commands = [re.findall(r'"([^"]*)"', words) for words in re.findall(r"cmd\s*=\s*\{([^}]*)\}", text)]
        self.assertEqual(len(commands), 1)
        bodies = [json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}), '{"jsonrpc": "2.0", "id": 2, "method": "shutdown"}']
        done = subprocess.run(commands[0], input="".join(f"Content-Length: {len(body)}\r\n\r\n{body}" for body in bodies), cwd=self.folder,
                              env=self.environment(), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, '"serverInfo"' in done.stdout), (0, True), done.stderr)

    def run_page(self, path):
        output = ""
        for line, info, text in doc_pages.blocks(path.read_text(encoding="utf-8")):
            with self.subTest(page=os.path.relpath(path, ROOT), line=line):
                kind = info[0] if info else ""
                self.assertIn(kind, KINDS, "every code block says what it is")
                if not PROMETHEUS and re.search(r"^prometheus |:9099|^BetraceViolation", text, re.M):
                    self.skipTest("Debian's Prometheus cannot be had")
                text = self.adapt(text)
                if {"checked=rendering", "checked=clickhouse", "checked=opensearch", "checked=kibana", "run=clean-root"} & set(info):
                    output = ""
                elif kind == "sh":
                    output = self.background(text) if "run=background" in info else self.run_shell(text)
                elif kind == "json":
                    self.assertEqual(json.loads(output) if output else None, json.loads(text) if output else None)
                elif kind == "yaml":
                    with open(os.path.join(self.folder, "page.yaml"), "w", encoding="utf-8") as file:
                        file.write(text)
                    done = run_cli("eval", "--rules", os.path.join(self.folder, "page.yaml"), os.path.join(self.folder, "traces.jsonl"))
                    self.assertIn(done.returncode, (0, 1), done.stderr)
                elif kind.startswith("betrace"):
                    for rule in re.split(r"\n{2,}", text.strip()):
                        self.check_rule(rule, kind == "betrace")
                elif info == ["text", "output"]:
                    self.assertEqual(doc_pages.without_seconds(output).splitlines(), doc_pages.without_seconds(text).splitlines())
                elif kind in ("lua", "toml"):
                    self.check_editor(kind, text)
                elif kind == "traceql":
                    status, body = self.tempo.search_raw(text.strip())
                    self.assertEqual(status, 200, body)

    def test_pages(self):
        for path in pages_of_half(HALF, IS_SHORT):
            with contextlib.ExitStack() as self.running:  # what a page started ends with it
                self.run_page(path)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Runs the code blocks of the documentation.")
    options.add_argument("--half", type=int, choices=(1, 2))
    options.add_argument("--short", action="store_true")
    given = options.parse_args()
    HALF, IS_SHORT = given.half, given.short
    require_tempo()
    try:
        PROMETHEUS = programs_of("prometheus", "usr/bin/prometheus", "usr/bin/promtool")
    except OSError as error:
        PROMETHEUS = print(f"the blocks about Prometheus are skipped: {error}")
    unittest.main(argv=sys.argv[:1], verbosity=1)
