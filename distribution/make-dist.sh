#!/usr/bin/env bash
# Everything that is handed out, behind `make dist`: make-dist.sh [deb] [FOLDER], default build/dist. Two runs on one commit give the same bytes
# (tests/dist/full_reproducible.py), wherever the sources lie: times are SOURCE_DATE_EPOCH's, by default the commit's.
#
#   betrace_VERSION_ARCH.deb             the package; with `deb` this alone
#   betrace-VERSION-linux-ARCH.tar.gz    the same for any folder, with the libraries that the program needs
#   betrace-VERSION.tgz, index.yaml      the Helm chart and the index of its repository
#   betrace-app-VERSION.zip              the Grafana app, where grafana-betrace-app/dist was built
#   images.env                           with RELEASE=1: the images of the compose file by digest (docker-compose --env-file)
#   SHA256SUMS
#   SHA256SUMS.sig                       where BETRACE_RELEASE_KEY names a key (sign-sums.sh says how to check it)
#
# RELEASE=1 names every image by its digest, in the chart too, and does not build without: BETRACE_IMAGE_DIGESTS=FILE says them (pin_images.py).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
only=
if [ "${1:-}" = deb ]; then only=deb && shift; fi
out=$(realpath -m "${1:-$root/build/dist}")
build=${BETRACE_DIST_BUILD:-$root/build/dist-build}
version=$(head -n 1 "$root/VERSION")
architecture=$(dpkg --print-architecture)
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(git -c safe.directory="$root" -C "$root" log -1 --format=%ct 2>/dev/null || stat -c %Y "$root/VERSION")
fi
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022
mkdir -p "$out"
chart=$root/distribution/helm/betrace compose=$root/distribution/docker/docker-compose.yml pin=$root/distribution/pin_images.py
if [ -n "${RELEASE:-}" ] && [ -z "$only" ]; then # before anything is built
  if [ -z "${BETRACE_IMAGE_DIGESTS:-}" ]; then
    echo "a release names its images by digest: BETRACE_IMAGE_DIGESTS=FILE, with a line NAME:TAG sha256:… for each of" >&2
    python3 "$pin" - names "$chart/values.yaml" "$compose" >&2
    exit 1
  fi
  python3 "$pin" "$BETRACE_IMAGE_DIGESTS" values "$chart/values.yaml" >/dev/null
  python3 "$pin" "$BETRACE_IMAGE_DIGESTS" env "$compose" >/dev/null
fi

# Nothing of where it was built stays in the program.
flags="-O3 -DNDEBUG -ffile-prefix-map=$root=. -ffile-prefix-map=$build=build"
cmake -S "$root" -B "$build" -G Ninja --log-level=WARNING -DBETRACE_TESTS=OFF -DBETRACE_WERROR=ON -DBETRACE_SYSTEM_FILES=ON -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_FLAGS_RELEASE="$flags" -DCMAKE_CXX_FLAGS_RELEASE="$flags" >/dev/null
cmake --build "$build" -j "${JOBS:-$(nproc)}" >"$build/build.log" || { tail -n 40 "$build/build.log"; exit 1; }

# A tar whose bytes depend on names, modes and contents alone: pack TAR FOLDER NAME…
pack() {
  tar --create --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w --mtime="@$SOURCE_DATE_EPOCH" -C "$2" "${@:3}" | gzip -n -9 >"$1"
}

make_deb() {
  rm -rf "$build/_CPack_Packages" "$out"/betrace_*_"$architecture".deb
  (cd "$build" && cpack -G DEB -B "$build/packages" >"$build/cpack.log" 2>&1) || { cat "$build/cpack.log"; exit 1; }
  mv "$build/packages/betrace_${version}_$architecture.deb" "$out/"
}

make_tarball() {
  local name=betrace-$version-linux-$architecture stage=$build/stage
  rm -rf "$stage"
  cmake --install "$build" --prefix "$stage/$name" --strip --component Unspecified >/dev/null
  cp "$root/README.md" "$root/CHANGELOG.md" "$root/LICENSE" "$stage/$name/"
  "$root/distribution/bundle-libraries.sh" "$stage/$name"
  pack "$out/$name.tar.gz" "$stage" "$name"
}

# The index is what `helm repo index` writes, with the commit's time.
make_chart() {
  local time
  time=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
  rm -rf "$build/helm" "$out/images.env"
  mkdir -p "$build/helm"
  cp -RL "$chart" "$build/helm/" # the alerts in it are a link to distribution/prometheus
  if [ -n "${RELEASE:-}" ]; then
    python3 "$pin" "$BETRACE_IMAGE_DIGESTS" values "$chart/values.yaml" >"$build/helm/betrace/values.yaml"
    python3 "$pin" "$BETRACE_IMAGE_DIGESTS" env "$compose" >"$out/images.env"
  fi
  pack "$out/betrace-$version.tgz" "$build/helm" betrace
  {
    printf 'apiVersion: v1\nentries:\n  betrace:\n  - created: "%s"\n    digest: %s\n    urls: [betrace-%s.tgz]\n' "$time" \
      "$(sha256sum "$out/betrace-$version.tgz" | cut -d ' ' -f 1)" "$version"
    grep -v '^#' "$root/distribution/helm/betrace/Chart.yaml" | sed 's/^/    /'
    printf 'generated: "%s"\n' "$time"
  } >"$out/index.yaml"
}

make_plugin() {
  local built=$root/grafana-betrace-app/dist
  rm -f "$out"/betrace-app-*.zip
  if [ ! -f "$built/plugin.json" ]; then
    echo "the Grafana app is not built, so its archive is left out (make app)"
    return
  fi
  python3 "$root/distribution/zip_plugin.py" "$built" betrace-app "$out/betrace-app-$version.zip"
}

make_deb
if [ -z "$only" ]; then
  make_tarball
  make_chart
  make_plugin
  (cd "$out" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS)
  rm -f "$out/SHA256SUMS.sig"
  [ -z "${BETRACE_RELEASE_KEY:-}" ] || "$root/distribution/sign-sums.sh" "$BETRACE_RELEASE_KEY" "$out"
fi
find "$out" -maxdepth 1 -type f -printf '%9s  %p\n' | sort -k 2
