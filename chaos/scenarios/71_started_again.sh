# shellcheck shell=bash
# Every process of the server dies at once under 100 clients, and it is started again on the same port: how soon is a client served?
# any server

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 100 -d 10s --kill none
    load_is_on 100
    local all pid started lost
    mapfile -t all < <(server_processes)
    started=$(now_ms)
    fault_now "all ${#all[@]} processes get SIGKILL"
    kill -KILL "${all[@]}"
    happened "${#all[@]} processes died" wait_until 5000 all_ended "${all[@]}"
    figure fault_times "${#all[@]}"
    wait "$server_pid" 2>/dev/null
    bind_to=$server_address server_start -w 4
    recovered 'a new client is served' wait_until 5000 serves
    figure first_good_ms $(($(now_ms) - started)) 'from the deaths to the first reply of the new server'
    load_wait
    lost=$(json '.control.lost')
    expect_hit 100
    hit "all 100 clients were lost, as they had to be: $lost" same "$lost" 100
    hit 'no client got a wrong byte' no_wrong_bytes
    workers_ready 4
    load -c 100 -d 1s --kill none
    hit '100 new clients are served without a fault' same "$load_code" 0
    nothing_left
}

all_ended() { local pid; for pid in "$@"; do process_ended "$pid" || return 1; done; }
