# shellcheck shell=bash
# The descriptor limit of every process is lowered below what it uses, under load; then workers, a keeper and the supervisor die: who is connected stays so.

scenario() {
    server_start -w 2 --control "$work/control.sock" && workers_ready 2
    remember_state
    load_start -c 200 -d 12s --kill none
    load_is_on 200
    all_accepted 200
    local before
    before=$(limits)
    limit_all 8
    happened 'no process may open a descriptor any more' same "$(limits)" 8
    hit 'a new client is not served' not serves
    kill_worker 0
    wait_event 3000 1 worker_replaced slot=0
    happened "a worker died with $(event_value connections worker_died slot=0) connections and was replaced" event_seen 1 worker_replaced slot=0
    kill -KILL "$(process_titled 'prefork-upper: keeper 1 a')"
    wait_event 3000 1 keeper_died slot=1
    wait_until 3000 has_process 'prefork-upper: keeper 1 a'
    kill_supervisor
    kill_worker 1
    wait_event 3000 1 worker_replaced slot=1
    happened 'a keeper and the supervisor died, and one more worker' event_seen 1 worker_replaced slot=1
    limit_all "$before"
    kill_supervisor # one that has no want
    recovered 'with descriptors again, a new client is served' wait_until 3000 serves
    kill_worker 0
    recovered 'a worker that dies is replaced' wait_event 3000 2 worker_replaced slot=0
    happened 'the load goes on meanwhile' load_goes_on
    load_wait
    long_lived_clients_noticed_nothing 200
    recovered "no client waited for 3 s" is "$(json .silence_ms.max)" -lt 3000
    nothing_left
}

kill_supervisor() {
    local before
    before=$(event_count supervisor_started)
    kill -KILL "$(process_titled 'prefork-upper: supervisor')"
    wait_event 3000 $((before + 1)) supervisor_started
}

limit_all() {
    local pid
    for pid in $(server_processes); do prlimit --pid "$pid" --nofile="$1:"; done
}
limits() {
    local pid
    for pid in $(server_processes); do awk '/^Max open files/ { print $4 }' "/proc/$pid/limits"; done | sort -u
}
not() { ! "$@"; }
