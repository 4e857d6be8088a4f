# shellcheck shell=bash
# The machine has been up for 13.6 years, and the 32 bits in which deadlines are counted run over under load: they are kept all the same.

# The deadlines' clock counts tenths of a second.
wrap_ds=$((1 << 32))

scenario() {
    in_own_time
    server_start -w 4 --idle-timeout 4s --write-timeout 2s --hang-timeout 500ms && workers_ready 4
    remember_state
    local began ended
    load_start -c 50 --think 10ms -d 8s --kill none
    load_is_on 50
    wait_until 4000 wrap_is_near
    began=$(monotonic_ds)
    python3 chaos/clients.py wait_for_fin "$server_address" 50 >"$work/silent.json" &
    local silent=$!
    kill -STOP "$(worker_pid 1)"
    python3 chaos/clients.py never_read "$server_address" 5 >"$work/unread.json" &
    wait $! "$silent"
    ended=$(monotonic_ds)
    happened "the monotonic clock went from $began to $ended tenths of a second meanwhile, past $wrap_ds" \
        between "$began" "$wrap_ds" $((ended - 1))
    recovered 'silent clients were ended by the idle timeout' says "$work/silent.json" '.fin == 50'
    recovered 'clients that never read were ended by the write timeout' says "$work/unread.json" '.reset == 5'
    recovered 'a stopped worker was found' wait_event 4000 1 worker_replaced slot=1
    load_wait
    hit 'nobody else died' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '1 0 0'
    hit "of 50 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered 'a new client is served' serves
    nothing_left
}

monotonic_ds() { python3 -c 'import time; print(int(time.monotonic() * 10))'; }

# However fast the start was: what takes four seconds from here on ends behind it.
wrap_is_near() { (($(monotonic_ds) >= wrap_ds - 20)); }

# The scenario begins again where the clock is 4 s before it runs over.
in_own_time() {
    [[ -z ${OWN_TIME:-} ]] || return 0
    local offset unshare=(unshare --time --fork --kill-child)
    offset=$(((wrap_ds - $(monotonic_ds)) / 10 - 4))
    [[ $EUID -eq 0 ]] || unshare+=(--user --map-root-user)
    "${unshare[@]}" --monotonic "$offset" true 2>/dev/null || skip 'no time namespace can be made here'
    OWN_TIME=1 exec "${unshare[@]}" --monotonic "$offset" chaos/run --one "${BASH_SOURCE[0]}"
}
