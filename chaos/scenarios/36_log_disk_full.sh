# shellcheck shell=bash
# The disk of the log is full, has room again, and then the log's folder goes, under load while workers die: no client notices, lost lines are told.

scenario() {
    own_disk || in_own_mounts
    prepare_log
    server_start -w 4 --log-file "$folder/log" && workers_ready 4
    remember_state
    load_start -c 300 -d 9s --kill none
    load_is_on 300

    local before lost began
    fault_now 'the disk is full'
    fill_disk
    for _ in {1..12}; do end_worker $((RANDOM % 4)); done # the log's last page takes lines of the first ones
    before=$(log_size)
    for slot in 0 1 2 3; do end_worker "$slot"; done
    happened 'four workers died, and no line could be written' same "$(log_size)" "$before"
    began=$(now_ms)
    free_disk
    fault_over 'there is room again'
    wait_event 3000 1 log_lost
    recovered "the log went on $(($(now_ms) - began)) ms after there was room" event_seen 1 log_lost
    lost=$(event_sum count log_lost)
    happened "$lost lines were lost, and the log says so" is "$lost" -ge 8

    fault_now "the log's folder goes"
    rm -r "$folder"
    wait_until 3000 removed_file_is_closed
    for slot in 0 1 2 3; do end_worker "$slot"; done
    happened 'the folder of the log is gone, and four workers died' removed_file_is_closed
    began=$(now_ms)
    mkdir "$folder"
    fault_over 'there is a folder again'
    server_log=$folder/log
    touch "$server_log"
    wait_event 3000 1 log_lost
    recovered "a log was made anew $(($(now_ms) - began)) ms after there was a folder" event_seen 1 log_reopened why=removed
    lost=$(event_sum count log_lost)
    happened "$lost lines were lost meanwhile" is "$lost" -ge 8

    load_wait
    figure fault_times 8 'workers died while no line could be written'
    hit "of 300 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered 'a new client is served' serves
    nothing_left
}

# A tiny file system for the log, where one may be mounted: the scenario begins again in mounts of its own, which end with
# it. Elsewhere the log's name leads to /dev/full for a while.
own_disk() { [[ -n ${LOG_DISK:-} ]]; }
in_own_mounts() {
    local unshare=(unshare -m)
    [[ $EUID -eq 0 ]] || unshare+=(-r)
    export LOG_DISK=link
    "${unshare[@]}" mount -t tmpfs none "$work" 2>/dev/null || return 0
    LOG_DISK=tmpfs exec "${unshare[@]}" chaos/run --one "${BASH_SOURCE[0]}"
}

# prepare_log: sets folder, where the log lies, and log_to, the file in which its lines can be read.
prepare_log() {
    mkdir "$work/disk"
    [[ $LOG_DISK == link ]] || mount -t tmpfs -o size=64k none "$work/disk" || exit 1
    folder=$work/disk/folder log_to=$work/disk/folder/log
    mkdir "$folder"
    [[ $LOG_DISK == tmpfs ]] || { log_to=$folder/lines && lead_log_to lines; }
}

lead_log_to() { ln -sfn "$1" "$folder/log"; }

fill_disk() {
    if [[ $LOG_DISK == tmpfs ]]; then
        head -c 1M /dev/zero >"$work/disk/filler" 2>/dev/null
    else
        lead_log_to /dev/full
        kill -USR1 "$server_pid"
        wait_until 2000 supervisor_holds /dev/full
    fi
}

free_disk() {
    if [[ $LOG_DISK == tmpfs ]]; then
        rm "$work/disk/filler"
    else
        lead_log_to lines
        kill -USR1 "$server_pid"
    fi
}

log_size() { stat -c %s "$log_to"; }

# supervisor_holds PATTERN: has it a file open whose name ends so?
supervisor_holds() {
    find "/proc/$(process_titled 'prefork-upper: supervisor')/fd" -lname "*$1" 2>/dev/null | grep -q .
}
removed_file_is_closed() { ! supervisor_holds 'folder/* (deleted)'; }

# end_worker SLOT: it dies, and its successor is there; the log, which may be nowhere, is not asked.
end_worker() {
    local pid
    note_processes
    pid=$(process_titled "prefork-upper: worker $1")
    kill -KILL "$pid" && wait_until 3000 succeeded "$1" "$pid"
}
succeeded() {
    local pid
    pid=$(process_titled "prefork-upper: worker $1") && [[ $pid != "$2" ]]
}
