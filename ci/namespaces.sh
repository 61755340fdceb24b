#!/usr/bin/env bash
# Runs scale-out with a network between its parts: a real nats-server, four hosts for workers, two
# for load generators and one for the run, each a network namespace with a cable to a bridge. Each
# sees a folder of its own and none of the others', so the run has everything over NATS. Run it as
# root, with Debian's iproute2 and jq:
#
#   ci/namespaces.sh [DELAY [FLAG…]]     such as: ci/namespaces.sh 1ms -time 60s
#
# DELAY holds each packet that a worker sends back for so long, where the kernel has netem. FLAGs
# are those of rubato run. Hosts share this machine's cores and its disk, so the curve shows what
# waits for disk and network gain, not what more cores do. Everything that it makes is removed.
set -euo pipefail
cd "$(dirname "$0")/.."
delay=${1:-}
shift $(($# > 0))

name=rubato-$$
work=$(mktemp -d "/tmp/$name.XXXXXX")
pids=() spaces=()
mkdir "$work/disks" "$work/own"

clean() {
  local code=$? pid space
  trap - EXIT
  for pid in "${pids[@]:1}" "${pids[@]:0:1}"; do # the server last, so that workers leave in good order
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  for space in "${spaces[@]}"; do ip netns del "$space"; done # with its cables, and the bridge
  rm -rf -- "$work"
  exit "$code"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

fail() { echo "namespaces: $1" >&2; exit 5; }

# space makes a namespace.
space() {
  ip netns add "$name-$1" || fail "no network namespace can be made here: run it as root"
  spaces+=("$name-$1")
  ip -n "$name-$1" link set lo up
}

# host makes a namespace with the address 10.77.0.$2 on the bridge.
host() {
  space "$1"
  ip link add name eth0 netns "$name-$1" type veth peer name "to-$1" netns "$name-net"
  ip -n "$name-net" link set "to-$1" master bridge up
  ip -n "$name-$1" address add "10.77.0.$2/24" dev eth0
  ip -n "$name-$1" link set eth0 up
  mkdir "$work/disks/$1"
}

# on has this shell become a program on a host, in an empty folder that no other host sees: ip
# gives it a mount namespace of its own. The shell is that of a job, so $! is the program.
on() {
  # shellcheck disable=SC2016 # the inner bash expands them
  exec ip netns exec "$name-$1" bash -c 'mount --bind "$0/disks/$1" "$0/own" && mount -t tmpfs none "$0/disks" && cd "$0/own" && exec "${@:2}"' "$work" "$1" "${@:2}"
}

# said waits until a file has a text.
said() {
  for _ in {1..200}; do
    if grep -q -- "$2" "$1"; then return; fi
    sleep 0.1
  done
  cat "$1" >&2
  fail "$3"
}

command -v ip >/dev/null || fail "ip is missing: install Debian's iproute2"
command -v jq >/dev/null || fail "jq is missing: install it"
CGO_ENABLED=0 go build -o "$work/rubato" .
CGO_ENABLED=0 go build -o "$work/nats-server" github.com/nats-io/nats-server/v2

space net
ip -n "$name-net" link add bridge type bridge
ip -n "$name-net" link set bridge up
host server 1
host run 2
for i in 1 2 3 4; do
  host "w$i" $((10 + i))
  if [[ -n $delay ]] && ! ip netns exec "$name-w$i" tc qdisc add dev eth0 root netem delay "$delay" 2>"$work/tc.log"; then
    echo "namespaces: no delay: tc says: $(tr '\n' ' ' <"$work/tc.log")" >&2
    delay= # no host has it
  fi
done
host g1 21
host g2 22

RUBATO_NATS_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export RUBATO_NATS_URL=nats://10.77.0.1:4222 RUBATO_NATS_USER=rubato RUBATO_NATS_PASSWORD
(umask 077 && printf 'authorization { user: rubato, password: "%s" }\n' "$RUBATO_NATS_PASSWORD" >"$work/server.conf")
on server "$work/nats-server" -c "$work/server.conf" -a 10.77.0.1 >"$work/server.log" 2>&1 &
pids+=($!)
said "$work/server.log" "Server is ready" "the server did not start"

for n in 1 2 4; do
  for i in $(seq "$n"); do
    RUBATO_NATS_PLAYER=hosts-$n on "w$i" "$work/rubato" worker -data "$n" >"$work/$n-w$i.log" 2>&1 &
    pids+=($!)
  done
  for i in 1 2; do
    RUBATO_NATS_PLAYER=hosts-$n on "g$i" "$work/rubato" worker -generate >"$work/$n-g$i.log" 2>&1 &
    pids+=($!)
  done
done
for log in "$work"/[124]-[gw][1-4].log; do said "$log" "^joined" "a worker or generator did not join"; done

RUBATO_NATS_PLAYER=hosts on run "$work/rubato" run -out out -set transport=url -set generators=2 "$@" scale-out &
pids+=($!)
code=0
wait $! || code=$? # a shell that waits can be interrupted
((code == 0 || code == 3)) || fail "rubato run ended with $code"
echo
echo "speed-up by the number of workers, delay ${delay:-none}:"
jq -r '.cells[] | select(.verdict == "invalid") | "invalid: \(.why)"' "$work/disks/run/out/results.json" | tee "$work/invalid"
[[ ! -s $work/invalid ]] || fail "the work differed"
jq -r '.cells[] | if .ratio.hi then "\(.style): ×\(100 / .ratio.median | round / 100) (×\(100 / .ratio.hi | round / 100) … ×\(100 / .ratio.lo | round / 100))" elif .ratio then "\(.style): ×\(100 / .ratio.median | round / 100), too few trials for an interval" else "\(.style): ×1" end' "$work/disks/run/out/results.json"
