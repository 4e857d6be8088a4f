# shellcheck shell=bash
# Clients reset their connections, and no RST arrives: to the server they seem to be there, until its deadlines end them; nobody else notices.

scenario() {
    in_netlab
    server_start -w 4 --idle-timeout 2s --write-timeout 2s && workers_ready 4
    remember_state
    load_start -c 200 -d 6s --kill none
    load_is_on 200
    netlab drop rst
    netlab client "$BUILD/loadtool" "$server_address" -c 100 -d 1s --kill rst:90% --json "$work/resets.json" >"$work/resets.txt" 2>&1
    local resets ghosts
    resets=$(jq .disconnects.rst.done "$work/resets.json")
    ghosts=$(($(sockets established) - 200))
    happened "$resets clients reset their connection, $(netlab counted rst) RSTs were dropped" is "$(netlab counted rst)" -ge "$resets"
    happened "$ghosts connections have no other end" is "$ghosts" -ge $((resets / 2))
    recovered "the deadlines ended all of them" wait_until 6000 no_more_than 200
    netlab heal
    happened 'the load goes on after that' load_goes_on
    load_wait
    hit "of the other 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit "and none of them waited: $(json '.silence_ms.max | floor') ms at most" is "$(json .silence_ms.max)" -lt 1000
    hit 'no worker died' same "$(deaths_logged)" 0
    recovered 'a new client is served' serves
    nothing_left
    happened "the server ended $(($(event_sum closed_idle slot_summary) + $(event_sum closed_write slot_summary))) itself" \
        is "$(($(event_sum closed_idle slot_summary) + $(event_sum closed_write slot_summary)))" -ge "$ghosts"
}

no_more_than() { [[ $(sockets established) -le $1 ]]; }
