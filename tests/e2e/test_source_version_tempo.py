"""Which Tempo answers, on a real one. It is named as it names itself, and one that hides its version, or is of one
that nobody has checked, gets the same violations found at a price that the coverage explains."""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from http_wire import Answer, Proxy, send_whole  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULE = 'trace.has(span.name == "db.query") and not trace.has(span.name == "retry")'
TWO_AS_ONE = "it may store two traces as one; 2.8.1 and newer do not"
LISTED = "not among the versions that were checked (2.8, 2.10, 3.0, 3.1)"
RANGE = ("--since", "1h", "--settle", "0s", "--handover", "0s")
AGE_S = 1800  # older than --margin and --settle, so that spans can decide
TRACES, VIOLATIONS, OTHERS = 1500, 150, 400
PATHS = ("/api/status/buildinfo", "/status/version")


class Disguise(Proxy):
    """In front of a Tempo, as one of another version; None: as a gateway that does not let through what says it."""

    def __init__(self, upstream, version):
        super().__init__(upstream, self.disguise)
        self.version = version

    def disguise(self, wire, request, answer):
        if request.path not in PATHS:
            return self.pass_on(wire, request, answer)
        said = json.dumps({"version": self.version, "goVersion": "go1.26.8"}).encode()
        send_whole(wire, request, Answer(403, {}, b"") if self.version is None else Answer(200, {"Content-Type": "application/json"}, said))
        return True

    def asked(self, *paths):
        return sum(request.path in paths for request in self.seen)


class SourceVersionOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.version = json.loads(cls.tempo.get("/api/status/buildinfo")[2])["version"]
        start = (int(time.time()) - AGE_S) * 10**9
        ids = [otlp.new_trace_id() for _ in range(TRACES)]
        cls.violating = sorted(ids[:VIOLATIONS])
        spans = [otlp.span(trace_id, "db.query", start) for trace_id in ids]
        spans += [otlp.span(trace_id, "retry", start) for trace_id in ids[VIOLATIONS:]]
        spans += [otlp.span(otlp.new_trace_id(), "web", start) for _ in range(OTHERS)]
        for at in range(0, len(spans), 500):
            cls.tempo.push(spans[at:at + 500])
        now = int(time.time())
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", now - 3600, now)) == TRACES + OTHERS, "searchable")

    def replay(self, url, *arguments):
        done = run_cli("replay", "--tempo", url, "--dsl", RULE, *RANGE, *arguments, "--json")
        answer = json.loads(done.stdout)
        self.assertEqual((done.returncode, answer["status"]), (1, "completed"), done.stdout[:2000])
        self.assertEqual(sorted(v["trace_id"] for v in answer["violations"]), self.violating)
        return answer, sum(v["confirmed"] == "by_id" for v in answer["violations"])

    def test_it_is_named_as_it_names_itself(self):
        expected = {"kind": "tempo", "version": self.version, "checked": True, **({"note": TWO_AS_ONE} if self.version.startswith("2.8.0") else {})}
        with Betrace("--tempo", self.tempo.url) as server:
            self.assertEqual(server.get("/ready").json()["source"], expected)
        answer, by_id = self.replay(self.tempo.url)
        self.assertEqual(answer["coverage"]["source"], expected)
        self.assertEqual(answer["strategy"], "id_sets")
        self.assertEqual(answer["sample_unread"], 50)
        self.assertEqual(by_id, 13, "the root of their number")

    def test_another_version_is_asked_for_less_and_looked_at_more_closely(self):
        for version, note in (("3.2.0", LISTED), ("2.9.1", LISTED), ("main-1a2b3c4", LISTED),
                              (None, LISTED + ": GET /api/status/buildinfo was answered 403")):
            for strategy in ("auto", "id_sets", "projection"):
                with Disguise(self.tempo.url, version) as tempo, self.subTest(version=version, strategy=strategy):
                    answer, by_id = self.replay(tempo.url, "--strategy", strategy)
                    self.assertEqual(answer["coverage"]["source"], {"kind": "tempo", "version": version, "checked": False, "note": note})
                    expected = ("read", TRACES, 0) if strategy == "id_sets" else ("projection", VIOLATIONS, TRACES - VIOLATIONS)
                    self.assertEqual((answer["strategy"], answer["traces_read"], answer["traces_decided_unread"]), expected)
                    self.assertEqual((answer["sample_unread"], by_id), (200, 52), "four times as many")
                    queries = [r.parameters.get("q", "") for r in tempo.seen if r.path == "/api/search"]
                    self.assertFalse([q for q in queries if q.startswith('{ name = "retry"')], "nothing is subtracted")
                    self.assertEqual(tempo.asked(*PATHS), 1 if version else 2)


if __name__ == "__main__":
    require_tempo()
    unittest.main()
