# shellcheck shell=bash
# All four workers die in the same moment under load: all come back, and new clients are served.
# quick

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 3s --kill none
    load_is_on 200
    local pids
    mapfile -t pids < <(worker_pids)
    kill -KILL "${pids[@]}"
    wait_event 3000 4 worker_replaced
    recovered 'a new client is served' serves
    load_wait

    local gap
    gap=$(event_value gap_ms worker_replaced)
    happened "four workers died of SIGKILL" same "$(deaths_logged cause=SIGKILL)" 4
    hit "they held $(event_sum connections worker_died) connections, the load lost $(json .control.lost)" \
        same "$(json .control.lost)" "$(event_sum connections worker_died)"
    hit 'that is everybody' same "$(json .control.lost)" 200
    recovered "the last successor served after $gap ms" between 0 "$gap" 1000
    load -c 200 -d 1s --kill none
    recovered '200 new clients are served without a fault' same "$load_code" 0
    nothing_left
}
