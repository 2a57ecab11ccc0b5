#!/usr/bin/env bash
# Installs the Debian packages that a purpose needs, and only those that are missing. It prints nothing and uses no
# network if all are there.
#
#   install-build-deps.sh demo     what building and trying the program needs: C tools and libraries, curl, jq
#   install-build-deps.sh dist     what building and trying the program needs, and what makes packages of it
#   install-build-deps.sh check    the same and what the tests need: cmocka, the formatter, Python for the test drivers, a browser
#   install-build-deps.sh full     the same and what `make check-full` needs: libFuzzer, clang-tidy, include-what-you-use, a tool that makes clean roots
#
# Works as root or through sudo; otherwise it prints the command to run and ends with 1.
set -euo pipefail

demo=(gcc g++ libc6-dev make cmake ninja-build pkg-config ca-certificates curl jq
  libh2o-evloop-dev libssl-dev libjansson-dev libprotobuf-c-dev protobuf-c-compiler libcurl4-openssl-dev
  libsqlite3-dev libre2-dev libyaml-dev zlib1g-dev libzstd-dev)
check=(libcmocka-dev clang-format-14 ccache python3 python3-venv git openssl wrk chromium-headless-shell
  fonts-dejavu-core docker-compose patchelf)
# The pages need Node 20.11 or newer. Debian 12 has 18, whose npm is enough: tests/app/node_packages.py gets a newer Node with it.
command -v npm >/dev/null || check+=(nodejs npm)
dist=(dpkg-dev file patchelf python3)
full=(libgrpc-dev clang-14 clang-tidy-14 iwyu libclang-rt-14-dev llvm-14 mmdebstrap gcovr buildah strace binutils systemd
  maven default-jdk-headless valgrind)

case "${1:-}" in
  demo) wanted=("${demo[@]}") ;;
  dist) wanted=("${demo[@]}" "${dist[@]}") ;;
  check) wanted=("${demo[@]}" "${check[@]}") ;;
  full) wanted=("${demo[@]}" "${check[@]}" "${dist[@]}" "${full[@]}") ;;
  *) echo "usage: $0 demo|dist|check|full" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "missing packages; run as root: apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
