"""The control socket: every subcommand, its exit code, and clients that are silent, slow or foreign."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import termios
import time

from support import (DEADLINE_S, EXIT_ADDRESS_IN_USE, EXIT_STOPPED, EXIT_USAGE, SANITIZED, SERVER, TestCase, alive, ask, descriptors,
                     free_port, memory_kb, receive_all, title, until)

EXIT_DONE, EXIT_FAILED, EXIT_NO_SERVER, EXIT_NOT_IN_TIME = 0, 1, 69, 75
NOBODY = 65534
CLIENTS_MAX = 16  # CONTROL_CLIENT_COUNT_MAX


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


class ControlCase(TestCase):
    program = SERVER

    def copy_program_for_others(self):
        """Where the build lies another user may not be let in."""
        os.chmod(self.folder, 0o755)
        self.program = shutil.copy(SERVER, self.folder)
        os.chmod(self.program, 0o755)

    def start(self, *args, **options):
        self.path = os.path.join(self.folder, "control.sock")
        self.running = self.server("--control", self.path, *args, **options)
        return self.running

    def run_command(self, *words, control=True, code=EXIT_DONE, **options):
        """Runs a subcommand against the server of this test; returns the result, which has that exit code."""
        where = ["--control", self.path] if control else []
        result = subprocess.run([str(self.program), *map(str, words), *where], capture_output=True, text=True, cwd=self.folder,
                                timeout=DEADLINE_S * 3, stdin=subprocess.DEVNULL, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def status(self, *words):
        return json.loads(self.run_command("status", "--json", *words).stdout)

    def dial(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE_S)
        self.addCleanup(sock.close)
        sock.connect(self.path)
        return sock

    def say(self, request):
        """What the server says to one line, as lines."""
        sock = self.dial()
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return receive_all(sock).decode().splitlines()


class Commands(ControlCase):
    def test_status__json__every_key_of_the_schema(self):
        server = self.start(workers=2)
        client = self.connect(server)
        ask(client)
        until(lambda: self.status()["totals"]["counters"]["answered"], "the answer counted")  # it is given before
        status = self.status("--connections")
        self.assertEqual(status["schema"], 1)
        self.assertEqual((status["address"], status["pid"], status["control"]), (server.bound, server.pid, self.path))
        self.assertEqual((status["stage"], status["draining"], status["protect"]), ("running", False, True))
        self.assertEqual((status["workers"], status["service"], len(status["slots"])), (2, "upper", 2))
        self.assertEqual(status["accept_queue"], {"waiting": 0, "limit": 4096})
        self.assertEqual(status["totals"]["connections"], 1)
        self.assertEqual(status["totals"]["counters"]["answered"], 1)
        self.assertEqual({slot["pid"] for slot in status["slots"]}, set(server.wait_workers(2)))
        for slot in status["slots"]:
            self.assertEqual((slot["state"], slot["generation"], slot["deaths"]), ("serving", 1, 0))
            for keeper in slot["keepers"]:
                self.assertEqual(title(keeper["pid"]), f"prefork-upper: keeper {slot['slot']} {keeper['keeper']}")
        [connection] = status["connections"]
        self.assertEqual(connection["peer"], "%s:%d" % client.getsockname())
        self.assertEqual((connection["state"], connection["unread"], connection["unsent"]), ("established", 0, 0))

    def test_status__text__fits_80_columns(self):
        self.start(workers=3)
        text = self.run_command("status", "--connections").stdout
        self.assertIn(f"at {self.running.bound}: serves", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_status__schema_in_the_documentation__names_every_key(self):
        server = self.start(workers=1)
        ask(self.connect(server))
        os.kill(server.worker(0), signal.SIGKILL)
        server.wait_event("incident")
        self.run_command("scale", 1)
        documented = set(re.findall(r"`(\w+)`", (pathlib.Path(__file__).parents[2] / "master" / "README.md").read_text()))

        def keys(value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    if key != "counters":
                        yield from keys(inner)
                    yield key
            if isinstance(value, list):
                for inner in value:
                    yield from keys(inner)

        self.assertEqual(set(keys(self.status("--connections"))) - documented, set())

    def test_scale__up_and_down__connections_stay(self):
        server = self.start(workers=2)
        clients = [self.connect(server) for _ in range(8)]
        for count in (4, 1, 3):
            result = self.run_command("scale", count)
            self.assertEqual(result.stdout, f"scale {count}: done\n")
            self.assertIn("event=operation_done", result.stderr)
            self.assertEqual(self.status()["workers"], count)
            for client in clients:
                self.assertEqual(ask(client), b"HELLO")

    def test_scale__refused__reason_and_exit_1(self):
        self.start()
        result = self.run_command("scale", 129, code=EXIT_FAILED)
        self.assertIn("from 1 to 128", result.stderr)
        self.assertIn("from 1 to 128", self.run_command("scale", 0, code=EXIT_FAILED).stderr)

    def test_restart__its_connections_stay(self):
        server = self.start(workers=1)
        client = self.connect(server)
        ask(client)
        before = server.worker(0)
        self.assertIn("event=worker_replaced", self.run_command("restart", 0).stderr)
        self.assertNotEqual(int(server.wait_event("worker_replaced", slot=0)["pid"]), before)
        self.assertEqual(ask(client), b"HELLO")
        self.run_command("restart", 7, code=EXIT_FAILED)

    def test_reload__every_worker_is_renewed(self):
        server = self.start(workers=2)
        before = server.wait_workers(2)
        self.run_command("reload")
        after = [slot["pid"] for slot in self.status()["slots"]]
        self.assertEqual(set(before) & set(after), set())

    def test_upgrade__relative_path_from_the_clients_directory(self):
        server = self.start(workers=1)
        client = self.connect(server)
        ask(client)
        shutil.copy(SERVER, os.path.join(self.folder, "a new one"))
        self.assertEqual(self.run_command("upgrade", "a new one").stdout, f"upgrade {self.folder}/a new one: done\n")
        self.assertEqual(ask(client), b"HELLO")
        self.assertEqual(self.status()["pid"], server.pid)
        self.run_command("upgrade", "./missing", code=EXIT_FAILED)
        self.assertEqual(ask(client), b"HELLO")

    def test_status__during_an_upgrade__answered_and_shows_it(self):
        self.start(workers=6)
        before = self.status()
        seen = []
        with subprocess.Popen([str(SERVER), "upgrade", "--control", self.path], stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as upgrading:
            while upgrading.poll() is None:
                seen.append(self.status())
        self.assertEqual(upgrading.returncode, EXIT_DONE)
        after = self.status()
        self.assertTrue(any(status["image_wanted"] != status["image"] for status in seen))
        self.assertEqual({len(slot["keepers"]) for status in seen for slot in status["slots"]}, {2})
        self.assertEqual((after["image"], {slot["image"] for slot in after["slots"]}),
                         (before["image"] + 1, {before["image"] + 1}))

    def test_drain__done_with_the_last_client__off_lets_new_ones_in(self):
        server = self.start()
        client = self.connect(server)
        ask(client)
        late = self.run_command("drain", "--timeout", "100ms", code=EXIT_NOT_IN_TIME)
        number = re.search(r"operation (\d+)", late.stderr).group(1)
        until(lambda: self.status()["draining"], "draining")
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        self.assertEqual(self.say(f"wait {number}\n".encode())[-1], "end 0")
        with self.assertRaises(ConnectionRefusedError):
            server.connect()
        self.run_command("drain", "--off")
        self.assertEqual(ask(self.connect(server)), b"HELLO")

    def test_log__level__at_once_in_all_processes(self):
        server = self.start("--log-level", "warn", workers=1)
        ask(self.connect(server))
        self.assertEqual(server.events("accepted"), [])
        self.run_command("log", "info")
        ask(self.connect(server))
        server.wait_event("accepted")
        self.assertEqual(self.status()["log_level"], "info")

    def test_incidents__text_and_json__known_to_the_next_supervisor_too(self):
        server = self.start(workers=1)
        self.assertEqual(self.run_command("incidents").stdout, "no incidents\n")
        client = self.connect(server)
        ask(client)
        os.kill(server.worker(0), signal.SIGKILL)
        server.wait_event("incident")
        os.kill(server.supervisor(), signal.SIGKILL)
        server.wait_event("supervisor_started")
        [incident] = json.loads(self.run_command("incidents", "--json").stdout)["incidents"]
        self.assertEqual((incident["slot"], incident["cause"], incident["held"], incident["continued"]), (0, "SIGKILL", 1, 1))
        self.assertTrue(incident["settled"])
        self.assertIn("SIGKILL", self.run_command("incidents").stdout)
        with open("/dev/full", "w") as full:
            for words in (["incidents"], ["incidents", "--json"], ["status"]):
                result = subprocess.run([str(SERVER), *words, "--control", self.path], stdout=full, timeout=DEADLINE_S)
                self.assertEqual(result.returncode, EXIT_FAILED, words)

    def test_incidents__supervisor_dies_with_the_worker__every_death_is_told_once(self):
        server = self.start(workers=1)
        client = self.connect(server)
        for generation in range(1, 5):
            ask(client)
            before = len(server.events("supervisor_started"))
            os.kill(server.worker(0), signal.SIGKILL)
            server.wait_event("worker_replaced", count=generation)
            os.kill(server.supervisor(), signal.SIGKILL)
            until(lambda count=before: len(server.events("supervisor_started")) > count, "another supervisor")
        server.wait_event("incident", count=4)
        self.assertEqual([(line["generation"], line["continued"]) for line in server.events("incident")],
                         [(str(generation), "1") for generation in range(1, 5)])
        incidents = json.loads(self.run_command("incidents", "--json").stdout)["incidents"]
        self.assertEqual([incident["settled"] for incident in incidents], [True] * 4)

    def test_stop__in_order__waits_for_the_end(self):
        server = self.start()
        client = self.connect(server)
        ask(client)
        with subprocess.Popen([str(SERVER), "stop", "--control", self.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as stopping:
            server.wait_event("draining")
            self.run_command("stop", "--timeout", "100ms", code=EXIT_NOT_IN_TIME)  # again is no reason to be rough
            self.assertEqual(ask(client), b"HELLO")
            client.close()
            out, log = stopping.communicate(timeout=DEADLINE_S)
        self.assertEqual((stopping.returncode, server.wait()), (EXIT_DONE, EXIT_STOPPED))
        self.assertIn(str(server.pid), out)
        self.assertIn("event=stopped", log)
        self.assertFalse(os.path.exists(self.path))

    def test_stop_now__at_once(self):
        server = self.start()
        client = self.connect(server)
        ask(client)
        self.run_command("stop", "--now")
        self.assertEqual(server.wait(), EXIT_STOPPED)

    def test_help__of_each_subcommand(self):
        self.path = ""
        listed = re.findall(r"^  ([a-z]+)\b.*$", subprocess.run([str(SERVER), "--help"], capture_output=True, text=True,
                                                                timeout=DEADLINE_S).stdout.split("Subcommands")[1],
                            re.MULTILINE)
        for name in ("status", "top", "incidents", "scale", "reload", "restart", "upgrade", "drain", "log", "stop"):
            with self.subTest(name):
                self.assertIn(name, listed)
                help_text = self.run_command(name, "--help", control=False).stdout
                self.assertIn(f"Usage: prefork-upper {name}", help_text)
                self.assertLessEqual(max(map(len, help_text.splitlines())), 80)


class CommandLine(ControlCase):
    def test_options__behind_the_operand(self):
        self.start()
        result = subprocess.run([str(SERVER), "scale", "2", "--timeout", "5s", "--control", self.path], timeout=DEADLINE_S,
                                capture_output=True, env={**os.environ, "POSIXLY_CORRECT": "1"})
        self.assertEqual(result.returncode, EXIT_DONE, result.stderr)

    def test_wrong_usage__exit_64_and_one_line(self):
        self.path = "/nonexistent"
        for words in (["scale"], ["scale", "many"], ["scale", 1, 2], ["status", "--frob"], ["log", "loud"], ["stop", "please"],
                      ["reload", "--timeout", "soon"], ["top"]):
            with self.subTest(words):
                result = self.run_command(*words, code=EXIT_USAGE)
                self.assertEqual((len(result.stderr.splitlines()), result.stdout), (1, ""))

    def test_no_server__exit_69(self):
        self.path = os.path.join(self.folder, "nobody.sock")
        self.assertIn(self.path, self.run_command("status", code=EXIT_NO_SERVER).stderr)

    def test_silent_server__exit_75(self):
        self.path = os.path.join(self.folder, "silent.sock")
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(self.path)
            silent.listen()
            self.run_command("status", "--timeout", "100ms", code=EXIT_NOT_IN_TIME)


class Place(ControlCase):
    def test_socket__for_its_owner_alone__removed_at_the_end(self):
        server = self.start()
        mode = os.lstat(self.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertFalse(os.path.exists(self.path))

    def test_socket__somebody_listens_there__no_start_and_who_it_is(self):
        server = self.start()
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--control", self.path, code=EXIT_ADDRESS_IN_USE,
                            words=[self.path, f"pid {server.pid}"])

    def test_socket__left_by_a_dead_server__replaced(self):
        server = self.start()
        for pid in server.processes()[1:] + [server.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait()
        until(lambda: not any(alive(pid) for pid in server.processes()), "the end of all")
        self.run_command("status", code=EXIT_NO_SERVER)
        self.assertTrue(os.path.exists(self.path))
        self.start()
        self.assertEqual(self.status()["pid"], self.running.pid)

    def test_socket__put_there_by_another_since__left_alone(self):
        server = self.start()
        os.unlink(self.path)
        pathlib.Path(self.path).write_text("mine")
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertTrue(os.path.exists(self.path))

    def test_socket__no_such_folder__no_start(self):
        self.fails_to_start("-b", f"127.0.0.1:{free_port()}", "--control", "/nonexistent/x", code=1, words=["/nonexistent/x"])

    def test_off__no_socket_anywhere(self):
        self.path = "unused"
        server = self.server("--control", "off")
        listening = pathlib.Path("/proc/net/unix").read_text()
        self.assertNotIn(f"{server.port}.sock", listening)

    def test_master_dead__socket_refuses_at_once(self):
        server = self.start()
        client = self.connect(server)
        ask(client)
        supervisor = server.supervisor()
        os.kill(server.pid, signal.SIGKILL)
        server.wait_event("master_died")
        self.run_command("status", code=EXIT_NO_SERVER)
        self.assertEqual(ask(client), b"HELLO")
        client.close()
        until(lambda: not alive(supervisor), "the end of the supervisor")


class Discovery(ControlCase):
    """As a user of whom no other servers run: the usual place is below his own runtime folder."""

    def setUp(self):
        super().setUp()
        self.path = ""
        self.copy_program_for_others()
        self.runtime = os.path.join(self.folder, "runtime")
        os.mkdir(self.runtime, 0o700)
        self.as_user = {"env": {**os.environ, "XDG_RUNTIME_DIR": self.runtime}}
        if os.getuid() == 0:
            os.chown(self.runtime, NOBODY, NOBODY)
        self.preexec = become_nobody if os.getuid() == 0 else None

    def serve(self, **options):
        return self.server(workers=1, preexec=self.preexec, program=self.program, **self.as_user, **options)

    def find(self, *words, code):
        return self.run_command(*words, control=False, code=code, preexec_fn=self.preexec, **self.as_user)

    def test_no_server__exit_69_and_where_it_looked(self):
        self.assertIn(self.runtime, self.find("status", code=EXIT_NO_SERVER).stderr)

    def test_one_server__found(self):
        server = self.serve()
        place = os.path.join(self.runtime, "prefork-upper")
        self.assertEqual(os.listdir(place), [f"{server.port}.sock"])
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o700)
        self.assertIn(server.bound, self.find("status", code=EXIT_DONE).stdout)

    def test_two_servers__exit_64_and_a_list(self):
        servers = [self.serve(), self.serve()]
        text = self.find("scale", 2, code=EXIT_USAGE).stderr
        for server in servers:
            self.assertIn(server.bound, text)
            self.assertIn(str(server.pid), text)
            self.assertIn(f"{server.port}.sock", text)
        servers[0].stop()
        self.assertIn(servers[1].bound, self.find("status", code=EXIT_DONE).stdout)

    def test_second_server_on_the_port__has_a_socket_of_its_own(self):
        first = self.serve()
        second = self.serve(bind=f"127.0.0.2:{first.port}")
        self.assertEqual(sorted(os.listdir(os.path.join(self.runtime, "prefork-upper"))),
                         sorted([f"{first.port}.sock", f"127.0.0.2:{first.port}.sock"]))
        self.assertEqual(second.events("adjusted"), [])

    def test_unix_server__name_from_the_path(self):
        path = os.path.join(self.runtime, "up.sock")
        self.serve(bind=f"unix:{path}")
        self.assertIn(path, self.find("status", code=EXIT_DONE).stdout)

    def test_usual_place_is_open_to_others__serves_without_and_says_so(self):
        os.mkdir(os.path.join(self.runtime, "prefork-upper"), 0o777)
        os.chmod(os.path.join(self.runtime, "prefork-upper"), 0o777)
        if os.getuid() == 0:
            os.chown(os.path.join(self.runtime, "prefork-upper"), NOBODY, NOBODY)
        self.as_user["env"]["TMPDIR"] = "/nonexistent"
        server = self.serve()
        event = server.wait_event("adjusted", option="--control")
        self.assertEqual(event["got"], "off")
        self.assertIn("/nonexistent", event["why"])
        self.assertEqual(ask(self.connect(server)), b"HELLO")


class Foreign(ControlCase):
    def test_other_user__told_so_even_where_the_mode_lets_him_in(self):
        if os.getuid() != 0:
            self.skipTest("needs root to be somebody else")
        self.start()
        self.copy_program_for_others()
        result = self.run_command("status", code=EXIT_FAILED, preexec_fn=become_nobody)
        self.assertIn("Permission denied", result.stderr)
        os.chmod(self.path, 0o666)
        for words in (["status"], ["stop", "--now"], ["scale", 5]):
            result = self.run_command(*words, code=EXIT_FAILED, preexec_fn=become_nobody)
        self.assertEqual(self.status()["workers"], 2)

    def test_other_user__server_at_the_usual_place__told_that_there_is_one(self):
        if os.getuid() != 0:
            self.skipTest("needs root to be somebody else")
        self.server()
        self.copy_program_for_others()
        result = self.run_command("status", control=False, code=EXIT_NO_SERVER, preexec_fn=become_nobody)
        self.assertIn("which is another user's", result.stderr)


class BadClients(ControlCase):
    """Whatever a control client does or leaves undone, nobody waits for it."""

    def check_nobody_is_delayed(self):
        """A command is answered and a dead worker replaced, at once."""
        begin = time.monotonic()
        self.status()
        self.assertLess(time.monotonic() - begin, 3)
        pid = self.running.worker(0)
        os.kill(pid, signal.SIGKILL)
        self.running.wait_event("worker_died", pid=pid)
        self.running.wait_event("worker_started", slot=0, generation=int(
            self.running.wait_event("worker_started", pid=pid)["generation"]) + 1, deadline_s=2)
        self.assertEqual(self.running.events("supervisor_hangs") + self.running.events("supervisor_died"), [])

    def test_many_silent_clients__nobody_is_delayed(self):
        self.start()
        silent = [self.dial() for _ in range(3 * CLIENTS_MAX)]
        for _ in range(3):
            self.check_nobody_is_delayed()
        for sock in silent:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(sock.recv(1), b"")  # each is sent away, at the latest when its patience ends

    def test_half_a_request__cut_off_in_time(self):
        self.start()
        sock = self.dial()
        sock.sendall(b"stat")
        begin = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(sock.recv(1), b"")
        self.assertLess(time.monotonic() - begin, 8)

    def test_many_that_ask_and_never_read__dropped_and_nobody_is_delayed(self):
        server = self.start(workers=24)  # so that answers are long and soon do not fit
        supervisor = server.supervisor()
        before, memory = descriptors(supervisor), memory_kb(supervisor)
        greedy = [self.dial() for _ in range(2 * CLIENTS_MAX)]
        for sock in greedy:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                for _ in range(20):
                    sock.send(b"status\n" * 500)
        until(lambda: descriptors(supervisor) > before, "control clients")
        for _ in range(3):
            self.check_nobody_is_delayed()
        self.assertLessEqual(descriptors(supervisor), before + CLIENTS_MAX)
        until(lambda: descriptors(supervisor) == before, "all dropped although they are still there", deadline_s=30)
        if not SANITIZED:
            self.assertLess(memory_kb(supervisor) - memory, 4000)
        self.check_nobody_is_delayed()

    def test_all_places_taken_by_waiting_ones__told_so(self):
        server = self.start()
        client = self.connect(server)
        ask(client)
        waiting = []
        for _ in range(CLIENTS_MAX):
            waiting.append(self.dial())
            waiting[-1].sendall(b"drain\n")
            self.assertTrue(waiting[-1].recv(100).startswith(b"attempt "))
        self.assertIn("too many", self.run_command("status", code=EXIT_FAILED).stderr)
        waiting[0].close()
        until(lambda: subprocess.run([str(SERVER), "status", "--control", self.path], capture_output=True,
                                     timeout=DEADLINE_S).returncode == 0, "a place that became free")

    def test_nonsense__answered_and_nothing_else(self):
        self.start()
        for request in (b"nonsense\n", b"\n", b"\0\0\0\n", b"scale\n", b"upgrade relative\n", os.urandom(500) + b"\n",
                        b"GET / HTTP/1.1\r\n"):
            with self.subTest(request):
                self.assertTrue(self.say(request)[0].startswith("end 64 "), request)
        self.assertEqual(self.say(b"x" * 5000), ["end 64 the request is too long"])
        self.check_nobody_is_delayed()


class SupervisorDies(ControlCase):
    def test_while_a_client_waits__it_hears_the_outcome_from_the_next_one(self):
        server = self.start()
        client = self.connect(server)
        ask(client)
        with subprocess.Popen([str(SERVER), "drain", "--control", self.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as waiting:
            server.wait_event("operation_begun")
            for generation in (2, 3):
                os.kill(server.supervisor(), signal.SIGKILL)
                server.wait_event("supervisor_started", generation=generation)
            self.assertIsNone(waiting.poll())
            client.close()
            out, _ = waiting.communicate(timeout=DEADLINE_S)
        self.assertEqual((waiting.returncode, out), (EXIT_DONE, "drain: done\n"))

    def test_asked_while_there_is_none__answered_by_the_next_one(self):
        server = self.start()
        for generation in range(2, 5):
            os.kill(server.supervisor(), signal.SIGKILL)
            self.assertEqual(self.status()["supervisor_generation"], generation)


class Top(ControlCase):
    def test_once__one_frame_with_rates_and_no_colors_in_a_pipe(self):
        server = self.start(workers=2)
        client = self.connect(server)
        text = self.run_command("top", "--once").stdout
        self.assertIn("msgs/s", text)
        self.assertNotIn("\033", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertEqual(len(re.findall(r"^ +[01]  serving", text, re.MULTILINE)), 2)
        self.assertEqual(ask(client), b"HELLO")

    def run_in_terminal(self, rows, columns, **environment):
        """`top` in a terminal of that size; its pid and our end of the terminal."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", **environment)
            os.execv(str(SERVER), [str(SERVER), "top", "--control", self.path])
        self.addCleanup(os.close, fd)
        self.resize(fd, rows, columns)
        return pid, fd

    def resize(self, fd, rows, columns):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, fd, words):
        """Everything that the terminal gets until the words came."""
        seen, end = "", time.monotonic() + DEADLINE_S
        while words not in seen:
            self.assertTrue(select.select([fd], [], [], max(0, end - time.monotonic()))[0], f"no {words!r} in {seen!r}")
            seen += os.read(fd, 65536).decode()
        return seen

    def end(self, pid, fd):
        """Its exit code, and what it said last."""
        said = ""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while part := os.read(fd, 65536):
                said += part.decode()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

    def test_live__frames_until_q__terminal_as_before(self):
        self.start(workers=2)
        pid, fd = self.run_in_terminal(24, 80)
        self.assertIn("\033[?1049h", self.read_until(fd, "q quits"))
        self.read_until(fd, "q quits")  # the next one comes by itself
        self.resize(fd, 40, 200)
        self.read_until(fd, "keepers")
        os.write(fd, b"xyz")
        self.read_until(fd, "q quits")
        os.write(fd, b"q")
        code, said = self.end(pid, fd)
        self.assertEqual(code, EXIT_DONE)
        self.assertIn("\033[?1049l", said)

    def test_live__terminated__terminal_is_put_back(self):
        self.start(workers=1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            pid, fd = self.run_in_terminal(24, 80)
            self.read_until(fd, "q quits")
            os.kill(pid, number)
            code, said = self.end(pid, fd)
            self.assertEqual(code, EXIT_DONE)
            self.assertIn("\033[?1049l", said)

    def test_live__no_color__none(self):
        self.start(workers=1)
        pid, fd = self.run_in_terminal(24, 80, NO_COLOR="1")
        self.assertNotRegex(self.read_until(fd, "q quits"), r"\033\[\d*m")
        os.write(fd, b"q")
        self.end(pid, fd)

    def test_live__supervisor_replaced__goes_on__server_gone__ends(self):
        server = self.start(workers=1)
        pid, fd = self.run_in_terminal(24, 80)
        self.read_until(fd, "q quits")
        os.kill(server.supervisor(), signal.SIGKILL)
        server.wait_event("supervisor_started")
        self.read_until(fd, "q quits")
        self.assertEqual(server.stop(), EXIT_STOPPED)
        code, said = self.end(pid, fd)
        self.assertEqual(code, EXIT_NO_SERVER)
        self.assertIn("the server has ended", said)


if __name__ == "__main__":
    import unittest
    unittest.main()
