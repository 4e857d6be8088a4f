# shellcheck shell=bash
# clone fails in the supervisor while it adds slots, then in keepers while workers die: all is done a little later, nobody notices.

scenario() {
    server_start -w 2 --control "$work/control.sock" && workers_ready 2
    remember_state
    local i began took
    load_start -c 200 -d 8s --kill none
    load_is_on 200
    trial clone:EAGAIN:1/1@supervisor
    operate scale 4 & # it cannot be done yet
    local scaling=$!
    happened 'the supervisor could not make a keeper' wait_until 5000 struck_at_least 2 clone supervisor
    happened 'and says so' wait_event 2000 1 failed what=clone why=EAGAIN
    trial off
    began=$(now_ms)
    wait "$scaling" && took=$(($(now_ms) - began))
    recovered "then the two slots were there after ${took:-no} ms" between 0 "${took:-x}" 3000
    operate scale 2
    wait_until 5000 two_workers

    trial clone:ENOMEM:1/2@keeper
    for i in 0 1 0 1 0 1; do
        kill_worker "$i"
        wait_until 3000 slot_lives "$i"
    done
    happened "keepers could not make a worker $(shots clone keeper) times" struck_at_least 1 clone keeper
    trial off
    happened 'the load goes on after that' load_goes_on
    load_wait
    hit 'six workers died, the killed ones' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '6 0 0'
    long_lived_clients_noticed_nothing 200
    recovered "the longest silence that a client felt was $(json .silence_ms.max) ms" is "$(json .silence_ms.max)" -lt 3000
    nothing_left
}

two_workers() { [[ $(worker_pids | wc -l) -eq 2 ]]; }
slot_lives() { is "$(event_value generation worker_replaced "slot=$1")" -gt "$(event_value generation worker_died "slot=$1")"; }
