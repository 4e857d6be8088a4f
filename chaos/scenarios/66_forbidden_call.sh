# shellcheck shell=bash
# A worker is made to open a file, make a socket, execute a program and signal another process, amid 499 other clients:
# its sandbox ends it each time, the report names the call, and only the client whose bytes did it is reset.

scenario() {
    server_start -w 4 --service faulty --incident-dir "$work/incidents" && workers_ready 4
    wait_event 3000 1 sandbox
    [[ $(event_value seccomp sandbox) == applied ]] || skip "no seccomp here: $(event_value seccomp sandbox)"
    remember_state
    load_start -c 499 -d 6s --kill none
    load_is_on 499
    local word
    for word in OPEN CONN EXEC KILL; do
        hit "the client that sent !$word!!! was reset" poison "!$word!!!"
    done
    wait_event 3000 8 worker_replaced
    load_wait
    happened "$(deaths_logged cause=SIGSYS) workers died of SIGSYS" same "$(deaths_logged cause=SIGSYS)" 8
    local call
    for call in openat socket execve kill; do
        happened "$(grep -rlx "call: *$call, which the sandbox forbids" "$work/incidents" | wc -l) reports name $call" \
            same "$(grep -rlx "call: *$call, which the sandbox forbids" "$work/incidents" | wc -l)" 2
    done
    figure fault_times "$(deaths_logged)"
    hit "of 499 other clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered "the last successor served after $(event_value gap_ms worker_replaced) ms" between 0 "$(event_value gap_ms worker_replaced)" 1000
    happened "the log told of the sandbox once, at the start" same "$(event_count sandbox)" 1
    nothing_left
    hit "connections reset at recovery: $(event_sum recover_reset slot_summary)" same "$(event_sum recover_reset slot_summary)" 4
}
