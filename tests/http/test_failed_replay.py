"""A replay that fails, at its beginning or in the middle, over HTTP: its totals, its prices, the metrics and the command line show what was asked, and no number that nobody
counted. 9223372036854776260 requests were shown once."""
import json
import os
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import prometheus_text  # noqa: E402
from betrace_process import Betrace, all_at_once, run_cli  # noqa: E402
from partial_store import EMPTY, PartialStore  # noqa: E402
from protobuf_answer import bytes_field, varint  # noqa: E402

HOUR, MOST = 3600, 10**9  # no count of these tests is larger
RULES = [{"id": "one", "dsl": 'trace.has(span.name == "probe") and not trace.has(span.name == "never")'}, {"id": "two", "dsl": 'trace.has(span.name == "other")'}]
NOWHERE = "http://127.0.0.1:1"


class FailingStore(PartialStore):
    """Every trace is found by every search until so many requests were answered; from then on each is answered with 500."""

    def __init__(self, answered):
        super().__init__(lambda store, query, ids: store.rows(list(store.spans) if ids is None else ids, {}))
        self.left, self.guard = answered, threading.Lock()

    def fill(self):
        at_ns = (int(time.time()) - HOUR) * 10**9
        for number in range(1, 9):
            times = b"".join(varint(field << 3 | 1) + (at_ns + field).to_bytes(8, "little") for field in (7, 8))
            span = bytes_field(1, number.to_bytes(16, "big")) + bytes_field(2, number.to_bytes(8, "big")) + bytes_field(5, "probe") + times
            self.push(bytes_field(1, bytes_field(2, bytes_field(2, span))))

    def get(self, target):
        with self.guard:
            self.left -= 1
            is_answered = self.left >= 0
        return super().get(target) if is_answered else (500, "text/plain", b"broken")


def strange_numbers(value, path=""):
    """Where a document has a number below zero or larger than anything that was counted, or a time before this century."""
    if isinstance(value, dict):
        return [one for key, part in value.items() for one in strange_numbers(part, f"{path}.{key}")]
    if isinstance(value, list):
        return [one for number, part in enumerate(value) for one in strange_numbers(part, f"{path}[{number}]")]
    if isinstance(value, str):
        return [f"{path}: {value}"] if value.startswith(("19", "0001-")) else []
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [] if 0 <= value <= MOST else [f"{path}: {value}"]
    return []


class FailedReplay(unittest.TestCase):
    def check_service(self, url):
        """The job, its entry in the list, the metrics: (job, price of its rules in requests)."""
        with Betrace("--tempo", url, "--max-replays", "1") as server:
            for rule in RULES:
                self.assertEqual(server.post("/v1/rules", rule).status, 201)
            started = server.post("/v1/replays", {"rule_ids": ["one", "two"], "start_time": "now-6h", "end_time": "now", "emit": False})
            job = server.wait_job(started.json()["replay_id"])
            self.assertEqual(strange_numbers(job), [], job)
            self.assertEqual(strange_numbers(server.get("/v1/replays").json()), [])
            self.assertFalse(job["coverage"]["complete"])
            self.assertTrue(job["coverage"]["windows_failed"], job)
            self.assertEqual(job["coverage"]["asked"], {"start": job["start_time"], "end": job["end_time"]})
            for family in prometheus_text.read(server.get("/metrics").body.decode()).values():
                for name, _, value in family.samples:
                    if name.startswith(("betrace_replay", "betrace_rule_", "betrace_evaluation")) and "timestamp" not in name and family.kind != "histogram":
                        self.assertTrue(0 <= value <= MOST, (name, value))
            prices = [server.get(f"/v1/rules/{rule['id']}/explain?start=now-6h").json()["rules"][0]["price"] for rule in RULES]
            self.assertEqual(strange_numbers(prices), [])
            requests = sum(price["requests"] for price in prices)
            return job, requests

    def check_broken(self, answered):
        with FailingStore(answered) as store:
            store.fill()
            return self.check_service(store.url)

    def check_cli(self, url):
        rules = json.dumps({"rules": RULES})
        path = os.path.join(self.folder(), "rules.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rules)
        done = run_cli("replay", "--rules", path, "--tempo", url, "--since", "6h", "--json")
        self.assertIn(done.returncode, (1, 3), done)
        self.assertEqual(strange_numbers(json.loads(done.stdout)), [], done.stdout)

    def folder(self):
        made = tempfile.TemporaryDirectory(prefix="betrace-failed-")
        self.addCleanup(made.cleanup)
        return made.name

    def test_a_source_that_is_not_there(self):
        job, requests = self.check_service(NOWHERE)
        self.assertEqual(job["status"], "failed")
        self.assertEqual([rule["traces_evaluated_kind"] for rule in job["rules"]], ["at_least"] * 2)
        self.assertLessEqual(abs(requests - job["queries"]), 2)
        self.check_cli(NOWHERE)

    def test_a_source_that_breaks(self):
        """After so many answers: at once, in the searches, in the reads. The service asks what the source is before any replay."""
        ends, after = set(), (0, 3, 6, 10)
        for answered, (job, requests) in zip(after, all_at_once(self.check_broken, after)):
            with self.subTest(answered=answered):
                ends.add(job["status"])
                self.assertIn(job["status"], ("failed", "incomplete"), job)
                self.assertLessEqual(abs(requests - job["queries"]), 2, job)
                self.assertLessEqual(job["violations_found"], 8)
        self.assertEqual(ends, {"failed", "incomplete"}, "it failed at its beginning and in the middle")
        with FailingStore(6) as store:
            store.fill()
            self.check_cli(store.url)


if __name__ == "__main__":
    unittest.main(verbosity=1)
