#!/usr/bin/env bash
# Runs the device binaries on this machine, under qemu's user-mode emulation, and
# checks that every style did all of its work, and that all processes together fit the
# memory of a Pi Zero. It says nothing about speed.
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
Usage: pi/qemu.sh [arm64|armv7|armv6|native]…   (default: arm64 armv7 armv6)

Runs a small `rubato run` of each binary in bin/pi under qemu-user-static and checks
its results.json: every style has all its effects, and all styles did the same work,
on every processor. armv6 runs on an emulated ARM1176, the core of the Pi Zero and
Pi 1; native is bin/rubato, on this machine's own processor.

A profile that hangs, as some do under the emulator, is told and fails nothing: rubato
takes it again or goes on without it. Memory is the most that all processes held together; the emulator's
own is in it. Over 512 MB fails. RUBATO_KEEP=DIR keeps the results in DIR, a folder for each binary.

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

# binary prints the path of a processor's binary.
binary() { if [[ $1 == native ]]; then echo bin/rubato; else echo "bin/pi/rubato-linux-$1"; fi; }

# members prints the processes of a session.
members() {
  local stat fields
  for stat in /proc/[0-9]*/stat; do
    read -r fields <"$stat" || continue # it has ended
    read -ra fields <<<"${fields##*) }"  # state, parent, group, session
    [[ ${fields[3]} != "$1" ]] || echo "${stat//[^0-9]/}"
  done 2>/dev/null
}

# memory looks at a session until its first process ends. It prints the most kB that its processes
# held together, and the most of one. What some of them share counts once (PSS).
memory() {
  local most=0 largest=0 sum one id
  while kill -0 "$1" 2>/dev/null; do
    sum=0
    for id in $(members "$1"); do
      one=$(awk '/^Pss:/ {print $2}' "/proc/$id/smaps_rollup" 2>/dev/null) || continue
      sum=$((sum + ${one:-0}))
      ((${one:-0} <= largest)) || largest=$one
    done
    ((sum <= most)) || most=$sum
    sleep 0.2
  done
  echo "$most $largest"
}

emulate() {
  local name=$1 binary code=0 start=$SECONDS most largest
  binary=$(binary "$name")
  [[ $name != armv6 ]] || export QEMU_CPU=arm1176
  runs "$binary" || fail "$binary does not start under qemu: $("$binary" version 2>&1 | tail -1)"
  # Two scenarios show that it works. Exit 3 (inconclusive) is fine: an emulator is too unsteady for intervals.
  # Its results name their folder: no path of this machine is kept with them.
  (cd "$work" && exec setsid timeout 900 "$root/$binary" run -quick -time 1s -seed 1 -out "$name" -set mode=closed queue-low message-log) \
    >"$work/$name.log" 2>&1 &
  session=$!
  read -r most largest < <(memory "$session")
  wait "$session" || code=$?
  session=
  if ((code != 0 && code != 3)); then
    tail -n 20 "$work/$name.log" >&2
    fail "rubato run ended with $code under qemu"
  fi
  check "$work/$name"
  unset QEMU_CPU
  grep -E ': (a profile failed|no profile): ' "$work/$name.log" | sed "s/^/$name: /" || true
  ((most <= 512 * 1024)) || fail "$name: the processes held $((most / 1024)) MB together, and a Pi Zero has 512"
  echo "$name: $(jq -r '"\(.machine.arch), \(.cells | length) cells, \([.cells[].work.effects] | add) effects, none missing"' "$work/$name/results.json"), at most $((most / 1024)) MB, $((largest / 1024)) MB in one process, $((SECONDS - start)) s"
}

case "${1-}" in -h | --help | -help) usage; exit 0 ;; esac
[[ $# -gt 0 ]] || set -- arm64 armv7 armv6
for tool in qemu-aarch64-static qemu-arm-static jq; do
  command -v "$tool" >/dev/null || fail "$tool is missing; install qemu-user-static and jq"
done
for name in "$@"; do
  [[ -x $(binary "$name") ]] || fail "$(binary "$name") is not built; run: make build pi"
done

if [[ -n "${RUBATO_QEMU_INSIDE-}" ]]; then
  register
else
  for name in "$@"; do
    runs "$(binary "$name")" || { namespaced "$@"; exit; }
  done
fi
work=$(mktemp -d) root=$PWD
session=
trap '[[ -z $session ]] || kill "$session"; rm -rf -- "$work"' EXIT
for name in "$@"; do emulate "$name"; done
# One processor may fuse floating-point operations and another may not. The player's
# choices must not depend on it.
jq -es '[.[].cells[] | {scenario, digest: .work.digest}] | unique | length == 2' "$work"/*/results.json >/dev/null ||
  fail "the same seed gave different work on different processors"
echo "the same work on every processor"
[[ -z "${RUBATO_KEEP-}" ]] || { mkdir -p "$RUBATO_KEEP" && cp -r "$work"/. "$RUBATO_KEEP"; }
