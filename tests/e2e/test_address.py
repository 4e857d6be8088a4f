"""Addresses: who holds a port, starting again at once, and what may happen to a path in the file system."""

import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import unittest

from support import (EXIT_ADDRESS_IN_USE, EXIT_START_FAILED, EXIT_STOPPED, LISTEN, SERVER, TIME_WAIT, Server, TestCase, ask,
                     free_port, tcp_states, until)


class Port(TestCase):
    def test_held_by_another_process__error_names_its_pid_and_command(self):
        port = free_port()
        code = f"import socket,sys; s=socket.create_server(('127.0.0.1',{port})); print(flush=True); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            self.fails_to_start("-b", f"127.0.0.1:{port}", code=EXIT_ADDRESS_IN_USE,
                                words=[f"127.0.0.1:{port}", holder.pid, "python"])
            holder.stdin.close()

    def test_held_by_another_server__error_names_its_master(self):
        first = self.server()
        self.fails_to_start("-b", first.bound, code=EXIT_ADDRESS_IN_USE, words=[first.pid, "prefork-upper"])
        self.assertEqual(ask(self.connect(first)), b"HELLO")

    def test_held_on_ipv6__error_names_the_holder(self):
        first = self.server(bind="[::1]:{port}")
        self.fails_to_start("-b", first.bound, code=EXIT_ADDRESS_IN_USE, words=[first.pid])

    def test_address_of_no_interface__start_fails(self):
        self.fails_to_start("-b", f"192.0.2.1:{free_port()}", code=EXIT_START_FAILED, words=["192.0.2.1"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_port_below_1024_without_the_right__start_fails(self):
        if int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) == 0:
            self.assertTrue(True)  # here everybody may: nothing to refuse
            return
        os.chmod(self.folder, 0o755)
        program = shutil.copy(SERVER, self.folder)  # the build folder may be closed to others
        self.fails_to_start("-b", "127.0.0.1:81", program=program, code=EXIT_START_FAILED, words=["127.0.0.1:81", "not permitted"], user=65534)

    def test_start_again_at_once_with_live_clients__binds(self):
        first = self.server()
        clients = [self.connect(first) for _ in range(50)]
        for client in clients:
            ask(client)
        self.assertEqual(first.stop(signal.SIGQUIT), EXIT_STOPPED)
        second = self.server(bind=first.bound)
        self.assertEqual(second.bound, first.bound)
        self.assertEqual(ask(self.connect(second)), b"HELLO")

    def test_start_again_at_once_with_time_wait_sockets__binds(self):
        first = self.server("--idle-timeout", "100ms")
        clients = [self.connect(first) for _ in range(300)]
        for client in clients:  # the server closes first, so the waiting is on its side
            self.assert_fin(client)
            client.close()
        # Not all 300: on loopback the last acknowledgement can meet a client that is gone, whose RST ends the waiting.
        until(lambda: tcp_states(first.port).count(TIME_WAIT) >= 150, "sockets in TIME_WAIT")
        self.assertEqual(first.stop(), EXIT_STOPPED)
        with socket.socket() as plain, self.assertRaises(OSError):  # the tutorial's "address already in use"
            plain.bind(("127.0.0.1", first.port))
        second = self.server(bind=first.bound)
        self.assertEqual(ask(self.connect(second)), b"HELLO")

    def test_one_listener__shared_by_all_workers(self):
        server = self.server(workers=4)
        server.wait_workers(4)
        self.assertEqual(tcp_states(server.port).count(LISTEN), 1)


class UnixPath(TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.folder, "socket")
        self.bind = f"unix:{self.path}"

    def test_stop__path_is_removed(self):
        server = self.server(bind=self.bind)
        self.assertTrue(stat.S_ISSOCK(self.path.stat().st_mode))
        self.assertEqual(server.stop(), EXIT_STOPPED)
        self.assertFalse(self.path.exists())

    def test_dead_socket_in_the_way__replaced(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.assertEqual(ask(self.connect(self.server(bind=self.bind))), b"HELLO")

    def test_file_in_the_way__kept_and_start_fails(self):
        self.path.write_text("precious")
        self.fails_to_start("-b", self.bind, code=EXIT_ADDRESS_IN_USE, words=[self.path, "socket"])
        self.assertEqual(self.path.read_text(), "precious")

    def test_live_socket_in_the_way__kept_and_start_fails(self):
        first = self.server(bind=self.bind)
        self.fails_to_start("-b", self.bind, code=EXIT_ADDRESS_IN_USE, words=[self.path])
        self.assertEqual(ask(self.connect(first)), b"HELLO")

    def test_another_socket_put_in_its_place__not_removed_at_the_end(self):
        server = self.server(bind=self.bind)
        self.path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            self.assertEqual(server.stop(), EXIT_STOPPED)
            self.assertTrue(self.path.exists())

    def test_mode__0660_or_as_asked(self):
        self.server(bind=self.bind)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o660)
        other = pathlib.Path(self.folder, "other")
        self.server("--unix-mode", "0600", bind=f"unix:{other}")
        self.assertEqual(stat.S_IMODE(other.stat().st_mode), 0o600)

    def test_mode_and_umask__mode_wins(self):
        self.server("--unix-mode", "0666", bind=self.bind, preexec=lambda: os.umask(0o077))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o666)

    def test_missing_folder__start_fails(self):
        self.fails_to_start("-b", f"unix:{self.folder}/no/socket", code=EXIT_START_FAILED, words=["no/socket", "No such file"])

    def test_abstract_name_held__start_fails_and_names_it(self):
        server = self.server(bind="unix:@prefork-upper-test-{port}")
        self.fails_to_start("-b", server.bound, code=EXIT_ADDRESS_IN_USE, words=[server.bound])

    def test_killed_server_leaves_its_path__next_one_takes_it(self):
        first = self.server("--drain-timeout", "1s", bind=self.bind)
        first.send_signal(signal.SIGKILL)
        first.wait()
        second = Server(bind=self.bind)
        self.addCleanup(self._stop, second)
        self.assertEqual(ask(self.connect(second)), b"HELLO")
