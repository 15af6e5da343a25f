#!/usr/bin/env bash
# Installs what the tests talk to: camera servers, PLC peers, clocks and file systems that misbehave.
# Debian or Ubuntu, as root or with sudo. Where it cannot, the tests that need them are skipped by name.
set -euo pipefail

packages=(
    aravis-tools
    chromium
    fuse3
    gcc
    gir1.2-gst-rtsp-server-1.0
    gstreamer1.0-libav
    gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good
    gstreamer1.0-plugins-ugly
    gstreamer1.0-rtsp
    gstreamer1.0-tools
    iproute2
    libaravis-0.8-0
    libfaketime
    libfuse2
    libmodbus-dev
    libpango-1.0-0
    libpangoft2-1.0-0
    mbpoll
    procps
    python3-gi
)

give_up() {
    echo "tests/peers: $1; tests that need ${missing[*]} are skipped" >&2
    exit 0
}

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

command -v apt-get >/dev/null || give_up "this is no Debian or Ubuntu"
as_root=()
if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || give_up "installing needs root"
    as_root=(sudo -n)
fi

echo "tests/peers: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends)
"${install[@]}" "${missing[@]}" >/dev/null 2>&1 && exit 0
"${as_root[@]}" apt-get update -qq >/dev/null 2>&1 || give_up "apt-get update failed, is there a network?"
"${install[@]}" "${missing[@]}" >/dev/null 2>&1 && exit 0

# One by one: what one release calls otherwise does not cost the others.
failed=()
for package in "${missing[@]}"; do
    "${install[@]}" "$package" >/dev/null 2>&1 || failed+=("$package")
done
missing=("${failed[@]}")
[[ ${#missing[@]} -eq 0 ]] || give_up "apt-get could not install them"
