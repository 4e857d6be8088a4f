# shellcheck shell=bash
# A worker dies again and again before it has answered anything: its slot rests, the others serve on, it comes back.
# quick

scenario() {
    server_start -w 3 && workers_ready 3
    remember_state
    crash_at_birth 0
    fault_now 'the last death, the slot rests'
    recovered 'a new client is served by the others' serves
    happened "$(deaths_logged slot=0) workers of slot 0 died in a row" is "$(deaths_logged slot=0 cause=SIGSEGV)" -ge 5
    happened 'the slot was laid to rest' event_seen 1 slot_rests slot=0
    load -c 100 -d 2s --kill none
    hit 'the other slots served 100 clients without a fault' same "$load_code" 0
    hit 'only slot 0 ever rested' same "$(event_count slot_rests)" "$(event_count slot_rests slot=0)"
    recovered "after its rest of $(event_value for_ms slot_rests slot=0) ms the slot has a worker again" \
        wait_until 5000 slot_zero_lives
    nothing_left
}

# crash_at_birth SLOT: no client is connected, so its workers have answered nothing when they die.
crash_at_birth() {
    local i seen
    for i in {1..40}; do
        seen=$(event_count worker_started "slot=$1")
        kill -SEGV "$(worker_pid "$1")" 2>/dev/null || true
        wait_until 3000 eval "event_seen 1 slot_rests slot=$1 || event_seen $((seen + 1)) worker_started slot=$1" || return 1
        ! event_seen 1 slot_rests "slot=$1" || return 0
    done
}

slot_zero_lives() { is "$(event_value generation worker_started slot=0)" -gt "$(event_value generation worker_died slot=0)"; }
