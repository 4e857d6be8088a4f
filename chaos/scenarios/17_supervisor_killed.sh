# shellcheck shell=bash
# The supervisor dies three times under load: no client notices, and its successor replaces the next dead worker.
# quick

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 300 -d 4s --kill none
    load_is_on 300
    local i
    for i in 1 2 3; do
        fault_now 'the supervisor dies'
        kill -KILL "$(process_titled 'prefork-upper: supervisor')"
        wait_event 3000 "$i" supervisor_died
        wait_until 3000 has_process 'prefork-upper: supervisor'
    done
    load_wait
    happened 'three supervisors died' same "$(event_count supervisor_died)" 3
    hit 'no client of 300 saw a fault' same "$load_code" 0
    hit 'no worker died' same "$(deaths_logged)" 0
    kill_worker 1
    wait_event 3000 1 worker_replaced slot=1
    recovered "the fourth supervisor replaced a worker after $(event_value gap_ms worker_replaced) ms" \
        between 0 "$(event_value gap_ms worker_replaced)" 1000
    recovered 'a new client is served' serves
    nothing_left
}
