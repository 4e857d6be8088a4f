"""What is measured, each in one function: turns, churn, latency, memory, a death."""
import contextlib
import json
import os
import random
import select
import signal
import subprocess
import time

import processes
import servers

TURN_S = 0.1
CONNECT_LIMIT_S = 60
END_LIMIT_S = 60
SETTLE_S, STILL_NS = 0.2, 2_000_000  # a hundredth of that time
INTERRUPTED = 130


class Row:
    """What is done to each server: so many clients with so many messages of this size outstanding; or `churn`: a connection
    for each message; or `bulk`: a stream without end. `peers`: it is a row for servers from elsewhere, too. `units`: what is
    counted, and that in a second."""

    def __init__(self, name, title, clients=500, size=64, depth=1, over_unix=False, churn=False, peers=False, bulk=False,
                 units=("message", "messages/s")):
        self.name, self.title, self.clients, self.size, self.depth = name, title, clients, size, depth
        self.over_unix, self.churn, self.peers, self.bulk, self.units = over_unix, churn, peers, bulk, units


class Load:
    """Clients of one server who go on only when it is their turn."""

    def __init__(self, server, row):
        self.server, self.row, self.report = server, row, fresh(f"{server.folder}/report.json")
        self.reply_bytes = server.reply_bytes(row.size)
        with open(f"{server.folder}/load", "w") as output:
            self.process = subprocess.Popen(self.command(), stdout=output, stderr=output)
        self.process.send_signal(signal.SIGSTOP)

    def command(self):
        depth = self.row.depth * self.server.pieces(self.row.size)
        return self.server.loadtool("-c", str(self.row.clients), "--depth", str(depth), "-d", "1h", "--timeout", "1h",
                                    "--connect-timeout", "1h", "--kill", "none", "--json", self.report, size=self.row.size)

    def cpu_ns(self):
        """Whose processor time a message is charged with."""
        return processes.cpu_ns(self.server.pid)

    def run_for(self, seconds):
        self.process.send_signal(signal.SIGCONT)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGSTOP)

    def answered(self):
        """Messages so far: the kernel counts the bytes that the load has read."""
        return processes.bytes_read(self.process.pid) / self.reply_bytes

    def connect(self):
        """Until every client has been answered once on the average; a server that forks for each needs seconds."""
        end = time.monotonic() + CONNECT_LIMIT_S
        while established(self.server) < self.row.clients or self.answered() < 2 * self.row.clients:
            if self.process.poll() is not None:
                raise servers.Failed(self.server, "its load ended: " + processes.read(f"{self.server.folder}/load").strip())
            if time.monotonic() > end:
                raise servers.Failed(self.server, f"{established(self.server)} of {self.row.clients} clients connected, "
                                                  f"{self.answered():.0f} messages answered in {CONNECT_LIMIT_S} s")
            self.run_for(TURN_S)

    def begin(self):
        self.used_s, self.before = 0.0, self.answered()
        self.cpu_before_ns = self.cpu_ns()

    def turn(self):
        started = time.monotonic()
        self.run_for(TURN_S)
        self.used_s += time.monotonic() - started

    def result(self):
        """(microseconds of processor time a message, messages a second of its own turns)"""
        messages = self.answered() - self.before
        if messages < 1:
            raise servers.Failed(self.server, "answered nothing")
        return (self.cpu_ns() - self.cpu_before_ns) / 1000 / messages, messages / self.used_s

    def before_interrupt(self):
        """Whatever a load must come to first."""

    def interrupt(self):
        self.process.send_signal(signal.SIGCONT)
        self.before_interrupt()
        self.process.send_signal(signal.SIGINT)
        handle = os.pidfd_open(self.process.pid)
        ended = select.select([handle], [], [], END_LIMIT_S)[0]
        os.close(handle)
        if not ended:
            raise servers.Failed(self.server, f"its load did not end in {END_LIMIT_S} s")
        self.answered_at_end = self.answered()  # the kernel knows until it is waited for
        return self.process.wait()

    def end(self):
        """What was measured counts only if no client was lost and every byte was right."""
        code = self.interrupt()
        report = report_of(self.server, self.report)
        lost, wrong = report["control"]["lost"], wrong_bytes(report)
        if code != INTERRUPTED or lost or wrong:
            raise servers.Failed(self.server, f"its load ended with {code}, {lost} clients lost, {wrong} bytes wrong")


class Stream(Load):
    """One client that sends without end (stream.c)."""

    def command(self):
        return [f"{servers.BUILD}/bench/stream", self.server.place, self.server.kind.check]

    def end(self):
        if self.process.poll() is not None:
            raise servers.Failed(self.server, processes.read(f"{self.server.folder}/load").strip())


def fresh(path):
    """Nothing lies there: what a round before left would be taken for this one's."""
    if os.path.exists(path):
        os.unlink(path)
    return path


def report_of(server, path):
    try:
        with open(path) as file:
            return json.load(file)
    except (OSError, ValueError):
        raise servers.Failed(server, "its load left no report") from None


def rounds(kinds, count, measure_round):
    """{name: [result of each round]}, and {name: why} of those that failed.

    A server that fails once is out; its round is repeated without it, so that all others have been measured side by side."""
    done, failed = [], {}
    while kinds and len(done) < count:
        try:
            done.append(measure_round(kinds))
        except servers.Failed as failure:
            failed[failure.name] = failure.what
            kinds = [kind for kind in kinds if kind.name != failure.name]
    return {kind.name: [results[kind.name] for results in done] for kind in kinds}, failed


def wrong_bytes(report):
    """Of all kinds: wrong, missing, doubled, others'."""
    return sum(count for what, count in report["wrong"].items() if what.endswith("_bytes"))


def turns(standing, row, seconds):
    """{name: (us of processor time a message, messages a second)} of servers side by side, `seconds` each."""
    load = Stream if row.bulk else Load
    results = take_turns([(load, server) for server in standing], row, seconds)
    return {server.kind.name: result for server, result in zip(standing, results)}


def take_turns(pairs, row, seconds):
    """The result of each pair of a kind of load and a server, `seconds` each.

    When all are connected one load at a time runs for a tenth of a second, in an order that changes: a machine whose
    speed drifts slows all alike."""
    loads = []
    try:
        for load, server in pairs:
            loads.append(load(server, row))
        for load in loads:
            load.connect()
        for load in loads:
            load.begin()
        end = time.monotonic() + seconds * len(loads)
        while time.monotonic() < end:
            for load in random.sample(loads, len(loads)):
                load.turn()
        results = [load.result() for load in loads]
        for load in loads:
            load.end()
        return results
    finally:
        for load in loads:
            if load.process.poll() is None:
                load.process.kill()
                load.process.wait()


def run(server, name, *options, size=64):
    """One load from beginning to end; its report."""
    path = fresh(f"{server.folder}/{name}.json")
    code = subprocess.run(server.loadtool(*options, "--json", path, size=size), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode
    return code, report_of(server, path)


def churn(server, seconds):
    """(us of processor time a connection, connections a second): connect, one message, its answer, close."""
    before = processes.cpu_ns(server.pid)
    code, report = run(server, "churn", "-c", "1", "--think", "1s", "--churn", "100000", "-d", f"{seconds}s", "--kill",
                       "none")
    done = report["churn"]["done"]
    if done == 0:
        raise servers.Failed(server, f"no connection of the churn was answered: its load ended with {code}")
    return (processes.cpu_ns(server.pid) - before) / 1000 / done, done / seconds


def latency(server, rate, seconds, clients=500):
    """p50, p99 and p99.9 in us from the due time, at a fixed rate."""
    _, report = run(server, "latency", "-c", str(clients), "-r", str(rate), "-d", f"{seconds}s", "--kill", "none")
    return [report["latency_us"][key] for key in ("p50", "p99", "p99_9")]


@contextlib.contextmanager
def idle(server, clients, tools=1):
    """So many connections, dealt to load tools: each is answered once and says nothing more."""
    command = server.loadtool("-c", str(clients // tools), "-d", "1h", "--think", "1h", "--kill", "none",
                              "--connect-timeout", "1h", "--timeout", "1h")
    loads = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(tools)]
    try:
        settle(server, clients)
        if established(server) < clients:
            raise servers.Failed(server, f"{established(server)} of {clients} idle clients connected")
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def idle_memory(server, clients=500):
    """Bytes of memory of the whole tree for each idle connection."""
    before = processes.memory_bytes(server.pid)
    with idle(server, clients):
        return max(0, processes.memory_bytes(server.pid) - before) / clients


def settle(server, clients):
    """Waits until so many are connected and the tree's processor time stands still, but for what idles (a tick)."""
    end, used_ns = time.monotonic() + 30, -STILL_NS
    while time.monotonic() < end:
        time.sleep(SETTLE_S)
        now_ns = processes.cpu_ns(server.pid)
        if now_ns - used_ns < STILL_NS and established(server) >= clients:
            return
        used_ns = now_ns


def established(server):
    if server.over_unix:
        return 1 << 30  # nobody needs to wait for these
    listing = subprocess.run(["ss", "-Htn", "state", "established", f"( sport = :{server.place} )"],
                             capture_output=True, text=True).stdout
    return listing.count("\n")


def lost_at_a_death(server, clients=500):
    """How many of the clients notice that the process that serves most of them is killed."""
    path = fresh(f"{server.folder}/death.json")
    load = subprocess.Popen(server.loadtool("-c", str(clients), "-d", "3s", "--kill", "none", "--json", path),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        os.kill(busiest(server), signal.SIGKILL)
        load.wait(timeout=END_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise servers.Failed(server, f"the load during a death did not end in {END_LIMIT_S} s") from None
    finally:
        load.kill()
        load.wait()
    return report_of(server, path)["control"]["lost"]


def busiest(server):
    """Of the tree's processes below the first the one with the most sockets."""
    def sockets(pid):
        try:
            return sum(os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:") for fd in os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return -1
    below = processes.tree(server.pid)[1:] or [server.pid]
    workers = [pid for pid in below if "worker" in processes.read(f"/proc/{pid}/cmdline").split("\0")[0]]
    return max(workers or below, key=sockets)
