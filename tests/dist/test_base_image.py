"""An image that is released stands on a base that is named by its digest; the image says on which."""
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "distribution/docker/check-base.sh"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def check(base, release):
    return subprocess.run([SCRIPT, base, release], capture_output=True, text=True)


class BaseImage(unittest.TestCase):
    def test_a_release_needs_a_digest(self):
        for base in ("debian:bookworm-slim", "debian", "debian@sha256:", f"debian@{DIGEST}0", f"debian@{DIGEST[:-1]}", f"debian@{DIGEST.upper()}",
                     f"debian:bookworm-slim@{DIGEST[:-1]}g", f"debian:{DIGEST[7:]}", ""):
            with self.subTest(base=base):
                done = check(base, "1")
                self.assertEqual(done.returncode, 1)
                self.assertIn("by digest", done.stderr)
                self.assertEqual(check(base, "").returncode, 0, "what is not released may stand on anything")
        self.assertEqual(check(f"debian:bookworm-slim@{DIGEST}", "1").returncode, 0)
        self.assertEqual(check(f"registry.example:5000/debian@{DIGEST}", "1").returncode, 0)

    def test_the_build_asks_before_anything_else(self):
        """Each stage stands on the base that was checked, and the first thing that is run is the check."""
        lines = (ROOT / "distribution/docker/Dockerfile").read_text(encoding="utf-8").splitlines()
        stages = [line.split()[1] for line in lines if line.startswith("FROM ")]
        self.assertEqual(set(stages), {"${BASE}"})
        first = next(line for line in lines if line.startswith("RUN "))
        self.assertEqual(first, 'RUN distribution/docker/check-base.sh "$BASE" "$RELEASE"')
        self.assertTrue(any('org.opencontainers.image.base.name="${BASE}"' in line for line in lines))


if __name__ == "__main__":
    unittest.main(verbosity=1)
