# shellcheck shell=bash
# Twenty clients send as much as they can and read 4 KB every now and then, for longer than the write timeout: each gets every byte, nobody else waits.

scenario() {
    server_start -w 4 --write-timeout 3s && workers_ready 4
    remember_state
    load_start -c 200 -d 6s --kill none
    load_is_on 200
    python3 chaos/clients.py read_slowly "$server_address" 20 5000 >"$work/slow.json" &
    local slow=$! waiting
    pause_ms 4500 # more than the write timeout
    waiting=$(sockets_with_unsent)
    happened "answers wait for $waiting clients" is "$waiting" -ge 18
    wait "$slow"
    load_wait
    hit "$(jq -c . "$work/slow.json")" says "$work/slow.json" '.whole == 20'
    hit "of 200 other clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no worker died' same "$(deaths_logged)" 0
    recovered 'no other client waited for 2 s' is "$(json .silence_ms.max)" -lt 2000
    recovered 'a new client is served' serves
    nothing_left
    happened "the server could not go on $(event_sum blocked slot_summary) times" is "$(event_sum blocked slot_summary)" -ge 20
    hit 'the write timeout ended nobody' same "$(event_sum closed_write slot_summary)" 0
}

# Connections of the server with so much in the send queue that the client's window is full.
sockets_with_unsent() { ss -Htn state established "( sport = :$server_port )" | awk '$2 > 16384' | wc -l; }
