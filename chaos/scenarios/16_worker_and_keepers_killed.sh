# shellcheck shell=bash
# The honest limit: a worker and both its keepers die in one moment. Its connections end, all others go on.

scenario() {
    server_start -w 2 && workers_ready 2
    load_start -c 200 -d 4s --kill none
    load_is_on 200
    local a b group
    a=$(process_titled 'prefork-upper: keeper 0 a') b=$(process_titled 'prefork-upper: keeper 0 b')
    group=$(process_group "$(worker_pid 0)")
    happened 'the worker and its keepers are a process group' same "$(process_group "$a") $(process_group "$b")" "$group $group"
    fault_now 'a worker and both its keepers die'
    kill -KILL -- "-$group"
    happened 'the log says that connections are lost' wait_event 3000 1 connections_lost slot=0
    figure fault_times 3 'a worker and its two keepers died'
    recovered 'a new client is served' wait_until 2000 serves
    load_wait
    local lost
    lost=$(event_value lost connections_lost)
    hit "the log says $lost, and the load lost $(json .control.lost)" same "$lost" "$(json .control.lost)"
    expect_hit "$lost"
    hit 'that is its share, not all' between 1 "$lost" 199
    hit 'no client got a wrong byte' no_wrong_bytes
    load -c 100 -d 1s --kill none
    recovered '100 new clients are served without a fault' same "$load_code" 0
    check left 'no connection is left' wait_until 5000 sockets_none
    server_stop_now
}
