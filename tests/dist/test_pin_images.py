"""What is released names its images by digest, in the chart and for the compose file, and is not built without; what is not released stays as it is."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT, MAKE_DIST = ROOT / "distribution/pin_images.py", ROOT / "distribution/make-dist.sh"
VALUES, COMPOSE = ROOT / "distribution/helm/betrace/values.yaml", ROOT / "distribution/docker/docker-compose.yml"


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


class PinImages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-pin-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.names = run("-", "names", VALUES, COMPOSE).stdout.split()
        self.digests = {name: f"sha256:{number:064x}" for number, name in enumerate(self.names, 1)}

    def write(self, lines=None):
        path = self.folder / "digests"
        path.write_text("# of the release\n\n" + "".join(f"{name} {digest}\n" for name, digest in self.digests.items()) if lines is None else lines, encoding="utf-8")
        return path

    def test_every_image_is_asked_for(self):
        """Also those of files that this script does not understand: whatever looks like an image in them is among the names."""
        version = (ROOT / "VERSION").read_text(encoding="ascii").strip()
        written = set(re.findall(r"[\w.][\w.-]*(?:/[\w.-]+)+:v?\d+\.\d+\.\d+", VALUES.read_text(encoding="utf-8") + COMPOSE.read_text(encoding="utf-8")))
        ours = {f"ghcr.io/betracehq/betrace:{version}", f"ghcr.io/betracehq/betrace-grafana-plugin:{version}"}
        self.assertEqual(set(self.names), written | ours)
        self.assertGreaterEqual(len(written), 6)
        templates = "".join(path.read_text(encoding="utf-8") for path in (VALUES.parent / "templates").rglob("*.yaml"))
        self.assertEqual(re.findall(r"image: (?!\{\{).*", templates), [], "a template names an image itself")

    def test_values(self):
        done = run(self.write(), "values", VALUES)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        before, after = VALUES.read_text(encoding="utf-8").splitlines(), done.stdout.splitlines()
        self.assertEqual(len(before), len(after))
        changed = [new for old, new in zip(before, after) if old != new]
        for name, digest in self.digests.items():
            if name in COMPOSE.read_text(encoding="utf-8") and name not in VALUES.read_text(encoding="utf-8"):
                continue  # of the compose file alone
            self.assertEqual(sum(digest in line for line in changed), 1, name)
        for line in changed:
            self.assertIn("@sha256:" if "ghcr.io/" not in line and "digest:" not in line else 'digest: "sha256:', line)

    def test_compose(self):
        done = run(self.write(), "env", COMPOSE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in done.stdout.splitlines():
            variable, image = line.split("=")
            self.assertRegex(variable, r"^[A-Z]+_IMAGE$")
            self.assertEqual(self.digests[image.split("@")[0]], image.split("@")[1])
        compose = COMPOSE.read_text(encoding="utf-8")
        self.assertEqual(len(done.stdout.splitlines()), len(re.findall(r"image: \$\{", compose)))
        self.assertEqual(re.findall(r"image: (?!\$\{)(?!betrace:).*", compose), [], "an image that no variable names")

    def test_what_is_missing_or_wrong_is_refused(self):
        for name in self.names:
            digests, self.digests = self.digests, {key: value for key, value in self.digests.items() if key != name}
            path = self.write()
            self.digests = digests
            results = [run(path, "values", VALUES), run(path, "env", COMPOSE)]
            self.assertTrue(any(done.returncode == 1 and f"no digest of {name}" in done.stderr for done in results), name)
            self.assertTrue(all(not done.stdout for done in results if done.returncode), "nothing half done")
        one = self.names[0]
        for wrong in (f"{one} sha256:12\n", f"{one} {'a' * 64}\n", f"{one}\n", f"{one} sha256:{'A' * 64}\n", f"{one} sha256:{'a' * 64}\n{one} sha256:{'b' * 64}\n"):
            done = run(self.write(wrong), "values", VALUES)
            self.assertEqual(done.returncode, 1, wrong)
            self.assertIn("digests:", done.stderr)
        self.assertEqual(run("x").returncode, 2)

    def make_dist(self, **environment):
        return subprocess.run([MAKE_DIST, self.folder / "out"], capture_output=True, text=True,
                              env={**os.environ, "BETRACE_DIST_BUILD": str(self.folder / "build"), **environment})

    def test_a_release_is_not_built_without(self):
        """It says so before anything is built, and which images it wants to know."""
        done = self.make_dist(RELEASE="1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("by digest", done.stderr)
        for name in self.names:
            self.assertIn(name, done.stderr)
        self.digests.pop("grafana/tempo:2.8.1", None)
        done = self.make_dist(RELEASE="1", BETRACE_IMAGE_DIGESTS=str(self.write()))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no digest of grafana/tempo", done.stderr)
        self.assertFalse((self.folder / "build").exists())


if __name__ == "__main__":
    unittest.main(verbosity=1)
