"""The Tempo that tests run: found, or built once from the Go module in server/ into the user's cache folder.

The binary lies in ${XDG_CACHE_HOME:-~/.cache}/betrace/tempo-<hash>/tempo, where the hash covers go.mod, go.sum, the linker's flags and the version of
Go, so that a change of any of them builds anew and an unchanged one costs nothing. BETRACE_TEMPO_BIN names another binary and skips all of this.
Importable from any test; `python3 tests/tempo/tempo_binary.py` builds and prints the path.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

SERVER_MODULE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server")
PACKAGE = "github.com/grafana/tempo/cmd/tempo"
# Official builds are told their version by the linker, as this one is; without it Tempo answers an empty one. It is main between 2.8.0-rc.0 and 2.8.0.
VERSION = "2.8.0-87c2dc380cec"
LINKER_FLAGS = f"-s -w -X main.Version={VERSION}"
EXIT_SKIPPED = 77


class NoTempo(Exception):
    """No binary and no way to build one; the text says what was missing."""


def find_go():
    """The path of the go command, or None."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "betrace")


def module_hash(go):
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        with open(os.path.join(SERVER_MODULE, name), "rb") as file:
            digest.update(file.read())
    digest.update(LINKER_FLAGS.encode())
    digest.update(subprocess.check_output([go, "env", "GOVERSION"], cwd=SERVER_MODULE))
    return digest.hexdigest()[:16]


def build(go, target):
    """Builds into a neighbour and renames, so that a broken build never looks like a finished one."""
    unfinished = f"{target}.{os.getpid()}"
    env = dict(os.environ, GOFLAGS="-buildvcs=false")
    command = [go, "build", "-p", "2", "-ldflags", LINKER_FLAGS, "-o", unfinished, PACKAGE]
    try:
        subprocess.run(command, cwd=SERVER_MODULE, env=env, check=True, stdout=sys.stderr)
        os.rename(unfinished, target)
    except subprocess.CalledProcessError as error:
        raise NoTempo(f"go build of Tempo ended with {error.returncode}; its output is above") from error
    finally:
        if os.path.exists(unfinished):
            os.unlink(unfinished)


def tempo_binary():
    """The path of a Tempo that runs, built if need be (minutes when cold). Raises NoTempo."""
    given = os.environ.get("BETRACE_TEMPO_BIN")
    if given:
        if not os.access(given, os.X_OK):
            raise NoTempo(f"BETRACE_TEMPO_BIN is {given}, which is no program that can be run")
        return given
    go = find_go()
    if not go:
        raise NoTempo("Go is not installed and BETRACE_TEMPO_BIN is not set")
    folder = os.path.join(cache_folder(), f"tempo-{module_hash(go)}")
    target = os.path.join(folder, "tempo")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.access(target, os.X_OK):
            build(go, target)
    return target


def end_without(missing, what="no Tempo"):
    in_ci = os.environ.get("CI") == "true"
    print(f"{'failed' if in_ci else 'skipped'}: {what}: {missing}", flush=True)
    sys.exit(1 if in_ci else EXIT_SKIPPED)


def require_tempo():
    """For a test file's main: the path of the program that tests run (variants.py), else ends the program as skipped (77), or as failed where CI=true."""
    import variants  # which needs this module
    try:
        return variants.current().program
    except NoTempo as missing:
        return end_without(missing)


if __name__ == "__main__":
    try:
        print(tempo_binary())
    except NoTempo as nothing:
        end_without(nothing)
