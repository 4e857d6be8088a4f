# shellcheck shell=bash
# The kill storm with messages of 200 KB and slow readers: workers die in the middle of long answers.

scenario() {
    # Scheduled in batches a worker is seldom interrupted between giving an answer and taking what it answered; without
    # that every client that its answer wakes takes the processor from it just there. Both must be right.
    storm_servers=('--batch off' '--batch on')
    kill_storm -c 60 -s 200K --kill slowread:30%
}
