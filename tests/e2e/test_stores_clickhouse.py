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

    def test_a_door_that_takes_no_store_says_so(self):
        self.ask("GET", f"/v1/violations?rule_id={self.rule['id']}&{self.range}&store=archive", expected=400)
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
