"""What the others felt: of servers that harm them only while a given kill mode is at work, it is told on that mode."""

from planted_case import BYTES, PASS, PlantedCase


class Felt(PlantedCase):
    def test_wrong_only_while_one_mode_is_at_work__its_bytes_stand_on_that_mode_alone(self):
        # One victim that dies in two ways by turns: the modes are never at work together.
        code, report, text, happened = self.load("half", "-c", "10", "-d", "5s", "--kill", "halfclose:5%,rst:5%",
                                                 is_watched=False)
        self.assertEqual(code, BYTES, text)
        halfclose, rst = (report["disconnects"][mode] for mode in ("halfclose", "rst"))
        self.assertGreater(min(halfclose["done"], rst["done"]), 1, text)
        self.assertGreater(happened, 1)
        self.assertEqual(halfclose["felt"]["wrong_bytes"], happened, text)
        self.assertEqual(halfclose["felt"]["wrong_replies"], happened, text)
        self.assertEqual(halfclose["felt"]["wrong_bytes_alone"], happened, text)
        self.assertEqual((rst["felt"]["wrong_bytes"], rst["felt"]["wrong_replies"]), (0, 0), text)
        self.assertEqual(report["calm"]["wrong_bytes"], 0, text)
        self.assertRegex(text, rf"others: .*{happened} wrong byte")

    def test_pause_at_each_reset__the_latency_stands_on_that_mode(self):
        code, report, text, happened = self.load("pause", "-c", "40", "-d", "3s", "--kill", "rst:1/s", is_watched=False)
        self.assertEqual(code, PASS, text)
        self.assertGreater(happened, 1)
        felt = report["disconnects"]["rst"]["felt"]
        self.assertGreater(felt["p99_us"], 250e3, text)
        self.assertGreater(felt["p99_ratio"], 2, text)
        told = report["disturbances"]
        self.assertEqual((told["deaths"], told["lost"]), (happened, 0), text)
        # The last death comes with the end of the load: what is after it cannot be told.
        paused = [at for at in told["worst"] if at["watched_ms"] > 700]
        self.assertGreater(len(paused), 0, text)
        for at in paused:
            self.assertEqual(at["modes"], ["rst"])
            self.assertTrue(280 < at["first_good_ms"] - at["at_ms"] < 1500, text)
            self.assertLess(at["last_good_ms"], at["first_good_ms"] - 200, text)
            self.assertTrue(at["judged"], text)
        # On a busy machine replies may stay slow after one of them; where they became normal, it was after the pause.
        normal = [at["normal_ms"] for at in paused if at["normal_ms"] is not None]
        self.assertGreater(len(normal), 0, text)
        self.assertGreater(min(normal), 280, text)
        self.assertRegex(text, r"last good reply .*, first \+\d{3}\.\d ms; 0 lost, (normal after \d+ ms|not normal)")
