#!/bin/sh
# The Go half of the plugin: scripts/go.sh build | vet | test | acceptance | host.
#   build       dist/datasource/gpx_betrace_datasource_linux_<arch>, static
#   vet         go vet, and gofmt finds nothing
#   test        unit tests; nothing outside of the process but loopback
#   acceptance  the built executable under a real go-plugin host, against a real betrace; BETRACE_BIN names that binary (build/dev/server/betrace)
#   host        .cache/gohost: Grafana's query API in front of the executable, for the browser harness
# One set of build tags for all, so that dependencies are compiled once.
set -eu
[ -z "${BETRACE_BIN:-}" ] || BETRACE_BIN=$(realpath -e "$BETRACE_BIN")
cd "$(dirname "$0")/.."
TAGS="-tags=arrow_json_stdlib"
ARCH=$(go env GOARCH)
GPX="dist/datasource/gpx_betrace_datasource_linux_$ARCH"
build() { CGO_ENABLED=0 go build $TAGS -trimpath -ldflags '-s -w' -o "$GPX" ./pkg; }
case "${1:-}" in
  build) build ;;
  vet)
    go vet $TAGS ./pkg/... ./harness/gohost
    go vet $TAGS,mage .
    unformatted=$(gofmt -l pkg harness/gohost Magefile.go)
    [ -z "$unformatted" ] || { echo "not formatted by gofmt: $unformatted" >&2; exit 1; } ;;
  test) CGO_ENABLED=0 go test $TAGS $(go list ./pkg/... | grep -v /acceptance) ;;
  acceptance)
    build
    [ -n "${BETRACE_BIN:-}" ] || BETRACE_BIN=$(realpath -e ../build/dev/server/betrace)
    GPX=$(realpath -e "$GPX")
    BETRACE_BIN=$BETRACE_BIN BETRACE_GPX=$GPX CGO_ENABLED=0 go test $TAGS -count=1 ./pkg/acceptance ;;
  host) CGO_ENABLED=0 go build $TAGS -o .cache/gohost ./harness/gohost ;;
  *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac
