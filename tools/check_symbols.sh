#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_symbols.sh BUILD: no object below cli may call what could run code or open connections; files are opened in io alone, and images
# alone loads a library: decant_images.so, from beside the program.
set -eu
build=$1
bad=0
for library in "$build"/src/libdecant_*.a; do
  layer=$(basename "$library" .a | sed 's/libdecant_//')
  case $layer in cli) continue ;; esac
  forbidden='system|popen|exec[lv][a-z]*|fork|vfork|posix_spawn[a-z]*|socket|connect|bind|listen|getaddrinfo'
  [ "$layer" = images ] || forbidden="$forbidden|dlopen|dlmopen|dlsym|dlvsym"
  [ "$layer" = io ] || forbidden="$forbidden|open|open64|openat|openat64|fopen|fopen64|freopen|creat"
  found=$(nm -u "$library" 2>/dev/null | awk '/^[A-Za-z_].*:$/ { object = $1 } / U / { print object, $2 }' | grep -E " ($forbidden)(@.*)?\$" || true)
  if [ -n "$found" ]; then
    echo "$library calls what only io or cli may:" && echo "$found"
    bad=1
  fi
done
[ $bad = 0 ] && echo "symbols: nothing below cli runs programs or opens connections; only io opens files, only images loads its module"
exit $bad
