"""What idle connections cost: memory of the workers, and processor time of the others' messages."""
import collections
import random
import re
import statistics

import figures
import limits
import measure
import processes
import servers

SIZES = [2000, 4000, 8000]
CROWD, CROWD_TOOLS = 16000, 2  # one process may have 20,000 descriptors on many machines
ACTIVE = measure.Row("active", "100 clients", clients=100)
ACTIVE_RATE, ACTIVE_S = 10000, 3
TURNS_S = 1.5
MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)")


# ---- memory ----


def private_by_mapping(smaps):
    """{mapping: bytes} of what a process has written to and shares with nobody (proc(5), smaps)."""
    found, name = collections.Counter(), ""
    for line in smaps.splitlines():
        head = MAPPING.fullmatch(line)
        if head:
            name = head.group(1).rpartition("/")[2] or "anonymous"
        elif line.startswith("Private_Dirty:"):
            found[name] += int(line.split()[1]) * 1024
    return found


class Memory:
    """What the processes have. A socket, its queues and its registration are the kernel's memory, and not in it."""

    def __init__(self, server):
        workers = processes.workers(server.pid)
        self.private = sum(processes.rollup_bytes(pid, "Private_Dirty") for pid in workers)
        self.share = sum(processes.rollup_bytes(pid, "Pss") for pid in workers)
        self.tree = processes.memory_bytes(server.pid)
        self.mappings = sum((private_by_mapping(processes.read(f"/proc/{pid}/smaps")) for pid in workers),
                            collections.Counter())


def grown(folder, clients):
    """(before, with so many idle connections) of a server whose workers all wait."""
    with servers.standing([servers.OURS], 4, folder) as (server,):
        measure.settle(server, 0)
        before = Memory(server)
        with measure.idle(server, clients):
            return before, Memory(server)


def each(pairs, clients, part):
    return [(getattr(after, part) - getattr(before, part)) / clients for before, after in pairs]


def cell(values):
    low, high = figures.interval(values)
    return f"{statistics.median(values):.1f} ({low:.1f} to {high:.1f})"


def print_mappings(pairs, clients):
    """Where the memory of the largest crowd lies; what is below half a byte of a connection is left out."""
    growth = collections.Counter()
    for before, after in pairs:
        after.mappings.subtract(before.mappings)
        growth.update(after.mappings)
    parts = [(name, total / len(pairs) / clients) for name, total in growth.most_common()]
    print(f"  of {clients:,}: " + ", ".join(f"{name} {size:.1f}" for name, size in parts if size >= 0.5))


def memory(folder, rounds):
    """Fresh servers in an order that changes, since a worker keeps the pages that it has touched."""
    pairs = {clients: [] for clients in SIZES}
    for _ in range(rounds):
        for clients in random.sample(SIZES, len(SIZES)):
            pairs[clients].append(grown(folder, clients))
    print(f"\nbytes of memory for each idle connection over 4 workers, {rounds} fresh servers each, medians (95 %)")
    lines = [[f"{clients:,} connections"] + [cell(each(pairs[clients], clients, part)) for part in ("private", "share", "tree")]
             for clients in SIZES]
    for line in figures.text_table(["", "workers, private", "workers, share (Pss)", "all processes (Pss)"], lines):
        print("  " + line)
    print_mappings(pairs[SIZES[-1]], SIZES[-1])
    worst = max(statistics.median(each(pairs[clients], clients, "private")) for clients in SIZES)
    return limits.Promise("a worker's memory for an idle connection", worst, limits.IDLE_BYTES, "bytes")


# ---- a crowd beside those who talk ----

BESIDE = servers.Kind("with the crowd", servers.ours(), quits=True)
ALONE = servers.Kind("without", servers.ours(), quits=True)


def crowd_round(folder):
    """{name: ((us a message, messages a second), (p50, p99, p99.9))} of two servers side by side."""
    with servers.standing([BESIDE, ALONE], 4, folder) as standing, measure.idle(standing[0], CROWD, CROWD_TOOLS):
        cost = measure.turns(standing, ACTIVE, TURNS_S)
        late = {server.kind.name: measure.latency(server, ACTIVE_RATE, ACTIVE_S, ACTIVE.clients)
                for server in random.sample(standing, len(standing))}
    return {name: (cost[name], late[name]) for name in cost}


def crowd(folder, rounds):
    results = [crowd_round(folder) for _ in range(rounds)]
    print(f"\n{ACTIVE.clients} clients beside {CROWD:,} idle connections of {CROWD_TOOLS} load tools, 4 workers, {rounds} "
          f"rounds of {TURNS_S} s; latency in us from the\ndue time at {ACTIVE_RATE:,} messages/s; medians")
    lines = []
    for kind in (BESIDE, ALONE):
        cost = statistics.median(result[kind.name][0][0] for result in results)
        late = zip(*(result[kind.name][1] for result in results))
        lines.append([kind.name, f"{cost:.2f}"] + [f"{statistics.median(column):,.0f}" for column in late])
    for line in figures.text_table(["", "us CPU a message", "p50", "p99", "p99.9"], lines):
        print("  " + line)
    ratio = figures.Ratio([result[BESIDE.name][0][0] for result in results], [result[ALONE.name][0][0] for result in results])
    print(f"  with / without: {ratio}")
    return limits.Promise("CPU per message beside the crowd", ratio.median, limits.CROWD_COST, "of that without")
