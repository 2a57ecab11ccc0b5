#!/bin/sh
# The demo behind `make demo`, which builds the release first. Makes 20,000 sample traces of the last 24 hours, serves
# them on 127.0.0.1:8080, creates a rule over HTTP, replays it, and shows what it found. With ONCE=1 it ends after that;
# otherwise the service runs until Ctrl-C. It also serves the web pages if they are built, or can be built without
# fetching anything. Needs the build tools of distribution/install-build-deps.sh, curl and jq.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
port=${PORT:-8080}
url=http://127.0.0.1:$port
folder=$(mktemp -d)
server=

finish() {
  status=$?
  trap - EXIT INT TERM
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
  exit "$status"
}
trap finish EXIT
trap 'exit 0' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

betrace=$root/build/release/server/betrace
[ -x "$betrace" ] || { echo "$betrace is not there; make demo builds it"; exit 1; }

say "1. $("$betrace" --version), built from this folder"

say "2. Making 20,000 sample traces, spread over the last 24 hours"
"$betrace" generate --seed 1 --traces 20000 --since 24h --out "$folder/traces.pb"

pages=$root/grafana-betrace-app/dist-ui
if [ ! -f "$pages/index.html" ] && [ "${ONCE:-}" != 1 ] && "$root/distribution/build-ui.sh" --ready; then
  say "   Building the web pages"
  "$root/distribution/build-ui.sh" || true
fi
set --
[ -f "$pages/index.html" ] && set -- --ui "$pages"

say "3. betrace serve on $url, with these traces as its source"
"$betrace" serve --traces "$folder/traces.pb" --db "$folder/rules.db" --listen "127.0.0.1:$port" "$@" 2>"$folder/serve.log" &
server=$!
tries=0
until curl -fsS "$url/health" >/dev/null 2>&1; do
  tries=$((tries + 1))
  if ! kill -0 "$server" 2>/dev/null || [ "$tries" -gt 100 ]; then
    cat "$folder/serve.log"
    echo "The service did not start. If the port is taken: make demo PORT=8081"
    server=
    exit 1
  fi
  sleep 0.1
done
curl -sS "$url/health"

say "4. The rule: a database query over 1 s, and no retry in the same trace"
curl -sS -X POST "$url/v1/rules" -d '{
  "id": "slow-db-no-retry",
  "name": "Slow DB Query Without Retry",
  "description": "Detects database queries taking >1s without retry spans",
  "dsl": "trace.has(span.name == \"db.query\" and span.duration > 1s) and not trace.has(span.name == \"retry\")",
  "severity": "warning",
  "enabled": true
}' | jq '{id, name, dsl, severity, version}'

say "5. Replaying it over the last 24 hours"
start=$(date -u -d '24 hours ago' +%Y-%m-%dT%H:%M:%SZ)
end=$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%SZ)
replay=$(curl -sS -X POST "$url/v1/rules/slow-db-no-retry/replay" -d "{\"start_time\": \"$start\", \"end_time\": \"$end\"}" | jq -r .replay_id)
while status=$(curl -sS "$url/v1/rules/slow-db-no-retry/replay/status"); do
  case $(printf '%s' "$status" | jq -r .status) in queued | running) sleep 0.1 ;; *) break ;; esac
done
printf '%s\n' "$status" | jq '{rule_id, status, traces_evaluated, traces_evaluated_kind, traces_exercised, violations_found, inconclusive, duration_seconds, coverage: {complete: .coverage.complete, data_from: .coverage.data_from}}'
[ "$(printf '%s' "$status" | jq -r .status)" = completed ] || { echo "The replay did not complete."; exit 1; }

say "6. When did it start?"
printf '%s\n' "$status" | jq .first_violation

say "7. Three of the violations, with their witnesses"
curl -sS "$url/v1/replays/$replay/violations?limit=3" |
  jq '.violations[] | {time, trace_id, message, root: "\(.root_service) \(.root_name)", services, witnesses: [.witnesses[] | {span_id, name, service, start, duration}]}'

if [ $# -gt 0 ]; then
  say "The web pages: $url/"
else
  say "The web pages are not built: make ui (Node 20 and npm), then make demo again"
fi
if [ "${ONCE:-}" = 1 ]; then
  exit 0
fi
say "The service stays up on $url until Ctrl-C. Its log: $folder/serve.log"
echo "Try: curl -s $url/v1/replays/$replay/violations?limit=1 | jq ."
wait "$server"
