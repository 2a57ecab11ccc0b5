"""Programs that are built from Go modules once into the user's cache folder. Each is built under a lock, in a folder whose name says what it was built from."""
import fcntl
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tempo"), str(HERE.parent / "support")]
from python_packages import cache_folder  # noqa: E402
from tempo_binary import EXIT_SKIPPED, find_go  # noqa: E402


def built(name, key, command, work):
    """The path of a program. `command(go, folder)` says what builds it as folder/name, run in `work` (None: in that folder). OSError says why it cannot be had."""
    folder = cache_folder() / f"{name}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            go = find_go()
            if not go:
                raise OSError("Go is not installed")
            environment = dict(os.environ, GOBIN=str(folder), GOFLAGS="-buildvcs=false")
            done = subprocess.run(command(go, folder), env=environment, cwd=work or folder, stdout=sys.stderr, check=False)
            if done.returncode:
                raise OSError(f"its build ended with {done.returncode}; the output is above")
    return str(folder / name)


def require(name, get):
    """get(), or the end of the program as skipped (77; failed where CI=true)."""
    try:
        return get()
    except OSError as missing:
        in_ci = os.environ.get("CI") == "true"
        print(f"{'failed' if in_ci else 'skipped'}: no {name}: {missing}", flush=True)
        sys.exit(1 if in_ci else EXIT_SKIPPED)
