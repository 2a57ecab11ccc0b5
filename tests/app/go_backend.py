"""The Go half of the app, by grafana-betrace-app/scripts/go.sh, where there is a Go.

    python3 tests/app/go_backend.py build|host|vet|test|acceptance

Skipped with a reason (77) where there is none. go.sh runs the Go command only: the SDK's helpers that end processes by name are not used.
"""
import os
import shutil
import subprocess
import sys

from node_packages import cache_folder, skipped

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "grafana-betrace-app", "scripts", "go.sh")
USUAL_PLACES = "/usr/local/go/bin:/usr/lib/go/bin"


def main(what):
    go = shutil.which("go") or shutil.which("go", path=USUAL_PLACES)
    if not go:
        return skipped("the data source's backend needs Go 1.21 or newer, which fetches the version that go.mod names")
    env = dict(os.environ, PATH=os.path.dirname(go) + os.pathsep + os.environ.get("PATH", ""), GOFLAGS="-v -buildvcs=false")
    env.setdefault("GOCACHE", os.path.join(cache_folder(), "go-build"))  # with what else is kept: the SDK takes minutes to compile
    if env.get("BETRACE_RELEASE_BIN"):
        env["BETRACE_BIN"] = env["BETRACE_RELEASE_BIN"]
    return subprocess.run(["sh", SCRIPT, what], env=env, stderr=subprocess.STDOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
