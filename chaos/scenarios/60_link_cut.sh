# shellcheck shell=bash
# The wire to 200 clients is out for 3 s and in again, and a worker dies meanwhile: every client waits, and goes on.

scenario() {
    in_netlab
    server_start -w 4 --hang-timeout 500ms && workers_ready 4
    remember_state
    load_start -c 200 -d 7s --kill none --timeout 20s
    load_is_on 200
    all_accepted 200
    local cuts
    cuts=$(netlab counted cuts)
    netlab cut
    happened 'the wire is out' is "$(netlab counted cuts)" -gt "$cuts"
    kill_worker 1
    pause_ms 3000
    hit 'a new client of this host is served meanwhile' serves
    netlab heal
    recovered 'the worker that died was replaced' event_seen 1 worker_replaced slot=1
    happened 'the load goes on after that' load_goes_on
    load_wait
    happened "nobody had a reply for $(json '.silence_ms.p50 | floor') ms" is "$(json .silence_ms.p50)" -ge 3000
    hit "of 200 clients $(json .control.lost) were lost; loadtool says $(json .verdict)" same "$load_code" 0
    hit 'no byte was wrong, doubled or missing' no_wrong_bytes
    # TCP tries again after 0.2, 0.4, 0.8, 1.6, 3.2 s: up to 6.2 s after the cut, whenever the wire is in again.
    recovered "the longest silence was $(json '.silence_ms.max | floor') ms" is "$(json .silence_ms.max)" -lt 8000
    nothing_left
}
