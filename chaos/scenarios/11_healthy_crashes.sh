# shellcheck shell=bash
# Poisonous clients crash a worker that answers others in between: it is replaced at once, its slot never rests.
# quick

scenario() {
    server_start -w 1 --service faulty && workers_ready 1
    remember_state
    local i
    for i in {1..20}; do
        wait_until 2000 serves
        poison '!SEGV!!!'
    done
    wait_event 3000 40 worker_replaced

    happened '40 workers died of SIGSEGV, two a poison' same "$(deaths_logged cause=SIGSEGV)" 40
    hit 'the slot was never laid to rest' same "$(event_count slot_rests)" 0
    local slowest
    slowest=$(events worker_replaced | sed -n 's/.* gap_ms=\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
    recovered "each was replaced, the slowest after $slowest ms" between 0 "$slowest" 1000
    recovered 'a new client is served' serves
    nothing_left
    hit 'each poisonous client was reset' same "$(event_sum recover_reset slot_summary)" 20
}
