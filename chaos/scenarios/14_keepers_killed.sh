# shellcheck shell=bash
# Under load every keeper of slot 0 dies, one after the other, five times: its twin makes a new one, and then a worker dies.

scenario() {
    server_start -w 2 && workers_ready 2
    remember_state
    load_start -c 200 -d 8s --kill none
    load_is_on 200
    local round letter
    for round in 1 2 3 4 5; do
        for letter in a b; do
            fault_now "keeper $letter dies"
            kill -KILL "$(process_titled "prefork-upper: keeper 0 $letter")"
            wait_event 3000 "$round" keeper_died slot=0 "keeper=$letter"
            wait_until 2000 has_process "prefork-upper: keeper 0 $letter"
        done
    done
    kill_worker 0
    wait_event 3000 1 worker_replaced slot=0
    happened 'the load goes on after the last kill' load_goes_on
    load_wait
    local held
    held=$(event_value connections worker_died)
    happened "$(event_count keeper_died slot=0) keepers died" same "$(event_count keeper_died slot=0)" 10
    happened "then the worker died with $held connections" is "$held" -gt 0
    hit "$(json .control.lost) of 200 clients were lost" same "$load_code" 0
    for letter in a b; do
        recovered "keeper $letter is there again" has_process "prefork-upper: keeper 0 $letter"
    done
    recovered "the worker was replaced after $(event_value gap_ms worker_replaced) ms" between 0 "$(event_value gap_ms worker_replaced)" 1000
    nothing_left
}
