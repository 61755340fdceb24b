#!/usr/bin/env bash
# Says how often a program of a user's own tells two functions apart that differ by 1 %, in ten
# seconds of trials, and how often it sees a difference between one function and itself:
#   make apart [N=10]
# Goal: apart in 9 of 10. Wants an idle machine. Exit code 0 if the goal is reached, 1 if not.
set -euo pipefail
cd "$(dirname "$0")/.."
n=${1:-10}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
go build -o "$work/apart" ./measure/testdata/apart

# differs runs the first function beside another, and says whether all of the interval lies on one side of 1.
differs() {
  local out=$work/$1-$2
  "$work/apart" run -quick -time 10s -precision 0.2% -profile 10ms -styles "first,$1" -out "$out" >/dev/null 2>"$work/said" || (($? == 3)) || { cat "$work/said" >&2; exit 5; }
  jq -er '.cells[] | select(.ratio) | "\(.style) ×\(.ratio.median) [\(.ratio.lo), \(.ratio.hi)] \(.rounds) trials"' "$out/results.json"
  jq -e '.cells[] | select(.ratio) | .ratio.lo > 1 or .ratio.hi < 1' "$out/results.json" >/dev/null
}

apart=0 false=0
for ((i = 1; i <= n; i++)); do
  ! differs more "$i" || ((++apart))
  ! differs again "$i" || ((++false))
done
echo "apart in $apart of $n, a false difference in $false of $n"
((10 * apart >= 9 * n))
