# shellcheck shell=bash
# 300 clients connect and say nothing, for 6 s: 50 that talk beside them are served as ever.
# any server

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    python3 chaos/clients.py hold "$server_address" 300 6000 >"$work/hold.json" &
    local holding=$!
    wait_until 5000 sockets_at_least established 300
    load_start -c 50 -d 2s --timeout 2s --kill none
    fault_now '50 clients talk beside 300 mute ones'
    load_wait
    wait "$holding"
    happened "$(jq .open "$work/hold.json") clients were there to the end, and said nothing" is "$(jq .open "$work/hold.json")" -ge 1
    hit 'the 50 that talk were served without a fault' same "$load_code" 0
    others_hit $((300 - $(jq .open "$work/hold.json"))) 0
    recovered 'a new client is served' wait_until 2000 serves
    nothing_left
}
