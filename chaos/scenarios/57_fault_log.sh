# shellcheck shell=bash
# A third of all log lines cannot be put into the pipe, then a half cannot be written to the file, while workers die: no client notices, lost lines are told.

scenario() {
    log_to=$work/log
    server_start -w 4 --log-file "$log_to" --control "$work/control.sock" && workers_ready 4
    remember_state
    local i before
    load_start -c 200 --churn 100 -d 8s --kill none
    load_is_on 200
    trial log:EAGAIN:1/3
    for i in {1..8}; do end_some_worker; done
    note_processes
    happened 'workers lost lines before the pipe' struck_at_least 1 log worker
    happened 'and the supervisor did' struck_at_least 3 log supervisor
    trial off
    wait_until 3000 lost_more_than 0
    before=$(event_sum count log_lost)
    trial output:ENOSPC:1/2,output:short:1/4
    for i in {1..8}; do end_some_worker; done
    note_processes
    happened 'lines could not be written, or only in part' struck_at_least 5 output supervisor
    trial off
    happened 'the load goes on' load_goes_on
    recovered "lost lines are told: $before of the pipe" is "$before" -ge 1
    recovered 'and those of the file' wait_until 3000 lost_more_than "$before"
    load_wait
    long_lived_clients_noticed_nothing 200
    hit 'every line of the log is whole' same "$(grep -vcE '^[0-9-]+T[0-9:.]+Z [a-z]+ +event=' "$log_to")" 0
    nothing_left
}

lost_more_than() { [[ $(event_sum count log_lost) -gt $1 ]]; }

# end_some_worker: one dies, and its successor is there; the log, which may have lost the line, is not asked.
end_some_worker() {
    local pids
    mapfile -t pids < <(worker_pids)
    kill -KILL "${pids[0]}" && wait_until 3000 succeeded "${pids[0]}"
}
succeeded() {
    local pids
    mapfile -t pids < <(worker_pids)
    [[ ${#pids[@]} -eq 4 && " ${pids[*]} " != *" $1 "* ]]
}
