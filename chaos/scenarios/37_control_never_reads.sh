# shellcheck shell=bash
# Sixty clients pester the control socket and never read, while workers die under load: commands, replacements and clients are not delayed.

command_times() { # COUNT: how long each of so many commands took, in ms; "failed" for one that was not answered
    local i begin
    for ((i = 0; i < $1; i++)); do
        begin=$(now_ms)
        if "$BUILD/prefork-upper" status --control "$work/control.sock" --timeout 5s >/dev/null 2>&1; then
            echo $(($(now_ms) - begin))
        else
            echo failed
        fi
        pause_ms 100
    done
}

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    load_start -c 300 -d 10s --kill none
    load_is_on 300
    python3 chaos/clients.py pester "$work/control.sock" 60 9000 >"$work/pester.json" &
    local pestering=$!
    command_times 25 >"$work/times" &
    local asking=$!
    kill_workers_every 200 7 >/dev/null
    wait "$asking"
    wait "$pestering"
    load_wait

    local slowest gap
    slowest=$(sort -n "$work/times" | tail -n 1)
    gap=$(events worker_replaced | sed -n 's/.* gap_ms=\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
    happened "$(jq .connected "$work/pester.json") control clients came, $(jq .asked "$work/pester.json") requests were never read" \
        jq -e '.connected > 100 and .asked > 1000 and .sent_away > 60' "$work/pester.json"
    happened "$(deaths_logged) workers died" is "$(deaths_logged)" -ge 20
    hit "the 300 clients of the load saw no fault; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no command of 25 was refused or late' same "$(grep -c failed "$work/times")" 0
    hit 'the supervisor lived through it' same "$(event_count supervisor_died)$(event_count supervisor_hangs)" 00
    recovered "the slowest command took $slowest ms" between 0 "$slowest" 3000
    recovered "the slowest replacement took $gap ms" between 0 "$gap" 1000
    recovered 'a new client is served' serves
    nothing_left
}
