# shellcheck shell=bash
# Ten thousand signals of twenty kinds to every process of the server, under load: nobody dies, and the master does what they ask for, no more.

# None that asks the master to stop, to resize or to upgrade, and none that means a crash.
signals=(USR1 CHLD PIPE ALRM VTALRM PROF WINCH URG IO PWR CONT TSTP STKFLT RTMIN+3 RTMIN+7 RTMAX-2 RTMAX)
# Workers, keepers and the supervisor take orders from nobody: these too.
unasked=(TERM INT USR2 TTIN TTOU)

scenario() {
    server_start -w 4 --hang-timeout 500ms && workers_ready 4
    remember_state
    load_start -c 200 -d 6s --kill none
    load_is_on 200
    local pids before sent=0 round name
    mapfile -t pids < <(server_processes)
    before=$(server_processes | sort | but_workers)
    for round in {1..30}; do
        for name in "${signals[@]}"; do
            kill -s "$name" "${pids[@]}" && sent=$((sent + ${#pids[@]}))
        done
        for name in "${unasked[@]}"; do
            kill -s "$name" "${pids[@]:1}" && sent=$((sent + ${#pids[@]} - 1))
        done
    done
    happened 'some wait at a worker, which takes none' same "$(pending "$(worker_pids | head -n 1)")" yes
    for round in {1..50}; do kill -HUP "${pids[@]}" 2>/dev/null && sent=$((sent + ${#pids[@]})); done
    happened "$sent signals were sent" is "$sent" -ge 8000
    wait_event 3000 1 reloaded
    happened "$(event_count reloaded) reloads were made of $round HUPs" between 1 "$(event_count reloaded)" 20
    happened 'the load goes on meanwhile' load_goes_on
    load_wait
    hit 'nobody died' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '0 0 0'
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no other process than a worker was made anew' same "$before" "$(server_processes | sort | but_workers)"
    recovered 'a new client is served' serves
    recovered 'no client waited for 2 s' is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}

# Only USR2 (bit 11), TERM (14) and ALRM (13) are looked at.
pending() {
    local mask
    mask=$(sed -n 's/^ShdPnd:\t//p' "/proc/$1/status")
    (((16#$mask & 0x7800) == 0x7800)) && echo yes || echo "no: $mask"
}

but_workers() {
    local pid
    while read -r pid; do [[ $(process_title "$pid") == *': worker '* ]] || echo "$pid"; done
}
