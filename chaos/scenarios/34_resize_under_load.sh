# shellcheck shell=bash
# From 4 workers to 8, to 2, to 4, ten times, under 500 long-lived clients: each keeps its connection.

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    local i count done=0
    load_start -c 500 -d 12s --kill none
    load_is_on 500
    for i in {1..10}; do
        for count in 8 2 4; do operate scale "$count" && done=$((done + 1)); done
    done
    happened 'the load goes on after the last one' load_goes_on
    happened "$done times another number of workers was reached ($i rounds)" same "$done $(event_count operation_done operation=scale)" '30 30'
    load_wait
    hit 'nobody died' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '0 0 0'
    long_lived_clients_noticed_nothing 500
    recovered "no client waited for 2 s" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}
