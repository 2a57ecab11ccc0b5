"""A service with several stores (--named-store), each a database of one ClickHouse. Every door that takes `store` answers from the one that is named, and says which it
was. Where there is no such one it lists the names. One that does not answer takes nothing from the others. And steps of docs/TUTORIAL.md over a ClickHouse."""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clickhouse")]
import doc_pages  # noqa: E402
from betrace_process import Betrace, binary, run_cli  # noqa: E402
from clickhouse_server import ClickHouse, chdb_python, free_port  # noqa: E402
from otlp_receiver import OtlpReceiver  # noqa: E402

RULE = 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'
VIOLATIONS = {"default": 7, "archive": 11}


class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chdb_python()
        server = cls.server = cls.enterClassContext(ClickHouse())
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-stores-"))
        cls.end = int(time.time()) - 1800
        for name, count in VIOLATIONS.items():
            path = os.path.join(folder, f"{name}.jsonl")
            done = run_cli("generate", "--scenario", "none", "--traces", 300, "--violations", count, "--seed", 3, "--since", "20m", "--end", cls.end, "--out", path)
            assert done.returncode == 0, done.stderr
            server.load(path, database=name)
        cls.betrace = cls.enterClassContext(Betrace("--store", server.url("default"), "--named-store", f"archive={server.url('archive')}",
                                                    "--named-store", f"away=clickhouse+http://127.0.0.1:{free_port()}/otel", "--settle", "1m"))
        made = cls.betrace.post("/v1/rules", {"name": "slow", "dsl": RULE})
        assert made.status == 201, made
        cls.rule = made.json()
        cls.range = f"start={cls.end - 3600}&end={cls.end + 60}"

    def ask(self, method, path, body=None, expected=200):
        answer = self.betrace.request(method, path, body)
        self.assertEqual(answer.status, expected, answer)
        return answer.json()

    def replay(self, store, **more):
        body = {"dsl": RULE, "start_time": self.end - 3600, "end_time": self.end + 60, **({"store": store} if store else {}), **more}
        return self.betrace.wait_job(self.ask("POST", "/v1/replays", body, 202)["replay_id"])

    def test_a_replay_asks_the_store_that_it_names(self):
        for store, name in ((None, "default"), ("default", "default"), ("archive", "archive")):
            with self.subTest(store=store):
                answer = self.replay(store)
                self.assertEqual((answer["status"], answer["violations_found"]), ("completed", VIOLATIONS[name]))
                self.assertEqual((answer["store"], answer["coverage"]["source"]["store"]), (name, name))
        answer = self.replay("away")
        self.assertNotEqual(answer["status"], "completed")

    def test_every_door_says_which_store_it_asked(self):
        doors = {f"/v1/rules/{self.rule['id']}/{name}?{self.range}": ask for name, ask in (
            ("first-violation", lambda a: a["coverage"]["source"]), ("explain", lambda a: a["source"]), ("contrast", lambda a: a["coverage"]["source"]))}
        doors[f"/v1/suggestions?{self.range}"] = lambda a: a["coverage"]["source"]
        doors[f"/v1/gate?rule_id={self.rule['id']}&baseline=1&candidate=2&{self.range}"] = lambda a: a["coverage"]["source"]
        for path, source in doors.items():
            with self.subTest(path=path):
                self.assertEqual(source(self.ask("GET", path))["store"], "default")
                self.assertEqual(source(self.ask("GET", path + "&store=archive"))["store"], "archive")
                refused = self.ask("GET", path + "&store=nowhere", expected=400)
                self.assertIn("default, archive, away", json.dumps(refused))
        firsts = [self.ask("GET", f"/v1/rules/{self.rule['id']}/first-violation?{self.range}&store={store}")["violation"]["trace_id"] for store in VIOLATIONS]
        self.assertNotEqual(*firsts)

    def test_nothing_is_emitted_of_a_named_store(self):
        refused = self.ask("POST", "/v1/replays", {"rule_ids": [self.rule["id"]], "store": "archive", "emit": True}, 400)
        self.assertIn("named store", json.dumps(refused))

    def test_ready_says_of_each_whether_it_answers(self):
        self.assertEqual(self.ask("GET", "/v1/health")["metadata"]["stores"], [{"name": "archive", "kind": "clickhouse"}, {"name": "away", "kind": "clickhouse"}])
        for _ in range(100):
            ready = self.ask("GET", "/v1/ready")
            stores = {store["name"]: store for store in ready["stores"]}
            if "no answer yet" not in json.dumps(ready) and stores["archive"]["ready"]:
                break
            time.sleep(0.1)
        self.assertEqual((ready["status"], stores["archive"]["ready"], stores["away"]["ready"]), ("degraded", True, False))
        self.assertTrue(stores["away"]["reason"])
        self.assertEqual(ready["source"]["store"], "default")

    def test_the_editor_completes_with_what_the_table_has(self):
        answer = self.ask("POST", "/v1/dsl/complete", {"dsl": "when { db.", "offset": 10})
        self.assertEqual(answer["tags"], "ok", answer)
        self.assertIn("db.query", [item["label"] for item in answer["items"]])


    def test_the_page_works(self):
        serve, curl = next(text for _, info, text in doc_pages.blocks(doc_pages.read("reference/configuration.md")) if "checked=clickhouse" in info).strip().split("\n")
        serve = serve.replace("tempo+http://tempo:3200", f"tempo+http://127.0.0.1:{free_port()}").replace("clickhouse+http://clickhouse:8123/otel", self.server.url("archive"))
        with Betrace(*shlex.split(serve)[2:]) as betrace:
            self.assertIn("localhost:8080", curl)
            done = subprocess.run(["bash", "-c", curl.replace("localhost:8080", f"127.0.0.1:{betrace.port}")], capture_output=True, text=True, timeout=60, check=True)
            answer = betrace.wait_job(json.loads(done.stdout)["replay_id"])
        self.assertEqual((answer["traces_evaluated"], answer["store"], answer["coverage"]["source"]["kind"]), (300, "archive", "clickhouse"), answer)


class RulesOfStores(unittest.TestCase):
    """Two databases: `default` has nothing that violates, `archive` has 11 traces that do. A rule that says `store: archive` is found by every door that is not told
    which store to ask, or the door says what to do; none says "none". And tenants with a store of their own."""

    @classmethod
    def setUpClass(cls):
        chdb_python()
        server = cls.server = cls.enterClassContext(ClickHouse())
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-rules-of-stores-"))
        cls.end = int(time.time()) // 300 * 300 - 1800
        for name, count in (("quiet", 0), ("archive", 11)):
            path = os.path.join(folder, f"{name}.jsonl")
            done = run_cli("generate", "--scenario", "none", "--traces", 300, "--violations", count, "--seed", 5 + count, "--since", "20m", "--end", cls.end, "--out", path)
            assert done.returncode == 0, done.stderr
            server.load(path, database=name)
        cls.stores = ("--store", server.url("quiet"), "--named-store", f"archive={server.url('archive')}", "--settle", "1m")
        cls.range = f"start={cls.end - 3600}&end={cls.end + 300}"
        cls.body = {"start": cls.end - 3600, "end": cls.end + 300}
        cls.betrace = cls.enterClassContext(Betrace(*cls.stores))
        cls.make(cls.betrace, "slow", store="archive")
        found = cls.betrace.get(f"/v1/rules/slow/first-violation?{cls.range}&store=archive").json()
        cls.trace_id = found["violation"]["trace_id"]

    @classmethod
    def make(cls, betrace, name, headers=None, **more):
        made = betrace.post("/v1/rules", {"id": name, "dsl": RULE, "annotations": {"soc2_control": "CC7.2"}, **more}, headers=headers)
        assert made.status == 201, made
        return made.json()

    def ask(self, method, path, body=None, expected=200, headers=None, betrace=None):
        answer = (betrace or self.betrace).request(method, path, body, headers=headers)
        self.assertEqual(answer.status, expected, answer)
        return answer.json()

    def tool(self, name, **arguments):
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        initialize = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self.ask("POST", "/mcp", initialize, headers=headers)
        return self.ask("POST", "/mcp", call, headers={**headers, "MCP-Protocol-Version": "2025-06-18"})["result"]["structuredContent"]

    def test_every_door_finds_what_is_in_the_rules_store(self):
        rule = "/v1/rules/slow"
        for path, body in (("/v1/replays", {"rule_ids": ["slow"]}), ("/v1/replays", {"labels": {}}), (f"{rule}/replay", {})):
            times = {"start_time": self.end - 3600, "end_time": self.end + 300}
            done = self.betrace.wait_job(self.ask("POST", path, {**body, **times}, 202)["replay_id"])
            self.assertEqual((done["status"], done["violations_found"], done["store"]), ("completed", 11, "archive"), path)
        for method, path, body in (("GET", f"/v1/violations?rule_id=slow&{self.range}", None), ("GET", f"/v1/violations?{self.range}", None),
                                   ("POST", "/v1/violations/query", {"rule_ids": ["slow"], **self.body}), ("POST", "/v1/violations/query", {"labels": {}, **self.body})):
            page = self.ask(method, path, body)
            self.assertEqual((page["total_count"], page["coverage"]["source"]["store"]), (11, "archive"), (path, page["reason"]))
        for method, path, body in (("GET", f"/v1/violations/series?rule_id=slow&step=5m&{self.range}", None), ("GET", f"/v1/violations/series?step=5m&{self.range}", None),
                                   ("POST", "/v1/violations/series", {"step": "5m", **self.body})):
            series = self.ask(method, path, body)
            self.assertEqual(sum(value or 0 for _, value in series["series"][0]["points"]), 11, path)
            self.assertEqual(series["coverage"]["source"]["store"], "archive")
        self.assertTrue(self.ask("GET", f"{rule}/first-violation?{self.range}")["found"])
        self.assertEqual(self.ask("GET", f"{rule}/explain?{self.range}")["source"]["store"], "archive")
        self.assertEqual(self.ask("GET", f"{rule}/contrast?{self.range}")["coverage"]["source"]["store"], "archive")
        gate = self.ask("GET", f"/v1/gate?rule_id=slow&baseline=1&candidate=2&{self.range}")
        self.assertEqual(gate["coverage"]["source"]["store"], "archive")
        report = self.ask("GET", f"/v1/compliance/reports/soc2?{self.range}")
        entries = {entry["type"]: entry["body"] for entry in report["entries"]}
        self.assertEqual((entries["rule"]["status"], entries["rule"]["counts"]["violated"]), ("violated", 11))
        self.assertEqual(entries["report"]["coverage"]["source"]["store"], "archive")
        tested = self.ask("POST", "/v1/rules/test", {"rule_id": "slow", "trace_id": self.trace_id})
        self.assertEqual(tested["verdict"], "violated")
        for name, arguments in (("replay", {"rule_id": "slow"}), ("violations", {"rule_id": "slow"}), ("violations", {}), ("first_violation", {"rule_id": "slow"})):
            said = self.tool(name, start=str(self.end - 3600), end=str(self.end + 300), **arguments)
            self.assertEqual(said["conclusion"], "violated", (name, said))

    def test_what_a_request_says_wins(self):
        for path, total in ((f"/v1/violations?rule_id=slow&{self.range}&store=default", 0), (f"/v1/violations?rule_id=slow&{self.range}&store=archive", 11)):
            page = self.ask("GET", path)
            self.assertEqual((page["total_count"], page["coverage"]["source"]["store"]), (total, path[path.rindex("=") + 1:]), page["reason"])
        self.assertFalse(self.ask("GET", f"/v1/rules/slow/first-violation?{self.range}&store=default")["found"])

    def test_a_cursor_goes_on_in_its_store_alone(self):
        page = self.ask("GET", f"/v1/violations?rule_id=slow&{self.range}&limit=4")
        more = self.ask("GET", f"/v1/violations?rule_id=slow&limit=100&cursor={page['cursor']}")
        self.assertEqual(len(page["violations"]) + len(more["violations"]), 11)
        self.ask("GET", f"/v1/violations?rule_id=slow&limit=100&store=default&cursor={page['cursor']}", expected=400)

    def test_a_trace_is_read_where_it_is_said(self):
        path = f"/v1/traces/{self.trace_id}/verdicts"
        self.assertIn("default has no trace", self.ask("GET", path, expected=404)["detail"])
        self.assertEqual([v["verdict"] for v in self.ask("GET", path + "?store=archive")["verdicts"]], ["violated"])
        other = self.server.ask("SELECT min(TraceId) FROM quiet.otel_traces FORMAT TSV").strip()
        answer = self.ask("GET", f"/v1/traces/{other}/verdicts")
        self.assertEqual(([], "slow"), (answer["verdicts"], answer["not_evaluated"][0]["rule_id"]))
        self.assertIn("store=archive", answer["not_evaluated"][0]["reason"])
        said = self.tool("trace_verdicts", trace_id=other)
        self.assertNotIn(said["conclusion"], ("none", "none_perhaps_not_exercised"), said)

    def test_rules_of_two_stores_are_never_asked_in_one(self):
        with Betrace(*self.stores) as betrace:
            self.make(betrace, "slow", store="archive")
            self.make(betrace, "near")
            times = {"start_time": self.end - 3600, "end_time": self.end + 300}
            for body in ({"rule_ids": ["slow", "near"]}, {"labels": {}}):
                refused = self.ask("POST", "/v1/replays", {**body, **times}, 400, betrace=betrace)
                self.assertIn("near of default", refused["detail"])
                self.assertIn("slow of archive", refused["detail"])
            self.ask("GET", f"/v1/violations?rule_id=slow&rule_id=near&{self.range}", expected=400, betrace=betrace)
            self.ask("GET", f"/v1/gate?rule_id=slow&rule_id=near&baseline=1&candidate=2&{self.range}", expected=400, betrace=betrace)
            page = self.ask("GET", f"/v1/violations?{self.range}", betrace=betrace)
            self.assertEqual((page["total_count"], page["coverage"]["complete"]), (None, False))
            self.assertRegex(page["reason"], "^rule_elsewhere: 1 .*slow, of store archive")
            series = self.ask("GET", f"/v1/violations/series?step=5m&{self.range}", betrace=betrace)
            self.assertRegex(series["reason"], "^rule_elsewhere")
            self.assertEqual([one["labels"]["rule_id"] for one in series["series"]], ["near"])
            page = self.ask("GET", f"/v1/violations?{self.range}&store=archive", betrace=betrace)
            self.assertEqual((page["total_count"], page["reason"]), (22, None))
            for store, status in (("", {"near": "pass", "slow": "inconclusive"}), ("&store=archive", {"near": "violated", "slow": "violated"})):
                report = self.ask("GET", f"/v1/compliance/reports/soc2?{self.range}{store}", betrace=betrace)
                rules = {entry["body"]["rule_id"]: entry["body"] for entry in report["entries"] if entry["type"] == "rule"}
                self.assertEqual({name: body["status"] for name, body in rules.items()}, status)
                control = next(entry["body"] for entry in report["entries"] if entry["type"] == "control" and entry["body"]["rules"])
                self.assertNotEqual(control["status"], "pass")
                if not store:
                    self.assertIn("store=archive asks it", rules["slow"]["reason"])
                    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                        json.dump(report, file)
                        file.flush()
                        verified = run_cli("verify-report", "--chain-only", file.name)
                    self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def test_a_rule_keeps_its_store(self):
        self.assertEqual(self.ask("GET", "/v1/rules/slow")["store"], "archive")
        text = self.betrace.get("/v1/rules/export").body.decode()
        self.assertIn("store: archive\n", text)
        back = self.ask("POST", "/v1/rules/import?dry_run=true", text, headers={"Content-Type": "application/yaml"})
        self.assertEqual(back["unchanged"], 1)
        moved = self.ask("POST", "/v1/rules/import?dry_run=true", text.replace("store: archive", "store: default"), headers={"Content-Type": "application/yaml"})
        self.assertEqual(moved["updated"], 1)
        for method, path, body, headers in (("POST", "/v1/rules", {"id": "x", "dsl": RULE, "store": "gone"}, None),
                                            ("POST", "/v1/rules/import", text.replace("archive", "gone"), {"Content-Type": "application/yaml"})):
            refused = self.ask(method, path, body, 400, headers=headers)
            self.assertIn("default, archive", refused["detail"])
            self.assertIn('says "gone"', refused["detail"])
        self.assertIn("small letters", self.ask("POST", "/v1/rules", {"id": "x", "dsl": RULE, "store": "Archive/1"}, 400)["detail"])

    def test_a_store_that_went_is_no_other_one(self):
        with tempfile.TemporaryDirectory() as folder:
            db = os.path.join(folder, "rules.db")
            with Betrace(*self.stores, db=db) as betrace:
                self.make(betrace, "slow", store="archive")
            with Betrace("--store", self.server.url("archive"), "--settle", "1m", db=db) as betrace:
                self.assertIn("is not evaluated: its store has to be one of", "".join(betrace.lines))
                for path in ("/v1/violations?", "/v1/violations?rule_id=slow&", "/v1/rules/slow/first-violation?", "/v1/violations/series?", "/v1/compliance/reports/soc2?"):
                    refused = self.ask("GET", path + self.range, expected=400, betrace=betrace)
                    self.assertIn('says "archive"', refused["detail"], path)
                self.assertEqual(self.ask("GET", f"/v1/violations?rule_id=slow&{self.range}&store=default", betrace=betrace)["total_count"], 11)

    def test_a_tenant_asks_its_own_store_and_no_other_tenants(self):
        with Betrace(*self.stores, "--named-store", f"quiet={self.server.url('quiet')}", "--tenant-store", "acme=archive", "--tenant-store", "beta=quiet") as betrace:
            ask = lambda path, tenant, expected=200: self.ask("GET", path, expected=expected, betrace=betrace, headers={"X-Scope-OrgID": tenant} if tenant else None)
            for tenant in ("acme", "beta", "other", "", "acme|other", "beta|acme"):
                self.make(betrace, "own", headers={"X-Scope-OrgID": tenant} if tenant else None)
            for tenant, total, name in (("acme", 11, "archive"), ("beta", 0, "quiet"), ("", 0, "default")):
                page = ask(f"/v1/violations?{self.range}", tenant)
                self.assertEqual((page["total_count"], page["coverage"]["source"]["store"]), (total, name), (tenant, page["reason"]))
                self.assertEqual(ask(f"/v1/rules/own/first-violation?{self.range}", tenant)["found"], total > 0)
            page = ask(f"/v1/violations?{self.range}", "other")
            self.assertEqual((page["total_count"], page["coverage"]["complete"]), (None, False))
            self.assertIn("keeps no tenants apart", page["reason"])
            doors = [f"/v1/violations?{self.range}", f"/v1/violations/series?{self.range}", f"/v1/compliance/reports/soc2?{self.range}", f"/v1/traces/{self.trace_id}/verdicts?",
                     *(f"/v1/rules/own/{door}?{self.range}" for door in ("first-violation", "explain", "contrast")), f"/v1/suggestions?{self.range}",
                     f"/v1/gate?rule_id=own&baseline=1&candidate=2&{self.range}", f"/v1/changes?candidate=a%3Db&{self.range}"]
            for tenant in ("beta", "other", "", "acme|other", "beta|acme"):
                for door in doors:
                    refused = ask(door + "&store=archive", tenant, 400)
                    self.assertRegex(refused["detail"], r"stores of this service: default(, quiet)?; \"archive\" came", (tenant, door))
            refused = self.ask("POST", "/v1/rules", {"id": "theirs", "dsl": RULE, "store": "archive"}, 400, {"X-Scope-OrgID": "other"}, betrace)
            self.assertIn("stores of this service: default;", refused["detail"])
            for door in ("/v1/violations?", "/v1/suggestions?"):
                self.assertIn("several tenants together", ask(door + self.range, "acme|other", 400)["detail"])
            tags = self.ask("POST", "/v1/dsl/complete", {"dsl": "when { db.", "offset": 10, "store": "archive"}, 400, {"X-Scope-OrgID": "other"}, betrace)
            self.assertIn("store", tags["detail"])

    def test_a_tenant_without_a_store_is_refused_where_the_services_own_is_anothers(self):
        with Betrace(*self.stores, "--tenant-store", "acme=default") as betrace:
            self.make(betrace, "own", headers={"X-Scope-OrgID": "other"})
            refused = self.ask("GET", f"/v1/violations?{self.range}", expected=400, headers={"X-Scope-OrgID": "other"}, betrace=betrace)
            self.assertIn("stores of this service: archive; this tenant has none of its own", refused["detail"])

    def test_watch_looks_where_the_rule_is(self):
        with OtlpReceiver() as receiver, tempfile.TemporaryDirectory() as folder:
            with Betrace(*self.stores[:4], "--watch", "--interval", "1s", "--settle", "1s", "--lateness", "1s", "--handover", "1s", "--otlp", receiver.url) as betrace:
                self.make(betrace, "slow", store="archive")
                self.make(betrace, "near")
                self.wait(lambda: b'betrace_watch_rules{tenant="",store="archive"} 1\n' in betrace.get("/metrics").body, betrace)
                path = os.path.join(folder, "now.jsonl")
                done = run_cli("generate", "--scenario", "none", "--traces", 50, "--violations", 3, "--seed", 9, "--since", "2s", "--end", int(time.time()) + 3, "--out", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.server.load(path, database="archive", create=False)
                self.wait(lambda: len(self.sent(receiver, b"slow")) >= 3, betrace)
                self.assertEqual(self.sent(receiver, b"near"), [])
                self.assertTrue(all(b"betrace.violation.store" in body and b"archive" in body for body in self.sent(receiver, b"slow")))
                self.wait(lambda: any(b"0/1 archive" in body for _, _, body in receiver.seen), betrace)
                self.assertIn(b'betrace_watch_rules{tenant=""} 1\n', betrace.get("/metrics").body)

    def sent(self, receiver, rule):
        return [body for _, _, body in receiver.seen if b"betrace.violation.rule_id" in body and rule in body]

    def wait(self, is_so, betrace, seconds=60):
        until = time.monotonic() + seconds
        while not is_so():
            self.assertLess(time.monotonic(), until, "".join(betrace.lines[-20:]))
            time.sleep(0.2)


class Tutorial(unittest.TestCase):
    """Steps 3 to 7 of docs/TUTORIAL.md over a ClickHouse: the page says that their answers are the same there."""

    def test_answers_are_those_of_the_page(self):
        page = doc_pages.read("TUTORIAL.md")
        instead = re.search(r"put `(--store URL --start \S+ --end \S+)` in the\s+place of `shop.jsonl`", page).group(1)
        blocks = list(doc_pages.blocks(page))
        first, last = (next(i for i, block in enumerate(blocks) if text in block[2]) for text in ("betrace replay shop.yaml", "betrace trace "))
        with ClickHouse() as server, tempfile.TemporaryDirectory(prefix="betrace-tutorial-clickhouse-") as folder:
            before = [text for _, info, text in blocks[:first] if info[:1] == ["sh"] and "run=clean-root" not in info]
            self.run_block("\n".join(before), folder)
            server.load(os.path.join(folder, "shop.jsonl"))
            compared = 0
            for (_, info, command), (_, told, output) in zip(blocks[first:last + 1], blocks[first + 1:last + 2]):
                if info[:1] == ["sh"] and told[:2] == ["text", "output"]:
                    given = self.run_block(command.replace("shop.jsonl", (instead if re.match("betrace (replay|first|contrast|gate)", command) else "--store URL").replace("URL", f"'{server.url()}'")), folder)
                    with self.subTest(command=command):
                        self.assertEqual(self.told(given), self.told(output))
                    compared += 1
        self.assertEqual(compared, 6)

    def run_block(self, command, folder):
        return subprocess.run(["bash", "-c", command.replace("betrace ", f"{binary()} ")], cwd=folder, capture_output=True, text=True, timeout=300, check=False).stdout

    def told(self, output):
        """Without what it took, how many traces were read that violate nothing, and what was compared with these."""
        lines = [re.sub(r"\(.* exercised the rule\)", "", line) for line in output.strip().split("\n")]
        if any("odds ratio" in line for line in lines):
            return [line[:60].rstrip() for line in lines if line.startswith("violating") or "service.version" in line]
        return [line for line in lines if not re.match("completed|source: ", line)]


class Settings(unittest.TestCase):
    def test_what_is_no_named_store_is_refused(self):
        rows = [(("archive",), "NAME=URL"), (("Archive=clickhouse+http://h:1/o",), "small letters"), (("a=http://h:1/o",), "--named-store a: "),
                (("default=tempo+http://h:1",), "is taken"), (("a=tempo+http://h:1", "a=tempo+http://h:2"), "is taken")]
        for stores, sentence in rows:
            with self.subTest(stores=stores), tempfile.TemporaryDirectory() as folder:
                flags = [part for store in stores for part in ("--named-store", store)]
                done = run_cli("serve", "--memory-source", "--db", os.path.join(folder, "r.db"), "--listen", "127.0.0.1:0", *flags, timeout=20)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
