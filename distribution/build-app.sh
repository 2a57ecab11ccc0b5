#!/bin/sh
# Builds what Grafana loads (grafana-betrace-app/dist): the app, its data source, and the data source's backend for this machine. Behind `make app`.
# Needs Node 20 or newer, npm and Go. Packages are installed as the lock file says, where they are not there yet.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/grafana-betrace-app"
command -v npm >/dev/null 2>&1 || { echo "make app needs Node 20 or newer, with npm" >&2; exit 1; }
[ -d node_modules/webpack ] || npm ci --no-audit --no-fund
npm run --silent build:plugin
python3 "$root/tests/app/go_backend.py" build
ls dist/plugin.json dist/datasource/plugin.json dist/datasource/gpx_*
