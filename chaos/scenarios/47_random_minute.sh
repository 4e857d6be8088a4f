# shellcheck shell=bash
# Twenty disturbances within a minute, chosen by the seed: deaths, stops, upgrades, reloads, resizes, storms of clients; 300 long-lived clients notice none.

# shellcheck source=chaos/disturbances.sh
source chaos/disturbances.sh

scenario() {
    reseed
    slot_numbers=any # one that goes out has another number than one that comes
    server_start_upgraded --hang-timeout 500ms
    local i name begin shown=0
    wanted=4 upgrades=0
    load_start -c 300 -d 60s --think 5ms --kill none --seed "$seed"
    load_is_on 300
    begin=$(now_ms)
    for i in {1..20}; do
        wait_until 5000 is_whole "$wanted" || echo "     not all are there before disturbance $i"
        note_processes
        name=${disturbances[RANDOM % ${#disturbances[@]}]}
        what=''
        if "$name"; then shown=$((shown + 1)); else what+=' (FAIL: it could not be shown)'; fi
        echo "     $((($(now_ms) - begin) / 1000)) s  $name $what" | tee -a "$work/disturbances.txt"
        wait_until 2500 is_past $((begin + i * 2500))
    done
    recovered 'back at four workers' operate scale 4
    wait_until 5000 is_whole 4
    recovered 'a new client is served' serves
    happened 'the load goes on after the last one' load_goes_on
    load_wait 70000
    happened "$shown of 20 disturbances were shown to have happened (chaos/run 47 --seed $seed chooses the same)" same "$shown" 20
    happened "$(deaths_logged) workers, $(event_count keeper_died) keepers, $(event_count supervisor_died) supervisors died; $(event_count operation_done) operations were done" \
        is $(($(deaths_logged) + $(event_count keeper_died) + $(event_count supervisor_died) + $(event_count operation_done))) -ge 10
    long_lived_clients_noticed_nothing 300
    recovered 'no client waited for 5 s' is "$(json .silence_ms.max)" -lt 5000
    nothing_left
}

is_past() { (($(now_ms) >= $1)); }
