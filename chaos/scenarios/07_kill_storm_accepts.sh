# shellcheck shell=bash
# The kill storm while clients connect as fast as they can: workers die between accept and the first look at a client.

scenario() {
    deaths_min=150 owed_min=0 adopted_min=1
    visitors 1 &
    visitors 2 &
    kill_storm -c 50 -r 2000 --kill none
    wait %1 %2
    hit "beside it came $(seen right) short visitors, each got its answer" same "$(seen wrong) $(seen lost)" '0 0'
}

# visitors N: from a process of their own, one after the other, when the storm has begun.
visitors() {
    wait_until 15000 test -s "$work/storm"
    python3 chaos/clients.py churn "$(<"$work/storm")" 8000 >"$work/visitors.$1.json"
}

seen() { jq -s "map(.$1) | add" "$work"/visitors.?.json; }
