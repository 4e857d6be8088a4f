# shellcheck shell=bash
# One worker of four dies under the load of 500 clients: nobody notices, its successor goes on with its connections.
# quick

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 500 -d 4s --kill none
    load_is_on 500
    kill_worker 2
    wait_event 3000 1 worker_replaced slot=2
    recovered 'a new client is served while the others go on' serves
    load_wait

    local held gap
    held=$(event_value connections worker_died slot=2) gap=$(event_value gap_ms worker_replaced)
    happened "one worker died of $(event_value cause worker_died)" same "$(deaths_logged cause=SIGKILL slot=2)" 1
    happened "it held $held connections" is "$held" -gt 0
    hit "of 500 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered "its successor served after $gap ms" between 0 "$gap" 1000
    recovered "the longest silence that a client felt was $(json .silence_ms.max) ms" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
    hit "its successor continued $(event_sum continued slot_summary) connections" \
        same "$(event_sum continued slot_summary)" "$held"
}
