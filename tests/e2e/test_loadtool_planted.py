"""Faults planted in a test server: each is found and named by a run with --server-pid; a clean server passes every time."""

import concurrent.futures

from planted_case import BYTES, CLIENTS, PASS, RESIDUE, PlantedCase

CLEAN_RUNS = 20
# Victims that read all that they asked for: who resets with a request outstanding cannot miss the one reply that is lost.
READERS = ("--kill", "fin:5%,halfclose:5%")


class Planted(PlantedCase):
    def find(self, fault, code, word, *options):
        got, report, text, happened = self.load(fault, "-d", "3s", *options)
        self.assertEqual(got, code, text)
        self.assertIn(word, " ".join(report["reasons"]))
        return report, text, happened

    def test_reply_swapped_between_two_clients__cross_talk_with_both_named(self):
        report, text, happened = self.find("swap", BYTES, "cross-talk", *READERS)
        self.assertEqual(happened, 1)
        found = report["wrong"]["examples"]["cross-talk"]
        self.assertNotEqual(found["connection"], found["other_connection"])
        # A byte that happens to be the same in both replies is not wrong where its owner was found late.
        self.assertTrue(120 <= report["wrong"]["crosstalk_bytes"] <= 128, text)
        self.assertEqual(report["wrong"]["wrong_bytes"], 0)

    def test_reply_swapped_between_clients_of_two_loops_or_processes__cross_talk_all_the_same(self):
        for options in (("-t", "4"), ("--kill", "kill9:60%")):
            with self.subTest(options):
                code, report, text, happened = self.load("swap", "-d", "3s", *options)
                self.assertEqual((code, happened), (BYTES, 1), text)
                self.assertTrue(120 <= report["wrong"]["crosstalk_bytes"] <= 128, text)
                self.assertEqual(report["wrong"]["wrong_bytes"], 0, text)

    def test_one_flipped_byte__wrong_where_it_is_and_what_stood_around(self):
        report, text, happened = self.find("flip", BYTES, "1 reply byte was wrong", *READERS)
        self.assertEqual(happened, 1)
        found = report["wrong"]["first"]
        self.assertEqual(int(found["expected"][:2], 16) ^ 0x40, int(found["got"][:2], 16))
        self.assertEqual(len(found["around"]["expected"]), 64)
        self.assertEqual(report["wrong"]["wrong_bytes"], 1)

    def test_lost_reply__a_client_waited_too_long(self):
        # Not to a half-closed client, which would have our FIN in its place: those bytes are missing, which is worse.
        report, text, happened = self.find("lose", CLIENTS, "", "--kill", "fin:10%")
        self.assertEqual(happened, 1)
        self.assertEqual(report["control"]["unanswered"] + report["victims"]["unexpected_ends"], 1, text)
        self.assertTrue(any("time-out" in reason or "unanswered" in reason for reason in report["reasons"]), text)

    def test_doubled_byte__duplicated(self):
        report, text, happened = self.find("double", BYTES, "", *READERS)
        self.assertEqual(happened, 1)
        self.assertEqual(report["wrong"]["duplicated_bytes"], 1, text)
        self.assertEqual(report["wrong"]["wrong_bytes"] + report["wrong"]["missing_bytes"], 0)

    def test_descriptor_leaked_at_each_reset__residue(self):
        report, text, happened = self.find("leak", RESIDUE, "descriptors")
        self.assertGreater(happened, 3)
        server = report["server"]
        self.assertEqual(server["after"]["descriptors"] - server["before"]["descriptors"], happened)

    def test_exit_at_the_third_reset__clients_lost_and_the_server_gone(self):
        report, text, _ = self.find("exit", CLIENTS, "has ended")
        self.assertGreater(report["control"]["lost"], 50)
        # Each of them had a request outstanding; the death that the server did not bear is the worst of them.
        self.assertGreater(report["disturbances"]["lost"], 50, text)
        self.assertIsNone(report["disturbances"]["worst"][0]["first_good_ms"], text)
        self.assertFalse(report["recovery"]["ok"])

    def test_hang_after_half_close__unanswered_at_half_close_and_close_wait(self):
        report, text, happened = self.find("hang", CLIENTS, "CLOSE-WAIT")
        self.assertGreater(happened, 3)
        self.assertTrue(any(e["where"] == "half-close" and e["class"] == "unanswered" for e in report["errors"]), text)

    def test_clean_server__passes_twenty_of_twenty(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            runs = list(pool.map(lambda i: self.load("none", "-d", "1s", "-c", "50", name=str(i)), range(CLEAN_RUNS)))
        self.assertEqual([text for code, _, text, _ in runs if code != PASS], [])
