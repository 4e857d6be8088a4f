# shellcheck shell=bash
# Workers kill themselves between an answer and the moment they take note of it, and with bytes taken that are not answered yet: no answer is given twice, none is missing.

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    load_start -c 300 -d 7s --kill none
    load_is_on 300
    trial fetch:ENOMEM:1/2,take:die:1/150
    happened 'workers died with bytes answered and not taken' wait_until 10000 struck_at_least 50 take worker
    trial send:die:1/300
    happened 'and with bytes taken and not answered' wait_until 10000 struck_at_least 50 send worker
    trial off
    happened 'the load goes on' load_goes_on
    load_wait
    local giving taking died
    taking=$(shots take worker) giving=$(shots send worker)
    died=$((taking + giving))
    wait_event 3000 "$died" worker_died cause=SIGKILL
    hit "$(deaths_logged) deaths were logged, those $died and no others" same "$(deaths_logged cause=SIGKILL)" "$died"
    hit "of 300 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    hit 'no slot was laid to rest' same "$(event_count slot_rests)" 0
    recovered 'a new client is served' wait_until 2000 serves
    recovered "the longest silence that a client felt was $(json .silence_ms.max) ms" is "$(json .silence_ms.max)" -lt 3000
    nothing_left
    happened "bytes were answered and not taken: $(event_sum owed slot_summary) debts" is "$(event_sum owed slot_summary)" -ge $((taking - 5))
    happened "bytes were taken and not answered: $(event_sum redone slot_summary) debts" is "$(event_sum redone slot_summary)" -ge $((giving / 2))
}
