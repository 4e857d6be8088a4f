# shellcheck shell=bash
# TERM under load: clients are served until they leave or the drain deadline comes, then everything ends with 0.
# quick

scenario() {
    server_start -w 4 --drain-timeout 2s && workers_ready 4
    load_start -c 300 -d 6s --kill none
    load_is_on 300
    hit 'the workers have taken all 300' all_accepted 300
    local started
    started=$(now_ms)
    fault_now TERM
    kill -TERM "$server_pid"
    wait_event 2000 1 draining
    hit 'the port is closed to new clients' wait_until 1000 nobody_listens
    hit 'the 300 clients are still connected' is "$(sockets established)" -ge 300
    server_wait 8000
    local took=$(($(now_ms) - started)) by_client by_deadline
    load_wait
    by_client=$(event_value by_client drained) by_deadline=$(event_value by_deadline drained)
    happened "TERM came to $(event_value connections draining) connections" same "$(event_value connections draining)" 300
    hit "$by_client left by themselves, $by_deadline ended at the deadline" same "$((by_client + by_deadline))" 300
    expect_hit 300
    hit 'each client learned it in order: no reset, no wrong byte' orderly_end
    recovered "it ended after $took ms, the deadline being 2000" between 1900 "$took" 4500
    figure fault_times 1 "TERM came to $(event_value connections draining) connections"
    figure first_good_ms none 'the server ends, as it was told'
    ended_whole 0
}

nobody_listens() { [[ $(sockets listening) -eq 0 ]]; }
orderly_end() { no_wrong_bytes && [[ $(errors_of reset) -eq 0 ]]; }
