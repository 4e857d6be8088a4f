# shellcheck shell=bash
# Every process of the server is stopped for 10 s, as when a laptop sleeps or a container is paused, and goes on: nobody is taken for hanging, nobody is lost.

scenario() {
    server_start -w 4 --hang-timeout 500ms && workers_ready 4
    remember_state
    load_start -c 200 -d 14s --kill none --timeout 30s
    load_is_on 200
    all_accepted 200
    local pids supervisor
    mapfile -t pids < <(server_processes)
    supervisor=$(process_titled 'prefork-upper: supervisor')
    kill -STOP "${pids[@]}"
    happened 'all are stopped' wait_until 2000 all_stopped "${pids[@]}"
    kill -KILL "$(worker_pid 2)" # a death that nobody can take for 10 s
    pause_ms 10000
    kill -CONT "${pids[@]}" 2>/dev/null
    recovered 'a new client is served' wait_until 3000 serves
    recovered 'the one that died meanwhile is replaced' wait_event 3000 1 worker_replaced slot=2
    pause_ms 2000 # longer than a hang would take
    happened 'the load goes on after that' load_goes_on
    load_wait
    happened "the longest silence was $(json '.silence_ms.max | floor') ms" between 9000 "$(json .silence_ms.max)" 14000
    hit 'nobody was ended' same "$(deaths_logged) $(event_count worker_killed) $(event_count supervisor_hangs) $(event_count keeper_killed)" '1 0 0 0'
    hit 'the supervisor is the same' same "$(process_titled 'prefork-upper: supervisor')" "$supervisor"
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    nothing_left
}

all_stopped() {
    local pid stat
    for pid; do
        { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
        [[ ${stat##*) } == T* ]] || return 1
    done
}
