"""The real Dockerfile, built and run without a container engine. buildah builds it with chroot isolation on a base
that mmdebstrap makes. The image's file system is then mounted read-only, and its command runs in it as its user.
Asks health, readiness and a replay over sample files, ends it by SIGTERM, and prints the size. Needs root. Not
tested: a registry, cgroups and namespaces of a real engine, and the official base image (the same packages, fewer
documents)."""
import atexit
import json
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
from clean_root import base_archive, read_only_command, require  # noqa: E402
from evidence import make_key  # noqa: E402
from run_tempo import free_ports, http  # noqa: E402

LIMIT_MB = 60
GRACE_SECONDS = 30
BASE = "localhost/betrace-base"
IMAGE = "localhost/betrace"
PLUGIN = "localhost/betrace-grafana-plugin"
RULE = {"id": "slow", "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'}


class Buildah:
    """buildah with a storage of its own, which goes when the program ends."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="containers-", dir=ROOT / "build")
        self.environment = dict(os.environ, STORAGE_DRIVER="vfs", BUILDAH_ISOLATION="chroot")
        atexit.register(self.close)

    def __call__(self, *arguments, quiet=True):
        command = ["buildah", "--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if quiet else None, text=True)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-6000:]}")
        return done.stdout.strip()

    def close(self):
        subprocess.run(["buildah", "--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "umount", "--all"], env=self.environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def mounted(self, image):
        return self("mount", self("from", "--pull-never", image).splitlines()[-1]).splitlines()[-1]


def megabytes(folder):
    """Of the files, as a registry would unpack them."""
    return int(subprocess.check_output(["du", "-s", "--apparent-size", "--block-size=1K", folder]).split()[0]) * 1024 / 1e6


class Containers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.buildah = buildah = Buildah()
        base = buildah("from", "scratch").splitlines()[-1]
        buildah("add", base, base_archive(), "/")
        buildah("config", "--cmd", "/bin/bash", base)
        buildah("commit", base, BASE)
        buildah("rm", base)
        epoch = subprocess.check_output(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "log", "-1", "--format=%ct"], text=True).strip()
        cls.build = ["bud", "--format", "docker", "--pull-never", "--build-arg", f"BASE={BASE}", "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", "--layers",
                     "-f", ROOT / "distribution/docker/Dockerfile"]
        began = time.monotonic()
        buildah(*cls.build, "-t", IMAGE, ROOT)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)
        cls.config = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
        cls.root = buildah.mounted(IMAGE)
        cls.base_root = buildah.mounted(BASE)

    def setUp(self):
        self.volume = tempfile.mkdtemp(prefix="volume-", dir=self.buildah.folder)
        os.chown(self.volume, 10001, 10001)

    def start(self, *command, **variables):
        environment = dict(line.split("=", 1) for line in self.config["Env"]) | {"HOME": "/"} | variables
        return subprocess.Popen(read_only_command(self.root, self.volume, self.config["User"], *command), env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_command(self, *command, **variables):
        process = self.start(*command, **variables)
        out, _ = process.communicate(timeout=120)
        return process.returncode, out

    def test_what_the_image_says(self):
        version = (ROOT / "VERSION").read_text(encoding="ascii").strip()
        self.assertEqual(self.config["User"], "10001:10001")
        self.assertEqual(self.config["StopSignal"], "SIGTERM")
        self.assertEqual(self.config["Entrypoint"], ["betrace"])
        self.assertEqual(self.config["Healthcheck"]["Test"], ["CMD", "betrace", "health"])
        self.assertEqual(self.config["Labels"]["org.opencontainers.image.version"], version)
        self.assertIn("/var/lib/betrace", self.config["Volumes"])
        self.assertEqual(self.run_command("betrace", "--version"), (0, f"betrace {version}\n"))

    def test_nothing_of_the_build_is_left(self):
        for path in ("usr/bin/gcc", "usr/bin/cmake", "src", "package", "build", "usr/include/openssl"):
            self.assertFalse(pathlib.Path(self.root, path).exists(), path)
        left = list(pathlib.Path(self.root, "var/lib/apt/lists").glob("*")) + list(pathlib.Path(self.root, "var/cache/apt").glob("*"))
        self.assertEqual(left, [])

    def test_size(self):
        image, base = megabytes(self.root), megabytes(self.base_root)
        print(f"image {image:.1f} MB, base {base:.1f} MB, betrace {image - base:.1f} MB over its base (goal {LIMIT_MB})", flush=True)
        self.assertLess(image - base, LIMIT_MB)

    def test_bill_of_materials_is_what_dpkg_says(self):
        sbom = json.loads(pathlib.Path(self.root, "usr/share/betrace/sbom.spdx.json").read_text(encoding="utf-8"))
        self.assertEqual(sbom["spdxVersion"], "SPDX-2.3")
        listed = subprocess.check_output(["dpkg-query", "--admindir", f"{self.root}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n"], text=True)
        self.assertEqual(sorted(f"{one['name']} {one['versionInfo']}" for one in sbom["packages"]), sorted(listed.splitlines()))
        ids = [one["SPDXID"] for one in sbom["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertIn("SPDXRef-betrace", ids)

    def test_refuses_to_be_open_to_everybody(self):
        code, out = self.run_command("betrace", "serve")
        self.assertEqual(code, 2, out)
        self.assertIn("--allow-anonymous", out)

    def test_the_root_is_read_only(self):
        code, out = self.run_command("/bin/sh", "-c", "id -u; touch /etc/x || echo refused")
        self.assertTrue(out.startswith("10001\n") and "refused" in out and "Read-only" in out, out)

    def test_serves_and_ends(self):
        (port,) = free_ports(1)
        url = f"http://127.0.0.1:{port}"
        code, out = self.run_command("betrace", "generate", "--traces", "500", "--violations", "7", "--since", "6h", "--end", "now-10m", "--out", "/var/lib/betrace/traces.pb")
        self.assertEqual(code, 0, out)
        public = self.make_key()
        process = self.start("betrace", "serve", "--traces", "/var/lib/betrace/traces.pb", BETRACE_LISTEN=f"127.0.0.1:{port}", BETRACE_URL=url,
                             BETRACE_EVIDENCE_KEY="/var/lib/betrace/evidence.pem")
        try:
            self.wait_healthy(process, url)
            self.assertEqual(self.run_command("betrace", "health", BETRACE_URL=url), (0, "healthy\n"), "what HEALTHCHECK runs")
            self.assertEqual(json.loads(http("GET", f"{url}/health")[2]), {"status": "healthy"})
            self.assertEqual(http("GET", f"{url}/ready")[0], 200)
            pages = (ROOT / "grafana-betrace-app/dist-ui/index.html").exists()
            self.assertEqual(http("GET", f"{url}/", headers={"Accept": "text/html"})[0], 200 if pages else 404)
            self.assertEqual(self.replay(url)["violations_found"], 7)
            self.check_a_report(url, public)
            began = time.monotonic()
            process.terminate()
            out, _ = process.communicate(timeout=GRACE_SECONDS)
            self.assertEqual(process.returncode, 0, out)
            print(f"ended {time.monotonic() - began:.1f} s after SIGTERM", flush=True)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.assertTrue(pathlib.Path(self.volume, "betrace.db").exists(), "rules lie on the volume")
        self.assertNotEqual(self.run_command("betrace", "health", BETRACE_URL=url)[0], 0)

    def make_key(self):
        """A key for the service's user alone, as a mounted secret; the public half's path, in the image."""
        private, public = make_key(self.volume)
        os.chmod(private, 0o400)
        os.chown(private, 10001, 10001)
        return f"/var/lib/betrace/{os.path.basename(public)}"

    def check_a_report(self, url, public):
        """Signed, and found right by the image's own program."""
        pathlib.Path(self.volume, "report.json").write_bytes(http("GET", f"{url}/v1/compliance/reports/soc2?timeout=60s", timeout=90)[2])
        code, out = self.run_command("betrace", "verify-report", "/var/lib/betrace/report.json", "--key", public)
        self.assertEqual(code, 0, out)
        self.assertIn("signature  right", out)

    def wait_healthy(self, process, url):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return http("GET", f"{url}/health")
            except OSError:
                time.sleep(0.05)
        raise AssertionError("it did not start")

    def replay(self, url):
        self.assertEqual(http("POST", f"{url}/v1/rules", json.dumps(RULE).encode())[0], 201)
        status, _, body = http("POST", f"{url}/v1/rules/slow/replay", b'{"start_time": "now-24h", "end_time": "now"}')
        self.assertEqual(status, 202, body)
        while True:
            answer = json.loads(http("GET", f"{url}/v1/rules/slow/replay/status")[2])
            if answer["status"] not in ("queued", "running"):
                self.assertEqual(answer["status"], "completed", answer)
                return answer
            time.sleep(0.05)

    def test_image_of_the_grafana_app(self):
        built = (ROOT / "grafana-betrace-app/dist/plugin.json").exists()
        if not built:
            with self.assertRaisesRegex(AssertionError, "build the app first"):
                self.buildah(*self.build, "--target", "plugin", "-t", PLUGIN, ROOT)
            return
        self.buildah(*self.build, "--target", "plugin", "-t", PLUGIN, ROOT)
        plugins = pathlib.Path(self.buildah.mounted(PLUGIN), "plugins")
        self.assertEqual(json.loads((plugins / "betrace-app/plugin.json").read_text(encoding="utf-8"))["id"], "betrace-app")


if __name__ == "__main__":
    require("buildah")
    unittest.main(verbosity=1)
