# shellcheck shell=bash
# What scenarios and the demo are written with: a server, a load, their log and JSON, the kernel's counters, four checks.
#
# Everything goes by command lines, event words and JSON; nothing is matched against prose. Waiting has a deadline
# always; where the kernel or the log announces nothing, it polls every 10 ms. Only processes started here are ended,
# by pid. Times are milliseconds, memory is kilobytes. Files of a run lie in $work, which the caller has made.

: "${work:?lib.sh needs a folder for the files of this run}" "${BUILD:=build}" "${seed:=$((SRANDOM % 1000000))}"

# shellcheck source=chaos/figures.sh
source chaos/figures.sh
# shellcheck source=chaos/other.sh
source chaos/other.sh

# All chance comes from the seed, but for ports. A subshell gets a sequence of its own from bash: call `reseed` in it first.
reseed() { RANDOM=$((seed + ${1:-0})); }
reseed

# ---- Time ------------------------------------------------------------------------------------------------------

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# pause_ms N: waits without starting a process: reads from a pipe (descriptor 8) to which nobody writes.
pause_ms() {
    local seconds _
    printf -v seconds '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
    read -r -t "$seconds" -u 8 _ || true
}
rm -f "$work/never" && mkfifo "$work/never" && exec 8<>"$work/never"

# wait_until DEADLINE_MS COMMAND...: polls until the command succeeds; 1 if it never does.
wait_until() {
    local end=$(($(now_ms) + $1))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/[.,]/} / 1000 < end)) || return 1
        pause_ms 10
    done
}

# ---- The server ------------------------------------------------------------------------------------------------

server_pid='' server_address='' server_port='' server_log='' server_code=''

# server_start ARGS...: starts prefork-upper on a free port of 127.0.0.1 and returns when it serves. Ports from 32768
# up are those that the kernel gives to clients, so they are left alone. bind_to=ADDRESS takes that address instead.
# A server that is told to log to a file has its events read there with log_to=FILE.
# A server that does not start, or that does not protect its connections where it was not told so, ends the scenario.
# Another server is started in its place with `chaos/run --server`; what ours is told is then left out.
server_start() {
    local attempt
    ours || { other_start; return; }
    for attempt in 1 2 3 4 5; do
        server_port=$((20000 + SRANDOM % 12768))
        server_spawn "${bind_to:-127.0.0.1:$server_port}" "$@" && { server_is_protected "$@"; return; }
        [[ $server_code -eq 69 && -z ${bind_to:-} ]] || break # 69: somebody has this port
    done
    echo "the server did not start (exit $server_code, attempt $attempt):"
    tail -n 5 "$server_log"
    exit 1
}

# server_is_protected ARGS...: ends the scenario if keepers were wanted and are not there: its kills would prove nothing.
server_is_protected() {
    note_processes
    [[ " $* " != *' --protect off '* ]] || return 0
    wait_event 2000 1 serving && event_seen 1 serving protect=on && ! event_seen 1 unprotected && return 0
    echo 'FAIL the server does not protect its connections here:'
    events serving && events unprotected
    exit 1
}

server_spawn() {
    local bind=$1
    shift
    server_runs=$((${server_runs:-0} + 1))
    server_log=$work/server.$server_runs.log
    rm -f "$work/ready" && mkfifo "$work/ready"
    note server starts
    "${server_prefix[@]}" "$BUILD/prefork-upper" --bind "$bind" --ready-fd 9 "$@" \
        9>"$work/ready" 2>"$server_log" </dev/null 8<&- &
    server_pid=$! server_code='' server_address=''
    # One read, which ends with the line, or with the server: a read cut short by a time-out would lose what it had.
    exec 7<"$work/ready"
    read -r -t 10 -u 7 server_address || server_address=''
    exec 7<&-
    if [[ $server_address != "$bind" ]]; then
        wait_until 2000 process_ended "$server_pid" || kill -KILL "$server_pid"
        wait "$server_pid" && server_code=0 || server_code=$?
        server_pid=''
        return 1
    fi
    server_port=${server_address##*:}
    server_log=${log_to:-$server_log}
    note server serves
}
server_prefix=()

# server_wait DEADLINE_MS: the server must end by itself; sets server_code (124: it did not).
server_wait() {
    server_code=124
    wait_until "$1" process_ended "$server_pid" || return 1
    wait "$server_pid" && server_code=0 || server_code=$?
    note server ended "$server_code"
}

# True if the process is gone or waits to be reaped.
process_ended() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    [[ ${stat##*) } == [ZX]* ]]
}

# ---- The log ---------------------------------------------------------------------------------------------------

# events NAME [KEY=VALUE...]: the log lines of that event whose keys have these values.
events() {
    awk -v want="event=$*" 'BEGIN { n = split(want, w, " ") }
        { for (i = 1; i <= n; i++) if (!index(" " $0 " ", " " w[i] " ")) next; print }' "$server_log"
}

# event_count NAME [KEY=VALUE...]: how often it happened; a line with count= stands for that many.
event_count() { events "$@" | awk '{ n += match($0, / count=[0-9]+/) ? substr($0, RSTART + 7, RLENGTH - 7) : 1 } END { print n + 0 }'; }

# event_value KEY NAME [KEY=VALUE...]: the key's value in the last such event; empty if there is none.
event_value() {
    local key=$1
    shift
    events "$@" | tail -n 1 | sed -n "s/.* $key=\(\"\([^\"]*\)\"\|\([^ ]*\)\).*/\2\3/p"
}

# event_sum KEY NAME [KEY=VALUE...]: the key's values of all such events added up.
event_sum() {
    local key=$1
    shift
    events "$@" | sed -n "s/.* $key=\([0-9]*\).*/\1/p" | awk '{ n += $1 } END { print n + 0 }'
}

event_seen() { [[ $(event_count "${@:2}") -ge $1 ]]; }

# wait_event DEADLINE_MS COUNT NAME [KEY=VALUE...]: waits until the log has that many.
wait_event() { wait_until "$1" event_seen "${@:2}"; }

deaths_logged() { event_count worker_died "$@"; }

# ---- Workers and what the kernel says about them ---------------------------------------------------------------

worker_pid() { event_value pid worker_started "slot=$1"; }

# workers_ready COUNT: waits for the first worker of every slot.
workers_ready() {
    local slot
    ours || return 0
    for ((slot = 0; slot < $1; slot++)); do wait_event 5000 1 worker_started "slot=$slot" || return 1; done
}

# processes_below PID: the pids of all its descendants.
processes_below() {
    local kids kid
    read -r -a kids 2>/dev/null <"/proc/$1/task/$1/children" || true
    for kid in "${kids[@]}"; do
        echo "$kid"
        processes_below "$kid"
    done
}

# process_titled TITLE: the pid of the server's process with that title; 1 if there is none.
process_titled() {
    local pid
    for pid in $(processes_below "$server_pid"); do
        [[ $(process_title "$pid") != "$1" ]] || { echo "$pid"; return 0; }
    done
    return 1
}

has_process() { process_titled "$1" >/dev/null; }

server_processes() { echo "$server_pid"; processes_below "$server_pid"; }

# note_processes: writes down who belongs to the server now, for no_process_left. A pid alone says little, since the
# kernel uses it again; with the time of its start it is one process.
note_processes() {
    local pid started
    for pid in $(server_processes); do
        started=$(process_started "$pid") && echo "$pid $started"
    done >>"$work/processes"
}

# process_started PID: when it was started, in ticks since the machine was; 1 if there is no such process.
process_started() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -r -a stat <<<"${stat##*) }"
    echo "${stat[19]}"
}

process_title() { tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | head -n 1; }
process_descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
process_memory_kb() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }
process_cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat" 2>/dev/null || echo 0; }

# sockets STATE: how many connections of the server's port are in a state (established, close-wait, time-wait, listening).
sockets() {
    case $server_address in
    unix:*) ss -Hxa state "$1" "( src = ${server_address#unix:} )" 2>/dev/null | wc -l ;;
    *) ss -Htan state "$1" "( sport = :$server_port )" 2>/dev/null | wc -l ;;
    esac
}
sockets_at_least() { [[ $(sockets "$1") -ge $2 ]]; }
sockets_none() { [[ $(sockets established) -eq 0 && $(sockets close-wait) -eq 0 ]]; }

# server_state: "title<TAB>descriptors<TAB>memory" of every process of the server, sorted by title. Where slots are given up
# and others made in their place, slot_numbers=any leaves the numbers out.
slot_numbers=same
server_state() {
    local pid title
    for pid in $(server_processes); do
        title=$(process_title "$pid")
        [[ $slot_numbers == same ]] || title=${title//[0-9]/}
        printf '%s\t%d\t%d\n' "$title" "$(process_descriptors "$pid")" "$(process_memory_kb "$pid")"
    done | sort
}

# remember_state: what nothing_left compares with; call it when all workers serve and before the load. Other servers have a
# load before it, since they make processes and buffers when the first clients come.
remember_state() {
    ours || { load -c 100 -d 1s --kill none && wait_until 5000 sockets_none; }
    note_processes
    server_state >"$work/state.before"
}

# serves: a new client says hello and gets HELLO within 2 s; from another server what --check says.
serves() {
    local connection answer='' greeting=hello reply=HELLO
    [[ $server_address != unix:* ]] || { serves_at_path "${server_address#unix:}"; return; }
    [[ ${CHAOS_CHECK:-upper} == upper ]] || reply=hello
    [[ ${CHAOS_CHECK:-upper} != line ]] || greeting=$'hello\r\n'
    { exec {connection}<>"/dev/tcp/${server_address%:*}/$server_port"; } 2>/dev/null || return 1
    printf %s "$greeting" >&"$connection" && IFS= read -r -t 2 -N 5 -u "$connection" answer
    exec {connection}>&-
    [[ $answer == "$reply" ]] && note answered
}

serves_at_path() { [[ $(printf hello | timeout 2 nc -NU "$1" 2>/dev/null) == HELLO ]] && note answered; }

# poison BYTES: a client whose only message is this; true if the server resets it within 8 s. It is expected to be hit.
poison() {
    local connection complaint code _
    { exec {connection}<>"/dev/tcp/127.0.0.1/$server_port"; } 2>/dev/null || return 1
    fault_now "poison $1"
    printf %s "$1" >&"$connection"
    complaint=$(LC_ALL=C read -r -t 8 -N 1 -u "$connection" _ 2>&1)
    code=$?
    exec {connection}>&-
    others_hit $((code >= 1 && code <= 128)) 1 # above 128: it waits still
    [[ $complaint == *reset* ]]
}

# kill_worker SLOT [SIGNAL]: one kill; waits until the death is logged.
kill_worker() {
    local pid before
    note_processes
    pid=$(worker_pid "$1")
    before=$(deaths_logged)
    fault_now "worker $1 gets SIG${2:-KILL}"
    kill -s "${2:-KILL}" "$pid" && wait_event 5000 $((before + 1)) worker_died
}

# kill_workers_every MS SECONDS [SIGNAL]: a random worker dies every so many ms; prints how many kills were sent. The slots
# that the seed chose are kept in victims.txt; where one has no worker just then, the next one's dies.
kill_workers_every() {
    local end=$(($(now_ms) + $2 * 1000)) sent=0 slots
    note_processes
    look_at_workers
    slots=("${!workers[@]}")
    reseed "$server_runs"
    fault_now "a random worker gets SIG${3:-KILL} every $1 ms"
    while ((${EPOCHREALTIME/[.,]/} / 1000 < end)); do
        choose_victim "${slots[@]}" && kill -s "${3:-KILL}" "$victim" 2>/dev/null && sent=$((sent + 1))
        pause_ms "$1"
    done
    fault_over "the last of $sent"
    echo "$sent"
}

# choose_victim SLOT...: sets victim, the worker of one of them by the seed's choice; 1 if none of them has one.
choose_victim() {
    local slots=("$@") chosen=$((RANDOM % $#)) i
    echo "${slots[chosen]}" >>"$work/victims.txt"
    look_at_workers
    for ((i = 0; i < $#; i++)); do
        victim=${workers[${slots[(chosen + i) % $#]}]:-}
        [[ -z $victim ]] || return 0
    done
    return 1
}

# look_at_workers: sets living, the pids of the workers that live now, as the kernel knows them, and workers, the one of each slot.
look_at_workers() {
    local pid kids title
    living=() workers=()
    read -r -a kids 2>/dev/null <"/proc/$server_pid/task/$server_pid/children" || true
    for pid in "${kids[@]}"; do
        title=''
        { read -r -d '' title <"/proc/$pid/cmdline"; } 2>/dev/null || true
        [[ $title == 'prefork-upper: worker '* ]] || continue
        living+=("$pid") workers[${title##* }]=$pid
    done
}

worker_pids() {
    look_at_workers
    [[ ${#living[@]} -eq 0 ]] || printf '%s\n' "${living[@]}"
}

# look: sets supervisor, and for each slot that is whole (a worker and both keepers) its three pids.
look() {
    local pid kids title
    supervisor='' slots=()
    local -A found=()
    read -r -a kids 2>/dev/null <"/proc/$server_pid/task/$server_pid/children" || true
    for pid in "${kids[@]}"; do
        title=''
        { read -r -d '' title <"/proc/$pid/cmdline"; } 2>/dev/null || true
        title=${title#prefork-upper: }
        [[ -n $title ]] || continue # it dies just now
        [[ $title != supervisor ]] || supervisor=$pid
        found[$title]=$pid
    done
    local slot
    for slot in {0..19}; do
        [[ -z ${found[worker $slot]:-} || -z ${found[keeper $slot a]:-} || -z ${found[keeper $slot b]:-} ]] ||
            slots+=("${found[worker $slot]} ${found[keeper $slot a]} ${found[keeper $slot b]}")
    done
}

# is_whole COUNT: are a supervisor and so many whole slots there?
is_whole() { look && [[ -n $supervisor && ${#slots[@]} -ge $1 ]]; }

# ---- An operator -----------------------------------------------------------------------------------------------

# operate WORDS...: a subcommand to a server that was started with --control "$work/control.sock"; its exit code. What it
# said is kept in operated.txt.
operate() {
    [[ $1 == status ]] || fault_now "operator: $1"
    "$BUILD/prefork-upper" "$@" --control "$work/control.sock" --timeout 30s >>"$work/operated.txt" 2>&1
}

# trial SPEC: calls of the server's own processes fail from now on (README, "Faults on purpose"); off: no more.
trial() { operate fault "$1" || { echo "FAIL the trial $1 was refused:"; tail -n 1 "$work/operated.txt"; exit 1; }; }

# shots CALL PROCESS: how often that call of such a process (worker, keeper, supervisor) was struck until now.
shots() {
    "$BUILD/prefork-upper" status --json --control "$work/control.sock" --timeout 30s |
        jq "[.faults.shots[] | select(.call == \"$1\" and .process == \"$2\") | .count] | add // 0"
}
struck_at_least() { is "$(shots "$2" "$3")" -ge "$1"; } # COUNT CALL PROCESS

image() { echo "$BUILD/images/$1"; } # see tests/images/README.md

# all_run FILE: every process of the server runs this program. Which one it is, its bytes say: the copies have no name.
all_run() {
    local pid
    for pid in $(server_processes); do cmp -s "$1" "/proc/$pid/exe" || return 1; done
}

# upgrade_to FILE: done, and everybody runs it; else 1.
upgrade_to() { operate upgrade "$1" && wait_until 10000 all_run "$1"; }

# server_start_upgraded ARGS...: a server of four workers that has been upgraded once, so that the copy of a program that
# each upgrade leaves in the place of the one before is there already when remember_state looks.
server_start_upgraded() {
    server_start -w 4 --control "$work/control.sock" "$@" && workers_ready 4
    upgrade_to "$(image next)" || { echo 'FAIL the upgrade before the load was not done'; cat "$work/operated.txt"; exit 1; }
    remember_state
}

# long_lived_clients_noticed_nothing COUNT: the check of every scenario that operates the server under load.
long_lived_clients_noticed_nothing() {
    hit "of $1 clients that stay $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    recovered 'a new client is served' serves
    echo "     the longest silence that a client felt was $(json '.silence_ms.max | floor') ms"
}

# ---- The load --------------------------------------------------------------------------------------------------

load_pid='' load_code='' load_prefix=() loads=0

# load_start ARGS...: runs loadtool against the server in the background; its report goes to load.txt and load.json.
# The clients' program begins with load_prefix, where there is one.
load_start() {
    [[ $server_address == @(127.0.0.1:|unix:)* || -n ${NETLAB:-} ]] || { echo "no load is sent to $server_address"; exit 1; }
    rm -f "$work/load.json"
    loads=$((loads + 1))
    note load starts "$loads" "$*"
    other_load_arguments
    "${load_prefix[@]}" "$BUILD/loadtool" "$server_address" "${load_arguments[@]}" --seed "$seed" --json "$work/load.json" \
        --csv "$work/load.$loads.csv" --csv-every 100ms "$@" \
        >"$work/load.txt" 2>&1 </dev/null 8<&- &
    load_pid=$!
}

# load_wait [DEADLINE_MS]: until the load ends; sets load_code (124: it did not end).
load_wait() {
    load_code=124
    wait_until "${1:-40000}" process_ended "$load_pid" || { kill -KILL "$load_pid"; return 1; }
    wait "$load_pid" && load_code=0 || load_code=$?
    # 7: on a busy machine loadtool does not trust its own latencies in an open loop; what it says of clients stands.
    [[ $load_code -ne 7 ]] || load_code=0
    load_pid=''
    ln -f "$work/load.json" "$work/load.$loads.json" 2>/dev/null
    note load ended "$loads" "$load_code"
}

# load ARGS...: both.
load() { load_start "$@" && load_wait; }

# load_is_on CLIENTS: waits until so many clients are connected.
load_is_on() { wait_until 10000 sockets_at_least established "$1" && note_processes; }

load_goes_on() { ! process_ended "$load_pid"; }

# all_accepted CLIENTS: waits until workers have taken so many: connected ones may still wait in the backlog.
all_accepted() { wait_until 10000 accepted_at_least "$1"; }
accepted_at_least() { [[ $(event_count accepted) -ge $1 ]]; }

# json FILTER: a value from the load's report; json_is FILTER: true if it says true.
json() { jq -r "$1" "$work/load.json"; }
json_is() { says "$work/load.json" "$1"; }
says() { jq -e "$2" "$1" >/dev/null; } # FILE FILTER: likewise in another file

# What the load's report says; the only place that knows its keys beside the scenarios' own filters.
no_wrong_bytes() { json_is '.wrong | .wrong_bytes + .missing_bytes + .extra_bytes + .duplicated_bytes + .crosstalk_bytes == 0'; }
errors_of() { json "[.errors[]? | select(.class == \"$1\") | .count] | add // 0"; }

# ---- A network of one's own ------------------------------------------------------------------------------------

# in_netlab: the scenario begins again on the server's host of a lab, and its load comes from the clients' host.
in_netlab() {
    local why
    if [[ -z ${NETLAB:-} ]]; then
        why=$(netlab check 2>&1) || skip "$why"
        exec chaos/netlab up chaos/run --one "${BASH_SOURCE[1]}"
    fi
    bind_to=192.0.2.1:9999 load_prefix=(chaos/netlab client)
}

netlab() {
    case $1 in
    cut | loss | drop | rate | vanish) fault_now "netlab $*" ;;
    heal) fault_over 'netlab heal' ;;
    esac
    chaos/netlab "$@"
}

# ---- Kill storms -----------------------------------------------------------------------------------------------

# kill_storm LOAD_ARGS...: a whole scenario. A random worker dies every 5 ms for 8 s under a verifying load.
# It proves something only if so many died, so often with bytes answered but not yet taken, so often in mid-accept. A
# machine that is busy with other things kills too few: the storm comes again, at most four times, and all are added
# up; what a client notices in any of them is a failure. storm_servers: options of the server in each round; as many
# rounds as there are must be.
deaths_min=300 owed_min=20 adopted_min=0
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
    happened "connections were adopted in mid-accept $(summed adopted) times" is "$(summed adopted)" -ge "$adopted_min"
}

storm_was_enough() {
    [[ -e $work/failed ]] || # more of it would not mend that
        [[ $(summed deaths) -ge $deaths_min && $(summed owed) -ge $owed_min && $(summed adopted) -ge $adopted_min ]]
}

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

# ---- The four checks -------------------------------------------------------------------------------------------
# A scenario calls each at least once: happened (a counter shows the fault), hit (who, exactly), recovered (how long
# until normal), nothing_left. Each takes a text and a command; the first failed one does not end the scenario.

happened() { check 'fault' "$@"; }
hit() { check 'hit' "$@"; }
recovered() { check 'normal' "$@"; }

check() {
    local kind=$1 text=$2
    shift 2
    echo "$kind" >>"$work/checks"
    if "$@"; then
        note check "$kind" ok "$text" "$@"
        printf 'ok   %-7s %s\n' "$kind" "$text"
    else
        note check "$kind" FAIL "$text" "$@"
        printf 'FAIL %-7s %s   [%s]\n' "$kind" "$text" "$*"
        touch "$work/failed"
    fi
}

# is NUMBER OPERATOR NUMBER: a comparison that is false, not an error, where a number is missing. Fractions are cut off.
is() { [[ $1 =~ ^-?[0-9]+(\.[0-9]+)?$ && $3 =~ ^-?[0-9]+(\.[0-9]+)?$ ]] && test "${1%.*}" "$2" "${3%.*}"; }
same() { [[ $1 == "$2" ]]; }
between() { is "$1" -le "$2" && is "$2" -le "$3"; } # LOW VALUE HIGH, both ends included

memory_growth_kb_max=4096 # buffers and tables that a worker touches for the first time under load

# nothing_left: when the clients are gone the server is as remember_state saw it; then it ends by TERM, whole.
nothing_left() {
    wait_until 5000 sockets_none
    check left "no connection: $(sockets established) established, $(sockets close-wait) in CLOSE_WAIT" sockets_none
    wait_until 2000 state_is_as_before
    check left 'processes, descriptors and memory as before the load' state_is_as_before
    state_is_as_before || diff "$work/state.before" "$work/state.after"
    note_residue
    server_stop_now
}

# server_stop_now: ends a server that has no clients any more; it must end whole.
server_stop_now() {
    note_processes
    kill -TERM "$server_pid"
    server_wait 12000
    ended_whole 0
}

# Same titles, same number of descriptors; memory within the bound.
state_is_as_before() {
    server_state >"$work/state.after"
    paste "$work/state.before" "$work/state.after" | awk -F'\t' -v max="$memory_growth_kb_max" \
        '$1 != $4 || $2 != $5 || $6 - $3 > max { bad = 1 } END { exit bad || NR == 0 }'
}

# ended_whole CODE: the server is gone with this exit code, and so is everything that it ever started.
ended_whole() {
    check left "the server ended with exit code $server_code" ended_with "$1"
    ours || wait_until 2000 no_process_left # its children may end after it
    check left 'no process of it is left' no_process_left
    note processes "$(processes_left | wc -l)"
    check left 'nobody listens on its port' is "$(sockets listening)" -eq 0
    ! ours || check left 'no assertion of its own failed' is "$(event_count check_failed)" -eq 0
}

# With which code another server ends is its own affair, but end it must.
ended_with() { if ours; then same "$server_code" "$1"; else [[ $server_code -ne 124 ]]; fi; }

no_process_left() { [[ -z $(processes_left) ]]; }

# processes_left: the pids, of all processes that were noted and of all that the logs name, of those that live still.
processes_left() {
    local pid started
    {
        while read -r pid started; do
            [[ $(process_started "$pid") != "$started" ]] || process_ended "$pid" || echo "$pid"
        done < <(sort -u "$work/processes")
        while read -r pid; do
            # A storm names thousands, nearly all gone: they are not worth a process each.
            [[ ! -e /proc/$pid || $(process_title "$pid") != 'prefork-upper: '* ]] || process_ended "$pid" || echo "$pid"
        done < <(sed -n 's/.* event=\(worker\|supervisor\)_\(started\|replaced\).* pid=\([0-9]*\).*/\3/p' "$work"/server.*.log)
    } | sort -u
}

# skip REASON: ends the scenario as skipped. chaos/README.md lists which ones CI accepts.
skip() {
    echo "$1" >"$work/skipped"
    exit 0
}

# Ends whatever is still there. The runner calls it at the end of each scenario, however that came.
clean_up() {
    local pid pids=()
    [[ -z $server_pid ]] || mapfile -t pids < <(server_processes)
    [[ -z $load_pid ]] || pids+=("$load_pid")
    ours || mapfile -t -O "${#pids[@]}" pids < <(processes_left 2>/dev/null) # its children may have lost their parent
    for pid in "${pids[@]}" $(jobs -p); do kill -KILL "$pid" 2>/dev/null; done
}
