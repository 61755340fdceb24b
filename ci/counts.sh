#!/usr/bin/env bash
# Shows that counting finds one call more: bash ci/counts.sh [runs]. It builds rubato as it is, and
# with one call more in the bus for each event, which allocates nothing (call-1.patch).
# Both are counted so often (10 times unless told), with other work each time: the call must be found
# each time, and nothing in the program as it is against itself. It needs valgrind, and takes some
# ten minutes on a quiet machine. Half a call is the limit: what runs by the clock varies by some hundredths.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
runs=${1:-10}
work=$(mktemp -d /tmp/rubato-counts.XXXXXX)
trap 'rm -rf -- "$work"' EXIT

bus=orchestrated/engine/bus.go
patch --quiet -o "$work/bus.go" $bus ci/testdata/regressions/call-1.patch
echo "{\"Replace\": {\"$PWD/$bus\": \"$work/bus.go\"}}" >"$work/overlay.json"
flags=(-pgo=off -trimpath -ldflags=-s -tags minimal -buildvcs=false)
go build "${flags[@]}" -o "$work/before" .
go build "${flags[@]}" -overlay "$work/overlay.json" -o "$work/added" .

# more prints by how many calls of own functions, and by what share of instructions, an operation of
# the bus has more in one program than in the other.
more() {
  "$1" count -json -out "$work/out$RANDOM$RANDOM" -n 2000 -seed "$3" -styles direct,bus -against "$2" conversation 2>/dev/null |
    jq -r '.changes[] | select(.before.style == "bus") | .executed |
      "\(.house_calls_op.lo) \(.house_calls_op.hi) \(.instructions_ratio.lo) \(.instructions_ratio.hi) \([.moved[]?.function] | join(","))"'
}

found=0 false_alarms=0
echo "| run | one call more: own calls/op | instructions | function | the same program: own calls/op | instructions |"
echo "|---|---|---|---|---|---|"
for ((run = 1; run <= runs; run++)); do
  read -r lo hi rlo rhi names <<<"$(more "$work/added" "$work/before" "$run")"
  read -r slo shi srlo srhi _ <<<"$(more "$work/before" "$work/before" "$run")"
  echo "| $run | $lo … $hi | ×$rlo … $rhi | $names | $slo … $shi | ×$srlo … $srhi |"
  awk "BEGIN {exit !($lo > 0.5)}" && [[ $names == *engine.count* ]] && found=$((found + 1))
  awk "BEGIN {exit !($slo > 0.5 || $shi < -0.5)}" && false_alarms=$((false_alarms + 1))
done
echo "found $found of $runs; false alarms $false_alarms of $runs"
((found == runs && false_alarms == 0))
