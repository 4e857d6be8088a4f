# shellcheck shell=bash
# One worker with 10,000 connections dies five times: no error, and no client waits much longer than without a death.

scenario() {
    [[ $(ulimit -Hn) -ge 12000 ]] || skip "10,000 connections need a descriptor limit of 12,000, here it is $(ulimit -Hn)"
    ulimit -Sn "$(ulimit -Hn)"
    server_start -w 1 && workers_ready 1
    load -c 10000 -r 5000 -d 5s --kill none
    calm_ms=$(json '.silence_ms.max | floor')
    hit 'without a death loadtool passes' same "$load_code" 0
    # Each run has a server of its own, as the calm one had: a second load begins slower, deaths or not, since the ports
    # of its clients come out of TIME_WAIT. A machine that is busy with other things can hold everybody up:
    # one quiet run of three is enough.
    local round
    for round in 1 2 3; do
        server_stop_now
        server_start -w 1 && workers_ready 1
        remember_state
        five_deaths
        [[ $longest_ms -ge $((calm_ms + 150)) ]] || break
        echo "run $round: $longest_ms ms"
    done
    recovered "the longest silence was $longest_ms ms, without deaths $calm_ms ms" is "$longest_ms" -lt $((calm_ms + 150))
    memory_growth_kb_max=16384 # tables of 10,000 connections
    nothing_left
}

# five_deaths: one load, five deaths, no error.
five_deaths() {
    load_start -c 10000 -r 5000 -d 7s --kill none
    load_is_on 10000 && all_accepted 10000
    local i held
    for i in 1 2 3 4 5; do
        kill_worker 0
        pause_ms 500
    done
    load_wait
    held=$(event_value connections worker_died) longest_ms=$(json '.silence_ms.max | floor')
    happened "the worker died $(deaths_logged) times, the last time with $held connections" \
        same "$(deaths_logged) $held" '5 10000'
    hit "of 10000 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
}
