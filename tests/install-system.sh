#!/usr/bin/env bash
# System packages that tests use. Without them the tests concerned skip and say so; under
# CI=true a missing one is a failure.
set -euo pipefail

packages=(
  zbar-tools # zbarimg reads QR codes back
  postgresql # a cluster of the tests' own; Debian's is left alone
  unzip p7zip-full # archives that the page packs, unpacked by others' programs
  chromium firefox-esr webkit2gtk-driver # the page runs in each
  nginx caddy # proxies in front of the server
  iproute2 # network namespaces, which stand for machines on a local network; addresses that browsers take for others'
  xvfb xauth dbus fonts-dejavu-core # what a browser takes on a machine without a screen
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}"
