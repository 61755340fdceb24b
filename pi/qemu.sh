#!/usr/bin/env bash
# Runs the device binaries on this machine, under qemu's user-mode emulation, and
# checks that every style did all of its work. It says nothing about speed.
#
# rubato starts child processes from its own binary, so the kernel must know how to
# start an ARM binary (binfmt_misc). Since Linux 6.7 a namespace can have its own
# registration. This script registers in a new namespace, and the registration ends
# with it. If the whole machine has one already, the script uses that one. It changes
# nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
Usage: pi/qemu.sh [arm64|armv7|armv6]…   (default: arm64 armv7)

Runs a small `rubato run` of each binary in bin/pi under qemu-user-static and checks
its results.json: every style has all its effects, and all styles did the same work.
armv6 runs on an emulated ARM1176, the core of the Pi Zero and Pi 1.

Needs the packages qemu-user-static and jq, and the binaries: make pi
TEXT
}
fail() { echo "pi/qemu.sh: $1" >&2; exit 1; }

# rule prints a registration for the kernel: the first 20 bytes of an ELF binary for the
# machine (0xb7 is arm64, 0x28 arm), a mask of the bytes that count, and the interpreter.
rule() {
  printf ':rubato-%s:M::\\x7fELF\\x%s\\x01\\x01%s\\x02\\x00\\x%s\\x00:%s:%s:' "$1" "$2" "$(zeros 9)" "$3" \
    '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' "$(command -v "$4")"
}
zeros() { printf '\\x00%.0s' $(seq "$1"); }

# runs reports whether the kernel can start a binary without a new registration.
runs() { "$1" version >/dev/null 2>&1; }

# namespaced runs this script again in a namespace where it may register the rules.
namespaced() {
  RUBATO_QEMU_INSIDE=1 unshare --user --map-root-user --mount "$0" "$@"
}

register() {
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null ||
    fail "this kernel cannot register ARM binaries in a namespace (Linux 6.7 or later can); register them for the machine: install binfmt-support"
  rule arm64 02 b7 qemu-aarch64-static >/proc/sys/fs/binfmt_misc/register
  rule arm 01 28 qemu-arm-static >/proc/sys/fs/binfmt_misc/register
}

# check reads the results: three styles under each of the two scenarios, no effect
# missing, and one digest for all styles of a scenario.
check() {
  jq -e '
    (.incomplete // "") == "" and (.cells | length) == 6
    and all(.cells[]; .verdict != "invalid" and .work.expected > 0 and .work.effects == .work.expected)
    and ([.cells[] | {scenario, digest: .work.digest}] | unique | length) == 2
  ' "$1/results.json" >/dev/null ||
    fail "the work is not equal: $(jq -c '[.incomplete, (.cells[] | {scenario, style, verdict, why, work})]' "$1/results.json")"
}

emulate() {
  local name=$1 binary="bin/pi/rubato-linux-$1" code=0 start=$SECONDS
  [[ $name != armv6 ]] || export QEMU_CPU=arm1176
  runs "$binary" || fail "$binary does not start under qemu: $("$binary" version 2>&1 | tail -1)"
  # Two scenarios show that it works. Exit 3 (inconclusive) is fine: an emulator is too unsteady for intervals.
  timeout 600 "$binary" run -quick -time 1s -seed 1 -out "$work/$name" -set mode=closed queue-low message-log \
    >"$work/$name.log" 2>&1 || code=$?
  if ((code != 0 && code != 3)); then
    tail -n 20 "$work/$name.log" >&2
    fail "rubato run ended with $code under qemu"
  fi
  check "$work/$name"
  unset QEMU_CPU
  echo "$name: $(jq -r '"\(.machine.arch), \(.cells | length) cells, \([.cells[].work.effects] | add) effects, none missing"' "$work/$name/results.json"), $((SECONDS - start)) s"
}

case "${1-}" in -h | --help | -help) usage; exit 0 ;; esac
[[ $# -gt 0 ]] || set -- arm64 armv7
for tool in qemu-aarch64-static qemu-arm-static jq; do
  command -v "$tool" >/dev/null || fail "$tool is missing; install qemu-user-static and jq"
done
for name in "$@"; do
  [[ -x "bin/pi/rubato-linux-$name" ]] || fail "bin/pi/rubato-linux-$name is not built; run: make pi"
done

if [[ -n "${RUBATO_QEMU_INSIDE-}" ]]; then
  register
else
  for name in "$@"; do
    runs "bin/pi/rubato-linux-$name" || { namespaced "$@"; exit; }
  done
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
for name in "$@"; do emulate "$name"; done
# One processor may fuse floating-point operations and another may not. The player's
# choices must not depend on it.
jq -es '[.[].cells[] | {scenario, digest: .work.digest}] | unique | length == 2' "$work"/*/results.json >/dev/null ||
  fail "the same seed gave different work on different processors"
echo "the same work on every processor"
