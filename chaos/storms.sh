# shellcheck shell=bash
# Kill storms: deaths by the thousand under load. Sourced by lib.sh.

# kill_storm LOAD_ARGS...: a whole scenario. A random worker dies every 5 ms for 8 s under a verifying load.
# It proves something only if so many died, so often with bytes answered but not yet taken, or taken (into the journal) but
# not yet answered, or either, so often in mid-accept. A
# machine that is busy with other things kills too few: the storm comes again, at most four times, and all are added
# up; what a client notices in any of them is a failure. storm_servers: options of the server in each round; as many
# rounds as there are must be.
deaths_min=300 owed_min=7 redone_min=2 debts_min=20 adopted_min=0
storm_servers=('')
kill_storm() {
    local round
    for round in 1 2 3 4; do
        storm_options=${storm_servers[(round - 1) % ${#storm_servers[@]}]}
        one_storm "$@"
        [[ $round -lt ${#storm_servers[@]} ]] || ! storm_was_enough || break
    done
    happened "$(summed deaths) workers died in $round storms" is "$(summed deaths)" -ge "$deaths_min"
    happened "bytes were owed $(summed owed) times" is "$(summed owed)" -ge "$owed_min"
    happened "bytes were answered from the journal $(summed redone) times" is "$(summed redone)" -ge "$redone_min"
    happened "so there were $(debts) debts" is "$(debts)" -ge "$debts_min"
    happened "connections were adopted in mid-accept $(summed adopted) times" is "$(summed adopted)" -ge "$adopted_min"
}

storm_was_enough() {
    [[ -e $work/failed ]] || # more of it would not mend that
        [[ $(summed deaths) -ge $deaths_min && $(summed owed) -ge $owed_min && $(summed redone) -ge $redone_min &&
            $(debts) -ge $debts_min && $(summed adopted) -ge $adopted_min ]]
}

debts() { echo $(($(summed owed) + $(summed redone))); }

# summed KEY: from the last lines of all servers of this scenario.
summed() { cat "$work"/server.*.log | sed -n "s/.* event=slot_summary .* $1=\([0-9]*\).*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }

# What a scenario lets happen beside a storm: begun when the kills begin, ended after the load.
beside_storm() { :; }

one_storm() {
    # shellcheck disable=SC2086  # words, or nothing
    server_start -w 4 $storm_options && workers_ready 4
    remember_state
    load_start -d 10s "$@"
    wait_until 5000 sockets_at_least established 50
    beside_storm &
    local beside=$!
    kill_workers_every 5 8 >/dev/null
    note_processes
    load_wait
    wait "$beside"
    recovered 'a new client is served' wait_until 2000 serves
    hit "of $(json .control.clients) clients that stay $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no slot was laid to rest' same "$(event_count slot_rests)" 0
    recovered "the longest silence was $(json '.silence_ms.max | floor') ms" between 0 "$(json .silence_ms.max)" 5000
    nothing_left
}
