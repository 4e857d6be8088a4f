# shellcheck shell=bash
# The four checks, and what comes after the last of them. Sourced by lib.sh.

# A scenario calls each at least once: happened (a counter shows the fault), hit (who, exactly), recovered (how long
# until normal), nothing_left. Each takes a text and a command; the first failed one does not end the scenario.

happened() { check 'fault' "$@"; }
hit() { check 'hit' "$@"; }
recovered() { check 'normal' "$@"; }

check() {
    local kind=$1 text=$2
    shift 2
    echo "$kind" >>"$work/checks"
    if "$@"; then
        note check "$kind" ok "$text" "$@"
        printf 'ok   %-7s %s\n' "$kind" "$text"
    else
        note check "$kind" FAIL "$text" "$@"
        printf 'FAIL %-7s %s   [%s]\n' "$kind" "$text" "$*"
        touch "$work/failed"
    fi
}

# is NUMBER OPERATOR NUMBER: a comparison that is false, not an error, where a number is missing. Fractions are cut off.
is() { [[ $1 =~ ^-?[0-9]+(\.[0-9]+)?$ && $3 =~ ^-?[0-9]+(\.[0-9]+)?$ ]] && test "${1%.*}" "$2" "${3%.*}"; }
same() { [[ $1 == "$2" ]]; }
between() { is "$1" -le "$2" && is "$2" -le "$3"; } # LOW VALUE HIGH, both ends included

memory_growth_kb_max=4096 # buffers and tables that a worker touches for the first time under load

# nothing_left: when the clients are gone the server is as remember_state saw it; then it ends by TERM, whole.
nothing_left() {
    wait_until 5000 sockets_none
    check left "no connection: $(sockets established) established, $(sockets close-wait) in CLOSE_WAIT" sockets_none
    wait_until 2000 state_is_as_before
    check left 'processes, descriptors and memory as before the load' state_is_as_before
    state_is_as_before || diff "$work/state.before" "$work/state.after"
    note_residue
    server_stop_now
}

# server_stop_now: ends a server that has no clients any more; it must end whole.
server_stop_now() {
    note_processes
    kill -TERM "$server_pid"
    server_wait 12000
    ended_whole 0
}

# Same titles, same number of descriptors; memory within the bound.
state_is_as_before() {
    server_state >"$work/state.after"
    paste "$work/state.before" "$work/state.after" | awk -F'\t' -v max="$memory_growth_kb_max" \
        '$1 != $4 || $2 != $5 || $6 - $3 > max { bad = 1 } END { exit bad || NR == 0 }'
}

# ended_whole CODE: the server is gone with this exit code, and so is everything that it ever started.
ended_whole() {
    check left "the server ended with exit code $server_code" ended_with "$1"
    ours || wait_until 2000 no_process_left # its children may end after it
    check left 'no process of it is left' no_process_left
    note processes "$(processes_left | wc -l)"
    check left 'nobody listens on its port' is "$(sockets listening)" -eq 0
    ! ours || check left 'no assertion of its own failed' is "$(event_count check_failed)" -eq 0
}

# With which code another server ends is its own affair, but end it must.
ended_with() { if ours; then same "$server_code" "$1"; else [[ $server_code -ne 124 ]]; fi; }

no_process_left() { [[ -z $(processes_left) ]]; }

# processes_left: the pids, of all processes that were noted and of all that the logs name, of those that live still.
processes_left() {
    local pid started
    {
        while read -r pid started; do
            [[ $(process_started "$pid") != "$started" ]] || process_ended "$pid" || echo "$pid"
        done < <(sort -u "$work/processes")
        while read -r pid; do
            # A storm names thousands, nearly all gone: they are not worth a process each.
            [[ ! -e /proc/$pid || $(process_title "$pid") != 'prefork-upper: '* ]] || process_ended "$pid" || echo "$pid"
        done < <(sed -n 's/.* event=\(worker\|supervisor\)_\(started\|replaced\).* pid=\([0-9]*\).*/\3/p' "$work"/server.*.log)
    } | sort -u
}

# skip REASON: ends the scenario as skipped. chaos/README.md lists which ones CI accepts.
skip() {
    echo "$1" >"$work/skipped"
    exit 0
}

# Ends whatever is still there. The runner calls it at the end of each scenario, however that came.
clean_up() {
    local pid pids=()
    [[ -z $server_pid ]] || mapfile -t pids < <(server_processes)
    [[ -z $load_pid ]] || pids+=("$load_pid")
    ours || mapfile -t -O "${#pids[@]}" pids < <(processes_left 2>/dev/null) # its children may have lost their parent
    for pid in "${pids[@]}" $(jobs -p); do kill -KILL "$pid" 2>/dev/null; done
}
