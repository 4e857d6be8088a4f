#!/usr/bin/env python3
"""A terminal for a command: what is written into a FIFO is what its user types.

    terminal.py KEYS COMMAND...

The command leads a session whose controlling terminal is a new pseudo terminal, and is its foreground group, as a
job that was started from a shell. Ctrl-C is the byte 3: the terminal itself makes a SIGINT of it, for the whole group.
Its standard input is the terminal; output and other descriptors are those that this program was given.
Exit: the command's, 128 + signal if it died of one.
"""

import fcntl
import os
import pty
import select
import sys
import termios


def become_command(terminal, command):
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)  # a session leader's first terminal; its group is in the foreground
    os.dup2(terminal, 0)
    os.close(terminal)
    os.execvp(command[0], command)


def pass_keys(keys, screen, child):
    """Until the command ends: its pidfd becomes readable."""
    pidfd = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([keys, screen, pidfd], [], [])
        if keys in ready:
            os.write(screen, os.read(keys, 100))
        if screen in ready:
            os.read(screen, 4096)  # the echo
        if pidfd in ready:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(fifo, *command):
    screen, terminal = pty.openpty()
    child = os.fork()
    if child == 0:
        os.close(screen)
        become_command(terminal, command)
    os.closerange(3, min(screen, terminal))  # what is the command's, such as the pipe that says "ready"
    # The slave's end stays open: without one, reading from the master's end is an error.
    keys = os.open(fifo, os.O_RDWR)
    code = pass_keys(keys, screen, child)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
