"""A death as the kernel's own tracer sees it (tracefs, root alone): when each step was taken, to a microsecond.

To look costs about a microsecond an event. The events are those of our processes, in an instance of the tracer of our own.
"""
import contextlib
import os
import re
import statistics
import typing

TRACING = "/sys/kernel/tracing"
# Who was killed, what was sent and what was read: no more, since every event costs a little.
BYTES = {
    "signal/signal_generate": "sig == 9 || sig == 17",
    "sock/sock_send_length": "ret > 0",
    "sock/sock_recv_length": "ret > 0",
}
# And what stands for a step of the way. To watch system calls slows every one of them down.
STEPS_TOO = BYTES | {
    "sched/sched_process_fork": "",
    "syscalls/sys_exit_waitid": "",
    "syscalls/sys_exit_seccomp": "",
    "syscalls/sys_exit_sched_setscheduler": "",
    "syscalls/sys_enter_write": "count == 8",  # a wake-up by an eventfd; messages are longer
}
LINE = re.compile(r".*-(\d+) +\[\d+\] +\S+ +(\d+\.\d+): (\w+)(.*)")


class Event(typing.NamedTuple):
    time_s: float
    pid: int
    name: str
    rest: str


class Trace:
    """`pids` and whatever they fork from now on. begin() forgets what was seen; end() tells it."""

    def __init__(self, folder, pids, events):
        self.folder = folder
        self.write("options/event-fork", "1")
        self.write("set_event_pid", " ".join(str(pid) for pid in pids))
        self.write("buffer_size_kb", "8192")
        for name, kept in events.items():
            if kept:
                self.write(f"events/{name}/filter", kept)
            self.write(f"events/{name}/enable", "1")

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)

    def begin(self):
        self.write("trace", "")
        self.write("tracing_on", "1")

    def end(self):
        self.write("tracing_on", "0")
        with open(f"{self.folder}/trace") as file:
            return parse(file.read())


@contextlib.contextmanager
def watching(pids, events):
    """A Trace of BYTES or STEPS_TOO, or None where there is no tracer for us."""
    folder, trace = f"{TRACING}/instances/prefork-upper-{os.getpid()}", None
    with contextlib.suppress(OSError):
        os.mkdir(folder)
        trace = Trace(folder, pids, events)
    try:
        yield trace
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def parse(text):
    matches = (LINE.fullmatch(line) for line in text.splitlines())
    return [Event(float(match[2]), int(match[1]), match[3], match[4]) for match in matches if match]


# ---- one death ----

# Each step ends where the next one begins. A table of more than one slice is armed while the first are answered.
STEPS = ["the process ends", "the master is told", "a keeper makes the next one", "it confines itself", "it gets its memory",
         "it arms the first slice of its connections", "it answers the first"]


class Gap(typing.NamedTuple):
    """Milliseconds: between the two answers around a death, over all connections; between the arrivals of two answers at the
    load; and the longest of those before the death."""
    answers: float
    arrivals: float
    calm: float


def first(events, after_s, name, pid=None, rest=""):
    """Its first event of that name; None if there is none."""
    return next((event for event in events if event.time_s >= after_s and event.name == name
                 and pid in (None, event.pid) and rest in event.rest), None)


def kill_of(events, worker):
    return first(events, 0, "signal_generate", rest=f" pid={worker} ")


def around(times, at_s):
    """The neighbours of a moment, one before and one after; None if one of them is missing."""
    before, after = [time for time in times if time < at_s], [time for time in times if time >= at_s]
    return (max(before), min(after)) if before and after else None


def gap_of(events, worker, load):
    """A Gap; None when the trace does not tell it all."""
    kill = kill_of(events, worker)
    sent = [event.time_s for event in events if event.name == "sock_send_length" and event.pid != load]
    read = [event.time_s for event in events if event.name == "sock_recv_length" and event.pid == load]
    answers = kill and around(sent, kill.time_s)
    arrivals = answers and around(read, answers[1])
    if not arrivals:
        return None
    calm = [time for time in read if time < kill.time_s]
    return Gap((answers[1] - answers[0]) * 1000, (arrivals[1] - arrivals[0]) * 1000,
               max(((b - a) * 1000 for a, b in zip(calm, calm[1:])), default=0.0))


def steps_of(events, worker, master):
    """Milliseconds of each of the STEPS; None when the trace does not tell them all."""
    event, times, successor = kill_of(events, worker), [], None
    way = [("signal_generate", worker, f" pid={master} "), ("sys_waitid", master, ""), ("sched_process_fork", None, ""),
           ("sys_seccomp", "next", ""), ("sys_sched_setscheduler", "next", ""), ("sys_write", "next", ""),
           ("sock_send_length", "next", "")]
    for name, pid, rest in way:
        if not event:
            return None
        times.append(event.time_s)
        event = first(events, event.time_s, name, successor if pid == "next" else pid, rest)
        if event and name == "sched_process_fork":
            successor = int(re.search(r"child_pid=(\d+)", event.rest)[1])
    times += [event.time_s] if event else []
    return [(after - before) * 1000 for before, after in zip(times, times[1:])] if event else None


def step_lines(deaths):
    """A line each: its name, the median, the longest, in ms."""
    for name, column in zip(STEPS, zip(*deaths)):
        yield [name, f"{statistics.median(column):.2f}", f"{max(column):.2f}"]
