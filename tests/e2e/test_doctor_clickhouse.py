"""What a ClickHouse's operation does to answers, on a real one: a shard's own table, whose traces lack spans."""
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clickhouse")]
from betrace_process import run_cli  # noqa: E402
from clickhouse_server import ClickHouse, chdb_python  # noqa: E402

ABSENT = 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'
PRESENT = 'trace.has(span.name == "db.query" and span.duration > 1s)'
NETWORK = "<networks><ip>127.0.0.1</ip></networks>"
# `near` sees tables, and no clusters.
USERS = f"""<clickhouse><profiles><default/><page><readonly>2</readonly></page></profiles><quotas><default/></quotas><users>
<default><password/>{NETWORK}<profile>default</profile><quota>default</quota></default>
<near><password/>{NETWORK}<profile>page</profile><quota>default</quota><grants><query>GRANT SELECT ON shard1.*</query><query>GRANT SHOW TABLES ON *.*</query></grants></near>
<alone><password/>{NETWORK}<profile>page</profile><quota>default</quota><grants><query>GRANT SELECT ON shard1.otel_traces</query></grants></alone>
</users></clickhouse>"""


class Sharded:
    """With `with`: a server with so many shards, over which the spans of each trace are spread, and a Distributed table `otel.all` over them."""

    def __init__(self, shards):
        self.server, self.count, self.end = ClickHouse(shards=shards, users=USERS), shards, int(time.time()) - 1800

    def __enter__(self):
        self.server.__enter__()
        with tempfile.TemporaryDirectory(prefix="betrace-sharded-clickhouse-") as folder:
            path, parts = os.path.join(folder, "traces.jsonl"), [[] for _ in range(self.count)]
            done = run_cli("generate", "--scenario", "none", "--traces", 300, "--violations", 7, "--seed", 3, "--since", "1h", "--end", self.end, "--out", path)
            assert done.returncode == 0, done.stderr
            with open(path, encoding="utf-8") as file:
                spans = [{"resourceSpans": [{**resource, "scopeSpans": [{**scope, "spans": [span]}]}]} for line in file
                         for resource in json.loads(line)["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]
            for number, span in enumerate(spans):
                parts[number % self.count].append(json.dumps(span))
            for i, lines in enumerate(parts):
                with open(path, "w", encoding="utf-8") as file:
                    file.write("\n".join(lines) + "\n")
                self.server.load(path, database=f"shard{i + 1}")
        self.server.ask("CREATE DATABASE otel")
        self.server.ask("CREATE TABLE otel.all AS shard1.otel_traces ENGINE = Distributed('shards', '', 'otel_traces')")
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def replay(self, rule, database, table, user="default", strategy="auto"):
        done = run_cli("replay", "--dsl", rule, "--store", self.server.url(database, table), "--start", self.end - 3700, "--end", self.end + 60, "--settle", "1m",
                       "--strategy", strategy, "--json", env={"CLICKHOUSE_USER": user})
        answer = json.loads(done.stdout)
        return answer, {violation["trace_id"] for violation in answer["violations"]}


class AShardsOwnTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chdb_python()

    def test_it_is_named_and_nothing_rests_on_what_lies_elsewhere(self):
        with Sharded(2) as sharded:
            for rule, is_certain in ((ABSENT, False), (PRESENT, True)):
                _, wanted = sharded.replay(rule, "otel", "all")
                for strategy in ("auto", "projection", "id_sets", "read"):
                    with self.subTest(rule=rule, strategy=strategy):
                        answer, found = sharded.replay(rule, "shard1", "otel_traces", strategy=strategy)
                        self.assertEqual(answer["status"], "incomplete")
                        note = answer["coverage"]["source"]["note"]
                        self.assertIn("one shard's part of otel.all (cluster shards, 2 shards)", note)
                        self.assertIn(note, [window["reason"] for window in answer["coverage"]["windows_failed"]])
                        self.assertFalse(found - wanted, "called violated, and is not")
                        self.assertEqual(bool(found), is_certain)
                        self.assertEqual(bool(answer["inconclusive"]), not is_certain, "what lacks a span here may have it elsewhere")
            answer, _ = sharded.replay(PRESENT, "shard1", "otel_traces", user="alone")
            self.assertNotIn("note", answer["coverage"]["source"], "nobody can see what is hidden: docs/howto/ask-your-clickhouse.md")
            sharded.server.ask("DROP TABLE otel.all")
            sharded.server.ask("CREATE TABLE otel.others AS shard1.otel_traces ENGINE = Distributed('shards', 'otel', 'otel_traces')")
            answer, _ = sharded.replay(PRESENT, "shard1", "otel_traces")
            self.assertEqual(answer["status"], "completed", "that one is about other tables")

    def test_the_only_shard_has_all(self):
        with Sharded(1) as sharded:
            for database, table in (("otel", "all"), ("shard1", "otel_traces")):
                answer, found = sharded.replay(ABSENT, database, table)
                self.assertEqual((answer["status"], len(found)), ("completed", 7), answer["coverage"])
                self.assertNotIn("note", answer["coverage"]["source"])
            sharded.server.ask("DROP TABLE otel.all")
            sharded.server.ask("CREATE TABLE otel.all AS shard1.otel_traces ENGINE = Distributed('{cluster}', shard1, otel_traces)")
            self.assertIn("{cluster}", sharded.server.ask("SELECT engine_full FROM system.tables WHERE name = 'all'"))
            answer, _ = sharded.replay(ABSENT, "shard1", "otel_traces")
            self.assertEqual(answer["status"], "completed")
            answer, _ = sharded.replay(ABSENT, "shard1", "otel_traces", user="near")
            self.assertEqual(answer["status"], "incomplete", "how many shards there are it may not see")
            self.assertIn("(cluster {cluster})", answer["coverage"]["source"]["note"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
