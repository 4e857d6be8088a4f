"""Three servers, HAProxy in front of them as its example says, and load tools that go on while other things are done."""

import json
import os
import shutil
import signal
import subprocess

import proxy
from support import DEADLINE_S, LOADTOOL, SERVER, Server, until

SETTLED_S = 30  # for what takes seconds on an idle machine
LOAD_S = 20  # longer than what is done meanwhile; if it is not the case fails, and says so


def check(is_true, words):
    if not is_true:
        raise AssertionError(words)


class Load:
    """A load tool that goes on while other things are done."""

    def __init__(self, farm, name, *options, seconds=LOAD_S):
        self.path = f"{farm.folder}/{name}.json"
        command = [LOADTOOL, f"127.0.0.1:{farm.proxy.port}", "-d", f"{seconds}s", "--json", self.path, *options]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def check_that_it_goes_on(self):
        check(self.process.poll() is None, "the load was over before all was done: nothing is shown")

    def report(self):
        """Waits for its end."""
        output = self.process.communicate(timeout=LOAD_S + SETTLED_S)[0]
        check(os.path.exists(self.path), output)
        with open(self.path) as file:
            return json.load(file)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Farm:
    """Three servers, each with a program file of its own, and HAProxy in front of them."""

    def __init__(self, folder, cleanup):
        self.folder, self.cleanup, self.servers = folder, cleanup, {}
        for name in proxy.addresses_of_servers():
            os.mkdir(f"{folder}/{name}")
            shutil.copy(SERVER, f"{folder}/{name}/prefork-upper")
            self.start(name)
        self.proxy = proxy.Proxy(folder, {name: server.bound for name, server in self.servers.items()})
        cleanup.callback(self.proxy.stop)
        for name in self.servers:
            self.wait_state(name, "UP")

    def start(self, name, bind="127.0.0.1:{port}"):
        self.servers[name] = Server("--control", f"{self.folder}/{name}/control.sock", bind=bind, cwd=self.folder,
                                    program=f"{self.folder}/{name}/prefork-upper")
        self.cleanup.callback(stop, self.servers[name])

    def start_again(self, name):
        self.start(name, self.servers[name].bound)

    def status(self, name):
        result = subprocess.run([SERVER, "status", "--json", "--control", f"{self.folder}/{name}/control.sock"], text=True,
                                capture_output=True, timeout=DEADLINE_S)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def load(self, *options, name="load", **more):
        load = Load(self, name, *options, **more)
        self.cleanup.callback(load.end)
        return load

    def count(self, name, key):
        return self.proxy.counters(name)[key] or 0

    def wait_state(self, name, state):
        until(lambda: self.proxy.counters(name)["status"].startswith(state), f"{name} {state} for HAProxy", SETTLED_S)

    def wait_clients(self, count):
        """Until so many are connected through each server, and short ones have come and gone."""
        until(lambda: all(self.count(name, "scur") >= count for name in self.servers), f"{count} connections of each server", SETTLED_S)
        self.wait_more()

    def wait_more(self, name="FRONTEND", more=3):
        seen = self.count(name, "stot")
        until(lambda: self.count(name, "stot") >= seen + more, f"new connections of {name}", SETTLED_S)

    def sums(self, *keys):
        return {key: sum(self.count(name, key) for name in self.servers) for key in keys}


def stop(server):
    """In order, if it runs; and it must not have found a bug of its own."""
    if server.process.poll() is None:
        for pid in server.processes():
            os.kill(pid, signal.SIGCONT)
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGTERM)
        server.wait()
    check(not server.events("check_failed") and not server.events("unprotected"), server.log())
