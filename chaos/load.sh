# shellcheck shell=bash
# What is done to a server by others: an operator, a load, a network that fails. Sourced by lib.sh.

# ---- An operator -----------------------------------------------------------------------------------------------

# operate WORDS...: a subcommand to a server that was started with --control "$work/control.sock"; its exit code. What it
# said is kept in operated.txt.
operate() {
    [[ $1 == status ]] || fault_now "operator: $1"
    "$BUILD/prefork-upper" "$@" --control "$work/control.sock" --timeout 30s >>"$work/operated.txt" 2>&1
}

# trial SPEC: calls of the server's own processes fail from now on (README, "Faults on purpose"); off: no more.
trial() { operate fault "$1" || { echo "FAIL the trial $1 was refused:"; tail -n 1 "$work/operated.txt"; exit 1; }; }

# shots CALL PROCESS: how often that call of such a process (worker, keeper, supervisor) was struck until now.
shots() {
    "$BUILD/prefork-upper" status --json --control "$work/control.sock" --timeout 30s |
        jq "[.faults.shots[] | select(.call == \"$1\" and .process == \"$2\") | .count] | add // 0"
}
struck_at_least() { is "$(shots "$2" "$3")" -ge "$1"; } # COUNT CALL PROCESS

image() { echo "$BUILD/images/$1"; } # see tests/images/README.md

# all_run FILE: every process of the server runs this program. Which one it is, its bytes say: the copies have no name.
all_run() {
    local pid
    for pid in $(server_processes); do cmp -s "$1" "/proc/$pid/exe" || return 1; done
}

# upgrade_to FILE: done, and everybody runs it; else 1.
upgrade_to() { operate upgrade "$1" && wait_until 10000 all_run "$1"; }

# server_start_upgraded ARGS...: a server of four workers that has been upgraded once, so that the copy of a program that
# each upgrade leaves in the place of the one before is there already when remember_state looks.
server_start_upgraded() {
    server_start -w 4 --control "$work/control.sock" "$@" && workers_ready 4
    upgrade_to "$(image next)" || { echo 'FAIL the upgrade before the load was not done'; cat "$work/operated.txt"; exit 1; }
    remember_state
}

# long_lived_clients_noticed_nothing COUNT: the check of every scenario that operates the server under load.
long_lived_clients_noticed_nothing() {
    hit "of $1 clients that stay $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    recovered 'a new client is served' serves
    echo "     the longest silence that a client felt was $(json '.silence_ms.max | floor') ms"
}

# ---- The load --------------------------------------------------------------------------------------------------

load_pid='' load_code='' load_prefix=() loads=0

# load_start ARGS...: runs loadtool against the server in the background; its report goes to load.txt and load.json.
# The clients' program begins with load_prefix, where there is one.
load_start() {
    [[ $server_address == @(127.0.0.1:|unix:)* || -n ${NETLAB:-} ]] || { echo "no load is sent to $server_address"; exit 1; }
    rm -f "$work/load.json"
    loads=$((loads + 1))
    note load starts "$loads" "$*"
    other_load_arguments
    "${load_prefix[@]}" "$BUILD/loadtool" "$server_address" "${load_arguments[@]}" --seed "$seed" --json "$work/load.json" \
        --csv "$work/load.$loads.csv" --csv-every 100ms "$@" \
        >"$work/load.txt" 2>&1 </dev/null 8<&- &
    load_pid=$!
}

# load_wait [DEADLINE_MS]: until the load ends; sets load_code (124: it did not end).
load_wait() {
    load_code=124
    wait_until "${1:-40000}" process_ended "$load_pid" || { kill -KILL "$load_pid"; return 1; }
    wait "$load_pid" && load_code=0 || load_code=$?
    # 7: on a busy machine loadtool does not trust its own latencies in an open loop; what it says of clients stands.
    [[ $load_code -ne 7 ]] || load_code=0
    load_pid=''
    ln -f "$work/load.json" "$work/load.$loads.json" 2>/dev/null
    note load ended "$loads" "$load_code"
}

# load ARGS...: both.
load() { load_start "$@" && load_wait; }

# load_is_on CLIENTS: waits until so many clients are connected.
load_is_on() { wait_until 10000 sockets_at_least established "$1" && note_processes; }

load_goes_on() { ! process_ended "$load_pid"; }

# all_accepted CLIENTS: waits until workers have taken so many: connected ones may still wait in the backlog.
all_accepted() { wait_until 10000 accepted_at_least "$1"; }
accepted_at_least() { [[ $(event_count accepted) -ge $1 ]]; }

# json FILTER: a value from the load's report; json_is FILTER: true if it says true.
json() { jq -r "$1" "$work/load.json"; }
json_is() { says "$work/load.json" "$1"; }
says() { jq -e "$2" "$1" >/dev/null; } # FILE FILTER: likewise in another file

# What the load's report says; the only place that knows its keys beside the scenarios' own filters.
no_wrong_bytes() { json_is '.wrong | .wrong_bytes + .missing_bytes + .extra_bytes + .duplicated_bytes + .crosstalk_bytes == 0'; }
errors_of() { json "[.errors[]? | select(.class == \"$1\") | .count] | add // 0"; }

# ---- A network of one's own ------------------------------------------------------------------------------------

# in_netlab: the scenario begins again on the server's host of a lab, and its load comes from the clients' host.
in_netlab() {
    local why
    if [[ -z ${NETLAB:-} ]]; then
        why=$(netlab check 2>&1) || skip "$why"
        exec chaos/netlab up chaos/run --one "${BASH_SOURCE[1]}"
    fi
    bind_to=192.0.2.1:9999 load_prefix=(chaos/netlab client)
}

netlab() {
    case $1 in
    cut | loss | drop | rate | vanish) fault_now "netlab $*" ;;
    heal) fault_over 'netlab heal' ;;
    esac
    chaos/netlab "$@"
}
