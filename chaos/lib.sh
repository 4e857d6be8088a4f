# shellcheck shell=bash
# What scenarios and the demo are written with: a server, a load, their log and JSON, the kernel's counters, four checks.
#
# Everything goes by command lines, event words and JSON; nothing is matched against prose. Waiting has a deadline
# always; where the kernel or the log announces nothing, it polls every 10 ms. Only processes started here are ended,
# by pid. Times are milliseconds, memory is kilobytes. Files of a run lie in $work, which the caller has made.

: "${work:?lib.sh needs a folder for the files of this run}" "${BUILD:=build}" "${seed:=$((SRANDOM % 1000000))}"


# All chance comes from the seed, but for ports. A subshell gets a sequence of its own from bash: call `reseed` in it first.
reseed() { RANDOM=$((seed + ${1:-0})); }
reseed

# ---- Time ------------------------------------------------------------------------------------------------------

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# pause_ms N: waits without starting a process: reads from a pipe (descriptor 8) to which nobody writes.
pause_ms() {
    local seconds _
    printf -v seconds '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
    read -r -t "$seconds" -u 8 _ || true
}
rm -f "$work/never" && mkfifo "$work/never" && exec 8<>"$work/never"

# wait_until DEADLINE_MS COMMAND...: polls until the command succeeds; 1 if it never does.
wait_until() {
    local end=$(($(now_ms) + $1))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/[.,]/} / 1000 < end)) || return 1
        pause_ms 10
    done
}

# shellcheck source=chaos/figures.sh
source chaos/figures.sh
# shellcheck source=chaos/other.sh
source chaos/other.sh
# shellcheck source=chaos/server.sh
source chaos/server.sh
# shellcheck source=chaos/workers.sh
source chaos/workers.sh
# shellcheck source=chaos/load.sh
source chaos/load.sh
# shellcheck source=chaos/storms.sh
source chaos/storms.sh
# shellcheck source=chaos/checks.sh
source chaos/checks.sh
