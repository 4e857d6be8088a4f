# shellcheck shell=bash
# Ten upgrades and more under 500 long-lived clients while workers, keepers and the supervisor die one after the other: nobody notices.

# kill_one_by_one: until the file "enough" is there, SIGKILL for a process of chance, whenever all are there that should be;
# a line in "sent" for each. Two at once could be a worker and the only keeper that it has while its slot goes over, and that
# is beyond the promise.
kill_one_by_one() {
    local victims
    reseed
    fault_now 'workers, keepers and the supervisor die from here on'
    while [[ ! -e $work/enough ]]; do
        wait_until 5000 is_whole 4 || break
        read -r -a victims <<<"${slots[RANDOM % ${#slots[@]}]} $supervisor"
        kill -KILL "${victims[RANDOM % 4]}" 2>/dev/null && echo x >>"$work/sent"
        pause_ms $((RANDOM % 60))
    done
}

kills_sent() { wc -l <"$work/sent"; }

scenario() {
    slot_numbers=any # a keeper that dies as the only one of its slot has another slot made in its place
    server_start_upgraded
    local i killing done=0 failed=0 end
    load_start -c 500 -d 32s --kill none
    load_is_on 500
    : >"$work/sent"
    kill_one_by_one & killing=$!
    end=$(($(now_ms) + 24000))
    # One in which the new keeper is killed is called off.
    for ((i = 1; (done < 10 || $(kills_sent) < 50) && $(now_ms) < end; i++)); do
        if operate upgrade "$(image "$( ((i % 2)) && echo after_next || echo next)")"; then
            done=$((done + 1))
        else
            failed=$((failed + 1))
        fi
    done
    touch "$work/enough"
    wait "$killing"
    fault_over 'nobody dies any more'
    wait_until 5000 is_whole 4
    note_processes
    happened 'the load goes on after the last upgrade' load_goes_on
    recovered 'one more upgrade, amid no kills, is done' operate upgrade "$(image next)"
    load_wait
    happened "$(deaths_logged) workers, $(event_count keeper_died) keepers and $(event_count supervisor_died) supervisors died" \
        is "$(kills_sent)" -ge 30
    happened "$done upgrades were done, $failed called off" is "$done" -ge 10
    long_lived_clients_noticed_nothing 500
    recovered "no client waited for 5 s" is "$(json .silence_ms.max)" -lt 5000
    nothing_left
}
