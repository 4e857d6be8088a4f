# shellcheck shell=bash
# A random worker dies every 50 ms for 5 s under load: every death is logged and replaced, and the end is calm.

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 6s --kill fin:98% # clients that leave and come back, so that workers have somebody to answer
    load_is_on 150
    local sent
    sent=$(kill_workers_every 50 5)
    load_wait
    wait_until 3000 all_replaced
    happened "$(deaths_logged) deaths are logged of $sent kills" between $((sent * 8 / 10)) "$(deaths_logged)" "$sent"
    happened 'that is a storm' is "$(deaths_logged)" -ge 50
    hit 'no client got a wrong byte' no_wrong_bytes
    hit 'no slot was laid to rest' same "$(event_count slot_rests)" 0
    recovered 'a new client is served' serves
    load -c 200 -d 1s --kill none
    recovered '200 new clients are served without a fault' same "$load_code" 0
    nothing_left
}

all_replaced() { [[ $(event_count worker_replaced) -ge $(deaths_logged) ]]; }
