"""Workers in their sandbox: what they try in vain, what that costs, and servers where there is no sandbox to be had."""

import ctypes
import os
import pathlib
import platform
import pwd
import shutil
import signal
import struct
import unittest

from support import EXIT_USAGE, SERVER, TestCase, ask, receive, until

STEPS = ("no_new_privs", "seccomp", "landlock", "rlimits", "user", "pages")
SLOTS, JOURNAL_KIB = 128, 64
FORBIDDEN = {"OPEN": "openat", "CONN": "socket", "EXEC": "execve", "KILL": "kill"}

# The numbers of seccomp(2); those of Landlock are the same everywhere.
SECCOMP = {"x86_64": 317, "aarch64": 277}.get(platform.machine())
LANDLOCK = (444, 445, 446)
ENOSYS = 38


def word(name):
    return f"!{name}!!!".encode()


def forbid_sandboxes():
    """From now on, for whoever comes of this process, the kernel has neither seccomp(2) nor Landlock (seccomp(2), BPF)."""
    load, jump_if, give = 0x20, 0x15, 0x06
    numbers = (SECCOMP, *LANDLOCK)
    program = [(load, 0, 0, 0)]
    program += [(jump_if, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    program += [(give, 0, 0, 0x7fff0000), (give, 0, 0, 0x00050000 | ENOSYS)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(header), 0, 0):
        os._exit(99)


class SandboxCase(TestCase):
    def confined(self, *args, **options):
        """A server whose workers are confined; None where no seccomp is to be had: then that must have been said."""
        running = self.server(*args, **options)
        said = running.wait_event("sandbox")
        if said["seccomp"] == "applied":
            return running
        if said["mode"] == "off":
            running.wait_event("adjusted", option="--sandbox")
        else:
            self.assertIn("seccomp", running.wait_event("sandbox_incomplete")["missing"])
        return None


class Forbidden(SandboxCase):
    def try_it(self, name):
        folder = pathlib.Path(self.folder, "incidents")
        running = self.confined("--service", "faulty", "--incident-dir", folder, workers=1)
        if not running:
            return
        innocent, client = self.connect(running), self.connect(running)
        for sock in (innocent, client):
            self.assertEqual(ask(sock, b"fine"), b"FINE")
        client.sendall(word(name))
        self.assert_reset(client)
        self.assertEqual(ask(innocent), b"HELLO")
        deaths = [running.wait_event("worker_died", count=i + 1) for i in range(2)]
        self.assertEqual({(d["cause"], d["call"], d["in_service"]) for d in deaths}, {("SIGSYS", FORBIDDEN[name], "1")})
        running.wait_event("incident", count=2)
        reports = [path.read_text() for path in folder.iterdir()]
        for report in reports:
            self.assertIn(f"call:         {FORBIDDEN[name]}, which the sandbox forbids\n", report)
        self.assertEqual(len(running.events("sandbox")), 1, "one line a start, not one a worker:\n" + running.log())

    def test_open_a_file__incident_names_the_call(self):
        self.try_it("OPEN")

    def test_make_a_socket__incident_names_the_call(self):
        self.try_it("CONN")

    def test_execute__incident_names_the_call(self):
        self.try_it("EXEC")

    def test_signal_another_process__incident_names_the_call(self):
        self.try_it("KILL")


class Start(SandboxCase):
    def test_default__on_and_every_step_is_said(self):
        running = self.confined(workers=2)
        if not running:
            return
        said = running.wait_event("sandbox")
        self.assertEqual(said["mode"], "on")
        self.assertLessEqual({said[step] for step in STEPS}, {"applied", "left_out", "unsupported"}, said)
        self.assertEqual(said["user"], "left_out")
        status = pathlib.Path(f"/proc/{running.worker(0)}/status").read_text()
        self.assertRegex(status, r"NoNewPrivs:\s+1\n")
        self.assertRegex(status, r"Seccomp:\s+2\n")
        for pid in set(running.processes()) - set(running.wait_workers(2)):
            self.assertRegex(pathlib.Path(f"/proc/{pid}/status").read_text(), r"Seccomp:\s+0\n", "only workers are confined")

    def test_off__the_words_do_nothing(self):
        running = self.server("--service", "faulty", "--sandbox", "off", workers=1)
        self.assertEqual(running.wait_event("sandbox")["mode"], "off")
        for name in FORBIDDEN:
            self.assertEqual(ask(self.connect(running), word(name)), word(name))
        self.assertEqual(running.events("worker_died"), [])

    def test_log__the_words_do_nothing(self):
        running = self.server("--service", "faulty", "--sandbox", "log", workers=1)
        self.assertIn(running.wait_event("sandbox")["mode"], ("log", "off"))  # off: a build that cannot have it
        for name in FORBIDDEN:
            self.assertEqual(ask(self.connect(running), word(name)), word(name))
        self.assertEqual(running.events("worker_died"), [])

    @unittest.skipUnless(SECCOMP, "no number of seccomp(2) for this machine")
    def test_kernel_without__unsupported_and_it_serves(self):
        running = self.server("--service", "faulty", workers=1, preexec=forbid_sandboxes)
        said = running.wait_event("sandbox")
        if said["mode"] == "off":  # a build that cannot have it
            running.wait_event("adjusted", option="--sandbox")
            return
        self.assertEqual((said["seccomp"], said["landlock"]), ("unsupported", "unsupported"))
        self.assertEqual(running.wait_event("sandbox_incomplete")["missing"], "landlock seccomp")
        self.assertEqual((said["no_new_privs"], said["rlimits"]), ("applied", "applied"))
        self.assertEqual(ask(self.connect(running), word("CONN")), word("CONN"))
        os.kill(running.worker(0), signal.SIGKILL)
        running.wait_event("worker_replaced")
        self.assertEqual(len(running.events("sandbox")), 1)

    def test_library_before_ours__off_and_said(self):
        running = self.server(workers=1, env={**os.environ, "LD_PRELOAD": "libc.so.6"})
        self.assertIn(running.wait_event("adjusted", option="--sandbox")["why"], ("LD_PRELOAD", "sanitizers", "coverage"))
        self.assertEqual(running.wait_event("sandbox")["mode"], "off")

    def test_unprotected__confined_too(self):
        running = self.confined("--service", "faulty", "--protect", "off", workers=1)
        if not running:
            return
        client = self.connect(running)
        client.sendall(word("OPEN"))
        self.assertEqual(running.wait_event("worker_died")["call"], "openat")
        running.wait_event("worker_replaced")


def shared_mappings(pid):
    """(rights, KiB, KiB that are there, flags) of each mapping of the shared pages."""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, *rest = line.split()
        if "-" in word and word[0] in "0123456789abcdef":
            found.append([rest[0], 0, 0, ()] if "memfd:prefork-upper" in line else None)
        elif found and found[-1]:
            where = {"Size:": 1, "Rss:": 2, "VmFlags:": 3}.get(word)
            if where:
                found[-1][where] = rest if where == 3 else int(rest[0])
    return list(filter(None, found))


class Journals(SandboxCase):
    def test_worker__has_its_own_whole_and_cannot_read_the_others(self):
        running = self.confined(workers=2)
        if not running:
            return
        for slot in (0, 1):
            mappings = shared_mappings(running.worker(slot))
            own = [(size, there) for rights, size, there, _ in mappings if rights == "rw-s" and size == JOURNAL_KIB]
            self.assertEqual(own, [(JOURNAL_KIB, JOURNAL_KIB)], mappings)
            shut = sum(size for rights, size, *_ in mappings if rights == "---s")
            self.assertEqual(shut, (SLOTS - 1) * JOURNAL_KIB, mappings)

    def test_any_process__none_of_them_in_a_core_dump(self):
        running = self.server(workers=2)
        running.wait_workers(2)
        for pid in running.processes():
            mappings = shared_mappings(pid)
            dumped = sum(size for _, size, _, flags in mappings if "dd" not in flags)
            self.assertTrue(mappings)
            self.assertEqual(sum(size for _, size, *_ in mappings) - dumped, SLOTS * JOURNAL_KIB, mappings)


class User(SandboxCase):
    def test_unknown__usage(self):
        self.fails_to_start("--user", "no-such-user", code=EXIT_USAGE, words=["--user", "no-such-user"])
        self.fails_to_start("--group", "no-such-group", code=EXIT_USAGE, words=["--group", "no-such-group"])

    def test_not_root__usage(self):
        somebody = {"user": 65534} if os.geteuid() == 0 else {}
        os.chmod(self.folder, 0o755)
        program = shutil.copy(SERVER, self.folder)  # the build folder may be closed to others
        self.fails_to_start("--user", "65534", program=program, code=EXIT_USAGE, words=["--user", "root"], **somebody)

    @unittest.skipUnless(os.geteuid() == 0, "only root can")
    def test_root__workers_are_nobody_and_are_replaced(self):
        nobody = pwd.getpwnam("nobody")
        running = self.server("--user", "nobody", workers=1)
        client = self.connect(running)
        for generation in (1, 2):
            pid = int(running.wait_event("worker_started", generation=generation)["pid"])
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertRegex(status, rf"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}\t")
            self.assertRegex(status, rf"Gid:\t{nobody.pw_gid}\t{nobody.pw_gid}\t{nobody.pw_gid}\t")
            self.assertRegex(status, r"Groups:\t *\n")
            self.assertRegex(status, r"CapEff:\t0+\n")
            self.assertEqual(ask(client), b"HELLO")
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(running.wait_event("sandbox")["user"], "applied")
        for pid in set(running.processes()) - {int(e["pid"]) for e in running.events("worker_started")}:
            self.assertEqual(os.stat(f"/proc/{pid}").st_uid, 0)
        until(lambda: len(running.events("worker_replaced")) == 2, "the second one is replaced")
        client.sendall(b"still there")
        self.assertEqual(receive(client, 11), b"STILL THERE")


if __name__ == "__main__":
    unittest.main()
