# shellcheck shell=bash
# Ctrl-C in a terminal under load: the whole foreground group gets SIGINT, the server drains in order and says so.
# quick

scenario() {
    mkfifo "$work/keys"
    server_prefix=(python3 chaos/terminal.py "$work/keys")
    server_start -w 4 --drain-timeout 10s && workers_ready 4
    load_start -c 300 -d 3s --kill none
    load_is_on 300
    hit 'the workers have taken all 300' all_accepted 300
    fault_now 'Ctrl-C'
    printf '\3' >"$work/keys" # Ctrl-C
    wait_event 2000 1 draining
    load_wait
    local finished
    finished=$(now_ms)
    server_wait 8000
    happened "SIGINT came to $(event_value connections draining) connections" same "$(event_value connections draining)" 300
    hit "no worker died, and of 300 clients $(json .control.lost) were lost" same "$load_code$(deaths_logged)" 00
    hit "$(event_value by_client drained) left by themselves" same "$(event_value by_client drained) $(event_value by_deadline drained)" '300 0'
    recovered "the server ended $(($(now_ms) - finished)) ms after its last client" between 0 $(($(now_ms) - finished)) 2000
    figure fault_times 1 "SIGINT came to $(event_value connections draining) connections"
    ended_whole 0
}
