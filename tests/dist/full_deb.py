"""The Debian package in a clean root: built, installed, run under its unit's command line as a stranger with nothing writable but its state folder, upgraded,
removed and purged. The unit is held to what systemd-analyze says, and its system call filter to the calls that the service really makes. Needs root; no systemd
runs here, so that the unit starts under one is not shown."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "tempo")]
from clean_root import CleanRoot, read_only_command, require  # noqa: E402
from evidence import key_id, make_key  # noqa: E402
from run_tempo import TempoServer, free_ports, http  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

UNIT = "usr/lib/systemd/system/betrace.service"
STATE = "var/lib/betrace"
STRANGER = "61184:61184"  # the first that DynamicUser gives
MAX_EXPOSURE = 1.5


def unit_lines(text, name):
    return [line.split("=", 1)[1] for line in text.splitlines() if line.startswith(name + "=")]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.out = tempfile.mkdtemp(prefix="deb-", dir=ROOT / "build")
        cls.addClassCleanup(shutil.rmtree, cls.out, True)
        done = subprocess.run([ROOT / "distribution/make-dist.sh", "deb", cls.out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        (cls.deb,) = pathlib.Path(cls.out).glob("betrace_*.deb")
        cls.clean = CleanRoot()
        cls.clean.__enter__()
        cls.addClassCleanup(cls.clean.__exit__)
        shutil.copy(cls.deb, cls.clean.root / "srv")
        cls.clean.run(f"apt-get update -qq && apt-get install -y -qq --no-install-recommends /srv/{cls.deb.name}")
        cls.unit = (cls.clean.root / UNIT).read_text(encoding="utf-8")

    def test_1_what_is_in_it(self):
        listed = subprocess.check_output(["dpkg-deb", "-c", self.deb], text=True)
        for path in ("./usr/bin/betrace", "./etc/betrace/betrace.conf", f"./{UNIT}", "./usr/share/man/man1/betrace-serve.1", "./usr/share/betrace/packs/soc2.yaml",
                     "./usr/share/betrace/prometheus/betrace-alerts.yaml", "./usr/share/bash-completion/completions/betrace", "./usr/share/doc/betrace/copyright"):
            self.assertRegex(listed, re.escape(path) + r"$|" + re.escape(path) + r"\n")
        for line in listed.splitlines():
            self.assertRegex(line, r"^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root/root ", "nothing is writable for others")
        version = (ROOT / "VERSION").read_text(encoding="ascii").strip()
        self.assertEqual(subprocess.check_output(["dpkg-deb", "-f", self.deb, "Version"], text=True).strip(), version)
        self.assertEqual(self.clean.run("betrace --version")[1], f"betrace {version}\n")
        self.assertEqual(self.clean.run("cat /var/lib/dpkg/info/betrace.conffiles")[1], "/etc/betrace/betrace.conf\n")
        pages = (ROOT / "grafana-betrace-app/dist-ui/index.html").exists()
        self.assertEqual((self.clean.root / "usr/share/betrace/ui/index.html").exists(), pages)

    def test_2_the_program_is_hardened(self):
        program = self.clean.root / "usr/bin/betrace"
        headers = subprocess.check_output(["readelf", "-W", "-l", "-d", "-h", "-S", program], text=True)
        self.assertRegex(headers, r"Type:\s+DYN")  # position independent
        self.assertIn("GNU_RELRO", headers)
        self.assertRegex(headers, r"FLAGS_1.*NOW.*PIE")
        self.assertNotRegex(headers, r"GNU_STACK.*RWE")
        self.assertNotIn(".debug_info", headers)
        strings = program.read_bytes()
        self.assertNotIn(str(ROOT).encode(), strings, "nothing tells where it was built")
        self.assertIn(b"__stack_chk_fail", strings)

    def test_3_systemd_accepts_the_unit(self):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={self.clean.root}", "betrace.service"],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        said = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", f"--root={self.clean.root}", "betrace.service"],
                              capture_output=True, text=True)
        exposure = float(re.search(r"Overall exposure level for betrace.service: ([\d.]+)", said.stdout).group(1))
        print(f"systemd-analyze security: {exposure}", flush=True)
        self.assertLessEqual(exposure, MAX_EXPOSURE)

    def command(self):
        """What systemd would run, with the variables of the test before the file of settings."""
        (line,) = unit_lines(self.unit, "ExecStart")
        return shlex.split(line)

    def start(self, tempo, port, *before):
        state = self.clean.folder / "state"
        state.mkdir(exist_ok=True)
        os.chown(state, *map(int, STRANGER.split(":")))
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "BETRACE_LISTEN": f"127.0.0.1:{port}", "BETRACE_TEMPO_URL": tempo.url.replace("127.0.0.1", "localhost")}
        environment |= self.credentials()
        (self.clean.root / STATE).mkdir(exist_ok=True)  # systemd makes it
        process = subprocess.Popen([*before, *read_only_command(self.clean.root, state, STRANGER, *self.command())], env={**os.environ, **environment},
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                http("GET", f"http://127.0.0.1:{port}/health")
                return process
            except OSError:
                time.sleep(0.05)
        process.kill()
        raise AssertionError(f"it did not start:\n{process.communicate()[0]}")

    def credentials(self):
        """What the drop-in of docs/operations/deploy.md makes of it: a folder that the service alone reads, and a variable with its path (%d)."""
        (line,) = re.findall(r"`Environment=BETRACE_EVIDENCE_KEY=%d/(\S+)`", (ROOT / "docs/operations/deploy.md").read_text(encoding="utf-8"))
        folder = "/run/credentials/betrace.service"
        inside = self.clean.root / folder[1:]
        if not inside.exists():
            inside.mkdir(parents=True)
            self.addCleanup(shutil.rmtree, inside)  # with the service, as systemd does
            private, self.__class__.public = make_key(self.clean.folder)
            shutil.copy(private, inside / line)
            (inside / line).chmod(0o400)
            for path in (inside, inside / line):
                os.chown(path, *map(int, STRANGER.split(":")))
        return {"BETRACE_EVIDENCE_KEY": f"{folder}/{line}"}

    def check_a_report(self, url):
        status, _, body = http("GET", f"{url}/v1/compliance/reports/soc2?timeout=60s", timeout=90)
        evidence = json.loads(body)["evidence"]
        self.assertEqual((status, evidence["signed"], evidence["key_id"]), (200, "ed25519", key_id(self.public)))

    def use(self, url):
        """A rule and its replay, which is most of what the service does."""
        self.assertEqual(http("GET", f"{url}/ready")[0], 200)
        pages = (self.clean.root / "usr/share/betrace/ui/index.html").exists()
        self.assertEqual(http("GET", f"{url}/", headers={"Accept": "text/html"})[0], 200 if pages else 404)
        self.assertIn(http("POST", f"{url}/v1/rules", b'{"id": "slow", "dsl": "trace.has(span.duration > 1s)"}')[0], (201, 409))
        self.assertEqual(http("POST", f"{url}/v1/rules/slow/replay", b'{"start_time": "now-1h", "end_time": "now"}')[0], 202)
        while json.loads(http("GET", f"{url}/v1/rules/slow/replay/status")[2])["status"] in ("queued", "running"):
            time.sleep(0.05)

    def test_4_runs_under_its_units_command_line(self):
        (port,) = free_ports(1)
        with TempoServer(config="fast") as tempo:
            process = self.start(tempo, port)
            try:
                self.use(f"http://127.0.0.1:{port}")
                self.check_a_report(f"http://127.0.0.1:{port}")
                process.send_signal(signal.SIGHUP)  # ExecReload
                time.sleep(0.5)
                self.assertIsNone(process.poll())
            finally:
                process.terminate()
                out, _ = process.communicate(timeout=30)  # TimeoutStopSec
            self.assertEqual(process.returncode, 0, out)
        self.assertTrue((self.clean.folder / "state/betrace.db").exists())

    def test_5_the_system_call_filter_lets_through_what_it_calls(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        (port,) = free_ports(1)
        record = self.clean.folder / "calls"
        with TempoServer(config="fast") as tempo:
            process = self.start(tempo, port, "strace", "-f", "-qq", "-o", record)
            try:
                self.use(f"http://127.0.0.1:{port}")
            finally:
                (service,) = self.children_that_run("betrace", process.pid)
                os.kill(service, signal.SIGTERM)
                process.communicate(timeout=60)
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        # From the start of the program on: what came before is the test's own way into the root.
        first = next(number for number, line in enumerate(lines) if 'execve("/usr/bin/betrace"' in line)
        called = {match.group(1) for line in lines[first:] if (match := re.match(r"\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", line))}
        allowed = self.set_of("@system-service") - self.set_of("@privileged")
        self.assertGreater(len(called), 30)
        self.assertEqual(called - allowed, set())
        families = set(re.findall(r"\bsocket\((AF_\w+)", "\n".join(lines[first:])))
        self.assertIn("AF_INET", families)
        self.assertLessEqual(families, set(unit_lines(self.unit, "RestrictAddressFamilies")[0].split()))

    @staticmethod
    def children_that_run(name, ancestor):
        """Pids below one process that run a program of that name."""
        found, todo = [], [ancestor]
        while todo:
            pid = todo.pop()
            children = [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
            found += [child for child in children if pathlib.Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip() == name]
            todo += children
        return found

    @classmethod
    def set_of(cls, name):
        """The system calls of one of systemd's sets, those in it included."""
        lines = subprocess.check_output(["systemd-analyze", "syscall-filter", "--no-pager", name], text=True).splitlines()
        words = {line.strip() for line in lines[1:] if line.strip() and not line.strip().startswith("#")}
        return set().union(*(cls.set_of(word) if word.startswith("@") else {word} for word in words))

    def test_6_remove_keeps_and_purge_takes(self):
        state = self.clean.root / STATE
        state.mkdir(exist_ok=True)
        (state / "betrace.db").write_text("rules", encoding="ascii")
        conf = self.clean.root / "etc/betrace/betrace.conf"
        conf.write_text(conf.read_text(encoding="utf-8") + "settle = 3m\n", encoding="utf-8")
        self.clean.run(f"dpkg -i /srv/{self.deb.name}")  # an upgrade keeps changed settings
        self.assertIn("settle = 3m", conf.read_text(encoding="utf-8"))
        self.clean.run("dpkg --remove betrace")
        self.assertFalse((self.clean.root / "usr/bin/betrace").exists())
        self.assertTrue(conf.exists() and (state / "betrace.db").exists())
        self.clean.run("dpkg --purge betrace")
        self.assertFalse(conf.parent.exists() or state.exists())
        left = subprocess.run(["find", self.clean.root, "-path", self.clean.root / "srv", "-prune", "-o", "-path", "*dpkg*", "-prune", "-o", "-name", "*betrace*", "-print"],
                              capture_output=True, text=True, check=True).stdout
        self.assertEqual(left, "")


if __name__ == "__main__":
    require("systemd-analyze", "dpkg-deb", "readelf")
    require_tempo()
    unittest.main(verbosity=1)
