# shellcheck shell=bash
# Its processes, and what the kernel says about them; clients of the shell's own; kills. Sourced by lib.sh.

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

# process_group PID: which it is in, if that is a slot's: the first keeper's, not the server's.
process_group() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -r -a stat <<<"${stat##*) }"
    ((stat[2] > 1 && stat[2] != server_pid)) && echo "${stat[2]}"
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

# kill_unseen PID...: the supervisor sees their deaths all at once. It is stopped meanwhile: else it might tell one of them
# to make another anew before its own turn comes.
kill_unseen() {
    local supervisor
    supervisor=$(process_titled 'prefork-upper: supervisor')
    kill -STOP "$supervisor"
    wait_until 2000 process_stopped "$supervisor" && kill -KILL "$@" && wait_until 2000 all_ended "$@"
    kill -CONT "$supervisor"
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
        [[ $title =~ ^prefork-upper:\ worker\ ([0-9]+)$ ]] || continue # one that is just being made may show half a title
        living+=("$pid") workers[BASH_REMATCH[1]]=$pid
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
    for slot in {0..127}; do
        [[ -z ${found[worker $slot]:-} || -z ${found[keeper $slot a]:-} || -z ${found[keeper $slot b]:-} ]] ||
            slots+=("${found[worker $slot]} ${found[keeper $slot a]} ${found[keeper $slot b]}")
    done
}

# is_whole COUNT: are a supervisor and so many whole slots there?
is_whole() { look && [[ -n $supervisor && ${#slots[@]} -ge $1 ]]; }
