# shellcheck shell=bash
# The wall clock is set ten days ahead, then a year back, under load while workers die: no deadline hears of it, the log tells the new time.

scenario() {
    local library
    library=$(compgen -G '/usr/lib/*/faketime/libfaketime.so.1') || skip 'there is no libfaketime (package libfaketime)'
    set_clock '+0'
    server_prefix=(env "LD_PRELOAD=$library" FAKETIME_TIMESTAMP_FILE="$PWD/$work/clock" FAKETIME_NO_CACHE=1
        FAKETIME_DONT_FAKE_MONOTONIC=1)
    server_start -w 4 --idle-timeout 2s --hang-timeout 500ms && workers_ready 4
    remember_state
    load_start -c 200 -d 7s --kill none
    load_is_on 200
    python3 chaos/clients.py wait_for_fin "$server_address" 20 >"$work/idle.json" & local idle=$!
    local step slot=0 offset
    for step in +10d -365d; do
        set_clock "$step"
        kill_worker "$slot"
        wait_event 3000 1 worker_replaced "slot=$slot"
        offset=$(log_ahead_s "$slot")
        happened "the clock was set $step: the log of a death is $offset s ahead of us" is_step "$step" "$offset"
        slot=$((slot + 1))
        pause_ms 1000 # longer than a hang would take
    done
    wait "$idle"
    recovered 'silent clients are ended by the idle timeout as ever' says "$work/idle.json" '.fin == 20'
    happened 'the load goes on meanwhile' load_goes_on
    load_wait
    hit 'nobody else died, nobody was ended' same "$(deaths_logged) $(event_count worker_killed) $(event_count supervisor_died)" '2 0 0'
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered 'a new client is served' serves
    nothing_left
}

set_clock() { echo "$1" >"$work/clock.new" && mv "$work/clock.new" "$work/clock"; }

# log_ahead_s SLOT: by how much the time of its last death is ahead of the clock of this machine.
log_ahead_s() { echo $(($(date -d "$(events worker_died "slot=$1" | tail -n 1 | sed 's/ .*//')" +%s) - $(date +%s))); }

# is_step STEP_DAYS SECONDS: is it that far, give or take a minute?
is_step() { between $((${1%d} * 86400 - 60)) "$2" $((${1%d} * 86400 + 60)); }
