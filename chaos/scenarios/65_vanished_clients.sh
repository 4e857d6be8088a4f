# shellcheck shell=bash
# The host of 150 clients vanishes, without FIN or RST: the server's deadlines end them, the kernel's keepalive would; clients elsewhere notice nothing.

scenario() {
    in_netlab
    server_start -w 4 --idle-timeout 5s --write-timeout 1s && workers_ready 4
    remember_state
    netlab client python3 chaos/clients.py hold "$server_address" 50 20000 >"$work/silent.json" 2>&1 &
    netlab client "$BUILD/loadtool" "$server_address" -c 100 -s 200K -d 20s --kill none >"$work/vanished.txt" 2>&1 &
    wait_until 5000 sockets_at_least established 150
    load_prefix=() # on the server's own host
    load_start -c 100 -d 9s --kill none
    load_is_on 250
    all_accepted 250
    netlab vanish
    local timers
    timers=$(with_kernel_timer)
    happened "the clients' host is gone: $(netlab counted vanished) packets of it were dropped" is "$(netlab counted vanished)" -ge 1
    happened 'to the server its 150 clients seem to be there' is "$(sockets established)" -ge 250
    hit "each of them has the kernel's timer of keepalive or of an answer: $timers" is "$timers" -ge 150
    recovered 'the deadlines ended them' wait_until 10000 no_more_than 100
    load_wait
    hit "of the 100 clients elsewhere $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit "and none of them waited: $(json '.silence_ms.max | floor') ms at most" is "$(json .silence_ms.max)" -lt 1000
    hit 'no worker died' same "$(deaths_logged)" 0
    recovered 'a new client is served' serves
    nothing_left
    hit "the server counted $(event_sum closed_write slot_summary) that took no answer and $(event_sum closed_idle slot_summary) idle ones" \
        same "$(($(event_sum closed_write slot_summary) + $(event_sum closed_idle slot_summary)))" 150
}

with_kernel_timer() { ss -Htno state established "( sport = :$server_port ) and dst 192.0.2.2" | grep -c 'timer:('; }
no_more_than() { [[ $(sockets established) -le $1 ]]; }
