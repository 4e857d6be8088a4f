"""How a death is felt: by 10,000 connections of one worker, and in the tail of the latency of 500."""
import os
import random
import re
import signal
import statistics
import subprocess
import time

import figures
import kernel_trace
import limits
import measure
import processes
import servers

LOGGED = servers.Kind("prefork-upper", servers.ours("--log-level", "info"), quits=True)
DEADLINE_S = 20
UNTRUSTED = 7  # loadtool does not trust its own latencies on this machine; what it counted stands

CONNECTIONS, RATE, DEATHS = 10000, 5000, 10
WARM_UP_S = 2

CLIENTS, RUN_S, KILL_EVERY_S = 500, 20, 1
HIGHEST_S, HIGHEST_RUNS = 4, 3


# ---- the log ----


def fields_of(log, event):
    """A dict for each line of that event."""
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in log.splitlines() if f" event={event} " in line]


def log_of(server, event, count=0):
    """Its lines, once there are so many."""
    end = time.monotonic() + DEADLINE_S
    while True:
        found = fields_of(processes.read(f"{server.folder}/output"), event)
        if len(found) >= count:
            return found
        if time.monotonic() > end:
            raise servers.Failed(server, f"{len(found)} of {count} lines of {event} are in the log")
        time.sleep(0.01)


# ---- a load that deaths interrupt ----


class Talk:
    """A load in the background."""

    def __init__(self, server, *options):
        self.server, self.path = server, measure.fresh(f"{server.folder}/talk.json")
        self.process = subprocess.Popen(server.loadtool(*options, "--kill", "none", "--json", self.path),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_connected(self, clients):
        end = time.monotonic() + DEADLINE_S
        while measure.established(self.server) < clients:
            if time.monotonic() > end or self.process.poll() is not None:
                raise servers.Failed(self.server, f"{measure.established(self.server)} of {clients} clients connected")
            time.sleep(0.1)

    def report(self):
        """Its report, once it has ended; a lost client or a wrong byte ends everything."""
        code = self.process.wait(timeout=120)
        report = measure.report_of(self.server, self.path)
        lost, wrong = report["control"]["lost"] + report["control"]["unanswered"], measure.wrong_bytes(report)
        if code not in (0, measure.INTERRUPTED, UNTRUSTED) or lost or wrong:
            raise servers.Failed(self.server, f"its load ended with {code}, {lost} clients lost, {wrong} bytes wrong")
        return report


def kill_one(server):
    """SIGKILL to a worker chosen by chance; its pid."""
    victim = random.choice(processes.workers(server.pid))
    os.kill(victim, signal.SIGKILL)
    return victim


# ---- the gap ----


def watch_death(server, trace, number):
    """Kills the one worker: (its pid, what the tracer saw, None without one)."""
    if trace:
        trace.begin()
        time.sleep(0.2)
    victim = kill_one(server)
    time.sleep(0.3)
    log_of(server, "worker_replaced", number)
    return victim, trace and trace.end()


def deaths(folder, events):
    """(incidents of the log, what gap_of() and steps_of() make of each death, report of the load)"""
    with (servers.standing([LOGGED], 1, folder) as (server,),
          Talk(server, "-c", str(CONNECTIONS), "-r", str(RATE), "-d", "1h", "--warm-up", f"{WARM_UP_S}s") as talk):
        talk.wait_connected(CONNECTIONS)
        time.sleep(WARM_UP_S + 1)  # those who connected have caught up with what was due
        load, seen = talk.process.pid, []
        with kernel_trace.watching(processes.tree(server.pid) + [load, os.getpid()], events) as trace:
            for number in range(1, DEATHS + 1):
                seen.append(watch_death(server, trace, number))
                time.sleep(0.5)
        talk.process.send_signal(signal.SIGINT)
        incidents, report = log_of(server, "incident", DEATHS), talk.report()
        gaps = [kernel_trace.gap_of(found, victim, load) for victim, found in seen if found]
        steps = [kernel_trace.steps_of(found, victim, server.pid) for victim, found in seen if found]
        return incidents, gaps, steps, report


def print_gap(title, values):
    print(f"  {title:<62} {statistics.median(values):6.2f} {max(values):6.2f}")


def print_steps(steps):
    if len(steps) < DEATHS or None in steps:
        return
    print(f"  {DEATHS} more, with the kernel's tracer at every step, which slows them down:")
    for line in figures.text_table(["from the SIGKILL on", "median", "longest"], list(kernel_trace.step_lines(steps))):
        print("    " + line)


def gap(folder, rounds):
    """Ten deaths with the bytes watched; ten more for the way between them."""
    del rounds
    incidents, gaps, _, report = deaths(folder, kernel_trace.BYTES)
    held = " ".join(sorted({incident["held"] for incident in incidents}))
    logged = [float(incident["gap_ms"]) for incident in incidents]
    print(f"\n{DEATHS} SIGKILLs to one worker with {held} connections, {RATE:,} messages/s; ms: median, longest")
    print_gap("the log: from the death to the next worker's loop", logged)
    print(f"  no client was lost, no byte was wrong; the longest wait of one was {report['silence_ms']['max']:.0f} ms")
    if len(gaps) < DEATHS or None in gaps:
        print("  the kernel's tracer is not to be had (root, tracefs), so the gap is the log's")
        return limits.Promise("the longest gap of a death", max(logged), limits.GAP_MS, "ms")
    print_gap("last answer to first answer, over all connections", [each.answers for each in gaps])
    print_gap("the same where the load reads them", [each.arrivals for each in gaps])
    print_gap("the longest pause there before the death", [each.calm for each in gaps])
    print_steps(deaths(folder, kernel_trace.STEPS_TOO)[2])
    longest = max(max(each.answers, each.arrivals) for each in gaps)
    return limits.Promise("the longest gap of a death", longest, limits.GAP_MS, "ms")


# ---- the tail ----


def highest_rate(folder):
    """Messages a second of a closed loop, median."""
    with servers.standing([LOGGED], 4, folder) as (server,):
        runs = [measure.run(server, "highest", "-c", str(CLIENTS), "-d", f"{HIGHEST_S}s", "--kill", "none")[1]
                for _ in range(HIGHEST_RUNS)]
        return statistics.median(report["rate"]["messages_per_s"] for report in runs)


def tail_run(folder, rate, with_kills):
    """(deaths by the log, p50, p99, p99.9 in ms from the due time, share of the processors' time that the hypervisor took)"""
    stolen = processes.Stolen()
    with (servers.standing([LOGGED], 4, folder) as (server,),
          Talk(server, "-c", str(CLIENTS), "-r", str(rate), "-d", f"{RUN_S}s") as talk):
        talk.wait_connected(CLIENTS)
        due = time.monotonic() + KILL_EVERY_S
        while with_kills and talk.process.poll() is None:
            if time.monotonic() >= due:
                kill_one(server)
                due += KILL_EVERY_S
            time.sleep(0.01)
        late = talk.report()["latency_us"]
        return len(log_of(server, "worker_died")), *(late[key] / 1000 for key in ("p50", "p99", "p99_9")), stolen.share()


def tail(folder, rounds):
    """In pairs, in an order that changes."""
    rate = int(highest_rate(folder) / 2)
    runs = {True: [], False: []}
    for _ in range(rounds // 2):
        for with_kills in random.sample([True, False], 2):
            runs[with_kills].append(tail_run(folder, rate, with_kills))
    print(f"\n{CLIENTS} clients, 64 B, {rate:,} messages/s, half of the highest rate; {rounds // 2} runs of {RUN_S} s each, "
          "none lost;\nms from the due time, medians")
    lines = [[name, str(sum(run[0] for run in runs[with_kills]))]
             + [f"{statistics.median(run[i] for run in runs[with_kills]):.2f}" for i in (1, 2, 3)]
             + [f"{statistics.median(run[4] for run in runs[with_kills]) * 100:.0f} %"]
             for with_kills, name in ((True, "a SIGKILL every second"), (False, "none"))]
    for line in figures.text_table(["", "deaths", "p50", "p99", "p99.9", "hypervisor"], lines):
        print("  " + line)
    worst = statistics.median(run[3] for run in runs[True])
    return limits.Promise("p99.9 with a SIGKILL every second", worst, limits.TAIL_MS, "ms")
