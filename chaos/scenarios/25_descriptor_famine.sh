# shellcheck shell=bash
# Descriptors run out: at start the limit is lowered to fit and said; in the run accepting pauses instead of spinning.
# quick

scenario() {
    server_prefix=(prlimit --nofile=256:256)
    server_start -w 2 && workers_ready 2
    remember_state
    happened "the connection limit was lowered to $(event_value got adjusted option=--max-connections)" \
        event_seen 1 adjusted option=--max-connections
    fault_now 'no descriptor is free'
    # Now the limit drops below what the workers use already: their next accept fails with EMFILE.
    local pid
    for pid in $(worker_pids); do prlimit --pid "$pid" --nofile=8:256; done
    local before after
    before=$(all_cpu_ticks)
    python3 chaos/clients.py hold "$server_address" 50 2000 >"$work/hold.json"
    after=$(all_cpu_ticks)
    hit "in the 2 s of famine the server used $(((after - before) * 10)) ms of processor time" is $((after - before)) -le 40
    hit 'no worker died' same "$(deaths_logged)" 0
    for pid in $(worker_pids); do prlimit --pid "$pid" --nofile=256:256; done
    fault_over 'descriptors are free again'
    recovered 'with descriptors again, a new client is served' wait_until 2000 serves
    load -c 50 -d 1s --kill none
    recovered '50 new clients are served without a fault' same "$load_code" 0
    nothing_left
    figure fault_times "$(event_sum accept_pauses slot_summary)" 'accepting paused'
    happened "accepting paused $(event_sum accept_pauses slot_summary) times" is "$(event_sum accept_pauses slot_summary)" -ge 1
}

all_cpu_ticks() {
    local pid sum=0
    for pid in $(server_processes); do sum=$((sum + $(process_cpu_ticks "$pid"))); done
    echo "$sum"
}
