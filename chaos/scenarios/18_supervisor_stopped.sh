# shellcheck shell=bash
# The supervisor is stopped under load and a worker dies: the master ends the supervisor, its successor replaces the worker.

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 5s --kill none
    load_is_on 200
    fault_now 'the supervisor is stopped, a worker dies'
    kill -STOP "$(process_titled 'prefork-upper: supervisor')"
    kill -KILL "$(worker_pid 3)"
    recovered 'the worker was replaced' wait_event 5000 1 worker_started slot=3 generation=2
    happened 'the load goes on after that' load_goes_on
    load_wait
    local held
    held=$(event_value connections worker_died slot=3)
    happened 'the supervisor was ended' same "$(event_count supervisor_died)" 1
    happened "the worker held $held connections" is "$held" -gt 0
    hit "of 200 clients $(json .control.lost) were lost" same "$load_code" 0
    recovered "the longest silence was $(json .silence_ms.max) ms, the master waits 1000" between 500 "$(json .silence_ms.max)" 5000
    nothing_left
}
