# shellcheck shell=bash
# The kernel kills a worker because its memory control group is full: nobody notices, the log says what it was.
# quick

scenario() {
    make_memory_group || skip 'no memory control group can be made here'
    trap 'clean_up; wait_until 2000 rmdir "$group" 2>/dev/null' EXIT
    server_start -w 2 && workers_ready 2
    remember_state
    load_start -c 200 -d 5s --kill none
    load_is_on 200
    hit 'the workers have taken all 200' all_accepted 200
    # The worker alone: its successor comes from a keeper, which stays outside.
    worker_pid 0 >"$group/cgroup.procs"
    echo 65536 >"$group/$limit_file"
    fault_now 'the memory of worker 0 is bounded'
    # Each connection that it accepts costs memory of the kernel, which counts.
    python3 chaos/clients.py hold "$server_address" 500 1000 >"$work/hold.json" &
    local visitors=$!
    wait_event 4000 1 worker_died slot=0
    happened 'the load goes on after its death' load_goes_on
    wait "$visitors"
    load_wait

    local held gap
    held=$(event_value connections worker_died slot=0) gap=$(event_value gap_ms worker_replaced slot=0)
    happened "the kernel counts $(oom_kills) process killed in the group" same "$(oom_kills)" 1
    happened "the log says so: $(event_value cause worker_died), oom=$(event_value oom worker_died)" \
        same "$(deaths_logged slot=0 cause=SIGKILL oom=1)" 1
    happened "the worker held $held connections" is "$held" -gt 0
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no other worker died' same "$(deaths_logged)" 1
    recovered "its successor served after $gap ms" between 0 "$gap" 1000
    recovered 'a new client is served' serves
    nothing_left
}

# make_memory_group: version 2, or version 1, whichever the machine has its memory counted by.
make_memory_group() {
    local top
    for top in /sys/fs/cgroup /sys/fs/cgroup/memory; do
        group=$top/prefork-upper-chaos-$$
        mkdir "$group" 2>/dev/null || continue
        for limit_file in memory.max memory.limit_in_bytes; do
            [[ ! -w $group/$limit_file ]] || return 0
        done
        rmdir "$group" 2>/dev/null
    done
    return 1
}

oom_kills() { cat "$group/memory.events" "$group/memory.oom_control" 2>/dev/null | sed -n 's/^oom_kill //p'; }
