# shellcheck shell=bash
# The server and its log: how one is started and waited for, and what it has told. Sourced by lib.sh.

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

all_ended() {
    local pid
    for pid; do process_ended "$pid" || return 1; done
}

process_stopped() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ ${stat##*) } == T* ]]
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
