# shellcheck shell=bash
# The process that holds most of 100 connections dies: ours loses none of them, another server those that it held, a new client is served.
# any server

# holder_of_most: sets victim and held: who has most connections to itself, and how many. Ours shares them with its keepers.
holder_of_most() {
    local pids
    pids=$(ss -Htnp state established "( sport = :$server_port )" | grep -o 'pid=[0-9]*' | cut -d = -f 2)
    ! ours || pids=$(grep -Fx -f <(worker_pids) <<<"$pids")
    read -r held victim < <(sort <<<"$pids" | uniq -c | sort -rn)
}

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 100 -d 5s --kill none
    load_is_on 100
    local held victim expected=0
    ! ours || hit 'the workers have taken all 100' all_accepted 100
    holder_of_most
    fault_now "a process with $held connections gets SIGKILL"
    kill -KILL "$victim"
    happened "a process with $held connections died" wait_until 2000 process_ended "$victim"
    figure fault_times 1
    recovered 'a new client is served' wait_until 5000 serves
    load_wait
    ours || expected=$held # nobody else promises to keep them
    expect_hit "$expected"
    hit "of 100 clients $(json .control.lost) were lost, $expected had to be" same "$(json .control.lost)" "$expected"
    hit 'no client got a wrong byte' no_wrong_bytes
    nothing_left
}
