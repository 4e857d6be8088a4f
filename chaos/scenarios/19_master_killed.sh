# shellcheck shell=bash
# The master dies under load: the port is free at once for a new server, old clients are served to the drain deadline.
# quick

scenario() {
    server_start -w 4 && workers_ready 4
    load_start -c 200 -d 2s --kill none
    load_is_on 200
    local left pid started
    mapfile -t left < <(processes_below "$server_pid")
    fault_now 'the master dies'
    kill -KILL "$server_pid"
    wait "$server_pid" 2>/dev/null
    started=$(now_ms)
    happened 'the master died under load' process_ended "$server_pid"
    bind_to=$server_address server_start -w 4
    recovered "a new server had the port after $(($(now_ms) - started)) ms" between 0 $(($(now_ms) - started)) 2000
    recovered 'it serves a new client' serves
    figure first_good_ms $(($(now_ms) - started)) 'from the death to the first reply of the new server'
    load_wait
    hit 'the 200 clients of the old server saw no fault to the end of their load' same "$load_code" 0
    for pid in "${left[@]}"; do wait_until 6000 process_ended "$pid"; done
    check left "the old server's $((${#left[@]})) processes are gone" all_ended "${left[@]}"
    server_stop_now
}

all_ended() { local pid; for pid in "$@"; do process_ended "$pid" || return 1; done; }
