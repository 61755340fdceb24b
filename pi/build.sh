#!/usr/bin/env bash
# Builds static binaries for every Raspberry Pi: arm64 (64-bit systems), armv7
# (32-bit, Pi 2 and later), armv6 (Pi 1 and Zero). `make pi` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ "${1-}" == -h || "${1-}" == --help ]]; then
  echo "Usage: pi/build.sh [arm64|armv7|armv6]…   (default: all three; writes to bin/pi)"
  exit 0
fi
[[ $# -gt 0 ]] || set -- arm64 armv7 armv6
read -ra flags <<<"${BUILDFLAGS:--pgo=off -trimpath -ldflags=-s}"

mkdir -p bin/pi
for name in "$@"; do
  case "$name" in
    arm64) target=(GOARCH=arm64) ;;
    armv7) target=(GOARCH=arm GOARM=7) ;;
    armv6) target=(GOARCH=arm GOARM=6) ;;
    *) echo "pi/build.sh: unknown board \"$name\"; use arm64, armv7 or armv6" >&2; exit 2 ;;
  esac
  out="bin/pi/rubato-linux-$name"
  env CGO_ENABLED=0 GOOS=linux "${target[@]}" "${GO:-go}" build "${flags[@]}" -o "$out" .
  printf '%-28s %4d MB\n' "$out" "$(($(stat -c %s "$out") / 1000000))"
done
