"""What a mutant's tests leave behind is ended, whatever sessions it has made for itself, and stopped or not."""

import os
import pathlib
import select
import signal
import subprocess

from support import DEADLINE_S, TOP, TestCase, until

CONTAIN = TOP / "tests/mutants/contain"
# A process in a session of its own says its pid and stops itself; its parent goes on when it is told to.
LEAVE_STOPPED = "setsid sh -c 'echo $$; kill -STOP $$; sleep 1000' & read line; {then}"


class Contain(TestCase):
    def run_contained(self, then):
        """(process, pidfd of the one in another session)"""
        process = subprocess.Popen([CONTAIN, "sh", "-c", LEAVE_STOPPED.format(then=then)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        pid = int(process.stdout.readline())
        pidfd = os.pidfd_open(pid)
        self.addCleanup(os.close, pidfd)
        until(lambda: " T " in pathlib.Path(f"/proc/{pid}/stat").read_text(), "it has stopped itself")
        process.stdin.close()
        return process, pidfd

    def expect_ended(self, process, pidfd, code):
        self.assertEqual(process.wait(DEADLINE_S), code)
        self.assertTrue(select.select([pidfd], [], [], 0)[0], "it outlived the command")

    def test_command__ends_and_leaves_a_stopped_process__both_are_gone(self):
        process, pidfd = self.run_contained("exit 3")
        self.expect_ended(process, pidfd, 3)

    def test_command__hangs_and_takes_too_long__both_are_gone(self):
        process, pidfd = self.run_contained("sleep 1000")
        process.send_signal(signal.SIGTERM)
        self.expect_ended(process, pidfd, 128 + signal.SIGTERM)
