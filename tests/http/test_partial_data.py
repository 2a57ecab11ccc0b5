"""A part of the range had no trace. Where nothing was found, the answer is not "no violations" but UNKNOWN, with status 3, of files as of pushed spans. What
was found is found. Gaps between traces are said, and change no status."""
import datetime
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402

NOON = int(datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc).timestamp())
HOUR, MINUTE = 3600, 60


def iso(second):
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def trace(number, second):
    span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "work", "startTimeUnixNano": str(second * 10**9),
            "endTimeUnixNano": str(second * 10**9 + 1000)}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


# Where traces are, in minutes after noon, one a minute; what is asked, likewise; what is said. (0, 0): traces of the whole range.
FULL = range(0, 240)
ROWS = (
    ("all of it", FULL, (0, 240), None),
    ("a quiet quarter of an hour at each end", range(15, 226), (0, 240), None),
    ("from its half on", range(120, 240), (0, 240), f"no trace before {iso(NOON + 120 * MINUTE)}"),
    ("up to its half", range(0, 120), (0, 240), f"no trace from {iso(NOON + 120 * MINUTE)} on"),
    ("its middle", range(100, 140), (0, 240), f"no trace before {iso(NOON + 100 * MINUTE)} and none from {iso(NOON + 140 * MINUTE)} on"),
    ("a short range, most of which is empty", range(0, 3), (0, 10), "on"),
    ("a short range, half of it", range(0, 6), (0, 10), None),
)


class PartialData(unittest.TestCase):
    def run_on(self, minutes, asked, dsl, *more, command="replay"):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(trace(minute + 1, NOON + minute * MINUTE) + "\n" for minute in minutes)
            times = () if asked is None else ("--start", iso(NOON + asked[0] * MINUTE), "--end", iso(NOON + asked[1] * MINUTE))
            return run_cli(command, "--dsl", dsl, "--traces", path, *times, *more)

    def test_what_had_no_data_is_unknown(self):
        for command in ("replay", "first"):
            for what, minutes, asked, said in ROWS:
                with self.subTest(what, command=command):
                    done = self.run_on(minutes, asked, "never { audit }", command=command)
                    self.assertEqual(done.returncode, 3 if said else 0, done.stdout)
                    self.assertEqual("UNKNOWN" in done.stdout, bool(said), done.stdout)
                    self.assertEqual("partial_data" in done.stdout, bool(said), done.stdout)
                    if command == "replay":
                        self.assertIn(said or "0 violations", done.stdout)

    def test_all_that_is_in_files_is_whole(self):
        self.assertEqual(self.run_on(range(100, 140), None, "never { audit }").returncode, 0)

    def test_what_was_found_is_found(self):
        for _, minutes, asked, _ in ROWS:
            done = self.run_on(minutes, asked, "never { work }", "--json")
            self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (1, "completed"))

    def test_each_sentence_is_said_once_in_a_line(self):
        """Of what was found, too: the part before it had no trace, and that is one sentence."""
        for command in ("replay", "first"):
            for what, minutes, asked, _ in ROWS:
                for dsl in ("never { audit }", "never { work }"):
                    done = self.run_on(minutes, asked, dsl, command=command)
                    for line in done.stdout.splitlines():
                        with self.subTest(what, command=command, dsl=dsl):
                            self.assertLessEqual(line.count(" before 20"), 1, done.stdout)

    def test_what_had_no_trace_is_said_beside_what_was_found(self):
        done = self.run_on(range(120, 240), (0, 240), "never { work }", command="first")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no trace seen before {iso(NOON + 120 * MINUTE)}", done.stdout)

    def test_a_gap_between_is_said(self):
        done = self.run_on([*range(0, 60), *range(180, 240)], (0, 240), "never { audit }")
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"no trace seen from {iso(NOON + 60 * MINUTE)} to {iso(NOON + 180 * MINUTE)}", done.stdout)
        self.assertIn("0 violations", done.stdout)

    def test_json_says_it_too(self):
        answer = json.loads(self.run_on(range(120, 240), (0, 240), "never { audit }", "--json").stdout)
        self.assertEqual((answer["status"], answer["coverage"]["complete"]), ("incomplete", False))
        self.assertTrue(answer["reason"].startswith("partial_data: "), answer["reason"])

    def test_a_replay_of_the_service_says_it(self):
        with Betrace("--memory-source") as server:
            server.post("/v1/rules", {"id": "r1", "dsl": "never { audit }"})
            span = {"trace_id": "1" * 32, "span_id": "1" * 16, "name": "work", "start_time": iso(NOON + 120 * MINUTE), "end_time": iso(NOON + 120 * MINUTE)}
            pushed = server.post("/v1/spans", {"spans": [span]})
            self.assertLess(pushed.status, 300, pushed)
            started = server.post("/v1/replays", {"rule_ids": ["r1"], "start_time": iso(NOON), "end_time": iso(NOON + 4 * HOUR)})
            ended = server.wait_job(started.json()["replay_id"])
            self.assertEqual(ended["status"], "incomplete")
            self.assertIn("partial_data", ended["reason"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
