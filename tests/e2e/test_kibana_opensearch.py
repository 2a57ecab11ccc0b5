"""What the dashboard, the alert rules and the monitors of distribution/kibana ask, asked of a real OpenSearch in the types of Data Prepper's template. Before a BeTrace
sent violation spans into it they find nothing, and then each of them, by rule. A replay of the past fires none of the rules. What is drawn of it is not looked at."""
import json
import os
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "elastic"), os.path.join(HERE, "..", "dist")]
import test_kibana_objects as files  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from opensearch_collector import Before, Collecting  # noqa: E402
from opensearch_server import shared_server  # noqa: E402

INDEX = "otel-v1-apm-span-000001"
RULES = [{"id": "slow", "name": "Slow", "severity": "high", "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'},
         {"id": "none-fails", "name": "None fails", "severity": "low", "dsl": "trace.has(span.status == error)"}]


class Asked(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = shared_server()
        cls.server.create(INDEX)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            done = run_cli("generate", "--scenario", "none", "--traces", 300, "--violations", 7, "--seed", 5, "--since", "2h", "--end", "now-20m", "--out", path)
            assert done.returncode == 0, done.stderr
            cls.server.load(path, INDEX)
        cls.before = {name: cls.hits(query) for name, query in cls.queries()}
        collector = cls.enterClassContext(Before(Collecting, cls.server.http))
        service = cls.enterClassContext(Betrace("--store", cls.server.url(INDEX), "--otlp", f"{collector.url}/{INDEX}", "--settle", "1m"))
        for rule in RULES:
            assert service.request("POST", "/v1/rules", rule).status == 201
        cls.service = service
        started = service.request("POST", "/v1/replays", {"rule_ids": [rule["id"] for rule in RULES], "start_time": "now-3h", "end_time": "now"})
        cls.replay = cls.ended(service, started.json()["replay_id"])
        cls.server.ask("POST", f"/{INDEX}/_refresh")

    @staticmethod
    def ended(service, replay):
        while True:
            answer = service.request("GET", f"/v1/replays/{replay}").json()
            if answer["status"] not in ("queued", "running"):
                return answer
            time.sleep(0.2)

    @classmethod
    def hits(cls, query, **more):
        body = {"size": 0, "track_total_hits": True, "query": query, "aggregations": more}
        return cls.server.ask("POST", f"/{INDEX}/_search", body)

    @staticmethod
    def queries():
        """Of searches and panels, in Lucene's words, and of the rules."""
        for one in files.objects("data-prepper.ndjson"):
            if one["type"] in ("search", "visualization"):
                text = files.opened(one["attributes"])["kibanaSavedObjectMeta"]["searchSourceJSON"]["query"]["query"]
                yield one["id"], {"query_string": {"query": text.replace(" and ", " AND ")}}
        for one in files.listed("kibana-rules.json"):
            yield one["name"], json.loads(one["params"]["esQuery"])["query"]

    def test_lists_and_panels_find_what_was_sent_and_nothing_before(self):
        wanted = self.replay["violations_found"]
        self.assertGreater(wanted, 14)
        for name, query in self.queries():
            self.assertEqual(self.before[name]["hits"]["total"]["value"], 0, name)
            self.assertEqual(self.hits(query)["hits"]["total"]["value"], wanted if name in ("betrace-violations", "betrace-over-time", "betrace-by-rule") else 0, name)

    def test_a_second_replay_reads_around_them_and_sends_nothing(self):
        """BeTrace's own traces are in the index that it reads: they are neither judged, nor missed, nor sent again."""
        started = self.service.request("POST", "/v1/replays", {"rule_ids": [rule["id"] for rule in RULES], "start_time": "now-3h", "end_time": "now"})
        second = self.ended(self.service, started.json()["replay_id"])
        self.assertEqual((second["status"], second["violations_found"], second["spans_emitted"]), ("completed", self.replay["violations_found"], 0))
        self.assertEqual(self.replay["spans_emitted"], self.replay["violations_found"])

    def test_panels_tell_rules_and_severities_apart(self):
        for one in files.objects("data-prepper.ndjson"):
            for part in files.opened(one["attributes"]).get("visState", {}).get("aggs", []) if one["type"] == "visualization" else []:
                if part["type"] == "terms":
                    answer = self.hits({"term": {"name": "betrace.violation"}}, by={"terms": {"field": part["params"]["field"]}})
                    keys = {bucket["key"] for bucket in answer["aggregations"]["by"]["buckets"]}
                    self.assertEqual(keys, {rule["id"] for rule in RULES} if part["params"]["field"].endswith("rule_id") else {"high", "low"})

    def test_what_watch_finds_fires_one_rule_for_each_severity_and_the_monitors_see_the_same(self):
        """The spans of the replay stand for watch's: their source is all that differs."""
        for monitor in files.listed("opensearch-monitors.json"):
            body = monitor["inputs"][0]["search"]["query"]
            self.assertEqual(self.asked(body)["hits"]["total"]["value"], 0, "a replay of the past fires nothing")
            answer = self.asked(json.loads(json.dumps(body).replace('"watch"', '"replay"')))
            rules = [bucket["key"]["rule"] for bucket in answer.get("aggregations", {}).get("rules", {}).get("buckets", [])]
            self.assertEqual(rules, {"BeTraceSevereViolation": ["slow"], "BeTraceViolation": ["none-fails"], "BeTraceCannotLook": []}[monitor["name"]])

    def asked(self, body):
        now = str(int(time.time() * 1000))
        return self.server.ask("POST", f"/{INDEX}/_search", json.loads(re.sub(r"\{\{period_end\}\}", now, json.dumps(body)).replace('||-5m"', '||-1h"')))


if __name__ == "__main__":
    unittest.main(verbosity=2)
