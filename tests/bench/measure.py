"""What is measured, each in one function: turns, churn, latency, memory, a death."""
import json
import os
import random
import signal
import subprocess
import sys
import time

import processes

TURN_S = 0.1
CONNECT_LIMIT_S = 60
INTERRUPTED = 130
UNTRUSTED = 7  # loadtool does not trust its own latencies on this machine; what it counted stands


class Load:
    """Clients of one server who go on only when it is their turn."""

    def __init__(self, server, row):
        self.server, self.row, self.report = server, row, f"{server.folder}/report.json"
        self.process = subprocess.Popen(
            server.loadtool("-c", str(row.clients), "--depth", str(row.depth), "-d", "1h", "--timeout", "1h",
                            "--connect-timeout", "1h", "--kill", "none", "--json", self.report, size=row.size),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process.send_signal(signal.SIGSTOP)

    def run_for(self, seconds):
        self.process.send_signal(signal.SIGCONT)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGSTOP)

    def answered(self):
        """Messages so far: the kernel counts the bytes that the load has read."""
        return processes.bytes_read(self.process.pid) / self.row.size

    def connect(self):
        """Until every client has been answered once on the average; a server that forks for each needs seconds."""
        end = time.monotonic() + CONNECT_LIMIT_S
        while time.monotonic() < end and (established(self.server) < self.row.clients
                                          or self.answered() < 2 * self.row.clients):
            self.run_for(TURN_S)

    def begin(self):
        self.used_s, self.before = 0.0, self.answered()
        self.cpu_before_ns = processes.cpu_ns(self.server.pid)

    def turn(self):
        started = time.monotonic()
        self.run_for(TURN_S)
        self.used_s += time.monotonic() - started

    def result(self):
        """(microseconds of processor time a message, messages a second of its own turns)"""
        messages = self.answered() - self.before
        if messages < 1:
            sys.exit(f"{self.server.kind.name} answered nothing")
        return (processes.cpu_ns(self.server.pid) - self.cpu_before_ns) / 1000 / messages, messages / self.used_s

    def end(self):
        """What was measured counts only if no client was lost and every byte was right."""
        self.process.send_signal(signal.SIGINT)
        self.process.send_signal(signal.SIGCONT)
        code = self.process.wait(timeout=120)
        report = load_report(self.report)
        lost, wrong = report["control"]["lost"], report["wrong"]["wrong_bytes"]
        if code != INTERRUPTED or lost or wrong:
            sys.exit(f"the load failed against {self.server.kind.name}: exit {code}, {lost} lost, {wrong} bytes wrong")


def load_report(path):
    with open(path) as file:
        return json.load(file)


def turns(servers, row, seconds):
    """{name: (us of processor time a message, messages a second)} of servers side by side, `seconds` each.

    When all are connected one load at a time runs for a tenth of a second, in an order that changes: a machine whose
    speed drifts slows all alike."""
    loads = [Load(server, row) for server in servers]
    try:
        for load in loads:
            load.connect()
        for load in loads:
            load.begin()
        end = time.monotonic() + seconds * len(servers)
        while time.monotonic() < end:
            for load in random.sample(loads, len(loads)):
                load.turn()
        results = {load.server.kind.name: load.result() for load in loads}
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
    path = f"{server.folder}/{name}.json"
    code = subprocess.run(server.loadtool(*options, "--json", path, size=size), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode
    return code, load_report(path)


def churn(server, seconds):
    """(us of processor time a connection, connections a second): connect, one message, its answer, close."""
    before = processes.cpu_ns(server.pid)
    code, report = run(server, "churn", "-c", "1", "--think", "1s", "--churn", "100000", "-d", f"{seconds}s", "--kill",
                       "none")
    done = report["churn"]["done"]
    if done == 0:
        sys.exit(f"the churn failed against {server.kind.name}: exit {code}")
    return (processes.cpu_ns(server.pid) - before) / 1000 / done, done / seconds


def latency(server, rate, seconds, clients=500):
    """p50, p99 and p99.9 in us from the due time, at a fixed rate."""
    _, report = run(server, "latency", "-c", str(clients), "-r", str(rate), "-d", f"{seconds}s", "--kill", "none")
    return [report["latency_us"][key] for key in ("p50", "p99", "p99_9")]


def idle_memory(server, clients=500):
    """Bytes of memory of the whole tree for each idle connection."""
    load = subprocess.Popen(server.loadtool("-c", str(clients), "-d", "1m", "--think", "1h", "--kill", "none"),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = processes.memory_bytes(server.pid)
    try:
        settle(server, clients)
        return max(0, processes.memory_bytes(server.pid) - before) / clients
    finally:
        load.send_signal(signal.SIGKILL)
        load.wait()


def settle(server, clients):
    """Waits until so many are connected and the tree's processor time stands still."""
    end, used = time.monotonic() + 30, -1
    while time.monotonic() < end:
        time.sleep(0.2)
        now = processes.cpu_ns(server.pid)
        if established(server) >= clients and now == used:
            return
        used = now


def established(server):
    if server.over_unix:
        return 1 << 30  # nobody needs to wait for these
    listing = subprocess.run(["ss", "-Htn", "state", "established", f"( sport = :{server.place} )"],
                             capture_output=True, text=True).stdout
    return listing.count("\n")


def lost_at_a_death(server, clients=500):
    """How many of the clients notice that the process that serves most of them is killed."""
    load = subprocess.Popen(server.loadtool("-c", str(clients), "-d", "3s", "--kill", "none", "--json",
                                            f"{server.folder}/death.json"),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    victim = busiest(server)
    os.kill(victim, signal.SIGKILL)
    load.wait(timeout=60)
    return load_report(f"{server.folder}/death.json")["control"]["lost"]


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
