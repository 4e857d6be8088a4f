# shellcheck shell=bash
# The server starts again on the same port at once, while thousands of its sockets are in TIME_WAIT.
# quick

scenario() {
    server_start -w 4 --idle-timeout 200ms && workers_ready 4
    remember_state
    python3 chaos/clients.py wait_for_fin "$server_address" 3000 || return 1
    local waiting
    waiting=$(sockets time-wait)
    happened "$waiting sockets of the server are in TIME_WAIT, since it closed first" is "$waiting" -ge 2500
    nothing_left

    fault_now 'the server has ended, its port is in TIME_WAIT'
    happened 'a plain bind fails: address already in use' plain_bind_fails
    local started
    started=$(now_ms)
    bind_to=$server_address server_start -w 4
    recovered "the next server served after $(($(now_ms) - started)) ms" same "$server_code" ''
    recovered 'it serves a new client' serves
    workers_ready 4
    load -c 200 -d 1s
    hit 'its 200 clients are served without a fault' same "$load_code" 0
    server_stop_now
}

plain_bind_fails() {
    ! python3 -c 'import socket, sys; socket.socket().bind(("127.0.0.1", int(sys.argv[1])))' "$server_port" 2>/dev/null
}
