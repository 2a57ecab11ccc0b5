"""Why nothing exercised a rule, over a real Tempo: its names are asked for only then, and what is found by names is what replays and first violations say."""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from counting_proxy import CountingProxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

# Older than settle, and young enough for the ingester.
AGE_S, APART_S, COUNT = 400, 5, 30
RULES = {"typo": "when { chekout } always { db.query }", "key": "when { checkout.where(amuont > 5) } always { db.query }", "fine": "when { checkout } always { db.query }",
         "high": "when { checkout.where(amount > 5000) } always { db.query }"}
WHY = {"typo": "nothing exercised this rule: no trace has chekout; near: checkout",
       "key": "nothing exercised this rule: no trace has the attribute amuont; near: amount",
       "high": "nothing exercised this rule: no trace meets its `when`; betrace vacuity says which part of it"}


class UnexercisedOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(tempo.stop)
        cls.proxy = CountingProxy(tempo.url).__enter__()
        cls.addClassCleanup(cls.proxy.__exit__)
        cls.now = int(time.time())
        for i in range(COUNT):
            trace, at = otlp.new_trace_id(), (cls.now - AGE_S + i * APART_S) * 10**9
            tempo.push([otlp.span(trace, "checkout", at, attrs={"amount": i}), otlp.span(trace, "db.query", at + 10**6)], service="shop")
        tempo.wait_until(lambda: len(tempo.search('{name="checkout"}', limit=100)) == COUNT, "all traces are there")
        cls.server = Betrace("--tempo", cls.proxy.url, "--lateness", "0s")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)
        for rule, dsl in RULES.items():
            assert cls.server.post("/v1/rules", {"id": rule, "dsl": dsl}).status == 201

    def setUp(self):
        self.range = (self.now - AGE_S - 10, self.now - AGE_S + COUNT * APART_S)
        self.proxy.seen.clear()

    def tags_asked(self):
        return [path for _, path, *_ in self.proxy.seen if "/tag" in path]

    def replay(self, **body):
        started = self.server.post("/v1/replays", {"start_time": self.range[0], "end_time": self.range[1], **body})
        self.assertEqual(started.status, 202, started)
        return self.server.wait_job(started.json()["replay_id"])

    def test_replays(self):
        for rule, message in WHY.items():
            answer = self.replay(rule_ids=[rule])
            self.assertEqual(answer["unexercised"], [{"rule_id": rule, "known": True, "message": message}], answer)
            self.assertEqual(answer["violations_found"], 0)
        self.assertTrue(self.tags_asked())

    def test_first_violations(self):
        for rule, message in WHY.items():
            answer = self.server.get(f"/v1/rules/{rule}/first-violation?start={self.range[0]}&end={self.range[1]}&timeout=60s").json()
            self.assertEqual((answer["found"], answer["unexercised"]), (False, [{"rule_id": rule, "known": True, "message": message}]), answer)

    def test_what_was_not_read_is_not_said_to_be_absent(self):
        """Reads are of what searches found, and of the attributes that are asked for: they do not show that a name is nowhere."""
        for dsl in ("when { checkout } always { fruad }", "when { checkout } always { db.query.where(amuont > 5) }", "never { checkout.where(amount > 5000) }"):
            self.assertEqual(self.replay(dsl=dsl)["notes"], [], dsl)

    def test_what_a_search_shows_to_be_absent_is_said(self):
        for dsl, says in (("never { refnud }", "no span and no service is named refnud in this range, nor in the 30 days before"),
                          ("when { checkout } never { db.query.where(amuont > 3) }", "no span has the attribute amuont in this range, nor in the 30 days before")):
            self.assertEqual([note["message"] for note in self.replay(dsl=dsl)["notes"]], [says], dsl)

    def test_where_the_rule_was_exercised_no_names_are_asked_for(self):
        answer = self.replay(rule_ids=["fine"])
        self.assertEqual((answer["status"], answer["unexercised"]), ("completed", []), answer)
        answer = self.server.get(f"/v1/rules/fine/first-violation?start={self.range[0]}&end={self.range[1]}").json()
        self.assertEqual((answer["found"], answer["unexercised"]), (False, []), answer)
        self.assertEqual(self.tags_asked(), [])
        self.assertTrue(self.proxy.seen)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
