# shellcheck shell=bash
# Every second call of workers and supervisor is interrupted (EINTR), while clients come and go and workers are made anew: nobody notices.

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    local call slot done=0
    load_start -c 300 --churn 300 -d 6s --kill fin:10%,halfclose:10%
    load_is_on 300
    trial accept:EINTR:1/2,recv:EINTR:1/2,send:EINTR:1/2,epoll_wait:EINTR:1/2,read:EINTR:1/2,poke:EINTR:1/2,poll:EINTR:1/2,pidfd:EINTR:1/2
    for slot in 0 1 2 3; do operate restart "$slot" && done=$((done + 1)); done
    happened "$done workers were made anew meanwhile" same "$done" 4
    kill_worker 1
    for call in accept peek take send epoll_wait read; do
        happened "$call was interrupted $(shots $call worker) times" struck_at_least 20 $call worker
    done
    happened "poll of the supervisor $(shots poll supervisor) times" struck_at_least 20 poll supervisor
    load_wait
    trial off
    hit 'one worker died, the killed one' same "$(deaths_logged) $(event_count supervisor_died)" '1 0'
    hit "of clients that stay $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    recovered "no client waited for 2 s" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}
