"""What a ClickHouse's operation does to answers, on a real one: a shard's own table, whose traces lack spans, and what `betrace doctor` finds out. Each fault
is made on the server itself; replicas and asynchronous inserts, which it cannot have, are rows of tables with the same columns."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clickhouse")]
import doc_pages  # noqa: E402
from betrace_process import binary, run_cli  # noqa: E402
from clickhouse_server import ClickHouse, chdb_python  # noqa: E402
from collector import Before, Collecting, Rewriting  # noqa: E402

ABSENT = 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'
PRESENT = 'trace.has(span.name == "db.query" and span.duration > 1s)'
NETWORK = "<networks><ip>127.0.0.1</ip></networks>"
DOCTOR = ("SHOW TABLES ON *.*", *(f"SELECT ON system.{name}" for name in ("clusters", "replicas", "row_policies", "distribution_queue", "asynchronous_inserts")))
DOCTORS_GRANTS = "".join(f"<query>GRANT {grant}</query>" for grant in DOCTOR)
# `near` sees tables, and no clusters; `strict` may set nothing, `limited` has limits, and `hidden` sees some rows.
USERS = f"""<clickhouse><profiles><default/><page><readonly>2</readonly></page><strict><readonly>1</readonly></strict>
<limited><readonly>2</readonly><max_execution_time>77</max_execution_time><max_result_rows>1000000</max_result_rows></limited></profiles><quotas><default/></quotas><users>
<default><password/>{NETWORK}<profile>default</profile><quota>default</quota></default>
<near><password/>{NETWORK}<profile>page</profile><quota>default</quota><grants><query>GRANT SELECT ON shard1.*</query><query>GRANT SHOW TABLES ON *.*</query></grants></near>
<alone><password/>{NETWORK}<profile>page</profile><quota>default</quota><grants><query>GRANT SELECT ON shard1.otel_traces</query></grants></alone>
<strict><password/>{NETWORK}<profile>strict</profile><quota>default</quota></strict>
<limited><password/>{NETWORK}<profile>limited</profile><quota>default</quota></limited>
<hidden><password>h u s h</password>{NETWORK}<profile>page</profile><quota>default</quota>
<databases><shard2><policed><filter>SpanName != 'db.query'</filter></policed></shard2></databases>
<grants><query>GRANT SELECT ON *.*</query>{DOCTORS_GRANTS}</grants></hidden>
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
            self.assertNotIn("shard", answer["coverage"]["source"].get("note", ""), "nobody can see what is hidden: docs/howto/ask-your-clickhouse.md")
            sharded.server.ask("DROP TABLE otel.all")
            sharded.server.ask("CREATE TABLE otel.others AS shard1.otel_traces ENGINE = Distributed('shards', 'otel', 'otel_traces')")
            answer, _ = sharded.replay(PRESENT, "shard1", "otel_traces")
            self.assertEqual(answer["status"], "completed", "that one is about other tables")

    def test_a_view_that_may_leave_out_rows_is_named(self):
        """Columns of one table are all of it. A view's own LIMIT or SETTINGS hold against those of the question."""
        with Sharded(2) as sharded:
            ask = sharded.server.ask
            ask("CREATE VIEW otel.plain AS SELECT * FROM otel.all")
            ask("CREATE TABLE otel.dead AS shard1.otel_traces ENGINE = Distributed('dead', '', 'otel_traces')")
            views = {"some": "SELECT * FROM otel.all WHERE Duration > 1000", "few": "SELECT * FROM otel.all LIMIT 100", "of_view": "SELECT * FROM otel.few",
                     "skips": "SELECT * FROM otel.dead SETTINGS skip_unavailable_shards = 1", "both": "SELECT * FROM shard1.otel_traces UNION ALL SELECT * FROM shard2.otel_traces",
                     "within": "SELECT * FROM (SELECT * FROM otel.all LIMIT 10)"}
            for name, text in views.items():
                ask(f"CREATE VIEW otel.{name} AS {text}")
            for rule in (ABSENT, PRESENT):
                whole, wanted = sharded.replay(rule, "otel", "all")
                answer, found = sharded.replay(rule, "otel", "plain")
                self.assertEqual((answer["status"], found), (whole["status"], wanted))
                for name in views:
                    with self.subTest(rule=rule, view=name):
                        answer, found = sharded.replay(rule, "otel", name)
                        self.assertEqual(answer["status"], "incomplete")
                        self.assertIn(f"otel.{name} is a view", answer["coverage"]["source"]["note"])
                        self.assertFalse(found - wanted, "called violated, and is not")

    def test_the_only_shard_has_all(self):
        with Sharded(1) as sharded:
            for database, table in (("otel", "all"), ("shard1", "otel_traces")):
                answer, found = sharded.replay(ABSENT, database, table)
                self.assertEqual((answer["status"], len(found)), ("completed", 7), answer["coverage"])
                self.assertNotIn("shard", answer["coverage"]["source"].get("note", ""))
            sharded.server.ask("DROP TABLE otel.all")
            sharded.server.ask("CREATE TABLE otel.all AS shard1.otel_traces ENGINE = Distributed('{cluster}', shard1, otel_traces)")
            self.assertIn("{cluster}", sharded.server.ask("SELECT engine_full FROM system.tables WHERE name = 'all'"))
            answer, _ = sharded.replay(ABSENT, "shard1", "otel_traces")
            self.assertEqual(answer["status"], "completed")
            answer, _ = sharded.replay(ABSENT, "shard1", "otel_traces", user="near")
            self.assertEqual(answer["status"], "incomplete", "how many shards there are it may not see")
            self.assertIn("(cluster {cluster})", answer["coverage"]["source"]["note"])


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chdb_python()
        cls.sharded = Sharded(2).__enter__()
        cls.addClassCleanup(cls.sharded.__exit__)
        cls.server = cls.sharded.server
        cls.server.ask("CREATE DATABASE fake")
        for name in ("replicas", "asynchronous_inserts"):
            cls.server.ask(f"CREATE TABLE fake.{name} AS system.{name} ENGINE = Memory")

    def doctor(self, database="otel", table="all", *more, user="default", password="", port=None):
        done = run_cli("doctor", "--store", self.server.url(database, table, port), "--json", *more, timeout=400,
                       env={"CLICKHOUSE_USER": user, "CLICKHOUSE_PASSWORD": password})
        report = json.loads(done.stdout)
        return done.returncode, {fact["id"].removeprefix("operation/"): {**fact["passes"][0], "outcome": fact["outcome"]} for fact in report["facts"]}, report

    def fails(self, wanted, *arguments, outcome="fails", **named):
        """That fact, and no other; what it means says what to do."""
        code, facts, _ = self.doctor(*arguments, **named)
        self.assertEqual({name for name, fact in facts.items() if fact["outcome"] != "holds"}, {wanted}, facts)
        self.assertEqual((facts[wanted]["outcome"], code), (outcome, 1 if outcome == "fails" else 3))
        self.assertTrue(facts[wanted]["means"])
        return facts[wanted]

    def rewritten(self, words):
        before = Before(type("Of", (Rewriting,), {"words": words}), self.server.http)
        before.__enter__()
        self.addCleanup(before.__exit__)
        return before.server.server_port

    def test_what_holds(self):
        code, facts, report = self.doctor()
        self.assertEqual((code, report["outcome"], report["times"]["pushed"]), (0, "holds", None))
        self.assertEqual((report["store"]["version"], report["store"]["checked"]), ("26.9.2.1 (exporter, Map, Distributed)", True))
        seen = {name: fact["seen"] for name, fact in facts.items()}
        self.assertEqual((seen["schema"], seen["part"], seen["engine"]), ("exporter, Map, Distributed", "Distributed", "Distributed over shards"))
        self.assertRegex(seen["shards"], r"^[1-9]\d+ rows$")
        self.assertNotIn("127.0.0.1", json.dumps(report))
        done = run_cli("doctor", "--store", self.server.url("otel", "all"))
        self.assertIn(f"{len(facts)} of {len(facts)} facts hold", done.stdout)
        self.assertIn("Nothing was pushed", done.stdout)

    def test_the_command_of_the_page(self):
        command, = [text for _, info, text in doc_pages.blocks(doc_pages.read("howto/check-your-clickhouse.md")) if "checked=clickhouse" in info]
        for shown, ours in (("clickhouse:8123", f"127.0.0.1:{self.server.http}"), ("otel_traces", "all"), ("betrace doctor", f"{binary()} doctor")):
            self.assertIn(shown, command)
            command = command.replace(shown, ours)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^ok +the table is not one shard's part of another +all spans +Distributed$")

    def test_settings_and_schema(self):
        code, facts, _ = self.doctor(user="strict")
        self.assertEqual((code, facts["settings"]["outcome"], facts["schema"]["outcome"], len(facts)), (1, "fails", "unknown", 2))
        self.assertIn("fallback_to_stale_replicas_for_distributed_queries", facts["settings"]["findings"][0]["text"])
        code, facts, _ = self.doctor("shard1", "otel_traces_trace_id_ts")
        self.assertEqual((code, facts["settings"]["outcome"], facts["schema"]["outcome"], len(facts)), (1, "holds", "fails", 2))
        self.assertIn("TraceId, Start, End", facts["schema"]["findings"][0]["text"])

    def test_limits(self):
        _, facts, _ = self.doctor(user="limited")
        self.assertEqual(facts["limits"]["seen"], "max_execution_time 77, and 1 more")

    def test_one_shards_part(self):
        self.assertIn("otel.all", self.fails("part", "shard1", "otel_traces")["findings"][0]["text"])

    def test_tables_that_lose_rows(self):
        engine = self.server.ask("SHOW CREATE TABLE shard1.otel_traces FORMAT TSVRaw").split("ENGINE = MergeTree")[1]
        self.server.ask(f"CREATE TABLE otel.replacing AS shard1.otel_traces ENGINE = ReplacingMergeTree {engine}")
        self.assertEqual(self.fails("engine", "otel", "replacing")["seen"], "ReplacingMergeTree")
        self.server.ask("CREATE VIEW otel.view AS SELECT * FROM shard1.otel_traces WHERE Duration > 5")
        _, facts, _ = self.doctor("otel", "view")
        self.assertEqual((facts["engine"]["outcome"], facts["engine"]["seen"], facts["ttl"]["outcome"]), ("unknown", "View", "unknown"))

    def test_a_dead_shard(self):
        self.server.ask("CREATE TABLE otel.dead AS shard1.otel_traces ENGINE = Distributed('dead', '', 'otel_traces')")
        self.addCleanup(self.server.ask, "DROP TABLE otel.dead")
        code, facts, _ = self.doctor("otel", "dead")
        self.assertEqual({name for name, fact in facts.items() if fact["outcome"] != "holds"}, {"shards", "cluster-errors"})
        self.assertEqual((code, facts["shards"]["seen"]), (1, "no answer"))
        self.assertIn("shard 3, replica 1 of cluster dead", [finding["text"] for finding in facts["cluster-errors"]["findings"]])

    def test_what_is_stuck_on_its_way_to_a_shard(self):
        self.server.ask("CREATE TABLE otel.stuck AS shard1.otel_traces ENGINE = Distributed('shards', '', 'otel_traces', rand())")
        self.addCleanup(self.server.ask, "DROP TABLE otel.stuck")
        self.server.ask("SYSTEM STOP DISTRIBUTED SENDS otel.stuck")
        self.server.ask("INSERT INTO otel.stuck SELECT * FROM shard1.otel_traces LIMIT 100 SETTINGS distributed_foreground_insert = 0")
        for table in ("stuck", "all"):  # spans of the same shards
            self.assertIn("otel.stuck, stopped", self.fails("distribution-queue", "otel", table)["findings"][0]["text"])

    def test_row_policies(self):
        for database, engine in (("shard1", "MergeTree ORDER BY Timestamp"), ("shard2", "MergeTree ORDER BY Timestamp"), ("otel", "Distributed('shards', '', policed)")):
            self.server.ask(f"CREATE TABLE {database}.policed AS shard1.otel_traces ENGINE = {engine}")
        _, facts, report = self.doctor("otel", "policed", user="hidden", password="h u s h")
        self.assertEqual((facts["row-policies"]["outcome"], facts["row-policies"]["seen"]), ("fails", "rows are hidden"), "also of the table below")
        self.assertIn("SpanName != 'db.query'", facts["row-policies"]["findings"][0]["text"])
        self.assertNotIn("h u s h", json.dumps(report))
        _, facts, _ = self.doctor("shard2", "policed")
        self.assertEqual((facts["row-policies"]["outcome"], facts["row-policies"]["seen"]), ("unknown", "of other users"))

    def test_ttl(self):
        self.server.ask("CREATE TABLE otel.short AS shard1.otel_traces")
        self.addCleanup(self.server.ask, "DROP TABLE otel.short")
        for rule, seen, outcome in (("toDateTime(Timestamp) + toIntervalDay(3)", "after 3 days", "holds"),
                                    ("toDateTime(Timestamp) + toIntervalHour(1) RECOMPRESS CODEC(ZSTD(9)), toDateTime(Timestamp) + INTERVAL 1 WEEK", "after 1 week", "holds"),
                                    ("toDateTime(Timestamp) + toIntervalDay(2) DELETE WHERE Duration < 9", "after 2 days", "unknown")):
            self.server.ask(f"ALTER TABLE otel.short MODIFY TTL {rule}")
            _, facts, _ = self.doctor("otel", "short")
            self.assertEqual((facts["ttl"]["seen"], facts["ttl"]["outcome"]), (seen, outcome), facts["ttl"])

    def test_replicas(self):
        port = self.rewritten({"system.replicas": "fake.replicas"})
        for row, seen, outcome in (("0 AS absolute_delay", "0 s behind", "holds"), ("41 AS absolute_delay", "41 s behind", "fails"),
                                   ("1 AS is_readonly", "read-only", "fails"), ("2 AS lost_part_count", "2 parts lost", "fails"),
                                   ("3 AS inserts_in_queue, now() - 60 AS inserts_oldest_time", "0 s behind", "fails"),
                                   ("toUInt64(now()) AS absolute_delay", "not known yet", "unknown")):
            with self.subTest(row=row):
                self.server.ask("TRUNCATE TABLE fake.replicas")
                names = ", ".join(["database", "table", *re.findall(r"AS (\w+)", row)])
                self.server.ask(f"INSERT INTO fake.replicas ({names}) SELECT 'shard2' AS database, 'otel_traces' AS table, {row}")
                if outcome == "holds":
                    self.assertEqual(self.doctor(port=port)[1]["replicas"]["seen"], seen)
                else:
                    fact = self.fails("replicas", port=port, outcome=outcome)
                    self.assertEqual(fact["seen"], seen)
                    self.assertIn("shard2.otel_traces: ", fact["findings"][0]["text"])

    def test_asynchronous_inserts(self):
        port = self.rewritten({"system.asynchronous_inserts": "fake.asynchronous_inserts"})
        self.server.ask("INSERT INTO fake.asynchronous_inserts (database, table, first_update) SELECT 'shard1', 'otel_traces', now64(6)")
        _, facts, _ = self.doctor(port=port)
        self.assertEqual((facts["async-inserts"]["outcome"], facts["async-inserts"]["seen"]), ("holds", "1 wait"))
        self.server.ask("INSERT INTO fake.asynchronous_inserts (database, table, first_update) SELECT 'shard1', 'otel_traces', now64(6) - 60")
        self.assertRegex(self.fails("async-inserts", port=port)["findings"][0]["text"], r"shard1.otel_traces: the oldest for 6\d s")

    def test_buffers(self):
        for seconds, outcome in ((5, "holds"), (100, "fails")):
            self.server.ask(f"CREATE TABLE otel.buffer AS shard1.otel_traces ENGINE = Buffer(shard1, otel_traces, 1, 1, {seconds}, 10, 100, 10000, 100000)")
            try:
                _, facts, _ = self.doctor()
                self.assertEqual((facts["buffers"]["outcome"], facts["buffers"]["seen"]), (outcome, f"up to {seconds} s"))
                _, facts, _ = self.doctor("otel", "buffer")
                self.assertEqual((facts["buffers"]["seen"], facts["engine"]["outcome"]), ("none", "holds"), "the Buffer table gives what it holds back")
            finally:
                self.server.ask("DROP TABLE otel.buffer")

    def test_what_a_user_may_not_see_is_not_none(self):
        code, facts, _ = self.doctor("shard1", "otel_traces", user="alone")
        unknown = {name for name, fact in facts.items() if fact["outcome"] == "unknown"}
        self.assertEqual((code, unknown), (3, {"part", "cluster-errors", "distribution-queue", "row-policies", "replicas", "async-inserts", "buffers"}))
        self.assertEqual({facts[name]["seen"] for name in unknown}, {"not to be seen", "no grant to see it"})

    def test_where_nothing_answers(self):
        for port, user in ((9, "default"), (None, "nobody-here")):
            done = run_cli("doctor", "--store", self.server.url("otel", "all", port), env={"CLICKHOUSE_USER": user, "CLICKHOUSE_PASSWORD": "hush"})
            self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
            self.assertNotIn("hush", done.stderr)

    def test_probes_by_a_collector(self):
        with Before(Collecting, self.server.http) as collector:
            otlp = f"{collector.url}/map/probes"
            urllib.request.urlopen(urllib.request.Request(otlp, data=b""), timeout=60).read()
            probes = ("probes", "otel_traces", "--otlp", otlp, "--again-after", "0s", "--wait")
            code, facts, report = self.doctor(*probes, "30s")
            self.assertEqual((code, report["summary"]["fails"], report["summary"]["unknown"]), (0, 0, 0), [fact for fact in facts.values() if fact["outcome"] != "holds"])
            self.assertGreater(len(facts), 100)
            self.assertRegex(facts["span.http.method/read"]["seen"], r"^\d+ right, \d+ undecided$", "the table keeps no types")
            # What no search finds is waited for, some times one after the other.
            code, facts, _ = self.doctor(*probes, "2s", port=self.rewritten({"ServiceName = ": "'' = "}))
            self.assertEqual((code, facts["service/searched"]["outcome"]), (1, "fails"))
            self.assertIn("finds nothing", facts["service/searched"]["findings"][0]["text"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
