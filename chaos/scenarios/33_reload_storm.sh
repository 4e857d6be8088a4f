# shellcheck shell=bash
# Ten reloads that change settings, then a thousand HUPs within a second, under 500 long-lived clients: nobody notices, and few reloads are made of them.

write_config() { printf 'workers = 4\nhang-timeout = %ss\nidle-timeout = %sm\n' "$1" "$1" >"$work/server.conf"; }

# A thousand, ten every 10 ms.
storm() {
    local i j
    for i in {1..100}; do
        for j in {1..10}; do kill -HUP "$server_pid"; done
        pause_ms 10
    done
}

scenario() {
    write_config 2
    server_start -c "$work/server.conf" --control "$work/control.sock" && workers_ready 4
    remember_state
    local i begin took done=0 before
    load_start -c 500 -d 16s --kill none
    load_is_on 500
    for i in {3..12}; do
        write_config "$i"
        operate reload && done=$((done + 1))
    done
    happened "$done reloads were done, each with changed settings" \
        same "$done $(events reloaded | grep -c 'changed="idle-timeout hang-timeout"')" '10 10'
    happened 'each of the four workers was made anew each time' same "$(event_count worker_replaced)" 40
    before=$(event_count reloaded)
    begin=$(now_ms)
    fault_now 'a thousand HUPs'
    storm
    fault_over 'the last of them'
    took=$(($(now_ms) - begin))
    happened "1000 HUPs in $took ms became $(($(event_count reloaded) - before)) reloads" \
        between 2 "$(($(event_count reloaded) - before))" 20
    recovered 'then a reload is done as ever' operate reload
    happened 'the load goes on after the storm' load_goes_on
    load_wait
    hit 'nobody died' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '0 0 0'
    long_lived_clients_noticed_nothing 500
    recovered "no client waited for 2 s" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}
