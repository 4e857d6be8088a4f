#!/usr/bin/env python3
"""Looks at a server again and again: descriptors, memory and processes of each role, its connections. For soak.

    sampler.py PID PORT FILE every SECONDS     a line every so long, until the server has ended or this is ended
    sampler.py PID PORT FILE once              one line, marked calm: nothing is done to the server, and all is in its place

    FILE is CSV, with a header. memory is what is a process's alone, shared is its part of pages that several have; in kilobytes.
"""

import pathlib
import re
import subprocess
import sys
import time

ROLES = ("master", "supervisor", "keeper", "worker", "other")
OF_A_ROLE = ("processes", "descriptors", "memory_kb")
COLUMNS = ("at_ms", "calm", *(f"{role}_{what}" for role in ROLES for what in OF_A_ROLE), "shared_kb", "established", "close_wait")
PAGES = re.compile(r"^Pss_(Anon|Shmem): +(\d+) kB", re.MULTILINE)


def processes_below(pid):
    """It and all its descendants. Who ends meanwhile is left out."""
    yield pid
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from processes_below(child)


def role_of(pid):
    title = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    word = title.removeprefix("prefork-upper: ").split(" ")[0]
    return word if word in ROLES else "other"


def look_at(pid):
    """(role, descriptors, memory in KB, shared in KB), or None: it has ended."""
    folder = pathlib.Path("/proc", str(pid))
    try:
        role, descriptors = role_of(pid), sum(1 for _ in (folder / "fd").iterdir())
        pages = dict(PAGES.findall((folder / "smaps_rollup").read_text()))
    except OSError:
        return None
    return (role, descriptors, int(pages["Anon"]), int(pages["Shmem"])) if pages else None


def connections(port):
    """Of the server: how many are established, how many wait for it to close them."""
    command = ["ss", "-Htn", "state", "established", "state", "close-wait", f"( sport = :{port} )"]
    states = [line.split()[0] for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]
    return states.count("ESTAB"), states.count("CLOSE-WAIT")


def sample(pid, port, calm):
    row = dict.fromkeys(COLUMNS, 0)
    row.update(at_ms=time.time_ns() // 1000000, calm=int(calm))
    for seen in filter(None, map(look_at, processes_below(pid))):
        role, descriptors, memory_kb, shared_kb = seen
        for what, value in zip(OF_A_ROLE, (1, descriptors, memory_kb)):
            row[f"{role}_{what}"] += value
        row["shared_kb"] += shared_kb
    row["established"], row["close_wait"] = connections(port)
    return row


def write(path, row):
    """Whole lines, since two of us write at once."""
    with open(path, "a", encoding="ascii") as file:
        head = ",".join(COLUMNS) + "\n" if file.tell() == 0 else ""
        file.write(head + ",".join(str(row[column]) for column in COLUMNS) + "\n")


def every(pid, port, path, seconds):
    due = time.monotonic()
    while pathlib.Path(f"/proc/{pid}").exists():
        write(path, sample(pid, port, False))
        due = max(due + seconds, time.monotonic())
        time.sleep(max(due - time.monotonic(), 0))


if __name__ == "__main__":
    of_pid, of_port, to_path, how = sys.argv[1:5]
    if how == "every":
        every(of_pid, of_port, to_path, float(sys.argv[5]))
    else:
        write(to_path, sample(of_pid, of_port, True))
