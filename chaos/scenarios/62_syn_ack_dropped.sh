# shellcheck shell=bash
# The server's SYN-ACKs do not arrive for 2 s: who is connected notices nothing, 200 new clients get in as soon as they may.

scenario() {
    in_netlab
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 100 -d 8s --kill none
    load_is_on 100
    netlab drop synack
    netlab client "$BUILD/loadtool" "$server_address" -c 200 -d 1s --connect-timeout 10s --kill none \
        --json "$work/new.json" >"$work/new.txt" 2>&1 &
    local new=$! code
    wait_until 5000 half_open
    happened "$(half_open_count) clients stand between SYN and ACK" half_open
    pause_ms 2000
    hit 'none of the new ones is connected' same "$(sockets established)" 100
    hit 'a new client of this host is served meanwhile' serves
    netlab heal
    wait "$new"
    code=$?
    recovered "all 200 got in; loadtool says $(jq -r .verdict "$work/new.json")" same "$code" 0
    happened 'the load goes on after that' load_goes_on
    load_wait
    happened "$(netlab counted synack) SYN-ACKs were dropped" is "$(netlab counted synack)" -ge 200
    hit "of the first 100 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit "and none of them waited: $(json '.silence_ms.max | floor') ms at most" is "$(json .silence_ms.max)" -lt 1000
    check left 'no half-open connection' same "$(half_open_count)" 0
    nothing_left
}

half_open_count() { sockets syn-recv; }
half_open() { [[ $(half_open_count) -ge 100 ]]; }
