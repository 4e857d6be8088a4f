# shellcheck shell=bash
# Workers kill themselves between an answer and the moment they take note of it, again and again: no answer is given twice.

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    load_start -c 300 -d 7s --kill none
    load_is_on 300
    trial take:die:1/300
    happened 'workers died in mid-answer' wait_until 10000 struck_at_least 50 take worker
    trial off
    happened 'the load goes on' load_goes_on
    load_wait
    local died
    died=$(shots take worker)
    wait_event 3000 "$died" worker_died cause=SIGKILL
    hit "$(deaths_logged) deaths were logged, those $died and no others" same "$(deaths_logged cause=SIGKILL)" "$died"
    hit "of 300 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    hit 'no slot was laid to rest' same "$(event_count slot_rests)" 0
    recovered 'a new client is served' wait_until 2000 serves
    recovered "the longest silence that a client felt was $(json .silence_ms.max) ms" is "$(json .silence_ms.max)" -lt 3000
    nothing_left
    happened "each left bytes answered and not taken: $(event_sum owed slot_summary) debts" is "$(event_sum owed slot_summary)" -ge $((died - 5))
}
