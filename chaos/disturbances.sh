# shellcheck shell=bash
# What can be done to a server at random that its long-lived clients must not notice. For scenarios and soak; lib.sh comes first.
#
# Each of `disturbances` is a function: it does it, waits until it is shown to have happened, and says in `what` which it was; 1 if
# it could not be shown. `look` comes before it. All chance comes from the seed. The server has been started with --control,
# --hang-timeout 500ms; `wanted` is how many workers it has, `upgrades` how often it was upgraded here.

disturbances=(worker_dies worker_stops keeper_dies supervisor_dies supervisor_stops
    upgrade reload resize restart clients_storm)

# counted_up NAME DEADLINE_MS COMMAND...: the command is followed by one event more of that name.
counted_up() {
    local before
    before=$(event_count "$1")
    "${@:3}" && wait_event "$2" $((before + 1)) "$1"
}

# pick LETTER...: sets picked, a process of a slot of chance: w(orker), a or b (keepers).
pick() {
    local pids index=$((RANDOM % ${#slots[@]}))
    read -r -a pids <<<"${slots[index]}"
    case $1 in w) picked=${pids[0]} ;; a) picked=${pids[1]} ;; b) picked=${pids[2]} ;; esac
    what="$(process_title "$picked") gets SIG${2:-KILL}"
}

worker_dies() {
    local signals=(KILL SEGV ABRT BUS)
    pick w "${signals[RANDOM % 4]}"
    counted_up worker_replaced 5000 kill -s "${what##*SIG}" "$picked"
}
worker_stops() { pick w STOP && counted_up worker_killed 8000 kill -STOP "$picked"; }
keeper_dies() {
    local letters=(a b)
    pick "${letters[RANDOM % 2]}" && counted_up keeper_died 5000 kill -KILL "$picked"
}
supervisor_dies() { counted_up supervisor_started 5000 kill -KILL "$supervisor"; }
supervisor_stops() { counted_up supervisor_started 8000 kill -STOP "$supervisor"; }
upgrade() {
    local images=(next after_next)
    upgrades=$((upgrades + 1)) what="to ${images[upgrades % 2]}"
    operate upgrade "$(image "${images[upgrades % 2]}")"
}
reload() { counted_up reloaded 5000 kill -HUP "$server_pid"; }
resize() {
    wanted=$((2 + RANDOM % 5)) what="to $wanted workers"
    operate scale "$wanted"
}
restart() { # of two slots that never go out: one that does is not made anew
    what="of slot $((RANDOM % 2))"
    operate restart "${what##* }"
}
clients_storm() {
    "$BUILD/loadtool" "$server_address" -c 100 -d 1s --kill fin:30%,rst:30%,halfclose:30% --seed "$seed" >"$work/storm.txt" 2>&1
    what="$(head -n 1 "$work/storm.txt")"
    [[ $what == PASS* ]]
}
