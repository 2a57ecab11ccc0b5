#!/bin/sh
# Says whether an image may be made on this base: check-base.sh BASE RELEASE. A release (RELEASE not empty) needs a base
# that is named by its digest, as in debian:bookworm-slim@sha256:…, since a tag may be another image tomorrow. `docker
# buildx imagetools inspect debian:bookworm-slim` shows the digest.
set -eu
if [ $# -ne 2 ]; then echo "usage: $0 BASE RELEASE" >&2; exit 2; fi
base=$1
if [ -z "$2" ]; then exit 0; fi
digest=${base##*@sha256:}
case $base in
*@sha256:*) ;;
*) digest= ;;
esac
if [ ${#digest} -ne 64 ] || [ -n "$(printf %s "$digest" | tr -d 0-9a-f)" ]; then
  echo "a release names its base by digest, IMAGE@sha256: and 64 hexadecimal digits; \"$base\" came: give --build-arg BASE=" >&2
  exit 1
fi
