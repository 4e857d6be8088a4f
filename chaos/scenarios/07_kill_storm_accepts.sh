# shellcheck shell=bash
# The kill storm while clients connect as fast as they can: workers die between accept and the first look at a client.

scenario() {
    owed_min=0 redone_min=0 debts_min=0 adopted_min=1
    kill_storm -c 50 -r 2000 --kill none
    hit "beside it came $(seen right) short visitors, each got its answer" same "$(seen wrong) $(seen lost)" '0 0'
}

# Two processes of their own, whose clients come one after the other.
beside_storm() {
    visitors 1 &
    visitors 2 &
    wait
}

visitors() { python3 chaos/clients.py churn "$server_address" 8000 >"$work/visitors.$server_runs.$1.json"; }

seen() { jq -s "map(.$1) | add" "$work"/visitors.*.json; }
