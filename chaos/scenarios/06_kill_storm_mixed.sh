# shellcheck shell=bash
# The kill storm while clients half-close, read slowly, send urgent bytes and come and go: every answer is whole.

scenario() {
    kill_storm -c 200 --kill halfclose:20%,slowread:5%,oob:20%,fin:20%
}
