# shellcheck shell=bash
# Clients that send for ever and never read, and clients that say nothing: their deadlines end them, nobody else.

scenario() {
    server_start -w 4 --write-timeout 1s --idle-timeout 2s && workers_ready 4
    remember_state
    load_start -c 200 -d 6s
    load_is_on 200
    fault_now 'clients that never read, clients that say nothing'
    python3 chaos/clients.py never_read "$server_address" 20 >"$work/never_read.json" &
    local never_reading=$!
    python3 chaos/clients.py wait_for_fin "$server_address" 200 >"$work/silent.json"
    local silent_code=$?
    wait "$never_reading"
    load_wait

    happened '20 clients that never read were reset' jq -e '.reset == 20' "$work/never_read.json"
    happened '200 silent clients got a FIN' same "$silent_code" 0
    figure fault_times 220 'clients that never read, or say nothing'
    others_hit $(($(jq .reset "$work/never_read.json") + $(jq .fin "$work/silent.json"))) 220
    hit 'the 200 clients of the load saw no fault' same "$load_code" 0
    hit 'no worker died' same "$(deaths_logged)" 0
    recovered 'a new client is served' serves
    nothing_left
    hit "the server counted $(event_sum closed_write slot_summary) and $(event_sum closed_idle slot_summary)" \
        same "$(event_sum closed_write slot_summary) $(event_sum closed_idle slot_summary)" '20 200'
}
