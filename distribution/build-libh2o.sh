#!/usr/bin/env bash
# Builds libh2o-evloop, the HTTP library, where the distribution has none (Debian 13, Fedora, Ubuntu since 25.10), from
# the source package of Debian 12: what betrace is tested with. CONTRIBUTING.md says when.
#
#   build-libh2o.sh FOLDER [PREFIX]    FOLDER holds the two files named below, PREFIX is /usr/local
#
# Fetches nothing: without the files it says where Debian has them. Files with another SHA-256 are refused.
# Needs a C compiler, cmake, make, patch, tar, xz and the headers of OpenSSL and zlib.
set -euo pipefail

sums='a46894bd85da6528d4ad90ce0443b48118718296175061a1a1156e9e3af60a0d  h2o_2.2.5+dfsg2.orig.tar.xz
cdac721373a73bd6a94707cfa90ea0ac25cf33898727f7137dd9acdb351f2964  h2o_2.2.5+dfsg2-7.debian.tar.xz'

[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: $0 FOLDER [PREFIX]" >&2; exit 2; }
folder=$(realpath -m "$1") prefix=${2:-/usr/local}
while read -r _ file; do
  [ -f "$folder/$file" ] && continue
  echo "missing: $folder/$file; fetch both files from pool/main/h/h2o of a mirror of Debian 12, or of Debian's archive:" >&2
  sed -E 's,^[0-9a-f]+  ,  ,' <<<"$sums" >&2
  exit 1
done <<<"$sums"
(cd "$folder" && sha256sum --check --strict --quiet <<<"$sums") || {
  echo "a file in $folder is not the one that Debian 12 has: remove it and fetch it again" >&2
  exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
tar -xf "$folder/h2o_2.2.5+dfsg2.orig.tar.xz" --strip-components=1
tar -xf "$folder/h2o_2.2.5+dfsg2-7.debian.tar.xz"
while read -r file; do patch --quiet -p1 <"debian/patches/$file"; done <debian/patches/series

# Without mruby and libuv, which only h2o's own server and the other library want. The policy is for CMake 4, which no
# longer takes scripts as old as this one without it; the standard is for GCC 15, whose own is C23.
cmake -B build -Wno-dev -DCMAKE_INSTALL_PREFIX="$prefix" -DBUILD_SHARED_LIBS=ON -DWITH_BUNDLED_SSL=OFF \
  -DWITH_MRUBY=OFF -DDISABLE_LIBUV=ON -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DCMAKE_C_FLAGS=-std=gnu11 >configure.log ||
  { cat configure.log >&2; exit 1; }
cmake --build build --target libh2o-evloop -j "$(nproc)" >build.log 2>&1 || { cat build.log >&2; exit 1; }

libraries=$prefix/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' build/CMakeCache.txt)
mkdir -p "$libraries/pkgconfig" "$prefix/include"
cp -a build/libh2o-evloop.so* "$libraries/"
cp build/libh2o-evloop.pc "$libraries/pkgconfig/"
(cd include && find . -name '*.h' -exec cp --parents -t "$prefix/include" {} +)
[ "$(id -u)" -ne 0 ] || ldconfig
echo "libh2o-evloop 2.2.5 is in $libraries"
