#!/usr/bin/env bash
# Puts betrace on the path of a pipeline. What is downloaded is unpacked only when its checksum is the expected one.
#
#   BETRACE_VERSION     the version, such as 0.2.0
#   BETRACE_SHA256      the checksum of the tarball. Empty: the one that SHA256SUMS of the same release names, which
#                       finds a broken download, but not a release that somebody changed
#   BETRACE_BASE_URL    where betrace-VERSION-linux-ARCH.tar.gz and SHA256SUMS lie
#
# On GitHub the folder is added to GITHUB_PATH. It is printed in any case.
set -euo pipefail
version=${BETRACE_VERSION:?the version of betrace, such as 0.2.0}
base=${BETRACE_BASE_URL:-https://github.com/betracehq/betrace/releases/download/v$version}
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) architecture=amd64 ;;
  Linux-aarch64) architecture=arm64 ;;
  *)
    echo "betrace: there are programs for Linux on x86_64 and aarch64; this is $(uname -s) on $(uname -m)" >&2
    exit 2
    ;;
esac
name=betrace-$version-linux-$architecture
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() {
  if curl --fail --silent --show-error --location --retry 3 --output "$work/$1" "$base/$1"; then return; fi
  echo "betrace: cannot download $base/$1. Is there a release of version $version? See version and base-url." >&2
  exit 2
}

download "$name.tar.gz"
expected=${BETRACE_SHA256:-}
if [ -z "$expected" ]; then
  download SHA256SUMS
  expected=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\.tar\.gz\$/\1/p" "$work/SHA256SUMS")
  if [ -z "$expected" ]; then
    echo "betrace: $base/SHA256SUMS names no $name.tar.gz: nothing is installed" >&2
    exit 2
  fi
fi
found=$(sha256sum "$work/$name.tar.gz" | cut -d ' ' -f 1)
if [ "$found" != "$expected" ]; then
  echo "betrace: the checksum of $name.tar.gz is $found, and $expected was expected: nothing is installed" >&2
  exit 2
fi

target=${RUNNER_TOOL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}}/betrace-$version-$architecture-${found:0:16}
if [ ! -x "$target/bin/betrace" ]; then
  mkdir -p "$work/unpacked" "$(dirname "$target")"
  tar -C "$work/unpacked" -xzf "$work/$name.tar.gz"
  mv -T "$work/unpacked/$name" "$target" 2>/dev/null || [ -x "$target/bin/betrace" ] # another job of this machine was first
fi
"$target/bin/betrace" --version >&2
[ -z "${GITHUB_PATH:-}" ] || echo "$target/bin" >>"$GITHUB_PATH"
echo "$target/bin"
