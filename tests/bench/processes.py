"""The processor time and memory of a process or its whole tree, from /proc."""
import os

TICKS = os.sysconf("SC_CLK_TCK")


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


class Stolen:
    """What the hypervisor gives to others of the processors' time, from now on. Figures from much of it are worth less."""

    def __init__(self):
        self.before = self.ticks()

    @staticmethod
    def ticks():
        """(stolen, all) since the machine began; proc(5): user nice system idle iowait irq softirq steal"""
        fields = read("/proc/stat").split("\n")[0].split()[1:9]
        return int(fields[7]), sum(map(int, fields))

    def share(self):
        stolen, every = (after - before for after, before in zip(self.ticks(), self.before))
        return stolen / every if every else 0.0

    def __str__(self):
        return f"the hypervisor took {self.share() * 100:.0f} % of the processors' time"


def tree(pid):
    """The process and all its descendants that live."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += [int(child) for child in read(f"/proc/{pid}/task/{pid}/children").split()]
    return found


def state(pid):
    """One letter, of its first thread (proc(5)): S asleep, T stopped."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0]


def thread_ns(pid, thread):
    """Exact where the scheduler tells it, else in clock ticks."""
    exact = read(f"/proc/{pid}/task/{thread}/schedstat").split()
    if exact:
        return int(exact[0])
    fields = read(f"/proc/{pid}/task/{thread}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // TICKS if fields else 0


def process_ns(pid):
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    # Children that ended and were waited for count with their parent, in clock ticks.
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    ended = (int(fields[13]) + int(fields[14])) * 1_000_000_000 // TICKS if fields else 0
    return ended + sum(thread_ns(pid, thread) for thread in threads)


def cpu_ns(pid):
    """Processor time that the tree has used."""
    return sum(process_ns(member) for member in tree(pid))


def workers(pid):
    """Those of the tree that are workers of ours."""
    return [member for member in tree(pid) if read(f"/proc/{member}/cmdline").startswith("prefork-upper: worker ")]


def rollup_bytes(pid, field):
    """A sum over all mappings of one process, such as Pss or Private_Dirty; 0 when it is gone."""
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def memory_bytes(pid):
    """Proportional share of memory of the tree: a page that several map counts once."""
    return sum(rollup_bytes(member, "Pss") for member in tree(pid))


def bytes_read(pid):
    """What the process has read from files and sockets by read() and readv()."""
    fields = dict(line.split(": ") for line in read(f"/proc/{pid}/io").splitlines())
    return int(fields.get("rchar", 0))
