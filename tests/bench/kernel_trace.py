"""A death as the kernel's own tracer sees it (tracefs, root alone): when each step was taken, to a microsecond.

To look costs about a microsecond an event. The events are those of our processes, in an instance of the tracer of our own.
"""
import contextlib
import os
import re
import statistics
import typing

TRACING = "/sys/kernel/tracing"
MESSAGE_BYTES = 64
# What stands for a step of the way, each with a filter on what it tells.
EVENTS = {
    "signal/signal_generate": "sig == 9 || sig == 17",
    "sched/sched_process_fork": "",
    "syscalls/sys_exit_waitid": "",
    "syscalls/sys_exit_seccomp": "",
    "syscalls/sys_exit_sched_setscheduler": "",
    "syscalls/sys_enter_write": "count == 8",  # a wake-up by an eventfd; messages are longer
    "syscalls/sys_exit_sendto": "ret > 0",
    "syscalls/sys_exit_read": f"ret >= {MESSAGE_BYTES}",
}
LINE = re.compile(r".*-(\d+) +\[\d+\] +\S+ +(\d+\.\d+): (\w+)(.*)")


class Event(typing.NamedTuple):
    time_s: float
    pid: int
    name: str  # sys_write, sys_sendto, ...; signal_generate, sched_process_fork
    rest: str


class Trace:
    """`pids` and whatever they fork from now on. begin() forgets what was seen; events() ends the watching and tells."""

    def __init__(self, folder, pids):
        self.folder = folder
        self.write("options/event-fork", "1")
        self.write("set_event_pid", " ".join(str(pid) for pid in pids))
        self.write("buffer_size_kb", "8192")
        for name in EVENTS:
            if EVENTS[name]:
                self.write(f"events/{name}/filter", EVENTS[name])
            self.write(f"events/{name}/enable", "1")

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)

    def begin(self):
        self.write("trace", "")
        self.write("tracing_on", "1")

    def events(self):
        self.write("tracing_on", "0")
        with open(f"{self.folder}/trace") as file:
            return parse(file.read())


@contextlib.contextmanager
def watching(pids):
    """A Trace, or None where there is no tracer for us."""
    folder, trace = f"{TRACING}/instances/prefork-upper-{os.getpid()}", None
    with contextlib.suppress(OSError):
        os.mkdir(folder)
        trace = Trace(folder, pids)
    try:
        yield trace
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def parse(text):
    matches = (LINE.fullmatch(line) for line in text.splitlines())
    return [Event(float(match[2]), int(match[1]), match[3], match[4]) for match in matches if match]


# ---- one death ----

# Each step ends where the next one begins.
STEPS = ["the process ends", "the master is told", "a keeper makes the next one", "it confines itself", "it gets its memory",
         "it arms every connection again", "it answers the first"]


class Death(typing.NamedTuple):
    """Milliseconds: of each of the STEPS; between two answers; between two arrivals of them at the load; and the longest of
    those before the death."""
    steps: list
    answers: float
    arrivals: float
    calm: float


def first(events, after_s, name, pid=None, rest=""):
    """Its first event of that name; None if there is none."""
    return next((event for event in events if event.time_s >= after_s and event.name == name
                 and pid in (None, event.pid) and rest in event.rest), None)


def times_of(events, worker, master):
    """When the worker was killed and when each step was over; None if one is missing."""
    event = first(events, 0, "signal_generate", rest=f" pid={worker} ")
    times = []
    way = [("signal_generate", worker, f" pid={master} "), ("sys_waitid", master, ""), ("sched_process_fork", None, ""),
           ("sys_seccomp", "next", ""), ("sys_sched_setscheduler", "next", ""), ("sys_write", "next", ""),
           ("sys_sendto", "next", "")]
    successor = None
    for name, pid, rest in way:
        if not event:
            return None
        times.append(event.time_s)
        event = first(events, event.time_s, name, successor if pid == "next" else pid, rest)
        if event and name == "sched_process_fork":
            successor = int(re.search(r"child_pid=(\d+)", event.rest)[1])
    return times + [event.time_s] if event else None


def gap_ms(times, at_s):
    """Of the two neighbours of a moment, one before and one after."""
    before = [time for time in times if time < at_s]
    after = [time for time in times if time >= at_s]
    return (min(after) - max(before)) * 1000 if before and after else None


def death_of(events, worker, master, load):
    """None when the trace does not tell it all."""
    times = times_of(events, worker, master)
    if not times:
        return None
    sent = [event.time_s for event in events if event.name == "sys_sendto"]
    read = [event.time_s for event in events if event.name == "sys_read" and event.pid == load]
    answered_s = times[-1]
    calm = [time for time in read if time < times[0]]
    if not any(time < answered_s for time in sent) or gap_ms(read, answered_s) is None:
        return None
    return Death(steps=[(after - before) * 1000 for before, after in zip(times, times[1:])],
                 answers=gap_ms(sent, answered_s), arrivals=gap_ms(read, answered_s),
                 calm=max((b - a) * 1000 for a, b in zip(calm, calm[1:])) if len(calm) > 1 else 0.0)


def step_lines(deaths):
    """A line each: its name, the median, the longest, in ms."""
    for name, column in zip(STEPS, zip(*(death.steps for death in deaths))):
        yield [name, f"{statistics.median(column):.2f}", f"{max(column):.2f}"]
