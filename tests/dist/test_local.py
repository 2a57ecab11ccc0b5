"""distribution/local: the stack without Docker comes up on free ports, answers the quick start's questions, tells what runs, starts again what is missing, and ends
by pid what it started and nothing else."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "tempo"), str(HERE.parent / "prometheus"), str(HERE.parent / "clickhouse"), str(ROOT / "distribution" / "local")]
import doc_pages  # noqa: E402
import prometheus_binary  # noqa: E402
import stack  # noqa: E402
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402
from clickhouse_server import chdb_python  # noqa: E402
from run_tempo import free_ports, http  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

LOCAL = ROOT / "distribution" / "local"
PARTS = ("tempo", "betrace", "prometheus")
SLOW = {"id": "slow-db-no-retry", "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'}


class Stack(unittest.TestCase):
    """In a folder and on ports of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="betrace-local-"))
        ports = free_ports(5)
        self.environment = sanitizer_environment() | {"BETRACE_LOCAL_DIR": str(self.folder), "BETRACE_BIN": os.path.abspath(binary())}
        self.environment |= {f"{name}_PORT": str(port) for name, port in zip(("TEMPO", "OTLP", "BETRACE", "PROMETHEUS", "CLICKHOUSE"), ports)}
        self.url = f"http://127.0.0.1:{ports[2]}"
        self.tempo, self.otlp, self.prometheus = (f"http://127.0.0.1:{ports[i]}" for i in (0, 1, 3))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(self.door, "down")

    def door(self, name, *arguments):
        return subprocess.run([LOCAL / name, *arguments], env=self.environment, capture_output=True, text=True, timeout=120)

    def pid(self, part):
        return json.loads((self.folder / f"{part}.pid").read_text(encoding="ascii"))["pid"]


class LocalStack(Stack):
    def test_life(self):
        done = self.door("up")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for part in PARTS:
            self.assertRegex(done.stdout, rf"{part} +ready +pid {self.pid(part)}")
        self.assertEqual(self.door("status").returncode, 0)
        self.ask_the_quick_start()
        self.see_it_in_prometheus()
        self.check_a_report()
        made = (self.folder / "evidence.pub").read_bytes()

        pids = {part: self.pid(part) for part in PARTS}
        os.kill(pids["betrace"], signal.SIGKILL)
        status = self.door("status")
        self.assertEqual(status.returncode, 1)
        self.assertRegex(status.stdout, r"betrace +not running")
        again = self.door("up")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("tempo runs already", again.stdout)
        self.assertEqual(self.pid("tempo"), pids["tempo"])
        self.assertEqual(http("GET", f"{self.url}/v1/rules/{SLOW['id']}")[0], 200, "rules are still there")
        self.assertEqual((self.folder / "evidence.pub").read_bytes(), made, "and so is the key")

        pids = {part: self.pid(part) for part in PARTS}
        down = self.door("down")
        self.assertEqual(down.returncode, 0)
        for part in PARTS:
            self.assertIn(f"{part}: ended", down.stdout)
            self.assertIsNone(stack.start_time(pids[part]), part)  # a process that nobody reaps yet has ended, too
            self.assertFalse((self.folder / f"{part}.pid").exists())
        self.assertEqual(self.door("status").returncode, 1)

    def ask_the_quick_start(self):
        pushed = run_cli("generate", "--traces", 200, "--violations", 4, "--since", "20h", "--end", "now-5m", "--otlp", self.otlp)
        self.assertEqual(pushed.returncode, 0, pushed.stderr)
        self.assertEqual(http("POST", f"{self.url}/v1/rules", json.dumps(SLOW).encode())[0], 201)
        deadline = time.monotonic() + 60
        while True:
            self.assertEqual(http("POST", f"{self.url}/v1/rules/{SLOW['id']}/replay", b'{"start_time": "now-24h", "end_time": "now"}')[0], 202)
            answer = {"status": "queued"}
            while answer["status"] in ("queued", "running"):
                answer = json.loads(http("GET", f"{self.url}/v1/rules/{SLOW['id']}/replay/status")[2])
            # spans become searchable one after another: a replay in between finds all four and says that it saw the change
            if (answer["status"], answer["violations_found"]) == ("completed", 4) or time.monotonic() > deadline:
                break
        self.assertEqual((answer["status"], answer["violations_found"]), ("completed", 4), answer.get("reason"))

    def check_a_report(self):
        """Signed with the key of the stack, whose private half nobody else may read."""
        report = self.folder / "report.json"
        report.write_bytes(http("GET", f"{self.url}/v1/compliance/reports/soc2?timeout=60s", timeout=90)[2])
        done = run_cli("verify-report", report, "--key", self.folder / "evidence.pub")
        self.assertEqual((done.returncode, done.stdout.strip().splitlines()[-1]), (0, "verified: it is what was signed"), done.stderr)
        self.assertEqual((self.folder / "evidence.pem").stat().st_mode & 0o777, 0o600)

    def see_it_in_prometheus(self):
        deadline = time.monotonic() + 60
        query = f"{self.prometheus}/api/v1/query?query=betrace_violations_total"
        while not json.loads(http("GET", query)[2])["data"]["result"]:
            self.assertLess(time.monotonic(), deadline, "the counter of the rule is scraped")
            time.sleep(0.2)
        rules = json.loads(http("GET", f"{self.prometheus}/api/v1/rules")[2])["data"]["groups"]
        self.assertIn("betrace-violations", [group["name"] for group in rules])

    def test_a_pid_that_is_another_program_is_left_alone(self):
        stranger = subprocess.Popen(["sleep", "60"])
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        (self.folder / "tempo.pid").write_text(json.dumps({"pid": stranger.pid, "started": 1}), encoding="ascii")
        self.assertIn("tempo: did not run", self.door("down").stdout)
        self.assertIsNone(stranger.poll())

    def test_a_port_that_is_taken_is_said(self):
        with subprocess.Popen([sys.executable, "-m", "http.server", self.tempo.rsplit(":", 1)[1], "--bind", "127.0.0.1"], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                (self.folder / "ready").touch()
                for _ in range(300):
                    try:
                        if http("GET", f"{self.tempo}/ready")[0] == 200:
                            break
                    except OSError:
                        time.sleep(0.1)
                done = self.door("up")
            finally:
                server.kill()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("TEMPO_PORT", done.stderr)
        self.assertFalse((self.folder / "tempo.pid").exists())


class OverClickHouse(Stack):
    """`up --store clickhouse`, and the tutorial's steps 1 to 8 on its table: they answer as over the file."""
    DAY = ("--start", "2026-03-09T12:00:00Z", "--end", "2026-03-10T12:00:00Z")
    # What a search cannot count for certain, so that a number is a least one; and what is about the way to the answer.
    COUNTED, WAY = re.compile(r"\((?:at least )?\d+ exercised the rule\)"), re.compile(r"(?m)^(?:completed, |source: ).*\n?")

    def test_the_tutorial(self):
        chdb_python()
        done = self.door("up", "--store", "clickhouse")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for part in ("clickhouse", "collector", "betrace", "prometheus"):
            self.assertRegex(done.stdout, rf"{part} +ready +pid {self.pid(part)}")
        self.store = re.search(r"--store '(\S+)'", done.stdout)[1]
        refused = self.door("up", "--store", "tempo")
        self.assertIn("what runs here is of clickhouse", refused.stderr)
        walked = list(self.walk())
        self.assertEqual(walked, ["replay", "first", "gate", "compare", "trace", "curl"])
        self.assertEqual(self.door("status").returncode, 0)
        down = self.door("down").stdout
        for part in ("clickhouse", "collector", "betrace", "prometheus"):
            self.assertIn(f"{part}: ended", down)

    def walk(self):
        """The blocks up to the service's rules; gives the commands whose answer was compared."""
        output = command = ""
        for _, info, text in doc_pages.blocks(doc_pages.read("TUTORIAL.md")):
            words = text.split()
            if info == ["text", "output"]:
                if command in ("replay", "first", "gate", "compare", "trace", "curl"):
                    self.assertEqual(self.told(output), self.told(text), command)
                    yield command
                if command == "curl":
                    return
            elif info == ["sh"]:
                command = "curl" if "curl" in text else words[1] if words[0] == "betrace" else words[0]
                output = self.run_block(text, command)

    def run_block(self, text, command):
        day = "" if command in ("compare", "trace") else " ".join(self.DAY)
        text = text.replace("--out shop.jsonl", f"--otlp {self.otlp}/map/otel").replace("shop.jsonl", f"--store '{self.store}' {day}")
        text = text.replace("http://127.0.0.1:8080", self.url)
        os.makedirs(self.folder / "walk", exist_ok=True)
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        if not (programs / "betrace").exists():
            (programs / "betrace").symlink_to(os.path.abspath(binary()))
        done = subprocess.run(["bash", "-c", text], cwd=self.folder / "walk", capture_output=True, text=True, timeout=300,
                              env=self.environment | {"PATH": f"{programs}:{os.environ['PATH']}"})
        self.assertIn(done.returncode, (0, 1), text + done.stdout + done.stderr)
        return done.stdout

    def told(self, text):
        return self.COUNTED.sub("(exercised)", self.WAY.sub("", text)).strip().splitlines()


if __name__ == "__main__":
    require_tempo()
    prometheus_binary.require()
    unittest.main(verbosity=1)
