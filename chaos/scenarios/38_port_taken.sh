# shellcheck shell=bash
# A second server is started on the port of one that serves 200 clients: it ends at once with 69 and names the holder, nobody notices.

scenario() {
    server_start -w 4 && workers_ready 4
    remember_state
    load_start -c 200 -d 3s --kill none
    load_is_on 200
    local code began
    began=$(now_ms)
    "$BUILD/prefork-upper" --bind "$server_address" --control off >"$work/second.txt" 2>&1 8<&- && code=0 || code=$?
    happened "the second one ended with $code after $(($(now_ms) - began)) ms" same "$code" 69
    happened "it says: $(<"$work/second.txt")" grep -q "$server_address is in use, held by pid $server_pid " "$work/second.txt"
    check left 'it said one line and left no process' same "$(wc -l <"$work/second.txt") $(others_with_our_address)" '1 0'
    recovered 'a new client is served by the first one' serves
    happened 'the load goes on meanwhile' load_goes_on
    load_wait
    hit 'nobody died' same "$(deaths_logged) $(event_count keeper_died) $(event_count supervisor_died)" '0 0 0'
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    recovered 'no client waited for 2 s' is "$(json .silence_ms.max)" -lt 2000
    nothing_left
}

# Sockets that listen on that port, beside the one that should.
others_with_our_address() { echo $(($(sockets listening) - 1)); }
