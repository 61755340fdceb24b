#!/usr/bin/env bash
# Prints what the style nats takes beyond its floor, both sides from one run of this machine,
# which should be idle: bash ci/nats.sh [TIME]. TIME (20s) is for each comparison.
set -euo pipefail
cd "$(dirname "$0")/.."
export NO_COLOR=1 CGO_ENABLED=0
time=${1:-20s}
work=$(mktemp -d /tmp/rubato-nats.XXXXXX)
trap 'rm -rf -- "$work"' EXIT

# beyond prints a refill's time beyond the bus in units of its four requests, raw and cold.
beyond() {
  local code=0
  bin/rubato run -out "$work/$1" -time "$time" -precision 0.001% -styles direct,bus,nats \
    -set "transport=$1" -set "piece=walk,nats-request-$1-cold" queue-low components >/dev/null 2>"$work/stderr" || code=$?
  ((code == 0 || code == 1 || code == 3)) || { tail -5 "$work/stderr" >&2; return 1; }
  jq -r --arg transport "$1" '
    def cell($style): .cells[] | select(.style == $style);
    (cell("nats").overhead_ns.median - cell("bus").overhead_ns.median) as $beyond |
    (4 * (cell("nats-request-" + $transport + "-cold").overhead_ns.median - cell("walk").overhead_ns.median)) as $raw |
    "| queue-low over \($transport), beyond the bus | \($beyond / 1000 | round) µs | four raw cold requests \($raw / 1000 | round) µs | ×\($beyond / $raw * 100 | round / 100) | at most ×1.25 |"' \
    "$work/$1/results.json"
}

# share prints the throughput of messages without a database as a share of the raw one, by what
# may share a message on the wire.
share() {
  go test -run xxx -bench 'Messages/pipelined' -benchtime 200x ./natsbus | awk '/^BenchmarkMessages/ {
    sub(/-[0-9]+$/, "", $1); split($1, name, "/")
    printf "| messages over %s, pipelined, no database, share=%s | | raw publish to a subscriber | ×%.2f | at least ×0.60 |\n", name[3], name[4], $5 }'
}

make build >/dev/null
echo "| what | takes | floor | ratio | goal |"
echo "|---|---|---|---|---|"
beyond tcp
beyond pipe
share
