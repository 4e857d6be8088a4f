# shellcheck shell=bash
# A client whose bytes crash the service, in three ways, amid 499 others: it alone is reset, at the second death.
# quick

scenario() {
    server_start -w 4 --service faulty --incident-dir "$work/incidents" && workers_ready 4
    remember_state
    load_start -c 499 -d 5s --kill none
    load_is_on 499
    local word
    for word in '!SEGV!!!' '!ABRT!!!' '!EXIT!!!'; do
        hit "the client that sent $word was reset" poison "$word"
    done
    wait_event 3000 6 worker_replaced
    load_wait
    happened "workers died: $(deaths_logged cause=SIGSEGV) of SIGSEGV, $(deaths_logged cause=SIGABRT) of SIGABRT, $(deaths_logged cause=exit:3) of exit:3" \
        same "$(deaths_logged cause=SIGSEGV) $(deaths_logged cause=SIGABRT) $(deaths_logged cause=exit:3)" '2 2 2'
    figure fault_times "$(deaths_logged)"
    hit "of 499 other clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'reports in --incident-dir show the poisonous bytes' grep -qri '21 53 45 47 56 21\|2153454756212121' "$work/incidents"
    recovered "the last successor served after $(event_value gap_ms worker_replaced) ms" between 0 "$(event_value gap_ms worker_replaced)" 1000
    nothing_left
    hit "connections reset at recovery: $(event_sum recover_reset slot_summary)" same "$(event_sum recover_reset slot_summary)" 3
}
