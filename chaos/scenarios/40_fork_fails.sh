# shellcheck shell=bash
# No process can be made any more (pids control group is full), under load; a worker, a keeper and the supervisor die: once one can, all are replaced, nobody is lost.

scenario() {
    make_pids_group || skip 'no control group for the number of processes can be made here'
    trap 'clean_up; wait_until 2000 rmdir "$group" 2>/dev/null' EXIT
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 4s --kill none
    load_is_on 200
    all_accepted 200
    local pid
    for pid in $(server_processes); do echo "$pid" >"$group/cgroup.procs"; done
    echo 1 >"$group/pids.max"
    kill -KILL "$(worker_pid 0)" "$(process_titled 'prefork-upper: keeper 1 a')"
    wait_event 3000 1 worker_died slot=0
    wait_event 3000 2 failed why=EAGAIN
    kill -KILL "$(process_titled 'prefork-upper: supervisor')"
    pause_ms 500 # nobody writes a log meanwhile
    echo max >"$group/pids.max"
    recovered 'a supervisor is there again' wait_event 3000 1 supervisor_started
    happened "the kernel refused a process $(refused) times" is "$(refused)" -ge 3
    happened 'a worker, a keeper and the supervisor died' \
        same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '1 1 1'
    happened "the last could not be made anew $(event_count failed what=fork) times" event_seen 2 failed what=fork
    recovered 'the worker is replaced' wait_event 3000 1 worker_replaced slot=0
    recovered 'the keeper is there again' wait_until 3000 has_process 'prefork-upper: keeper 1 a'
    recovered 'a new client is served' serves
    happened 'the load goes on meanwhile' load_goes_on
    load_wait
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered "the longest silence was $(json '.silence_ms.max | floor') ms" is "$(json .silence_ms.max)" -lt 4000
    nothing_left
}

# make_pids_group: version 2, or version 1, whichever there is.
make_pids_group() {
    local top
    for top in /sys/fs/cgroup /sys/fs/cgroup/pids; do
        group=$top/prefork-upper-chaos-$$
        mkdir "$group" 2>/dev/null || continue
        [[ ! -w $group/pids.max ]] || return 0
        rmdir "$group" 2>/dev/null
    done
    return 1
}

refused() { sed -n 's/^max //p' "$group/pids.events"; }
