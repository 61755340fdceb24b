#!/usr/bin/env bash
# Tests pi/run.sh against a real sshd on loopback. The sshd is started here, on a free
# port, with generated keys. The "device" is this machine, in a folder with spaces in
# its name.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ "${1-}" == -h || "${1-}" == --help ]]; then
  echo "Usage: pi/test.sh   (needs openssh-server, openssh-client, jq, and bin/rubato: make build)"
  exit 0
fi
fail() { echo "pi/test.sh: FAIL: $1" >&2; sed 's/^/  | /' "$work/log" >&2 2>/dev/null || true; exit 1; }
pass() { echo "ok   $1"; }

sshd=$(command -v sshd || echo /usr/sbin/sshd)
work=$(mktemp -d /tmp/rubato-test.XXXXXX)
device="$work/the device"
server='' made='' brought=()
tidy() {
  local code=$?
  [[ -z "$server" ]] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
  [[ -z "$made" ]] || rmdir "$made" 2>/dev/null || true
  rm -rf -- "$work" ${brought[@]+"${brought[@]}"}
  exit "$code"
}
trap tidy EXIT
trap 'exit 130' INT TERM
for tool in "$sshd" ssh ssh-keygen jq; do
  command -v "$tool" >/dev/null || fail "$tool is missing; install openssh-server, openssh-client and jq"
done
[[ -x bin/rubato ]] || fail "bin/rubato is not built; run: make build"

# serve starts the sshd. It tries ports until sshd finds a free one.
serve() {
  mkdir -p "$device" "$work/fake"
  ssh-keygen -q -t ed25519 -N '' -f "$work/host"
  ssh-keygen -q -t ed25519 -N '' -f "$work/user"
  [[ $EUID -ne 0 || -d /run/sshd ]] || { mkdir /run/sshd && made=/run/sshd; }
  # While the file riscv exists, uname names a board without a binary.
  printf '#!/bin/sh\n[ -e "%s" ] && echo "Linux riscv64" || exec /bin/uname "$@"\n' "$work/riscv" >"$work/fake/uname"
  chmod +x "$work/fake/uname"
  local port
  for _ in $(seq 20); do
    port=$((20000 + RANDOM % 10000))
    cat >"$work/sshd_config" <<TEXT
ListenAddress 127.0.0.1
Port $port
HostKey $work/host
AuthorizedKeysFile $work/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv PATH=$work/fake:/usr/bin:/bin
TEXT
    "$sshd" -D -e -f "$work/sshd_config" 2>"$work/sshd.log" &
    server=$!
    for _ in $(seq 50); do
      if grep -q "Server listening" "$work/sshd.log"; then
        export RUBATO_SSH_OPTS="-F none -p $port -i $work/user -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        return
      fi
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    wait "$server" || true
    server=''
  done
  fail "sshd does not start: $(cat "$work/sshd.log")"
}

# carry calls the script under test. The first argument is the exit code that it must have.
carry() {
  local want=$1 code=0
  shift
  RUBATO_REMOTE_DIR="$device" pi/run.sh "$@" >"$work/log" 2>&1 || code=$?
  remember
  ((code == want)) || fail "exit $code, want $want: pi/run.sh $*"
  clean "pi/run.sh $*"
}
remember() {
  local line
  line=$(sed -n 's/^results: //p' "$work/log")
  [[ -z "$line" ]] || brought+=("$line")
}
# clean checks that nothing is left: no file or process on the device, no connection.
clean() {
  [[ -z "$(ls -A "$device")" ]] || fail "left on the device: $(ls -A "$device") after $1"
  ! readlink /proc/[0-9]*/exe | grep -qF -- "$device/" || fail "a process is left on the device after $1"
  compgen -G '/tmp/rubato-pi.*/*' >/dev/null && fail "a connection is left after $1"
  return 0
}
said() { grep -qF -- "$1" "$work/log" || fail "its output lacks \"$1\""; }

serve
me="$(id -un)@127.0.0.1"

carry 0 -h
said "Usage: pi/run.sh"
carry 2
said "Usage: pi/run.sh"
carry 2 "$me" -quick -out here
said "-out is chosen here"
pass "usage errors show the usage"

RUBATO_SSH_OPTS="$RUBATO_SSH_OPTS -p 1 -o Port=1" carry 5 "nobody@127.0.0.1"
said "cannot log in to nobody@127.0.0.1; try it by hand"
pass "a failed login is reported"

touch "$work/riscv"
carry 2 "$me"
said 'is "Linux riscv64"; there are binaries for Linux on aarch64'
rm "$work/riscv"
pass "an unknown board is reported"

carry 2 "$me" -quick no-such-scenario
said "no-such-scenario"
pass "bad input on the device is exit 2 here"

# The arguments must arrive unchanged. This value has the characters that shells expand.
carry 2 "$me" queue-low -set "passages=a b'c\"\$HOME"
said "a b'c"
pass "arguments survive two shells"

code=0
RUBATO_REMOTE_DIR="$device" pi/run.sh "$me" queue-low -quick -seed 1 >"$work/log" 2>&1 || code=$?
remember
((code == 0 || code == 3)) || fail "exit $code of a real run" # 3: too noisy for an interval
clean "a real run"
jq -e '(.incomplete // "") == "" and (.cells | length) == 3 and all(.cells[]; .work.effects == .work.expected)' \
  "${brought[-1]}/results.json" >/dev/null || fail "the results that came back are incomplete"
[[ -s "${brought[-1]}/report.html" && -s "${brought[-1]}/bench.txt" ]] || fail "report.html or bench.txt is missing"
pass "the results of a real run come back complete, and the device is clean"

# start begins a long run and returns when the first raw results are there. A background
# job ignores Ctrl-C by default, so env resets that.
start() {
  RUBATO_REMOTE_DIR="$device" env --default-signal=INT pi/run.sh "$me" queue-low -full >"$work/log" 2>&1 &
  job=$!
  for _ in $(seq 600); do
    compgen -G "$device/rubato.*/result/results.jsonl" >/dev/null && return
    kill -0 "$job" 2>/dev/null || fail "the run ended before it could be stopped"
    sleep 0.1
  done
  fail "the run does not start"
}
# ended checks that the run ended with 5, brought back its results, and left nothing.
ended() {
  local code=0
  wait "$job" || code=$?
  remember
  ((code == 5)) || fail "exit $code after $1, want 5"
  clean "$1"
  said "$2"
  [[ -n "${brought[-1]}" && -s "${brought[-1]}/results.jsonl" ]] || fail "the results from before $1 did not come back"
}

start
kill -INT "$job"
ended "Ctrl-C" "what was measured so far will be brought back"
pass "Ctrl-C brings the results back, and the device is clean"

start
pkill -KILL -P "$server" # the connections of the sshd started above
ended "a broken connection" "broke"
pass "after a broken connection the script connects again, brings the results and cleans up"
