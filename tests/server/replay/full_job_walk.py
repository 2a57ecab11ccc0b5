"""How many files of server/replay/ a job passes from the queue to its outcome: at most 25 (DECISIONS 382). callgrind names
every file of which test_job runs a function; so a file that only other kinds of replays need must not be asked by all.

    python3 tests/server/replay/full_job_walk.py
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "build" / "dev" / "tests" / "server" / "test_job"
FILE = re.compile(r"(?<!tests/)server/replay/(\w+\.c)\b")
MOST = 25


def files_passed(folder):
    profile = os.path.join(folder, "profile")
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", PROGRAM], check=True, capture_output=True, timeout=600)
    with open(profile, encoding="utf-8") as file:
        return set(FILE.findall(file.read()))


class JobWalk(unittest.TestCase):
    def test_a_job_passes_few_files(self):
        with tempfile.TemporaryDirectory(prefix="betrace-walk-") as folder:
            files = files_passed(folder)
        self.assertLessEqual({"queue.c", "job.c", "replay.c", "decider.c", "judge.c", "ledger.c"}, files, "callgrind did not see the walk")
        self.assertLessEqual(len(files), MOST, sorted(files))


if __name__ == "__main__":
    unittest.main(verbosity=2)
