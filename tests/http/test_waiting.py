"""A call that waits for an evaluation, a series or a report holds no place. While Tempo is held, more calls wait than
the lane has places, and another call of the lane still gets its answer. All have their answers when Tempo answers.
Readers who go, deadlines and the end of the service end the waiting."""
import os
import re
import socket
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

PATIENCE = 45.0  # less than what the calls are given
RULE = {"id": "r1", "dsl": '@SOC2(controls = {CC7_2}) trace.has(span.name == "x")'}
REPORT = "/v1/compliance/reports/soc2?start=now-2h&end=now-1h&timeout=60s"
KINDS = {  # path of call number i, and how many there are: each is a question of its own, but of reports, which are one
    "violations": (lambda i: f"/v1/violations?start=now-{i + 2}h&timeout=60s", 20),
    "lines": (lambda i: f"/v1/violations?start=now-{i + 40}h&timeout=60s", 10),
    "series": (lambda i: f"/v1/violations/series?start=now-{i + 2}h&end=now-1h&step={i + 2}m&timeout=60s", 20),
    "reports": (lambda i: REPORT, 20)}


def metric(server, name, labels=""):
    text = server.get("/metrics").body.decode()
    return int(float(re.search(rf"^{name}{re.escape(labels)} (\S+)$", text, re.MULTILINE).group(1)))


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Waiting(unittest.TestCase):
    def setUp(self):
        self.tempo = StubTempo().__enter__()
        self.addCleanup(self.tempo.__exit__)
        self.server = Betrace("--tempo", self.tempo.url)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        created = self.server.post("/v1/rules", RULE)
        self.assertEqual(created.status, 201, created)
        self.tempo.behaviour = "held"

    def ask_all(self, kinds):
        """Begins the calls; {kind: [answer]} fills while they are answered."""
        answers, threads = {kind: [] for kind in kinds}, []
        for kind in kinds:
            path_of, count = KINDS[kind]
            headers = {"Accept": "application/x-ndjson"} if kind == "lines" else {}
            for i in range(count):
                def ask(kind=kind, path=path_of(i), headers=headers):
                    answers[kind].append(self.server.get(path, headers=headers, timeout=PATIENCE))
                threads.append(threading.Thread(target=ask, daemon=True))
        for thread in threads:
            thread.start()
        return answers, threads

    def wait_until_waiting(self, count):
        self.assertTrue(until(lambda: metric(self.server, "betrace_calls_waiting") == count),
                        f"{metric(self.server, 'betrace_calls_waiting')} calls wait, not {count}")

    def test_more_wait_than_there_are_places(self):
        answers, threads = self.ask_all(KINDS)
        self.wait_until_waiting(len(threads))
        self.assertGreater(len(threads), metric(self.server, "betrace_lane_places", '{lane="answer"}'))
        for lane in ("answer", "pages"):
            self.assertEqual(metric(self.server, "betrace_lane_running", f'{{lane="{lane}"}}'), 0, lane)
        self.assertEqual(self.server.get("/v1/violations?limit=nonsense").status, 400)  # of the same lane
        self.assertFalse(any(answers.values()))
        self.tempo.release()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual({kind: [answer.status for answer in given] for kind, given in answers.items()},
                         {kind: [200] * count for kind, (_, count) in KINDS.items()})
        for answer in answers["violations"] + answers["series"]:
            self.assertIn("coverage", answer.json())
        for answer in answers["lines"]:
            self.assertIn(b'"done"', answer.body)
        self.wait_until_waiting(0)

    def test_more_ask_whether_it_is_ready_than_there_are_places(self):
        """Each waits for the same check, for 700 ms at most, and asks again."""
        statuses, seen = [], []

        def ask():
            while not seen:
                statuses.append(self.server.get("/ready").status)
        threads = [threading.Thread(target=ask, daemon=True) for _ in range(30)]
        for thread in threads:
            thread.start()
        places = metric(self.server, "betrace_lane_places", '{lane="probe"}')
        many_wait = until(lambda: metric(self.server, "betrace_calls_waiting") > 2 * places)
        seen.append(many_wait)
        self.tempo.release()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertTrue(many_wait)
        self.assertLessEqual(set(statuses), {200, 503})
        self.assertTrue(until(lambda: self.server.get("/ready").status == 200))

    def test_time_that_is_over(self):
        """What is known by then is said, and that it is not all."""
        page = self.server.get("/v1/violations?start=now-2h&timeout=1s").json()
        self.assertIn("not_evaluated", page["reason"])
        self.assertIsNone(page["total_count"])
        series = self.server.get("/v1/violations/series?start=now-2h&timeout=300ms").json()
        self.assertIn("not_evaluated", series["reason"])
        report = self.server.get(REPORT.replace("60s", "300ms"))
        self.assertEqual((report.status, report.json()["status"]), (202, "running"))
        self.wait_until_waiting(0)
        cut = self.server.get("/v1/violations?start=now-2h", headers={"Betrace-Timeout": "100ms"}).json()
        self.assertIn("not_evaluated", cut["reason"])

    def test_another_report_that_is_deleted_wakes_nobody(self):
        given = []
        thread = threading.Thread(target=lambda: given.append(self.server.get(REPORT)), daemon=True)
        thread.start()
        self.wait_until_waiting(1)
        other = self.server.get(REPORT.replace("60s", "1ms").replace("now-2h", "now-3h")).json()["report_id"]
        self.assertEqual(self.server.delete(f"/v1/reports/{other}").status, 204)
        self.assertEqual(metric(self.server, "betrace_calls_waiting"), 1)
        self.tempo.release()
        thread.join(PATIENCE)
        self.assertEqual(given[0].status, 200)

    def test_readers_who_go(self):
        paths = [path_of(0) for path_of, _ in KINDS.values()]
        sockets = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in paths]
        for connection, path in zip(sockets, paths):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.wait_until_waiting(len(paths))
        for connection in sockets:
            connection.close()
        self.wait_until_waiting(0)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_the_end_of_the_service(self):
        answers, threads = self.ask_all(KINDS)
        self.wait_until_waiting(len(threads))
        self.server.stop()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertFalse(any(thread.is_alive() for thread in threads))


if __name__ == "__main__":
    unittest.main()
