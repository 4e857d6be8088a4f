# shellcheck shell=bash
# accept4 fails in six ways in turn, every second time, while clients come as fast as they can: each is served, nobody notices.

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    local error before now
    load_start -c 200 --churn 500 -d 9s --kill none
    load_is_on 200
    before=0
    for error in EMFILE ENFILE ENOBUFS ENOMEM ECONNABORTED EPERM; do
        trial "accept:$error:1/2"
        wait_until 3000 struck_at_least $((before + 5)) accept worker
        trial off
        now=$(shots accept worker)
        happened "accept4 failed with $error $((now - before)) times" is "$now" -ge $((before + 5))
        before=$now
    done
    happened 'the load goes on after the last one' load_goes_on
    load_wait
    hit 'nobody died' same "$(deaths_logged)" 0
    long_lived_clients_noticed_nothing 200
    hit "of the clients that come and go $(json '.churn.done') were served, $(json '.churn.failed') were not" same "$(json '.churn.failed')" 0
    recovered "no client waited for 2 s" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
    happened "accepting paused $(event_sum accept_pauses slot_summary) times" is "$(event_sum accept_pauses slot_summary)" -ge 5
}
