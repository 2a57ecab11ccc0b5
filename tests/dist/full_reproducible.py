"""`make dist` twice, from two copies of the sources in folders of different names, with different umasks, times of files and time zones, and without a compiler
cache: every file has the same bytes. And the chart is served to a real Helm by a web server, as the quick start's `helm repo add` needs it."""
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import clean_root  # noqa: E402
import helm_binary  # noqa: E402

BUILT = ("grafana-betrace-app/dist", "grafana-betrace-app/dist-ui")


def copy_sources(target):
    """What git tracks or would track, and what was built of the pages."""
    listed = subprocess.check_output(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name, follow_symlinks=False)
    for name in BUILT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name)


def make(source, umask, zone):
    """{file: SHA-256} of one `make dist`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CMAKE_", "CCACHE_"))}
    environment.update(SOURCE_DATE_EPOCH="1763650000", TZ=zone, CCACHE_DISABLE="1")
    done = subprocess.run(["sh", "-c", f"umask {umask}; exec distribution/make-dist.sh"], cwd=source, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (source / "build/dist").iterdir()}


class Reproducible(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        (ROOT / "build").mkdir(exist_ok=True)
        cls.parent = tempfile.mkdtemp(prefix="reproducible-", dir=ROOT / "build")
        cls.addClassCleanup(shutil.rmtree, cls.parent, True)
        one, another = pathlib.Path(cls.parent, "one"), pathlib.Path(cls.parent, "another-folder")
        copy_sources(one)
        shutil.copytree(one, another, symlinks=True, copy_function=shutil.copy)  # now: somebody may edit meanwhile
        cls.first = make(one, "022", "UTC")
        cls.second = make(another, "077", "Pacific/Auckland")
        cls.dist = one / "build/dist"
        cls.version = (ROOT / "VERSION").read_text(encoding="ascii").strip()

    def test_the_same_bytes(self):
        self.assertEqual(self.first, self.second)
        print("\n".join(f"{digest[:16]}  {name}" for name, digest in sorted(self.first.items())), flush=True)

    def test_what_is_handed_out(self):
        version = self.version
        expected = {f"betrace_{version}_amd64.deb", f"betrace-{version}-linux-amd64.tar.gz", f"betrace-{version}.tgz", "index.yaml", "SHA256SUMS"}
        if (ROOT / BUILT[0] / "plugin.json").exists():
            expected.add(f"betrace-app-{version}.zip")
        self.assertEqual({name.replace("arm64", "amd64") for name in self.first}, expected)
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=self.dist, check=True)

    def test_the_tarball_runs_from_any_folder(self):
        (archive,) = self.dist.glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            names = tar.getnames()
            self.assertTrue(all(name.split("/")[0] == names[0] for name in names))
            self.assertEqual({(one.uid, one.mtime) for one in tar}, {(0, 1763650000)})
            tar.extractall(self.parent, filter="data")
        program = pathlib.Path(self.parent, names[0], "bin/betrace")
        self.assertEqual(subprocess.check_output([program, "--version"], text=True), f"betrace {self.version}\n")
        self.assertTrue((program.parents[1] / "share/betrace/packs/soc2.yaml").exists())
        self.assertFalse((program.parents[1] / "etc").exists())

    def test_the_tarball_needs_nothing_but_the_c_library(self):
        (archive,) = self.dist.glob("*.tar.gz")
        with clean_root.CleanRoot() as clean:
            folder = clean.root / "opt"
            subprocess.run(["tar", "-C", folder, "-xzf", archive], check=True)
            program = f"/opt/{archive.name.removesuffix('.tar.gz')}/bin/betrace"
            self.assertEqual(clean.run(f"{program} --version")[1], f"betrace {self.version}\n")
            clean.run(f"{program} test {program.rsplit('/', 2)[0]}/share/betrace/packs")

    def test_the_archive_of_the_app(self):
        for path in self.dist.glob("*.zip"):
            with zipfile.ZipFile(path) as archive:
                self.assertIsNone(archive.testzip())
                self.assertEqual({name.split("/")[0] for name in archive.namelist()}, {"betrace-app"})
                self.assertIn("betrace-app/plugin.json", archive.namelist())

    def test_helm_installs_from_the_repository(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietFiles, directory=str(self.dist)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        environment = dict(os.environ, no_proxy="127.0.0.1", HELM_CONFIG_HOME=f"{self.parent}/config", HELM_CACHE_HOME=f"{self.parent}/cache",
                           HELM_DATA_HOME=f"{self.parent}/data")

        def helm(*arguments):
            return subprocess.run([HELM, *arguments], env=environment, check=True, capture_output=True, text=True).stdout
        helm("repo", "add", "betrace", f"http://127.0.0.1:{server.server_address[1]}")
        helm("repo", "update")
        self.assertIn(self.version, helm("search", "repo", "betrace/betrace"))
        shown = helm("template", "betrace", "betrace/betrace", "--namespace", "betrace", "--set", "grafana.config.security.admin_password=secret")
        direct = helm("template", "betrace", str(self.dist.parents[1] / "distribution/helm/betrace"), "--namespace", "betrace", "--set", "grafana.config.security.admin_password=secret")
        self.assertEqual(shown, direct)


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    HELM = helm_binary.require()
    unittest.main(verbosity=1)
