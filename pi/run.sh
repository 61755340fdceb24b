#!/usr/bin/env bash
# Copies rubato to a device over ssh, runs it there, copies the results back, and
# leaves nothing on the device. It needs ssh here, and a POSIX shell, tar and gzip there.
# SC2016: the device expands what is in single quotes. SC2317: traps call functions.
# shellcheck disable=SC2016,SC2317
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  cat <<'TEXT'
Usage: pi/run.sh [USER@]HOST [rubato run arguments…]

Copies the right binary to HOST, runs `rubato run` there in a new folder, copies the
results to out/pi-HOST-TIME and removes the folder. Ctrl-C stops the run, brings back
what was measured so far and cleans up; a second Ctrl-C does not wait for the run.

  make pi                                    builds the binaries; run this first
  pi/run.sh pi@raspberrypi.local -quick      does it work?
  pi/run.sh pi@10.0.0.7 queue-low -seed 7    one scenario, repeatable
  RUBATO_SSH_OPTS='-p 2222 -i key' pi/run.sh pi@10.0.0.7

Environment:
  RUBATO_SSH_OPTS     options for ssh, separated by spaces
  RUBATO_REMOTE_DIR   folder on HOST to work in (default: the home folder). It must be
                      on the disk that you want to measure: /tmp is often in memory.

Exit code: that of `rubato run`; 2 if this command is used wrongly, 5 if HOST cannot
be reached or the connection breaks.
TEXT
}

say() { echo "pi/run.sh: $1" >&2; }
fail() { say "$1"; exit "${2:-5}"; }
# quoted prints a word in quotes, so that any POSIX shell reads it unchanged.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }
# there runs a command on the device. The command is one string for the shell there.
there() { ssh "${options[@]}" -- "$host" "$1"; }

# board prints the binary for a system, as uname names it.
board() {
  case "$1" in
    "Linux aarch64" | "Linux arm64") echo bin/pi/rubato-linux-arm64 ;;
    "Linux armv8"* | "Linux armv7"*) echo bin/pi/rubato-linux-armv7 ;;
    "Linux armv6"*) echo bin/pi/rubato-linux-armv6 ;;
    "Linux x86_64") echo bin/rubato ;;
    *) fail "$host is \"$1\"; there are binaries for Linux on aarch64, armv7l, armv6l and x86_64. Build rubato on it: go build ." 2 ;;
  esac
}

# ours prints a check that the device runs before it sends a signal: the process still
# works in our folder, so its number does not belong to another process now.
ours() {
  printf 'cd %s && p=$(cat pid) && [ "$(readlink /proc/$p/cwd)" = "$(pwd -P)" ] && ' "$(quoted "$remote")"
}

# stop asks the run to end. The second call kills it.
stop() {
  asked=$((asked + 1))
  [[ -n "$remote" && -n "$job" ]] || exit 130
  if ((asked == 1)); then
    say "stopping the run on $host; what was measured so far will be brought back"
    there "touch $(quoted "$remote/stop"); $(ours)"'kill -INT "$p"' </dev/null 2>/dev/null || true
  else
    there "$(ours)"'kill -KILL -- "-$p"' </dev/null 2>/dev/null || true
  fi
}

# tidy removes what this script made, on both machines, however it ends.
tidy() {
  local code=$?
  trap '' INT TERM HUP
  if [[ -n "$remote" ]]; then
    there "$(ours)"'kill -KILL -- "-$p"' </dev/null 2>/dev/null || true
    there "rm -rf -- $(quoted "$remote")" </dev/null ||
      say "could not clean up; when $host is reachable again, remove the folder $remote on it"
  fi
  ssh "${options[@]}" -O exit -- "$host" 2>/dev/null || true
  rm -rf -- "$local"
  exit "$code"
}

# fetch copies the folder of results here, if there is one.
fetch() {
  local into="$1"
  there "test -d $(quoted "$remote/result")" </dev/null || return 1
  mkdir -p "$into"
  there "tar -C $(quoted "$remote/result") -cf - . | gzip -1" </dev/null | tar -C "$into" -xzf -
}

case "${1-}" in
  -h | --help | -help) usage; exit 0 ;;
  "" | -*) usage >&2; exit 2 ;;
esac
host=$1
shift
arguments=''
for a in "$@"; do
  case "$a" in
    -out | --out | -out=* | --out=*) fail "-out is chosen here: results come to out/pi-HOST-TIME" 2 ;;
  esac
  arguments+=" $(quoted "$a")"
done
command -v ssh >/dev/null || fail "ssh is missing here; install an OpenSSH client" 2

remote='' job='' asked=0
local=$(mktemp -d /tmp/rubato-pi.XXXXXX) # short, since the path of a socket may have 104 bytes
read -ra options <<<"${RUBATO_SSH_OPTS-}"
options+=(-o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o "ControlPath=$local/%C")
trap tidy EXIT
trap stop INT TERM HUP

# One connection for everything, so that ssh asks for a password once.
ssh "${options[@]}" -fNM -- "$host" >/dev/null ||
  fail "cannot log in to $host; try it by hand: ssh ${RUBATO_SSH_OPTS-} $host"
binary=$(board "$(there 'uname -s -m' </dev/null)")
[[ -x "$root/$binary" ]] || fail "$binary is not built; run: make build pi" 2

base='"$HOME"'
[[ -z "${RUBATO_REMOTE_DIR-}" ]] || base=$(quoted "$RUBATO_REMOTE_DIR")
remote=$(there "mktemp -d -- $base/rubato.XXXXXX" </dev/null) ||
  fail "cannot make a folder on $host; set RUBATO_REMOTE_DIR to a folder that is writable"
say "copying $binary to $host:$remote"
gzip -1 <"$root/$binary" | there "cd $(quoted "$remote") && gzip -d >rubato && chmod +x rubato" ||
  fail "cannot copy the binary; is the disk of $host full?"

# The run is in the background, so that Ctrl-C reaches this script and not the
# connection. The device writes the process number before it looks for the file stop, so
# that no Ctrl-C is lost in between.
there "cd $(quoted "$remote") && echo "'$$'" >pid && [ ! -e stop ] && TMPDIR=$(quoted "$remote") exec ./rubato run -out result$arguments" </dev/null &
job=$!
code=0
wait "$job" || code=$?
while kill -0 "$job" 2>/dev/null; do # a signal ended the wait, not the run
  code=0
  wait "$job" || code=$?
done
if ((code == 255)); then
  say "the connection to $host broke, or rubato was killed there; trying to bring the results back"
  code=5
fi
into="out/pi-$(tr -c 'A-Za-z0-9.\n-' _ <<<"${host#*@}")-$(date +%Y%m%d-%H%M%S)"
if fetch "$root/$into"; then
  echo "results: $into"
elif ((code == 0 || code == 5)); then
  fail "the run on $host left no results"
fi
exit "$code"
