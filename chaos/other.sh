# shellcheck shell=bash
# Another server in the place of ours (`chaos/run --server CMD`). Sourced by lib.sh.
#
# It is known by its port and its processes alone: it serves when it can be connected to, and has ended when its first process
# has. Scenarios marked "# any server" ask `ours` before they read a log or speak of workers.

ours() { [[ -z ${CHAOS_SERVER:-} ]]; }

# other_start: as server_start. bind_to keeps the port.
other_start() {
    local attempt
    for attempt in 1 2 3 4 5; do
        server_port=$((20000 + SRANDOM % 12768))
        [[ -z ${bind_to:-} ]] || server_port=${bind_to##*:}
        other_spawn && return
        [[ -z ${bind_to:-} ]] || break
    done
    echo "the server did not start (exit $server_code, attempt $attempt): $CHAOS_SERVER"
    tail -n 5 "$server_log"
    exit 1
}

other_spawn() {
    local command=${CHAOS_SERVER//'{port}'/$server_port}
    command=${command//'{folder}'/$(realpath "$work")}
    server_runs=$((${server_runs:-0} + 1))
    server_log=$work/server.$server_runs.log
    note server starts
    bash -c "$command" >"$server_log" 2>&1 </dev/null 8<&- &
    server_pid=$! server_code='' server_address=127.0.0.1:$server_port
    wait_until 10000 other_is_settled
    if process_ended "$server_pid"; then
        wait "$server_pid" && server_code=0 || server_code=$?
        server_pid=''
        return 1
    fi
    note server serves
    note_processes
    return 0 # a child that ended while it was looked at is no failure to start
}

other_is_settled() { process_ended "$server_pid" || connects; }
connects() { { : <>"/dev/tcp/127.0.0.1/$server_port"; } 2>/dev/null; }

# other_load_arguments: sets load_arguments, with which the load speaks as this server does.
other_load_arguments() {
    case ${CHAOS_CHECK:-upper} in
    upper) load_arguments=() ;;
    echo) load_arguments=(--check echo) ;;
    line) load_arguments=(--send 'one line of text\r\n' --expect 'one line of text\r\n') ;;
    esac
}
