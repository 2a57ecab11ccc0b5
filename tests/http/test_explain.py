"""GET /v1/rules/{id}/explain: the queries, the strategies and the price; also for a source that is away."""
import os
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from seed_rules import SLOW_DB  # noqa: E402

RANGE = "start=2026-03-09T12:00:00Z&end=2026-03-10T12:00:00Z"


class ExplainTest(unittest.TestCase):
    def explain(self, server, query=RANGE):
        answer = server.get(f"/v1/rules/{SLOW_DB['id']}/explain?{query}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def check_queries(self, rule):
        uses = {query["use"] for query in rule["queries"]}
        self.assertIn("search", uses)
        searches = [query["traceql"] for query in rule["queries"] if query["use"] == "search"]
        self.assertTrue(any("db.query" in query for query in searches), searches)
        self.assertIn("read", uses)
        self.assertTrue(rule["candidates"])
        self.assertEqual({option["strategy"] for option in rule["strategies"]}, {"read", "id_sets", "projection"})
        self.assertTrue(all(option["possible"] or option["why_not"] for option in rule["strategies"]))
        self.assertTrue(rule["rests_on_absence"])

    def test_files(self):
        with tempfile.TemporaryDirectory(prefix="betrace-explain-") as folder:
            traces = os.path.join(folder, "traces.jsonl")
            self.assertEqual(run_cli("generate", "--traces", 200, "--violations", 2, "--end", "2026-03-10T12:00:00Z", "--since", "24h", "--out", traces).returncode, 0)
            with Betrace("--traces", traces) as server:
                stored = server.post("/v1/rules", SLOW_DB).json()
                answer = self.explain(server)
                self.check_queries(answer["rules"][0])
                self.assertEqual(answer["rules"][0]["condition_hash"], stored["condition_hash"])
                self.assertEqual(answer["rules"][0]["price"]["replays"], 0)
                self.assertLess(answer["searched"]["start"], "2026-03-09T12:00:00Z", "with margins")
                server.post(f"/v1/rules/{SLOW_DB['id']}/replay", {"start_time": "2026-03-09T12:00:00Z", "end_time": "2026-03-10T12:00:00Z"})
                server.wait_replay(SLOW_DB["id"])
                self.assertEqual(self.explain(server)["rules"][0]["price"]["replays"], 1)
                for query in ("start=x", "start=now&end=now-1h", "begin=now-1h", "start=now-1h&start=now"):
                    self.assertEqual(server.get(f"/v1/rules/{SLOW_DB['id']}/explain?{query}").status, 400, query)
                self.assertEqual(server.get("/v1/rules/nosuch/explain").status, 404)

    def test_a_source_that_is_away(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with Betrace("--tempo", f"http://127.0.0.1:{port}") as server:
            server.post("/v1/rules", SLOW_DB)
            answer = self.explain(server, "start=now-1h")
            self.assertFalse(answer["probed"])
            self.assertTrue(answer["problem"])
            self.check_queries(answer["rules"][0])
            self.assertFalse(any("estimated_found" in query for query in answer["rules"][0]["queries"]))


if __name__ == "__main__":
    unittest.main()
