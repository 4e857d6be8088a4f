"""Load generators as what is measured: loadtool, wrk, and a libuv client that checks nothing (client.c).

They take turns as the loads of the servers do (measure.py), and are charged with processor time of their own.
"""
import re
import time

import measure
import processes
import servers

AWAKE_LIMIT_S = 1  # a thread may never be seen asleep; it takes the signal wherever it is
COUNT_SHARE = 0.02  # a tool's own count and that of its bytes: libraries and files that it read are a little too


class LoadTool(measure.Load):
    """With all its checks."""
    name = "loadtool"

    def cpu_ns(self):
        return processes.cpu_ns(self.process.pid)


class Other(LoadTool):
    """One that says at its end how much was answered: that must agree with the bytes that the kernel saw it read."""

    def end(self):
        sockets = measure.established(self.server)
        code, said = self.interrupt(), processes.read(f"{self.server.folder}/load")
        fault = fault_of(self.said(said), self.answered_at_end, self.row.clients, sockets) or (code and f"exit {code}")
        if fault:
            raise servers.Failed(self.server, f"{self.name}: {fault}\n{said}")


class Client(Other):
    name = "libuv client"

    def command(self):
        return [f"{servers.BUILD}/bench/client", self.server.place, str(self.row.clients), str(self.row.size)]

    @staticmethod
    def said(output):
        return int(output) if output.strip().isdigit() else None


class Wrk(Other):
    """Its own rate is that of all the time it stood still in, so it is not looked at."""
    name = "wrk"

    def command(self):
        return ["wrk", "-t", "1", "-c", str(self.row.clients), "-d", "1h", f"http://{self.server.target()}/"]

    def before_interrupt(self):
        # Of a process that stood still any thread may take the signal, and wrk ends only by its first one, which has nothing to
        # do but to sleep.
        end = time.monotonic() + AWAKE_LIMIT_S
        while processes.state(self.process.pid) != "S" and time.monotonic() < end:
            time.sleep(0.001)

    @staticmethod
    def said(output):
        """None if a socket failed or a reply was not 200. A wait above two seconds it calls a time-out, and goes on."""
        if re.search(r"Non-2xx", output) or re.search(r"(connect|read|write) [1-9]", output):
            return None
        requests = re.search(r"(\d+) requests in", output)
        return int(requests[1]) if requests else None


def fault_of(said, counted, clients, sockets):
    """What is wrong with a run in which `said` messages were answered and `counted` were read; None if nothing is."""
    if sockets < clients:
        return f"{sockets} of {clients} connections are there"
    if not said:
        return "no count of what was answered"
    if abs(said - counted) > COUNT_SHARE * said:
        return f"{said} answered, but bytes of {counted:.0f} replies"
    return None
