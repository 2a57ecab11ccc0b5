"""docs/TUTORIAL.md walked from a bare Debian: its blocks run one after the other in a minimal root, with the package
that it installs, down to the alert. Nothing but the package, what apt brings and a Tempo next to it is there. Needs
root."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "tempo")]
import doc_pages  # noqa: E402
from clean_root import CleanRoot, require  # noqa: E402
from run_tempo import TempoServer, free_ports, http  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

FOLDER = "srv/tutorial"


class Tutorial(unittest.TestCase):
    def setUp(self):
        out = tempfile.mkdtemp(prefix="deb-", dir=ROOT / "build")
        self.addCleanup(shutil.rmtree, out, True)
        done = subprocess.run([ROOT / "distribution/make-dist.sh", "deb", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.clean = CleanRoot()
        self.clean.__enter__()
        self.addCleanup(self.clean.__exit__)
        (self.clean.root / FOLDER).mkdir()
        for package in pathlib.Path(out).glob("betrace_*.deb"):
            shutil.copy(package, self.clean.root / FOLDER)
        self.tempo = TempoServer(config="fast").start()
        self.addCleanup(self.tempo.stop)
        self.service, self.prometheus = free_ports(2)

    def background(self, text):
        """Starts a block and waits until it answers."""
        port, path = (self.prometheus, "/-/ready") if text.startswith("prometheus") else (self.service, "/health")
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        process = subprocess.Popen(["chroot", self.clean.root, "bash", "-c", f"cd /{FOLDER} && exec {text}"], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        for _ in range(600):
            self.assertIsNone(process.poll(), text)
            try:
                if http("GET", f"http://127.0.0.1:{port}{path}")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.fail(f"does not answer: {text}")

    def run_block(self, text):
        """What a block prints; 1 of betrace says that something was found."""
        script = self.clean.root / FOLDER / "block.sh"
        script.write_text(text, encoding="utf-8")
        done = subprocess.run(["chroot", self.clean.root, "bash", "-c", f"cd /{FOLDER} && bash block.sh 2>errors"], stdout=subprocess.PIPE, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
                                   **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}})
        self.assertIn(done.returncode, (0, 1), f"{text}\n{done.stdout}\n{(script.parent / 'errors').read_text(encoding='utf-8')}")
        return done.stdout

    def test_from_the_package_to_the_alert(self):
        self.assertNotEqual(self.clean.run("command -v betrace", check=False)[0], 0, "the root is bare")
        output, alerted, begun = "", False, time.monotonic()
        for line, info, text in doc_pages.blocks(doc_pages.read("TUTORIAL.md")):
            text = doc_pages.with_addresses(text, self.tempo.url, self.tempo.otlp_url, self.service, self.prometheus)
            if info == ["text", "output"]:
                self.assertEqual(doc_pages.without_seconds(output).splitlines(), doc_pages.without_seconds(text).splitlines(), f"line {line}")
                alerted = alerted or text.startswith("BetraceViolation ")
            elif "checked=rendering" in info:  # the Tempo is there
                continue
            elif "run=background" in info:
                self.background(text)
            else:
                self.assertEqual(info[0], "sh", f"line {line}")
                output = self.run_block(text)
        self.assertTrue(alerted, "the tutorial ends with an alert")
        print(f"walked in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    require("apt-get")
    require_tempo()
    unittest.main(verbosity=1)
