# shellcheck shell=bash
# The kill storm with messages of 200 KB and slow readers: workers die in the middle of long answers.

scenario() {
    kill_storm -c 60 -s 200K --kill slowread:30%
}
