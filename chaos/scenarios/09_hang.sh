# shellcheck shell=bash
# A client whose bytes make the service loop for ever: its worker is ended, it is reset, the others wait, no more.

scenario() {
    server_start -w 4 --service faulty --hang-timeout 500ms && workers_ready 4
    remember_state
    load_start -c 200 -d 5s --kill none
    load_is_on 200
    hit 'the client that sent !HANG!!! was reset' poison '!HANG!!!'
    wait_event 5000 1 worker_replaced
    load_wait
    happened "a worker was ended for its hang: $(event_value cause worker_died)" same "$(deaths_logged)" 1
    hit "of 200 other clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered "the longest silence was $(json .silence_ms.max) ms, the hang timeout being 500" between 400 "$(json .silence_ms.max)" 5000
    nothing_left
}
