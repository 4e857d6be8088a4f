"""What tests/bench/hold makes of a trace and of /proc: a gap that is measured wrong would be believed."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import hold_deaths
import hold_idle
import kernel_trace
import limits

MASTER, KEEPER, VICTIM, SUCCESSOR, LOAD = 10, 11, 12, 13, 20
# One death as the tracer writes it: killed at 2.000, answered again at 2.012.
TRACE = """# tracer: nop
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
  prefork-upper-12      [001] .....     1.990000: sock_send_length: sk address = 00000, length = 64, error = 0
        loadtool-20      [000] .....     1.991000: sock_recv_length: sk address = 00000, length = 64, error = 0
  prefork-upper-12      [001] .....     1.999000: sock_send_length: sk address = 00000, length = 64, error = 0
          python3-30      [000] d..2.     2.000000: signal_generate: sig=9 errno=0 code=0 comm=worker 0 pid=12 grp=1 res=0
        loadtool-20      [000] .....     2.000400: sock_send_length: sk address = 00000, length = 64, error = 0
        loadtool-20      [000] .....     2.000500: sock_recv_length: sk address = 00000, length = 64, error = 0
  prefork-upper-10      [000] .....     2.000600: sys_waitid -> 0x0
        worker 0-12      [001] d..2.     2.001000: signal_generate: sig=17 errno=0 code=2 comm=prefork-upper pid=10 grp=1 res=0
  prefork-upper-10      [000] .....     2.001500: sys_waitid -> 0x0
        keeper 0-11      [001] .....     2.002000: sched_process_fork: comm=keeper 0 a pid=11 child_comm=keeper 0 a child_pid=13
        worker 0-13      [001] .....     2.003000: sys_seccomp -> 0x0
        worker 0-13      [001] .....     2.004000: sys_sched_setscheduler -> 0x0
        worker 0-13      [001] .....     2.011000: sys_write(fd: 7, buf: 7ffc8, count: 8)
        worker 0-13      [001] .....     2.012000: sock_send_length: sk address = 00000, length = 64, error = 0
        loadtool-20      [000] .....     2.012500: sock_recv_length: sk address = 00000, length = 64, error = 0
"""


class Deaths(unittest.TestCase):
    def setUp(self):
        self.events = kernel_trace.parse(TRACE)

    def without(self, name):
        return [event for event in self.events if event.name != name]

    def test_steps__each_ends_where_the_next_begins(self):
        # The master's look before the death does not count: it has found nobody.
        steps = kernel_trace.steps_of(self.events, VICTIM, MASTER)
        self.assertEqual([round(ms, 3) for ms in steps], [1, 0.5, 0.5, 1, 1, 7, 1])
        self.assertEqual(len(steps), len(kernel_trace.STEPS))

    def test_gap__last_before_to_first_after__at_both_ends(self):
        # What the load sends is no answer.
        gap = kernel_trace.gap_of(self.events, VICTIM, LOAD)
        self.assertEqual((round(gap.answers, 3), round(gap.arrivals, 3), gap.calm), (13, 12, 0))

    def test_something_missing__nothing_is_told(self):
        for missing in ("sys_seccomp", "sched_process_fork", "signal_generate", "sock_send_length"):
            self.assertIsNone(kernel_trace.steps_of(self.without(missing), VICTIM, MASTER), missing)
        for missing in ("signal_generate", "sock_send_length", "sock_recv_length"):
            self.assertIsNone(kernel_trace.gap_of(self.without(missing), VICTIM, LOAD), missing)

    def test_line_that_is_none__is_skipped(self):
        self.assertEqual(len(kernel_trace.parse("CPU:0 [LOST 12 EVENTS]\n" + TRACE)), len(self.events))


class Logs(unittest.TestCase):
    LOG = ("2026-11-22T10:27:29.662Z info  event=incident slot=0 held=115 gap_ms=0.366 file=none\n"
           "2026-11-22T10:27:29.700Z warn  event=worker_died slot=1 pid=12 cause=SIGKILL\n"
           "2026-11-22T10:27:30.000Z info  event=incident slot=1 held=7 gap_ms=1.2 file=none\n")

    def test_event__its_lines_alone_with_their_fields(self):
        self.assertEqual([(line["held"], line["gap_ms"]) for line in hold_deaths.fields_of(self.LOG, "incident")],
                         [("115", "0.366"), ("7", "1.2")])


class Memory(unittest.TestCase):
    SMAPS = ("55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0                          [heap]\n"
             "Private_Clean:         0 kB\nPrivate_Dirty:        12 kB\n"
             "7f0000000000-7f0000049000 rw-p 00000000 00:00 0 \nPrivate_Dirty:       100 kB\n"
             "7f0000100000-7f0000102000 rw-p 00003000 fe:00 123                        /usr/bin/prefork-upper\n"
             "Private_Dirty:         4 kB\n"
             "7f0000200000-7f0000202000 rw-p 00000000 00:00 0 \nPrivate_Dirty:         8 kB\n")

    def test_smaps__private_bytes_by_what_is_mapped(self):
        self.assertEqual(hold_idle.private_by_mapping(self.SMAPS),
                         {"[heap]": 12 * 1024, "anonymous": 108 * 1024, "prefork-upper": 4 * 1024})


class Promises(unittest.TestCase):
    def test_limit_itself__is_kept__and_what_is_above_is_not(self):
        self.assertTrue(limits.Promise("gap", 30.0, 30, "ms").is_kept())
        self.assertFalse(limits.Promise("gap", 30.1, 30, "ms").is_kept())
        self.assertIn("BROKEN", str(limits.Promise("gap", 30.1, 30, "ms")))
