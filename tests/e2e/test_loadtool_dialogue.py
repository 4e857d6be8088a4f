"""loadtool against servers of other protocols: fixed texts, scripts, sizes, pipelines of requests that are parted anyhow."""

import json
import re
import socket
import socketserver
import subprocess
import threading

from support import DEADLINE_S, LOADTOOL, TestCase, free_port

PASS, USAGE, BYTES = 0, 2, 3


class Replying(socketserver.ThreadingTCPServer):
    """A server whose `answer(bytes so far)` gives (bytes used up, reply); nothing used up means: wait for more."""

    daemon_threads, allow_reuse_address, request_queue_size = True, True, 512

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            kept = b""
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while data := self.request.recv(65536):
                    kept += data
                    while kept:
                        used, reply = self.server.answer(kept)
                        if not used:
                            break
                        kept = kept[used:]
                        self.request.sendall(reply)
            except OSError:
                pass

    def __init__(self, answer):
        super().__init__(("127.0.0.1", free_port()), self.Handler)
        self.answer = answer
        self.bound = "127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


def http(kept):
    """One request a blank line, a fixed answer in two parts whatever is asked."""
    end = kept.find(b"\r\n\r\n")
    return (0, b"") if end < 0 else (end + 4, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")


def store(kept):
    """SET and GET of one value, as Redis answers inline commands."""
    end = kept.find(b"\r\n")
    if end < 0:
        return 0, b""
    return end + 2, b"+OK\r\n" if kept.startswith(b"SET ") else b"$2\r\nab\r\n"


class Dialogue(TestCase):
    def load(self, address, *args):
        path = f"{self.folder}/report.json"
        result = subprocess.run([str(LOADTOOL), address, "-c", "10", "-d", "400ms", "--json", path, *map(str, args)],
                                capture_output=True, text=True, timeout=DEADLINE_S * 2, stdin=subprocess.DEVNULL)
        self.assertNotEqual(result.returncode, USAGE, result.stderr)
        with open(path) as file:
            return result.returncode, json.load(file), result.stdout

    def replying(self, answer):
        server = Replying(answer)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.bound

    def test_send_and_expect__fixed_reply__passes(self):
        code, report, text = self.load(self.replying(http), "--send", r"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "--expect",
                                       r"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")
        self.assertEqual(code, PASS, text)
        self.assertGreater(report["messages"]["right"], 20)
        self.assertEqual(report["check"], "script")

    def test_expect__another_reply__is_wrong_and_shown(self):
        code, report, text = self.load(self.replying(http), "--kill", "none", "--send", r"GET / HTTP/1.1\r\n\r\n", "--expect",
                                       r"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nho\n")
        self.assertEqual(code, BYTES, text)
        self.assertEqual(report["wrong"]["first"]["expected"][:2] + report["wrong"]["first"]["got"][:2],
                         b"o".hex() + b"i".hex())

    def test_check_none__another_reply_of_that_length__passes(self):
        code, _, text = self.load(self.replying(http), "--send", r"GET / HTTP/1.1\r\n\r\n", "--check", "none", "--expect",
                                  r"HTTP/1.1 404 NO\r\nContent-Length: 3\r\n\r\nho\n")
        self.assertEqual(code, PASS, text)

    def test_script__two_exchanges__each_reply_in_its_turn(self):
        path = f"{self.folder}/script"
        with open(path, "w") as file:
            file.write("# a value is written and read\nsend SET k ab\\r\\n\nexpect +OK\\r\\n\nsend GET k\\r\\n\n"
                       "expect $2\\r\\nab\\r\\n\n")
        code, report, text = self.load(self.replying(store), "--script", path)
        self.assertEqual(code, PASS, text)
        code, report, text = self.load(self.replying(lambda kept: (store(kept)[0], b"+OK\r\n")), "--script", path,
                                       "--kill", "none", "--timeout", "300ms")
        self.assertEqual(code, BYTES, text)

    def test_check_none__a_server_that_turns_every_byte__passes(self):
        code, _, text = self.load(self.replying(lambda kept: (len(kept), bytes(255 - b for b in kept))), "--check", "none")
        self.assertEqual(code, PASS, text)

    def test_sizes__range_and_list__every_byte_right(self):
        server = self.server()
        for sizes in ("1-3000", "64:90,4K-8K:9,200K:1"):
            with self.subTest(sizes):
                code, report, text = self.load(server.bound, "-s", sizes)
                self.assertEqual(code, PASS, text)
                self.assertEqual(report["size"], sizes)

    def test_bad_script__two_and_the_line_is_named(self):
        path = f"{self.folder}/script"
        with open(path, "w") as file:
            file.write("send a\nwait b\n")
        result = subprocess.run([str(LOADTOOL), "--script", path], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(result.returncode, USAGE)
        self.assertTrue(re.search(r"line 2: accepted is", result.stderr), result.stderr)
