# shellcheck shell=bash
# Every process of the server is stopped for 2 s under 100 clients, then goes on: they wait, and nobody is lost.
# any server

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 100 -d 5s --kill none
    load_is_on 100
    local all thawed
    mapfile -t all < <(server_processes)
    fault_now "all ${#all[@]} processes are stopped"
    kill -STOP "${all[@]}"
    pause_ms 2000
    kill -CONT "${all[@]}"
    thawed=$(now_ms)
    fault_over 'they go on'
    recovered 'a new client is served' wait_until 2000 serves
    figure first_good_ms $(($(now_ms) - thawed)) 'from the end of the stop'
    load_wait
    happened "the longest silence that a client felt was $(json '.silence_ms.max | floor') ms" is "$(json .silence_ms.max)" -ge 1900
    figure fault_times 1 'all were stopped for 2 s'
    hit "of 100 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    ! ours || hit 'nobody died' same "$(deaths_logged) $(event_count supervisor_died)" '0 0'
    nothing_left
}
