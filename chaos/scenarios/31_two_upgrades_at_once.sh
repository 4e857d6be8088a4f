# shellcheck shell=bash
# Two operators upgrade in the same moment, five times, under 500 long-lived clients: one is done, the other refused, nobody notices.

scenario() {
    server_start_upgraded
    local round one other codes=''
    load_start -c 500 -d 12s --kill none
    load_is_on 500
    for round in {1..5}; do
        operate upgrade "$(image after_next)" & one=$!
        operate upgrade "$(image next)" & other=$!
        wait "$one" && one=0 || one=$?
        wait "$other" && other=0 || other=$?
        codes+=" $((one + other))"
    done
    happened 'the load goes on after the last upgrade' load_goes_on
    load_wait
    happened "of each two one was done and one refused ($round rounds)" same "$codes" ' 1 1 1 1 1'
    figure fault_times 10 'upgrades were ordered, two at a time'
    happened 'the refused ones were told why' same "$(grep -c 'prefork-upper: upgrade.*another upgrade is under way' "$work/operated.txt")" 5
    hit 'all processes run one version' same "$(for pid in $(server_processes); do md5sum <"/proc/$pid/exe"; done | sort -u | wc -l)" 1
    long_lived_clients_noticed_nothing 500
    recovered "no client waited for 2 s" is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}
