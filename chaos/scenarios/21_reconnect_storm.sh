# shellcheck shell=bash
# 500 clients that all leave within a second and come back at once, in every way of leaving, while two workers die.

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 500 -d 8s --kill fin:25%,rst:25%,unread:24%,halfclose:24%
    load_is_on 300
    fault_now 'clients leave and come back from here on'
    wait_event 5000 1 accepted
    local slot
    for slot in 1 3; do
        kill_worker "$slot"
        wait_event 3000 1 worker_replaced "slot=$slot"
    done
    recovered 'a new client is served in the middle of it' serves
    load_wait

    happened "$(json .disconnects_done) clients left and came back" is "$(json .disconnects_done)" -gt 2000
    happened 'two workers died' same "$(deaths_logged)" 2
    hit "the 5 that stay, and all that left, saw no fault: loadtool says $(json .verdict)" same "$load_code" 0
    recovered "the successors served after $(event_value gap_ms worker_replaced) ms" between 0 "$(event_value gap_ms worker_replaced)" 1000
    load -c 300 -d 1s --kill none
    recovered '300 new clients are served without a fault' same "$load_code" 0
    nothing_left
}
