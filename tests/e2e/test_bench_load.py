"""What the load generators of tests/bench/load say at their end, and what makes it believable."""
import pathlib
import sys
import unittest

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import generators
import servers


class Replies(unittest.TestCase):
    HEAD = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 64\r\nConnection: keep-alive\r\n\r\n"

    def test_length__is_head_and_body(self):
        self.assertEqual(servers.http_length(self.HEAD), len(self.HEAD) + 64)
        self.assertEqual(servers.http_length(self.HEAD + b"x" * 64), len(self.HEAD) + 64)

    def test_reply__is_expected_as_loadtool_takes_it(self):
        self.assertEqual(servers.escaped(b"a\\\r\n"), r"a\\\r\n")

    def test_length__is_unknown_before_the_head_has_come_or_if_it_names_none(self):
        self.assertIsNone(servers.http_length(self.HEAD[:-1]))
        self.assertIsNone(servers.http_length(b"HTTP/1.1 200 OK\r\n\r\n"))


class Generators(unittest.TestCase):
    WRK = """  1 threads and 500 connections
  Socket errors: connect 0, read {read}, write 0, timeout 31
  84215 requests in 1.08s, 18.39MB read
{non_2xx}Requests/sec:  77901.30
"""

    def test_wrk__says_how_many_were_answered_unless_one_failed(self):
        self.assertEqual(generators.Wrk.said(self.WRK.format(read=0, non_2xx="")), 84215)
        self.assertIsNone(generators.Wrk.said(self.WRK.format(read=3, non_2xx="")))
        self.assertIsNone(generators.Wrk.said(self.WRK.format(read=0, non_2xx="  Non-2xx or 3xx responses: 84215\n")))

    def test_client__says_a_number_or_nothing(self):
        self.assertEqual(generators.Client.said("71234\n"), 71234)
        self.assertIsNone(generators.Client.said("client: write: broken pipe\n"))

    def test_run__counts_only_if_its_bytes_are_those_of_its_replies(self):
        self.assertIsNone(generators.fault_of(10000, 10150, 10, 10))
        self.assertIn("bytes of 10300", generators.fault_of(10000, 10300, 10, 10))
        self.assertIn("no count", generators.fault_of(None, 10000, 10, 10))
        self.assertIn("no count", generators.fault_of(0, 0, 10, 10))
        self.assertIn("9 of 10 connections", generators.fault_of(10000, 10000, 10, 9))
