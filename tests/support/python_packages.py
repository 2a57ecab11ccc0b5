"""Python packages that a test needs, in a virtual environment of their own in the user's cache folder: built once for each content of the
requirements file, used without network from then on. Standard library only."""
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

COMPLETE = "complete"  # a file that is there once everything is installed


class NoPackages(Exception):
    """The environment is not there and cannot be made; the message says why."""


def cache_folder():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "betrace"


def _install(folder, requirements):
    shutil.rmtree(folder, ignore_errors=True)
    for command in ([sys.executable, "-m", "venv", str(folder)],
                    [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
                     "--no-deps", "-r", str(requirements)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise NoPackages(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    (folder / COMPLETE).touch()


def python_with(requirements):
    """The python of an environment that has what the file pins. Safe to be called by several processes at once."""
    requirements = pathlib.Path(requirements)
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache_folder() / f"venv-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / COMPLETE).exists():
            _install(folder, requirements)
    return str(folder / "bin/python")


def run_again_with(requirements):
    """Makes this very script run under that python; returns when it does."""
    python = python_with(requirements)
    if os.path.realpath(sys.prefix) != os.path.realpath(pathlib.Path(python).parent.parent):
        os.execv(python, [python, *sys.argv])
