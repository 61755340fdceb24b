#!/usr/bin/env bash
# Measures the goals of docs/slices.md on this machine, which should be idle, and prints a
# table: bash ci/goals.sh [widths|found|hog|bench …]. All of it takes about an hour and a half.
set -euo pipefail
cd "$(dirname "$0")/.."
export NO_COLOR=1
work=$(mktemp -d /tmp/rubato-goals.XXXXXX)
hogs=()
finish() { stop_hogs; rm -rf -- "$work"; }
trap finish EXIT

# start_hogs keeps two threads busy until stop_hogs.
start_hogs() {
  
  for _ in 1 2; do
    (while :; do :; done) &
    hogs+=($!)
  done
}

stop_hogs() {
  ((${#hogs[@]} == 0)) || kill "${hogs[@]}" 2>/dev/null || true
  hogs=()
}

# measured runs rubato into a new folder and prints the path of its results.
measured() {
  local out="$work/$RANDOM$RANDOM" code=0
  bin/rubato run -out "$out" "$@" >/dev/null 2>"$work/stderr" || code=$?
  ((code == 0 || code == 3)) || { tail -5 "$work/stderr" >&2; return 1; }
  echo "$out/results.json"
}

# long measures for the whole time: no ratio is ever so precise.
long() { measured -precision 0.001% "$@"; }

# width prints the half-width of a style's ratio, and of its overhead.
width() {
  jq -r --arg style "$2" '.cells[] | select(.style == $style) |
    "| \(.scenario) \(.options.mode // "") \(.style) | ×\(.ratio.median * 1000 | round / 1000) ± \((.ratio.hi - .ratio.lo) / 2 / .ratio.median * 10000 | round / 100) % | \(.overhead_ns.median | round) ± \((.overhead_ns.hi - .overhead_ns.lo) / 2 | round) ns | \(.rounds) trials, within \(.trials.within | sqrt * 10000 | round / 100) %, between \(.trials.between | sqrt * 10000 | round / 100) % |"' "$1"
}

widths() {
  local run mode
  echo "| what | ratio | overhead | how |"
  echo "|---|---|---|---|"
  run=$(long -time 20s -styles direct,bus queue-low); width "$run" bus
  run=$(long -time 60s -styles direct,bus queue-low); width "$run" bus
  run=$(long -time 20s -styles direct,nats queue-low); width "$run" nats
  for mode in closed pipelined batched; do
    run=$(long -time 20s -styles direct,bus message-log -set mode=$mode); width "$run" bus
  done
  run=$(long -time 20s conversation); width "$run" bus
  echo "| *all three styles in one run* | | | |"
  run=$(long -time 20s queue-low); width "$run" bus; width "$run" nats
  run=$(long -time 20s message-log -set mode=closed); width "$run" bus; width "$run" nats
}

# finds prints in how many of ten runs a slowdown is found.
finds() {
  local found=0 run
  for _ in {1..10}; do
    run=$(measured -controls -slowdown "$1" -styles direct -time 60s queue-low)
    found=$((found + $(jq '[.controls[] | select(.slowdown.ratio.lo > 1)] | length' "$run")))
  done
  echo "| +$1 injected into queue-low direct, 60 s, $2 | found in $found of 10 |"
}

found() {
  finds 0.01 quiet
  start_hogs
  finds 0.03 "beside two busy threads"
  stop_hogs
}

# hog prints the ratio of nats to direct, quiet and beside the hogs.
hog() {
  local quiet busy
  quiet=$(long -time 20s -styles direct,nats queue-low)
  start_hogs
  busy=$(long -time 20s -styles direct,nats queue-low)
  stop_hogs
  echo "quiet:"; width "$quiet" nats
  echo "beside two busy threads:"; width "$busy" nats
}

# bench prints how many of twenty runs of make bench are insensitive, and how long one takes.
bench() {
  local insensitive=0 start=$SECONDS
  for _ in {1..20}; do
    make bench >/dev/null 2>&1 || true
    insensitive=$((insensitive + $(jq '[.controls[] | select(.insensitive)] | length' out/latest/results.json)))
  done
  echo "| 20 runs of make bench | $insensitive insensitive comparisons | $(((SECONDS - start) / 20)) s each |"
}

make build >/dev/null
for part in "${@:-widths found hog bench}"; do
  for one in $part; do "$one"; done
done
