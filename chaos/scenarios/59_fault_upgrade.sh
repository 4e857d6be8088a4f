# shellcheck shell=bash
# Upgrades whose check cannot be begun, or whose new program no keeper can become, or those of the third slot cannot: each is taken back, nobody notices.

scenario() {
    server_start_upgraded
    load_start -c 300 -d 9s --kill none
    load_is_on 300
    trial fork:EAGAIN:1/1
    happened 'an upgrade whose check could not be begun was refused' refused
    happened 'its fork was struck' struck_at_least 1 fork supervisor
    trial exec:ENOMEM:1/1@keeper
    happened 'one whose canary could not become the new program was taken back' refused
    trial exec:ENOMEM:1/1@2
    happened 'one whose third slot could not, after the first two had, was taken back' refused
    happened 'the exec of keepers was struck' struck_at_least 2 exec keeper
    trial off
    recovered 'everybody runs the old program' wait_until 5000 all_run "$(image next)"
    happened 'the load goes on after that' load_goes_on
    recovered 'without faults an upgrade is done' upgrade_to "$(image after_next)"
    load_wait
    hit 'nobody died' same "$(deaths_logged) $(event_count supervisor_died)" '0 0'
    long_lived_clients_noticed_nothing 300
    nothing_left
}

refused() { ! operate upgrade "$(image after_next)"; }
