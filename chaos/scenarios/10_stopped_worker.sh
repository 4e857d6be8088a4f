# shellcheck shell=bash
# A worker is stopped by SIGSTOP under load: it is ended after three times the hang timeout, nobody is lost.

scenario() {
    server_start -w 4 --hang-timeout 500ms && workers_ready 4
    remember_state
    load_start -c 200 -d 6s --kill none
    load_is_on 200
    fault_now 'worker 1 is stopped'
    kill -STOP "$(worker_pid 1)"
    wait_event 6000 1 worker_died slot=1
    happened 'the load goes on after its death' load_goes_on
    load_wait
    local held
    held=$(event_value connections worker_died)
    happened 'the stopped worker was ended' same "$(deaths_logged slot=1)" 1
    happened "the worker held $held connections" is "$held" -gt 0
    hit "of 200 clients $(json .control.lost) were lost" same "$load_code" 0
    recovered "the longest silence was $(json .silence_ms.max) ms, three times the hang timeout being 1500" \
        between 1000 "$(json .silence_ms.max)" 5000
    recovered 'a new client is served' serves
    nothing_left
}
