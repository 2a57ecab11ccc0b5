#!/bin/sh
# Builds the standalone web pages (grafana-betrace-app/dist-ui) for `betrace serve --ui`, with a gzipped copy next to each file that gains by it. Behind `make ui`.
# Needs Node 20 or newer and npm. Packages are installed as the lock file says, where they are not there yet.
#   build-ui.sh           build
#   build-ui.sh --ready   only say, by the exit status, whether it could be done without fetching anything
set -eu

app=$(cd "$(dirname "$0")/../grafana-betrace-app" && pwd)

has_node() { command -v npm >/dev/null 2>&1 && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null; }

if [ "${1:-}" = --ready ]; then
  has_node && [ -d "$app/node_modules/webpack" ]
  exit
fi
has_node || { echo "make ui needs Node 20 or newer, with npm (https://nodejs.org, or your distribution's nodejs and npm)" >&2; exit 1; }

cd "$app"
[ -d node_modules/webpack ] || npm ci --no-audit --no-fund
npm run --silent build:ui
# -n: neither name nor time inside, so that the same pages give the same bytes; -k keeps the file's time, by which the service knows that both belong together.
find dist-ui -type f \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.json' \) -size +0 -exec gzip -9nkf {} +
echo "The pages are in grafana-betrace-app/dist-ui: betrace serve --ui grafana-betrace-app/dist-ui"
