# shellcheck shell=bash
# Without keepers (--protect off) a worker dies under the load of 500 clients: exactly its own connections are lost.
# quick

scenario() {
    server_start -w 4 --protect off && workers_ready 4
    remember_state
    load_start -c 500 -d 3s --kill none
    load_is_on 500
    kill_worker 2
    wait_event 3000 1 worker_replaced slot=2
    recovered 'a new client is served while the others go on' serves
    load_wait

    local held lost gap
    held=$(event_value connections worker_died slot=2) lost=$(json .control.lost) gap=$(event_value gap_ms worker_replaced)
    happened "one worker died of $(event_value cause worker_died)" same "$(deaths_logged cause=SIGKILL slot=2)" 1
    hit "it held $held connections, the load lost $lost" same "$lost" "$held"
    expect_hit "$held"
    hit 'that is some, and far from all' between 1 "$lost" 400
    hit 'no client got a wrong byte' no_wrong_bytes
    recovered "its successor served after $gap ms" between 0 "$gap" 1000
    nothing_left
}
