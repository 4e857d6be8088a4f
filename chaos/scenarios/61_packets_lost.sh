# shellcheck shell=bash
# Of all packets 1 % is lost, then 10 %, counted, while a worker dies every 50 ms: every answer is whole all the same.

scenario() {
    in_netlab
    server_start -w 4 && workers_ready 4
    remember_state
    lossy 1
    lossy 10
    netlab heal
    recovered 'a new client is served' serves
    load -c 100 -d 1s --kill none
    recovered "on a whole wire nobody waits: $(json '.silence_ms.max | floor') ms at most" is "$(json .silence_ms.max)" -lt 1000
    nothing_left
}

# lossy PERCENT: both hosts drop each 100/PERCENT-th packet that arrives, whatever it is.
lossy() {
    local arrived lost sent
    arrived=$(netlab counted arrived) lost=$(netlab counted lost)
    netlab heal && netlab loss "$1"
    load_start -c 100 -d 3s -s 64:90,4K:10 --kill none --timeout 20s
    load_is_on 90
    sent=$(kill_workers_every 50 1)
    load_wait
    arrived=$(($(netlab counted arrived) - arrived)) lost=$(($(netlab counted lost) - lost))
    happened "of $arrived packets $lost were lost: $1 %" between $((arrived * $1 / 101 - 5)) "$lost" $((arrived * $1 / 99 + 5))
    happened "$lost are enough to prove something, and $sent kills" is "$lost" -ge 50
    hit "of 100 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    recovered "the longest silence was $(json '.silence_ms.max | floor') ms" is "$(json .silence_ms.max)" -lt 15000
}
