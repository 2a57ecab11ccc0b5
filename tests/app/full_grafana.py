"""The specs of grafana-betrace-app/e2e against the Grafana that GRAFANA_URL names; e2e/playwright.config.ts says what that Grafana has to have."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = [sys.executable, ROOT / "tests/app/node_packages.py"]


def main():
    if not os.environ.get("GRAFANA_URL"):
        print("skipped: no Grafana: GRAFANA_URL names none, for example http://localhost:3000")
        return 77
    code = subprocess.call([*PACKAGES, ROOT / "grafana-betrace-app"])
    if code:
        return code
    return subprocess.call([*PACKAGES, "--run", "npx", "playwright", "test", "-c", "e2e"], cwd=ROOT / "grafana-betrace-app")


if __name__ == "__main__":
    sys.exit(main())
