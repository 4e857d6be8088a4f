# shellcheck shell=bash
# The kernel has no memory for recv and send, then for registering with epoll: who is served goes on, only a new client that cannot be registered is reset.

scenario() {
    server_start -w 2 --control "$work/control.sock" && workers_ready 2
    remember_state
    local i refused=0
    load_start -c 300 -d 9s --kill fin:10%,halfclose:10%
    load_is_on 300
    trial recv:ENOMEM:1/10,send:ENOMEM:1/10
    happened 'recv failed with ENOMEM when it looks' wait_until 5000 struck_at_least 30 peek worker
    happened 'and when it takes what was answered' wait_until 5000 struck_at_least 30 take worker
    happened 'and send' wait_until 5000 struck_at_least 30 send worker
    # A successor needs memory too, and the connections of the dead worker wait for it.
    trial mmap:ENOMEM:1/2
    kill_worker 0
    kill_worker 1
    recovered 'two killed workers have successors' wait_event 5000 2 worker_replaced
    happened "for whom there was no memory $(shots mmap worker) times at first" struck_at_least 1 mmap worker
    trial off
    happened 'the load goes on' load_goes_on
    load_wait
    hit 'two workers died, the killed ones' same "$(deaths_logged)" 2
    hit "of 300 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes

    # The listener too is registered anew after each accept: without that nobody would ever come again.
    trial epoll_ctl:ENOMEM:1/3
    for ((i = 0; i < 40; i++)); do serves 2>>"$work/resets.txt" || refused=$((refused + 1)); done
    trial off
    happened "registering failed $(shots epoll_ctl worker) times" struck_at_least 10 epoll_ctl worker
    recovered 'then a new client is served' wait_until 2000 serves
    nothing_left
    hit "of 40 new clients those were reset that could not be registered: $refused" same "$refused" "$(event_sum accept_errors slot_summary)"
    happened "the listener could not be registered $(event_sum accept_pauses slot_summary) times" is "$(event_sum accept_pauses slot_summary)" -ge 1
}
