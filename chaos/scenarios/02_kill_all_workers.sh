# shellcheck shell=bash
# All four workers die in the same moment under load, three times: nobody notices.
# quick

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 4s --kill none
    load_is_on 200
    hit 'the workers have taken all 200' all_accepted 200
    local round pids
    for round in 1 2 3; do
        mapfile -t pids < <(worker_pids)
        fault_now "all workers die, round $round"
        kill -KILL "${pids[@]}"
        wait_event 3000 $((4 * round)) worker_replaced
    done
    happened 'the load goes on after the last kill' load_goes_on
    recovered 'a new client is served' serves
    load_wait

    happened 'twelve workers died of SIGKILL' same "$(deaths_logged cause=SIGKILL)" 12
    happened 'each time they held all 200 connections' same "$(event_sum connections worker_died)" 600
    hit "of 200 clients $(json .control.lost) were lost" same "$load_code" 0
    local gap
    gap=$(event_value gap_ms worker_replaced)
    recovered "the last successor served after $gap ms" between 0 "$gap" 1000
    nothing_left
}
