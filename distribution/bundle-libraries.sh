#!/usr/bin/env bash
# Makes a folder of the program stand on its own: bundle-libraries.sh FOLDER, where FOLDER/bin/betrace is.
#
# The shared libraries that it needs, but for those of the C library, are copied into FOLDER/lib/betrace, and the
# program looks for them there. Their licences go into FOLDER/share/doc/betrace/libraries. What is left to the system is
# a C library that is not older than the one of the machine where this ran.
set -euo pipefail
if [ $# -ne 1 ] || [ ! -x "$1/bin/betrace" ]; then
  echo "usage: $0 FOLDER, where FOLDER/bin/betrace is" >&2
  exit 2
fi
folder=$1 program=$1/bin/betrace libraries=$1/lib/betrace licences=$1/share/doc/betrace/libraries
mkdir -p "$libraries" "$licences"

# Those belong to the C library and to the loader, and have to fit the system's.
is_of_the_system() {
  case "$1" in
    linux-vdso.so* | */ld-linux* | libc.so* | libm.so* | libresolv.so* | libpthread.so* | libdl.so* | librt.so*) true ;;
    *) false ;;
  esac
}

copy_licence() {
  local package
  package=$(dpkg-query -S "$1" 2>/dev/null || dpkg-query -S "/usr$1" 2>/dev/null || true)
  package=${package%%:*}
  [ -n "$package" ] || return 0 # a library that was built here, and is no package's
  install -m 644 "/usr/share/doc/$package/copyright" "$licences/$package"
}

ldd "$program" | while read -r name arrow path _; do
  if is_of_the_system "$name" || [ "$arrow" != "=>" ]; then continue; fi
  if [ "$path" = not ]; then
    echo "$program needs $name, which is not on this machine: nothing is complete" >&2
    exit 1
  fi
  install -m 644 "$(readlink -f "$path")" "$libraries/$name"
  patchelf --set-rpath "\$ORIGIN" "$libraries/$name"
  copy_licence "$(readlink -f "$path")"
done
patchelf --set-rpath "\$ORIGIN/../lib/betrace" "$program"
