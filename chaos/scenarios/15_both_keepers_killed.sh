# shellcheck shell=bash
# Both keepers of a slot die in one moment, the worker lives: it serves what it holds, a fresh slot takes new clients.
# quick

scenario() {
    server_start -w 2 && workers_ready 2
    load_start -c 200 -d 4s --kill none
    load_is_on 200
    fault_now 'both keepers die'
    kill_unseen "$(process_titled 'prefork-upper: keeper 0 a')" "$(process_titled 'prefork-upper: keeper 0 b')"
    wait_event 3000 1 slot_unprotected slot=0
    recovered 'a fresh slot has a worker' wait_event 3000 1 worker_started slot=2
    recovered 'a new client is served' serves
    load_wait
    happened 'both keepers died' same "$(event_count keeper_died slot=0)" 2
    hit "no worker died, and of 200 clients $(json .control.lost) were lost" same "$load_code$(deaths_logged)" 00
    check left 'no connection is left' wait_until 5000 sockets_none
    server_stop_now
}
