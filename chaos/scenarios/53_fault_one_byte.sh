# shellcheck shell=bash
# Each send gives one byte, looks and takes are short, and workers die amid that: every answer is whole, in order and given once.

scenario() {
    server_start -w 2 --control "$work/control.sock" && workers_ready 2
    remember_state
    load_start -c 50 -d 7s --kill halfclose:10%,slowread:10%
    load_is_on 45
    trial send:short=1:1/1,peek:short:1/2
    happened 'sends of one byte' wait_until 5000 struck_at_least 10000 send worker
    happened 'and short looks' wait_until 5000 struck_at_least 1000 peek worker
    kill_worker 0
    kill_worker 1
    trial send:short:1/3,peek:short:1/3,take:short:1/2
    happened 'then short takes, of sends of any length' wait_until 5000 struck_at_least 1000 take worker
    wait_event 3000 2 worker_replaced
    kill_worker 0
    kill_worker 1
    happened 'the load goes on after the last kill' load_goes_on
    load_wait
    trial off
    hit 'four workers died, the killed ones' same "$(deaths_logged)" 4
    hit "of clients that stay $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    recovered 'a new client is served' serves
    nothing_left
}
