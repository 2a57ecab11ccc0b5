"""Replays as server-sent events: everything once, in order, and exactly where a reader left off, while the replay runs and after it."""
import os
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402
from sse import EventStream  # noqa: E402

END = "2026-03-10T12:00:00Z"
START = "2026-03-09T12:00:00Z"
RANGE = {"start_time": START, "end_time": END}


class EventsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-events-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.pb")
        done = run_cli("generate", "--traces", 6000, "--violations", 150, "--end", END, "--since", "24h", "--out", cls.traces)
        assert done.returncode == 0, done.stderr
        cls.server = Betrace("--traces", cls.traces)
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            cls.server.post("/v1/rules", rule)
        cls.rules = [SLOW_DB["id"], INCIDENT["id"], PII_AUDIT["id"]]

    def start_replay(self):
        started = self.server.post("/v1/replays", {"rule_ids": self.rules, **RANGE})
        self.assertEqual(started.status, 202, started)
        return started.json()["replay_id"]

    def stream(self, replay_id, last_id=None):
        return EventStream(self.server, f"/v1/replays/{replay_id}/events", last_id)

    def read(self, replay_id, last_id=None):
        with self.stream(replay_id, last_id) as stream:
            self.assertEqual(stream.status, 200)
            return list(stream)

    def expected(self, replay_id):
        status = self.server.wait_job(replay_id)
        found = self.server.violations(replay_id)
        self.assertEqual(len(found), status["violations_found"])
        self.assertGreater(len(found), 300)
        return sorted(v["id"] for v in found)

    def test_everything_comes_once_while_it_runs(self):
        replay_id = self.start_replay()
        events = self.read(replay_id)
        violations = [e for e in events if e.name == "violation"]
        self.assertEqual(sorted(e.data["id"] for e in violations), self.expected(replay_id))
        self.assertEqual([e.id for e in violations], [str(n + 1) for n in range(len(violations))])
        self.assertEqual([e.name for e in events].count("done"), 1)
        done = events[-1]
        self.assertEqual((done.name, done.data["status"], done.data["progress"]), ("done", "completed", 1.0))
        self.assertEqual(done.data, self.server.get(f"/v1/replays/{replay_id}").json())
        progress = [e.data["progress"] for e in events if e.name == "progress"]
        self.assertEqual(progress, sorted(progress))
        self.assertTrue(all(e.id is None for e in events if e.name == "progress"), "progress does not move a reader's place")

    def test_a_reader_that_breaks_off_misses_nothing(self):
        replay_id = self.start_replay()
        seen, last_id, rounds = [], None, 0
        while True:
            with self.stream(replay_id, last_id) as stream:
                if stream.status == 204:
                    break
                self.assertEqual(stream.status, 200)
                for number, event in enumerate(stream):
                    if event.name == "violation":
                        seen.append(event.data["id"])
                    last_id = stream.last_id
                    if number == 40:
                        break
            rounds += 1
        self.assertGreater(rounds, 5)
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(sorted(seen), self.expected(replay_id))
        self.assertTrue(last_id.endswith(".done"))

    def test_after_the_end(self):
        replay_id = self.start_replay()
        expected = self.expected(replay_id)
        first, again = self.read(replay_id), self.read(replay_id)
        self.assertEqual([e.id for e in first], [e.id for e in again])
        self.assertEqual(sorted(e.data["id"] for e in first[:-1]), expected)
        half = len(expected) // 2
        rest = self.read(replay_id, str(half))
        self.assertEqual([(e.name, e.id) for e in rest], [(e.name, e.id) for e in first[half:]])
        only_done = self.read(replay_id, str(len(expected)))
        self.assertEqual([e.name for e in only_done], ["done"])

    def test_several_readers(self):
        replay_id = self.start_replay()
        results = [None] * 6

        def read(number):
            results[number] = [e.data["id"] for e in self.read(replay_id) if e.name == "violation"]

        threads = [threading.Thread(target=read, args=(n,)) for n in range(len(results))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results[0]), len(self.expected(replay_id)))
        for result in results[1:]:
            self.assertEqual(result, results[0])

    def test_pages_that_begin_while_it_runs(self):
        replay_id = self.start_replay()
        seen, cursor, running = [], "", 0
        while cursor is not None:
            page = self.server.get(f"/v1/replays/{replay_id}/violations?limit=20&cursor={cursor}").json()
            seen += [v["id"] for v in page["violations"]]
            running += cursor is not None and cursor.startswith("a")
            cursor = page["cursor"]
        self.assertEqual(sorted(seen), self.expected(replay_id))
        self.assertEqual(len(seen), len(set(seen)))

    def test_what_is_refused(self):
        replay_id = self.start_replay()
        count = len(self.expected(replay_id))
        self.assertEqual(self.server.get("/v1/replays/r-0/events").status, 404)
        for last_id in ("x", "-1", "1.5", ".done", str(count + 1), "9" * 40):
            with self.subTest(last_id=last_id):
                answer = self.server.get(f"/v1/replays/{replay_id}/events", headers={"Last-Event-ID": last_id})
                self.assertEqual(answer.status, 400, answer)
        self.assertEqual(self.server.get(f"/v1/replays/{replay_id}/events?from=3").status, 400)
        for cursor in ("x", "12", "t", "a-1", "n3"):
            self.assertEqual(self.server.get(f"/v1/replays/{replay_id}/violations?cursor={cursor}").status, 400, cursor)
        self.assertEqual(self.server.get("/v1/replays?cursor=t3").status, 400)

    def test_replays_are_paged(self):
        ids = [self.start_replay() for _ in range(3)]
        for replay_id in ids:
            self.server.wait_job(replay_id)
        seen, cursor = [], ""
        while cursor is not None:
            page = self.server.get(f"/v1/replays?limit=2&cursor={cursor}").json()
            self.assertLessEqual(len(page["replays"]), 2)
            seen += [r["replay_id"] for r in page["replays"]]
            cursor = page["cursor"]
        self.assertEqual(seen[:3], ids[::-1])
        self.assertEqual(len(seen), len(set(seen)))
        replay = self.server.get(f"/v1/replays/{ids[0]}").json()
        self.assertEqual((replay["start_time"][:19], replay["end_time"][:19]), (START[:19], END[:19]))

    def test_a_cancelled_replay_ends_its_stream(self):
        replay_id = self.start_replay()
        with self.stream(replay_id) as stream:
            self.server.delete(f"/v1/replays/{replay_id}")
            last = list(stream)[-1]
        self.assertIn((last.name, last.data.get("status")), [("done", "cancelled"), ("done", "completed"), ("gone", None)])


if __name__ == "__main__":
    unittest.main(verbosity=1)
