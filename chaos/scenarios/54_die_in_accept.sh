# shellcheck shell=bash
# Workers kill themselves before an accept, and between an accept and its registration, while clients come fast: each is served.

scenario() {
    server_start -w 4 --control "$work/control.sock" && workers_ready 4
    remember_state
    load_start -c 100 --churn 500 -d 6s --kill none
    load_is_on 100
    trial accept:die:1/50,epoll_ctl:die:1/100
    wait_until 10000 struck_at_least 5 accept worker
    wait_until 10000 struck_at_least 5 epoll_ctl worker
    trial off
    happened 'the load goes on' load_goes_on
    load_wait
    local before_it behind_it died
    before_it=$(shots accept worker) behind_it=$(shots epoll_ctl worker)
    died=$((before_it + behind_it))
    wait_event 3000 "$died" worker_died cause=SIGKILL
    happened "workers died before an accept $before_it times" is "$before_it" -ge 5
    happened "and at registering $behind_it times" is "$behind_it" -ge 5
    hit "$(deaths_logged) deaths were logged, those and no others" same "$(deaths_logged) $(deaths_logged cause=SIGKILL)" "$died $died"
    hit "of 100 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit "of the clients that come and go $(json '.churn.done') were served, $(json '.churn.failed') were not" same "$(json '.churn.failed')" 0
    recovered 'a new client is served' wait_until 2000 serves
    recovered "the longest silence that a client felt was $(json .silence_ms.max) ms" is "$(json .silence_ms.max)" -lt 3000
    nothing_left
    happened "connections were adopted in mid-accept $(event_sum adopted slot_summary) times" is "$(event_sum adopted slot_summary)" -ge 1
}
