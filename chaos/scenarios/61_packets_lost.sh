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

# lossy PERCENT: both hosts drop so many of the packets that arrive, whatever they are.
lossy() {
    local arrived lost sent expected
    arrived=$(netlab counted arrived) lost=$(netlab counted lost)
    netlab heal && netlab loss "$1"
    load_start -c 50 -d 3s -s 64:90,4K:10 --kill none --timeout 60s
    load_is_on 40
    sent=$(kill_workers_every 50 1)
    load_wait 70000
    arrived=$(($(netlab counted arrived) - arrived)) lost=$(($(netlab counted lost) - lost))
    expected=$((arrived * $1 / 100))
    happened "of $arrived packets $lost were lost: $1 %" between $((expected * 9 / 10 - 30)) "$lost" $((expected * 11 / 10 + 30))
    happened "$lost are enough to prove something, and $sent kills" is "$lost" -ge 50
    hit "of 50 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    # TCP waits twice as long after each loss in a row: 0.2, 0.4 ... s. With 10 % either way six in a row do happen.
    recovered "the longest silence was $(json '.silence_ms.max | floor') ms" is "$(json .silence_ms.max)" -lt 55000
}
