"""strace on one worker, or on a slot's keepers and every worker that they make; kills at the N-th call, and the proof.

At entry strace itself raises SIGKILL when the call begins (inject=CALL:signal=SIGKILL:when=N). The call does not
happen and never returns, so the trace ends with "CALL(... = ?" and "+++ killed by SIGKILL +++".

At exit strace holds the worker where the call has taken effect and nothing has returned to the program yet
(inject=CALL:delay_exit=TIME:when=N), and prints "= RESULT (DELAYED)" and when that was. We kill upon that word. If
the time of our kill lies within the delay, the worker has not run one instruction of its own after the call; if we
came too late the death proves nothing and does not count.

strace counts the calls of each process apart: with the keepers traced, every worker that they make dies at its own
N-th call until the tracer is detached.
"""

import os
import re
import signal
import subprocess
import threading
import time

HOLD_S = 0.4  # strace lets the dead go only when the delay is over, so it is short
PREFIX = re.compile(r"(?:\[pid +(\d+)\] )?(\d+\.\d+) (.*?)(?: <(\d+\.\d+)>)?$")  # pid, time of day, text, seconds spent
BEGIN = re.compile(r"(\w+)\(")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
RETURNED = re.compile(r"\) += [^?]")
FLAG = re.compile(r"\b[A-Z][A-Z0-9_]{3,}\b")


class Life:
    """What the trace shows of one process."""

    def __init__(self):
        self.begun, self.returned = {}, {}  # calls by name
        self.looping = set()  # names of calls since the first epoll_wait
        self.last, self.end = "", ""  # the newest call as far as printed; how the process ended
        self.held_until = self.killed = 0.0  # times of day: the end of the delay, our kill

    def read(self, text, at, spent):
        if begin := BEGIN.match(text):
            name = begin.group(1)
            self.begun[name] = self.begun.get(name, 0) + 1
            if "epoll_wait" in self.begun:
                self.looping.add(name)
            self.last = text
        elif resumed := RESUMED.match(text):
            name = resumed.group(1)
            self.last += text[resumed.end():]
        elif text.startswith("+++ "):
            self.end = text.strip("+ ")
            return
        else:
            return  # a signal, or strace itself
        if RETURNED.search(text):
            self.returned[name] = self.returned.get(name, 0) + 1
        if text.endswith("(DELAYED)"):
            self.held_until = at + spent + HOLD_S  # the time is that of the call's begin, or of its resumption

    def proves(self, call, n, side):
        """True if it died by SIGKILL at exactly that call, on that side."""
        begun, returned = self.begun.get(call, 0), self.returned.get(call, 0)
        if self.end != "killed by SIGKILL" or begun != n:
            return False
        return returned == n - 1 if side == "entry" else returned == n and 0 < self.killed < self.held_until

    def what(self):
        """The call that was hit, with the flags that tell its kind: recvfrom MSG_PEEK."""
        flags = [f for f in FLAG.findall(self.last.split(") = ")[0]) if f.startswith(("MSG_PEEK", "MSG_TRUNC", "EPOLL_CTL",
                 "SO_", "TCP_", "FION", "TIOC", "SHUT", "F_", "PROT"))]
        return " ".join([BEGIN.match(self.last).group(1), *dict.fromkeys(flags)])


class Tracer:
    def __init__(self, pids, follow, call=None, n=0, side=""):
        how = "signal=SIGKILL" if side == "entry" else f"delay_exit={round(HOLD_S * 1e6)}"
        command = ["strace", "-s", "0", "-ttt", "-T", *(["-f"] if follow else []), *(f"--attach={pid}" for pid in pids)]
        if call:
            command += [f"--trace={call}", f"--inject={call}:{how}:when={n}"]
        self.ignored = set(pids) if follow else set()  # the keepers' own calls are nobody's case
        self.only = None if follow else pids[0]  # strace names no pid where it traces only one
        self.aim = (call, n, side)
        self.lives, self.attached, self.detached = {}, set(), False
        self.changed = threading.Condition()
        self.lines = []
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._wait(lambda: self.attached >= set(pids), 5)

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self._line(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.detached = True
            self.changed.notify_all()

    def _line(self, line):
        self.lines.append(line)
        for pid in re.findall(r"Process (\d+) attached", line):
            self.attached.add(int(pid))
        prefix = PREFIX.match(line)
        if not prefix or line.startswith("strace: "):
            return
        pid, text = int(prefix.group(1) or self.only or 0), prefix.group(3)
        if not pid or pid in self.ignored:
            return
        life = self.lives.setdefault(pid, Life())
        resumed = text.startswith("<...")
        life.read(text, float(prefix.group(2)), 0 if resumed else float(prefix.group(4) or 0))
        if text.endswith("(DELAYED)") and not self.detached:
            os.kill(pid, signal.SIGKILL)  # it is held in the kernel: nobody else can have this number
            life.killed = time.time()

    def _wait(self, condition, deadline_s):
        end = time.monotonic() + deadline_s
        with self.changed:
            while not condition() and not self.detached and time.monotonic() < end:
                self.changed.wait(0.1)
            return condition()

    def proven(self):
        """The lives that ended as wanted, in order."""
        with self.changed:
            return [(pid, life) for pid, life in self.lives.items() if life.proves(*self.aim)]

    def wait_proven(self, count, still):
        """Waits for so many proven deaths, as long as `still` is true; True if they came."""
        while still():
            if self._wait(lambda: sum(life.proves(*self.aim) for life in self.lives.values()) >= count, 0.1):
                return True
            if self.detached:
                break
        return False

    def detach(self):
        """Lets go of everybody."""
        with self.changed:
            self.detached = True
        self.process.terminate()
        self.process.wait(10)
        self.reader.join(10)
