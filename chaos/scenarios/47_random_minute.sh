# shellcheck shell=bash
# Twenty disturbances within a minute, chosen by the seed: deaths, stops, upgrades, reloads, resizes, storms of clients; 300 long-lived clients notice none.

disturbances=(worker_dies worker_stops keeper_dies supervisor_dies supervisor_stops
    upgrade reload resize restart clients_storm)

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

# counted_up NAME DEADLINE_MS COMMAND...: the command is followed by one event more of that name.
counted_up() {
    local before
    before=$(event_count "$1")
    "${@:3}" && wait_event "$2" $((before + 1)) "$1"
}

# pick LETTER...: sets picked, a process of a slot of chance: w(orker), a or b (keepers).
pick() {
    local pids index=$((RANDOM % ${#slots[@]}))
    read -r -a pids <<<"${slots[index]}"
    case $1 in w) picked=${pids[0]} ;; a) picked=${pids[1]} ;; b) picked=${pids[2]} ;; esac
    what="$(process_title "$picked") gets SIG${2:-KILL}"
}

worker_dies() {
    local signals=(KILL SEGV ABRT BUS)
    pick w "${signals[RANDOM % 4]}"
    counted_up worker_replaced 5000 kill -s "${what##*SIG}" "$picked"
}
worker_stops() { pick w STOP && counted_up worker_killed 8000 kill -STOP "$picked"; }
keeper_dies() {
    local letters=(a b)
    pick "${letters[RANDOM % 2]}" && counted_up keeper_died 5000 kill -KILL "$picked"
}
supervisor_dies() { counted_up supervisor_started 5000 kill -KILL "$supervisor"; }
supervisor_stops() { counted_up supervisor_started 8000 kill -STOP "$supervisor"; }
upgrade() {
    local images=(next after_next)
    upgrades=$((upgrades + 1)) what="to ${images[upgrades % 2]}"
    operate upgrade "$(image "${images[upgrades % 2]}")"
}
reload() { counted_up reloaded 5000 kill -HUP "$server_pid"; }
resize() {
    wanted=$((2 + RANDOM % 5)) what="to $wanted workers"
    operate scale "$wanted"
}
restart() { # of two slots that never go out: one that does is not made anew
    what="of slot $((RANDOM % 2))"
    operate restart "${what##* }"
}
clients_storm() {
    "$BUILD/loadtool" "$server_address" -c 100 -d 1s --kill fin:30%,rst:30%,halfclose:30% --seed "$seed" >"$work/storm.txt" 2>&1
    what="$(head -n 1 "$work/storm.txt")"
    [[ $what == PASS* ]]
}
