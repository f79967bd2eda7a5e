#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: tools/bare_root.sh [COMMAND...]      (default: demo test; as root)
# Proves the README's two commands on a Debian 12 that has nothing but this checkout: makes a bare root with mmdebstrap, puts the last
# commit into it and runs ./dev COMMAND there, one after the other. The machine's own package sources, pip settings and certificates are
# taken along, because a root without them could reach no registry; nothing else is. DECANT_BARE_ROOT names the folder (default:
# /var/tmp/decant-bare-root; made anew each time, kept afterwards), DECANT_CASES a folder of conformance cases to lay beside the checkout.
set -eu
cd "$(dirname "$0")/.."
root=${DECANT_BARE_ROOT:-/var/tmp/decant-bare-root}
[ $# -gt 0 ] || set -- demo test
[ "$(id -u)" = 0 ] || { echo "bare_root.sh: chroot needs root" >&2; exit 64; }
command -v mmdebstrap >/dev/null || apt-get install -y -q --no-install-recommends mmdebstrap >&2

unmount() {
  for folder in dev/shm dev proc; do
    if mountpoint -q "$root/$folder"; then umount -l "$root/$folder"; fi
  done
}
unmount
rm -rf "$root"
# apt's settings of this machine serve inside too (its proxy, its mirrors); ca-certificates is what pip verifies with.
mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root" /etc/apt/sources.list.d/*.sources
for file in /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/auth.conf.d /etc/pip.conf /etc/resolv.conf /etc/hosts /usr/local/share/ca-certificates; do
  [ -e "$file" ] || continue
  mkdir -p "$root$(dirname "$file")"
  cp -aL "$file" "$root$(dirname "$file")/"
done
chroot "$root" update-ca-certificates >&2
for folder in $(env | sed -n 's/^PIP_FIND_LINKS=//p'); do
  if [ -d "$folder" ]; then mkdir -p "$root$folder" && cp -a "$folder/." "$root$folder/"; fi
done

mkdir -p "$root/work/decant"
git archive HEAD | tar -x -C "$root/work/decant"
if [ -n "${DECANT_CASES:-}" ]; then mkdir -p "$root/work/shared" && cp -a "$DECANT_CASES" "$root/work/shared/cases"; fi

trap unmount EXIT
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for tool in make cmake g++ python3; do
  if chroot "$root" sh -c "command -v $tool" >/dev/null; then echo "bare_root.sh: the root is not bare, it has $tool" >&2; exit 1; fi
done
# The environment is empty but for what names a registry, a proxy or a certificate.
environment=$(env | sed -n -E '/^(PIP_[A-Z_]*|[a-zA-Z_]*_proxy|[A-Z_]*_PROXY|SSL_CERT_[A-Z]*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)=[^ ]*$/p')
for command in "$@"; do
  start=$(date +%s)
  echo "== bare root: ./dev $command" >&2
  # shellcheck disable=SC2086
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root $environment sh -c "cd /work/decant && ./dev $command"
  echo "== bare root: ./dev $command done in $(($(date +%s) - start)) s" >&2
done
