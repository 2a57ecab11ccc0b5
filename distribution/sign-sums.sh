#!/usr/bin/env bash
# Signs the checksums of a release: sign-sums.sh KEY FOLDER writes FOLDER/SHA256SUMS.sig. KEY is an Ed25519 private key
# in PEM, which `openssl genpkey -algorithm ed25519` makes. With the public key (`openssl pkey -in KEY -pubout`) anybody
# can check it:
#
#   openssl pkeyutl -verify -rawin -pubin -inkey PUBLIC -in SHA256SUMS -sigfile SHA256SUMS.sig && sha256sum --check SHA256SUMS
set -euo pipefail
if [ $# -ne 2 ]; then echo "usage: $0 KEY FOLDER" >&2; exit 2; fi
key=$1 sums=$2/SHA256SUMS
[ -f "$sums" ] || { echo "expected $sums, which make-dist.sh writes: nothing is signed" >&2; exit 1; }
[ -r "$key" ] || { echo "cannot read the key $key: nothing is signed" >&2; exit 1; }
openssl pkey -in "$key" -noout -text 2>/dev/null | grep -q '^ED25519 Private-Key' || { echo "expected an Ed25519 private key in PEM in $key: nothing is signed" >&2; exit 1; }
openssl pkeyutl -sign -rawin -inkey "$key" -in "$sums" -out "$sums.sig"
