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
apart=0 false=0
for ((i = 1; i <= n; i++)); do
  "$work/apart" run -quick -time 10s -precision 0.2% -profile 10ms -out "$work/$i" >/dev/null 2>"$work/said" || (($? == 3)) || { cat "$work/said" >&2; exit 5; }
  jq -r '.cells[] | select(.ratio) | "\(.style) ×\(.ratio.median) [\(.ratio.lo), \(.ratio.hi)] \(.rounds) trials"' "$work/$i/results.json"
  ! jq -e '.cells[] | select(.style == "more") | .ratio.lo > 1' "$work/$i/results.json" >/dev/null || ((++apart))
  ! jq -e '.cells[] | select(.style == "again") | .ratio.lo > 1 or .ratio.hi < 1' "$work/$i/results.json" >/dev/null || ((++false))
done
echo "apart in $apart of $n, a false difference in $false of $n"
((10 * apart >= 9 * n))
