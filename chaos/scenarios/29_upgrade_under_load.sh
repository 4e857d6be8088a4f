# shellcheck shell=bash
# Ten upgrades, to two versions in turn, under 500 long-lived clients: nobody notices, and the master keeps its pid.

scenario() {
    server_start_upgraded
    local i done=0 pid=$server_pid
    load_start -c 500 -d 20s --kill none
    load_is_on 500
    for i in {1..10}; do
        upgrade_to "$(image "$( ((i % 2)) && echo after_next || echo next)")" && done=$((done + 1))
    done
    happened 'the load goes on after the last upgrade' load_goes_on
    load_wait
    happened "$done upgrades were done, each slot went over in each of them" same "$done $(event_count worker_replaced)" '10 44'
    hit 'nobody died' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '0 0 0'
    hit 'the master is the process that was started' same "$(process_title "$pid")" 'prefork-upper: master'
    long_lived_clients_noticed_nothing 500
    recovered "no client waited for 2 s" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}
