#!/usr/bin/env bash
# make demo ONCE=1 in a minimal Debian 12 that has nothing but make: shows that the demo installs what it needs and needs nothing of this
# machine. As root (chroot). Uses the machine's loopback. Takes the files that git tracks or would track.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ]; then
  echo "skipped: a clean root needs root" && exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read --transform 's,^,srv/betrace/,' -cf "$scratch/betrace.tar" -T -
mmdebstrap --variant=minbase --include=make,ca-certificates --format=null \
  --customize-hook="tar-in $scratch/betrace.tar /" \
  --chrooted-customize-hook="${CLEAN_ROOT_COMMAND:-cd /srv/betrace && make demo ONCE=1}" \
  bookworm - >/dev/null
echo "clean root: ${CLEAN_ROOT_COMMAND:-make demo ONCE=1} ended well"
