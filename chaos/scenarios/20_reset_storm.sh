# shellcheck shell=bash
# 500 clients, all of which reset their connections with a request outstanding, again and again.
# quick
# any server

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 510 -d 4s --kill rst:98%
    fault_now 'clients reset their connections from here on'
    load_wait

    local resets
    resets=$(json .disconnects.rst.done)
    happened "$resets clients reset their connection" is "$resets" -ge 500
    hit 'the clients that did not reset were served without a fault' same "$load_code" 0
    ! ours || hit 'no worker died' same "$(deaths_logged)" 0
    recovered 'a new client is served' serves
    nothing_left
    ours || return 0
    local counted
    counted=$(event_sum closed_reset slot_summary)
    happened "the server counted $counted connections that ended by reset" is "$counted" -ge $((resets / 2))
}
