# shellcheck shell=bash
# The path of a UNIX listener is removed under load, put back, and taken by another server: who is connected stays so, and the end of ours leaves the other's path alone.

scenario() {
    local path=$PWD/$work/s.sock other
    bind_to=unix:$path server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 4s --kill none
    all_accepted 200
    ln "$path" "$work/kept.sock" && rm "$path"
    happened 'nobody can connect to a path that is gone' not serves
    kill_worker 1
    wait_event 3000 1 worker_replaced slot=1
    happened "a worker died meanwhile with $(event_value connections worker_died) connections" is "$(event_value connections worker_died)" -gt 0
    ln "$work/kept.sock" "$path"
    recovered 'the path is there again, and a new client is served' serves
    load_wait
    # Over a UNIX socket the one that was being answered at that moment is reset: nobody can know how much of it arrived.
    wait_event 3000 1 incident slot=1
    local reset
    reset=$(event_value reset incident slot=1)
    expect_hit "$reset"
    hit "of 200 clients $(json .control.lost) were lost, as the log says" same "$(json .control.lost)" "$reset"
    hit 'that is the one in service, or nobody' between 0 "$reset" 1
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes

    rm "$path" "$work/kept.sock"
    "$BUILD/prefork-upper" --bind "unix:$path" --control off >"$work/other.txt" 2>&1 8<&- & other=$!
    happened 'another server serves at the path' wait_until 3000 serves
    wait_until 5000 sockets_none
    check left "no connection: $(sockets established) established" sockets_none
    check left 'processes, descriptors and memory as before the load' wait_until 2000 state_is_as_before
    kill -TERM "$server_pid"
    server_wait 12000
    hit 'the end of ours has not removed the path of the other' serves
    kill -TERM "$other"
    wait "$other"
    check left 'the other removed it' same "$(compgen -G "$path")" ''
    ended_whole 0
}

not() { ! "$@"; }
