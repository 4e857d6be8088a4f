# shellcheck shell=bash
# Every client is poisonous, without protection: when all slots rest the server gives up with exit code 70, so that its manager can act.
# quick

scenario() {
    server_start -w 2 --protect off --service faulty --drain-timeout 1s && workers_ready 2
    local i started
    started=$(now_ms)
    for i in {1..200}; do
        ! process_ended "$server_pid" || break
        poison '!SEGV!!!'
    done
    server_wait 10000
    happened "$(event_count worker_died) workers died without having answered anything" is "$(event_count worker_died)" -ge 10
    hit 'both slots were laid to rest' event_seen 2 slot_rests
    hit 'the log says that every slot rests' event_seen 1 all_slots_rest
    recovered "it ended $(($(now_ms) - started)) ms after the first poison" process_ended "$server_pid"
    figure first_good_ms none 'the server gives up, as it should'
    ended_whole 70
}
