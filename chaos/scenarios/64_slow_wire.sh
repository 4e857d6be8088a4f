# shellcheck shell=bash
# The wire lets 8 megabits a second through and drops the rest, and two workers die: 50 clients with messages of 20 KB share it, every answer is whole.

scenario() {
    in_netlab
    netlab rate 8mbit || skip "$(netlab rate 8mbit 2>&1)"
    server_start -w 4 --write-timeout 5s && workers_ready 4
    remember_state
    load_start -c 50 -s 20K -d 4s --kill none --timeout 20s
    load_is_on 50
    all_accepted 50
    local slot
    for slot in 0 2; do
        kill_worker "$slot"
        wait_event 3000 1 worker_replaced "slot=$slot"
    done
    load_wait
    happened "$(netlab counted limited) packets had to wait" is "$(netlab counted limited)" -ge 500
    happened "$(json '.rate.mbytes_per_s * 8 | floor') megabits a second were answered" json_is '.rate.mbytes_per_s * 8 <= 8'
    happened 'two workers died' same "$(deaths_logged)" 2
    hit "of 50 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    netlab heal
    recovered 'a new client is served' serves
    load -c 50 -s 20K -d 1s --kill none
    recovered "without the limit it is $(json '.rate.mbytes_per_s * 8 | floor')" json_is '.rate.mbytes_per_s * 8 > 16'
    nothing_left
}
