"""Answers by gzip, at every kind of door that has a long one: the same bytes as without. Some stay plain: for who does not take gzip, where an ETag names
the bytes, short ones and events. A page of another site gets none."""
import concurrent.futures
import gzip
import json
import os
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), HERE]
from betrace_process import Betrace, run_cli  # noqa: E402
from slow_tempo import SlowTempo  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB  # noqa: E402

PACKED = {"accept-encoding": "gzip, deflate, br"}
LONG = "x" * 4000
START, END = "2026-03-09T00:00:00Z", "2026-03-10T00:00:00Z"
RANGE = f"start={START}&end={END}"
DOORS = ("/v1/rules", f"/v1/violations?{RANGE}&limit=100", f"/v1/problems?{RANGE}", f"/v1/violations/series?{RANGE}&step=15m", "/v1/compliance/frameworks",
         "/v1/violations?severity=" + "x" * 3000)


def without(text, *names):
    value = json.loads(text)
    for name in names:
        value.pop(name, None)
    return value


class PackedAnswersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        traces = os.path.join(cls.folder, "traces.pb")
        done = run_cli("generate", "--traces", "2000", "--end", END, "--since", "24h", "--out", traces)
        assert done.returncode == 0, done.stderr
        cls.service = cls.enterClassContext(Betrace("--traces", traces))
        for rule in (SLOW_DB, INCIDENT, PII_AUDIT):
            assert cls.service.post("/v1/rules", {**rule, "description": LONG}).status == 201

    def test_packed_is_what_plain_is(self):
        saved = 0
        for door in DOORS:
            with self.subTest(door=door[:40]):
                plain, packed = self.service.get(door), self.service.get(door, headers=PACKED)
                self.assertNotIn("content-encoding", plain.headers)
                if len(plain.body) < 2048:
                    self.assertTrue("content-encoding" not in packed.headers or gzip.decompress(packed.body) == plain.body)
                    continue
                self.assertEqual((packed.status, packed.headers["content-encoding"], packed.headers["vary"], plain.headers["vary"]),
                                 (plain.status, "gzip", "Accept-Encoding", "Accept-Encoding"))
                self.assertIn(packed.headers.get("content-length"), (None, str(len(packed.body))))
                unpacked = gzip.decompress(packed.body)
                self.assertEqual(without(unpacked, "elapsed_ms", "duration_seconds", "seconds"), without(plain.body, "elapsed_ms", "duration_seconds", "seconds"))
                self.assertLess(2 * len(packed.body), len(plain.body))
                saved += 1
        self.assertGreaterEqual(saved, 4)

    def test_who_does_not_take_it_gets_plain_text(self):
        for accepted in ("", "identity", "br", "gzip;q=0", "*", "gzip2, x-gzip"):
            with self.subTest(accepted=accepted):
                answer = self.service.get("/v1/rules", headers={"accept-encoding": accepted})
                self.assertNotIn("content-encoding", answer.headers)
                self.assertEqual(len(answer.json()["rules"]), 3)
        for accepted in ("gzip", "GZIP;q=0.5", "br;q=1.0, gzip;q=0.8"):
            self.assertEqual(self.service.get("/v1/rules", headers={"accept-encoding": accepted}).headers["content-encoding"], "gzip")

    def test_bytes_with_a_name_stay(self):
        answer = self.service.get(f"/v1/rules/{SLOW_DB['id']}", headers=PACKED)
        self.assertIn("etag", answer.headers)
        self.assertNotIn("content-encoding", answer.headers)
        self.assertGreater(len(answer.body), 4000)

    def test_a_head_and_an_answer_after_it(self):
        head, whole = self.service.request("HEAD", "/v1/rules", headers=PACKED), self.service.get("/v1/rules", headers=PACKED)
        self.assertEqual((head.body, head.headers.get("content-length")), (b"", whole.headers["content-length"]))

    def test_another_site_gets_nothing_to_measure(self):
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            answer = self.service.get("/v1/rules", headers={**PACKED, **headers})
            self.assertEqual(answer.status, 403)
            self.assertNotIn("content-encoding", answer.headers)

    def test_a_list_that_has_to_be_waited_for_is_packed_page_by_page(self):
        """A Tempo that answers after a second."""
        with SlowTempo(60, 60) as tempo, Betrace("--tempo", tempo.url, "--settle", "1m") as service, concurrent.futures.ThreadPoolExecutor() as both:
            self.assertEqual(service.post("/v1/rules", {"id": "r", "dsl": "when { slow.query } never { slow.query }"}).status, 201)
            threading.Timer(1, tempo.released.set).start()
            at = f"/v1/violations?start={tempo.now - 10_000}&end={tempo.now - 300}&limit=100"
            plain, packed = both.map(lambda headers: service.get(at, headers=headers), ({}, PACKED))
        for answer, encoding in ((plain, None), (packed, "gzip")):
            self.assertEqual((answer.status, answer.headers.get("transfer-encoding"), answer.headers.get("content-encoding")), (200, "chunked", encoding))
        found = json.loads(gzip.decompress(packed.body))["violations"]
        self.assertEqual(found, plain.json()["violations"])
        self.assertGreater(len(found), 50)

    def test_an_event_stream_stays(self):
        started = self.service.post(f"/v1/rules/{SLOW_DB['id']}/replay", {"start_time": START, "end_time": END}).json()
        answer = self.service.get(f"/v1/replays/{started['replay_id']}/events", headers=PACKED)
        self.assertIn("event-stream", answer.headers["content-type"])
        self.assertNotIn("content-encoding", answer.headers)
        self.assertIn(b"event: ", answer.body)


if __name__ == "__main__":
    unittest.main()
