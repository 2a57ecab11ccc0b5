"""What a step said that passed, kept in build/check/passed/ until something that it reads is another.

For steps that say what they read (suites.Step.reads) and whose answer follows from it alone: types, rules of style and
units of the pages. Kept is the output, from which their tests are counted as ever. In a fresh clone nothing is kept.
"""
import hashlib
import os
import subprocess

import suites


def files_below(paths):
    """The files there that git tracks or would track."""
    listed = subprocess.run(["git", "-c", f"safe.directory={suites.ROOT}", "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard", "--", *paths], cwd=suites.ROOT, check=True, capture_output=True)
    return sorted({name for name in listed.stdout.split(b"\0") if name})


def digest_of(step):
    """Of the command, of the versions of what runs it, and of every file that it reads."""
    digest = hashlib.sha256(repr((step.command, suites.PYTHON)).encode())
    digest.update(subprocess.run(["node", "--version"], capture_output=True, check=False).stdout)
    for name in files_below(step.reads):
        path = os.path.join(os.fsencode(suites.ROOT), name)
        text = b"gone"
        if os.path.isfile(path):
            with open(path, "rb") as file:
                text = file.read()
        digest.update(name + b"\0" + hashlib.sha256(text).digest())
    return digest.hexdigest()


def path_of(step):
    """Where its output is kept; None where a step does not say what it reads, or there is no git or Node to ask."""
    if not step.reads:
        return None
    try:
        return os.path.join(suites.LOGS, "passed", digest_of(step))
    except (OSError, subprocess.CalledProcessError):
        return None


def output_of(path):
    """What it wrote when it passed, or None."""
    if not path or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def keep(path, output):
    """Whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(output)
    os.replace(path + ".new", path)
