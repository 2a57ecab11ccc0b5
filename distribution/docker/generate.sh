#!/bin/sh
# Sample traces to an OTLP endpoint: generate.sh URL [ROUNDS]. First a day of them, once the receiver answers, then some every 30 s until it is ended (ROUNDS: that many times).
set -eu
url=$1
rounds=${2:--1}
trap 'exit 0' TERM INT

push() {
  betrace generate --otlp "$url" --seed "$(date +%s)" "$@" &
  wait $!
}

tries=0
until push --traces 2000 --violations 20 --since 24h; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || exit 1
  sleep 2 & wait $!
done
while [ "$rounds" -ne 0 ]; do
  sleep "${PAUSE:-30}" & wait $!
  push --traces 20 --violations 1 --since 30s || echo "the receiver did not take them; going on" >&2
  rounds=$((rounds - 1))
done
