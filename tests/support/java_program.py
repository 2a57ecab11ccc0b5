"""A Java program of tests/, with the packages that its pom.xml names, built by Maven once for each content into the user's cache folder."""
import fcntl
import hashlib
import pathlib
import re
import shutil
import subprocess
import unittest

from python_packages import cache_folder

# What Maven says where a package could not be had, and nothing is wrong with the program.
NOT_FETCHED = r"Could not transfer artifact|could not be resolved|Could not resolve dependencies|Unknown host|Connection refused"


def class_path(source, name, *goal):
    """Its class path; `goal` is what Maven is asked for, with its options, in place of the jar. `name` is that of the jar (finalName). Skips where there is no Java or Maven, or where Maven gets no packages."""
    if not (shutil.which("mvn") and shutil.which("java")):
        raise unittest.SkipTest("Maven is not installed: install-build-deps.sh full brings it")
    source = pathlib.Path(source)
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    folder = cache_folder() / f"{name}-java-{hashlib.sha256(b''.join(path.read_bytes() for path in files) + ' '.join(goal).encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "target" / "dependency").exists():
            shutil.copytree(source, folder, dirs_exist_ok=True)
            done = subprocess.run(["mvn", "--quiet", "--batch-mode", *(goal or ("package",))], cwd=folder, check=False, capture_output=True, text=True)
            if done.returncode and re.search(NOT_FETCHED, done.stdout + done.stderr):
                shutil.rmtree(folder / "target", ignore_errors=True)
                raise unittest.SkipTest(f"Maven does not reach its repository: {(done.stdout + done.stderr)[:300]}")
            if done.returncode:
                raise AssertionError(f"mvn package ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return f"{folder}/target/{name}.jar:{folder}/target/dependency/*"
