# shellcheck shell=bash
# The supervisor kills itself again and again and is not heard, while workers die and are made anew; then it cannot open the process of a worker that hangs.

scenario() {
    server_start -w 4 --service faulty --hang-timeout 500ms --control "$work/control.sock" && workers_ready 4
    remember_state
    local slot done=0 pid
    load_start -c 200 -d 8s --kill none
    load_is_on 200
    trial poll:die:1/15,poke:EAGAIN:1/2
    for slot in 0 1 2 3; do operate restart "$slot" && done=$((done + 1)); done
    happened "$done workers were made anew meanwhile" same "$done" 4
    for slot in 0 1 2 3; do
        note_processes
        pid=$(process_titled "prefork-upper: worker $slot")
        kill -KILL "$pid"
        recovered "killed worker $slot has a successor" wait_until 3000 succeeded "$slot" "$pid"
    done
    happened 'the supervisor died several times by its own hand' wait_until 5000 struck_at_least 3 poll supervisor
    happened "and was not heard $(shots poke supervisor) times" struck_at_least 3 poke supervisor
    load_wait
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes

    trial pidfd:EMFILE:1/2
    hit 'a client that sent !HANG!!! was reset' poison '!HANG!!!'
    for slot in 0 1 2 3; do operate restart "$slot" || echo "FAIL restart $slot"; done
    happened 'the supervisor could not open a process' struck_at_least 1 pidfd supervisor
    trial off
    hit 'of the workers that were ended for hanging one hung' same "$(event_count worker_killed why=hang_busy) $(event_count worker_killed why=hang_silent)" '1 0'
    recovered 'a new client is served' wait_until 2000 serves
    nothing_left
}

succeeded() {
    local pid
    pid=$(process_titled "prefork-upper: worker $1") && [[ $pid != "$2" ]]
}
