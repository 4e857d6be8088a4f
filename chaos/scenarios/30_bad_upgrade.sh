# shellcheck shell=bash
# Fifteen upgrades to what is bad in one way each, under 500 long-lived clients: each is refused, the old version serves on, nobody notices.

bad_ones=(crash_start exit_start hang_start other_layout crash_keeper exit_keeper mute_keeper crash_worker exit_worker
    mute_worker crash_late crash_supervisor)

# refused FILE: exit code 1 with a reason, and everybody runs what ran before.
refused() {
    operate upgrade "$1"
    [[ $? -eq 1 ]] && wait_until 10000 all_run "$(image next)" && return 0
    echo "     not refused: $1"
    return 1
}

scenario() {
    server_start_upgraded
    echo 'no program' >"$work/text" && chmod +x "$work/text"
    cp "$(image after_next)" "$work/not_executable" && chmod -x "$work/not_executable"
    local name refused=0
    load_start -c 500 -d 28s --kill none
    load_is_on 500
    for name in "$work/missing" "$work/text" "$work/not_executable" "${bad_ones[@]/#/$BUILD/images/}"; do
        refused "$name" && refused=$((refused + 1))
    done
    happened 'the load goes on after the last one' load_goes_on
    happened "$refused bad upgrades were refused" same "$refused $(event_count operation_failed operation=upgrade)" '15 15'
    happened 'a good one is done then' upgrade_to "$(image after_next)"
    load_wait
    hit 'the master lives' same "$(process_title "$server_pid")" 'prefork-upper: master'
    long_lived_clients_noticed_nothing 500
    recovered 'no client waited for more than the 3 s in which a worker must serve, and what a busy machine adds' \
        is "$(json .silence_ms.max)" -lt 6000
    nothing_left
}
