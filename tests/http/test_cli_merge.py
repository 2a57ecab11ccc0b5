"""`betrace replay --shard` and `betrace merge` on the command line: what is refused and in which words, what an incomplete set of shards is called, and
that damaged files are refused. That the answers are equal is test_cli_merge_property.py's."""
import copy
import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from shard_runs import differences, merge, run_shards  # noqa: E402
from trace_files import span, trace  # noqa: E402

RULES = "rules:\n- {id: late, severity: low, dsl: 'when { a } always { b }'}\n- {id: kept, dsl: 'when { a } always { a }'}\n- {id: idle, dsl: 'when { x } always { y }'}\n"
HOUR_MS = 3600 * 1000
RANGE = ("--start", "2026-01-01T00:00:00Z", "--end", "2026-01-01T01:00:00Z")
MARGIN = ("--margin", "1m")


class MergeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-merge-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.rules = cls.write("rules.yaml", RULES)
        # A trace a minute; every fifth has no b. One lasts for half of the hour.
        cls.traces = cls.write("traces.jsonl", "".join(
            trace(number + 1, span("a"), *([span("b", at=1)] if number % 5 else []), at=number * 60000 + 30000) for number in range(60))
            + trace(1000, span("a", at=0), span("a", at=HOUR_MS / 4), span("a", at=HOUR_MS / 2), at=HOUR_MS / 4))
        cls.others = cls.write("others.jsonl", trace(1, span("a"), at=1000))
        cls.asked = (cls.rules, cls.traces, *RANGE, *MARGIN)
        cls.whole = json.loads(run_cli("replay", *cls.asked, "--json").stdout)
        cls.shards = run_shards(cls.folder, 4, *cls.asked)

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def refused(self, arguments, *words):
        done = run_cli(*arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def changed(self, change, number=1):
        """The file of a shard in which something is otherwise."""
        with open(self.shards[number - 1], encoding="utf-8") as file:
            answer = json.load(file)
        change(answer)
        return self.write("changed.json", json.dumps(answer))

    # ---- the whole ----

    def test_it_is_the_whole(self):
        status, merged = merge(self.shards)
        self.assertEqual((status, differences(self.whole, merged)), (1, []))
        self.assertEqual((merged["coverage"]["long_traces_count"], merged["merged"]), (1, {"of": 4, "missing": []}))
        self.assertEqual([idle["rule_id"] for idle in merged["unexercised"]], ["idle"])

    def test_the_order_of_files_says_nothing(self):
        self.assertEqual(merge(self.shards[::-1]), merge(self.shards))

    def test_the_trace_that_lasts_is_told_by_several_and_counts_once(self):
        tellers = 0
        for path in self.shards:
            with open(path, encoding="utf-8") as file:
                tellers += bool(json.load(file)["shard"]["edges"])
        self.assertEqual(tellers, 3)
        late = [v["trace_id"] for v in merge(self.shards)[1]["violations"] if v["rule_id"] == "late"]
        self.assertEqual((len(late), late.count(f"{1000:032x}")), (13, 1))

    def test_text_is_what_replay_prints(self):
        """But for how long it took and how it is said that nothing exercised a rule."""
        def lines(done):
            return [line for line in done.stdout.splitlines() if not line.startswith(("idle: ", "completed", "note: "))]
        whole, merged = run_cli("replay", *self.asked), run_cli("merge", *self.shards)
        self.assertEqual(lines(merged), lines(whole))
        self.assertIn("idle: nothing exercised this rule in any shard", merged.stdout)

    def test_status_is_that_of_a_replay(self):
        for flags in ((), ("--fail-on", "low"), ("--fail-on", "high"), ("--require-exercised",), ("--fail-on", "high", "--require-exercised")):
            with self.subTest(flags=flags):
                self.assertEqual(run_cli("merge", *flags, *self.shards).returncode, run_cli("replay", *self.asked, *flags).returncode)

    def test_a_shard_answers_whatever_it_found(self):
        """0 with violations, and without any trace: a job that succeeded. 3 where it could not be read: a job tries again."""
        self.assertEqual(run_cli("replay", *self.asked, "--shard", "1/4").returncode, 0)
        empty = run_cli("replay", self.rules, self.traces, "--start", "2026-02-01T00:00:00Z", "--end", "2026-02-02T00:00:00Z", "--shard", "1/4")
        self.assertEqual((empty.returncode, json.loads(empty.stdout)["reason"].split(":")[0]), (0, "no_data"))
        nowhere = run_cli("replay", self.rules, "--tempo", "http://127.0.0.1:1", *RANGE, "--shard", "1/4")
        self.assertEqual((nowhere.returncode, json.loads(nowhere.stdout)["status"]), (3, "failed"))

    def test_no_shard_has_data(self):
        asked = (self.rules, self.traces, "--start", "2026-02-01T00:00:00Z", "--end", "2026-02-02T00:00:00Z")
        status, merged = merge(run_shards(self.folder, 3, *asked))
        whole = run_cli("replay", *asked, "--json")
        self.assertEqual((status, differences(json.loads(whole.stdout), merged)), (3, []))

    def test_what_could_not_be_read_is_said(self):
        def fail(answer):
            answer.update(status="incomplete", reason="windows_failed: 1 windows or traces could not be read; the first: Tempo answered 503")
            answer["coverage"].update(complete=False)
            answer["coverage"]["windows_failed"] = [{**answer["coverage"]["asked"], "reason": "Tempo answered 503"}]
        _, merged = merge([self.changed(fail, 2), self.shards[0], *self.shards[2:]])
        self.assertEqual((merged["status"], merged["coverage"]["complete"]), ("incomplete", False))
        self.assertEqual(merged["reason"], "windows_failed: 1 windows or traces could not be read; the first: Tempo answered 503 (shard 2/4)")
        self.assertEqual(len(merged["coverage"]["windows_failed"]), 1)

    # ---- not all, or too many ----

    def test_a_missing_shard_is_named(self):
        status, merged = merge([self.shards[0], self.shards[3]], "--fail-on", "critical")
        self.assertEqual((status, merged["status"], merged["coverage"]["complete"]), (3, "incomplete", False))
        self.assertEqual(merged["reason"], "missing: shard 2/4, 2026-01-01T00:15:00Z to 2026-01-01T00:30:00Z, was not given, and 1 more were not (coverage)")
        self.assertEqual([window["reason"] for window in merged["coverage"]["windows_failed"]], [f"missing: shard {n}/4 was not given" for n in (2, 3)])
        self.assertEqual([missing["number"] for missing in merged["merged"]["missing"]], [2, 3])
        self.assertEqual({rule["traces_evaluated_kind"] for rule in merged["rules"]}, {"at_least"})
        self.assertEqual(merged["unexercised"], [])

    def test_a_doubled_shard_is_refused(self):
        copied = self.changed(lambda answer: None, 2)
        self.refused(("merge", *self.shards, copied), "shard 2/4 is given twice", self.shards[1], copied, "leave one of them out")

    def test_a_trace_of_two_shards_that_is_no_edge_is_not_counted_as_certain(self):
        """As when a span came between two shards."""
        with open(self.shards[0], encoding="utf-8") as file:
            first = json.load(file)
        def add(answer):
            answer["violations"].append(first["violations"][0])
            answer["rules"][0]["violations_found"] += 1
        status, merged = merge([self.shards[0], self.changed(add, 2), *self.shards[2:]], "--fail-on", "critical")
        self.assertEqual((status, merged["reason"].split(":")[0]), (3, "shards_differ"))

    # ---- of something else ----

    def test_other_replays_are_refused(self):
        with open(self.rules, encoding="utf-8") as file:
            text = file.read()
        other_rule = self.write("other.yaml", text.replace("always { b }", "always { c }"))
        fewer = self.write("fewer.yaml", "\n".join(text.splitlines()[:3]) + "\n")
        rows = (((other_rule, self.traces, *RANGE, *MARGIN), "of another rule", "expected late (condition "),
                ((fewer, self.traces, *RANGE, *MARGIN), "expected 3 rules", "2 rules"),
                ((self.rules, self.others, *RANGE, *MARGIN), "of another store", "expected files:"),
                ((self.rules, self.traces, *RANGE[:3], "2026-01-01T02:00:00Z", *MARGIN), "of another range", "02:00:00.000000000Z in 4 shards"),
                ((self.rules, self.traces, *RANGE, "--margin", "2m"), "of another rule", "margin 2m"),
                ((self.rules, self.traces, *RANGE, *MARGIN, "--lateness", "2m"), "of another replay", "lateness 2m"),
                ((self.rules, self.traces, *RANGE, *MARGIN, "--tenant", "x"), "of another tenant", "it has x"))
        for arguments, *words in rows:
            with self.subTest(words=words):
                path = self.write("foreign.json", run_cli("replay", *arguments, "--shard", "2/4").stdout)
                self.refused(("merge", self.shards[0], path, *self.shards[2:]), path, *words, "merge what one replay was divided into")
        path = self.write("foreign.json", run_cli("replay", *self.asked, "--shard", "2/5").stdout)
        self.refused(("merge", self.shards[0], path), path, "in 4 shards", "in 5 shards")
        self.refused(("merge", self.shards[0], self.changed(lambda answer: answer["shard"].update(program="0.0.1"), 2)), "another version of betrace")

    def test_several_addresses_of_one_store_are_allowed_when_said(self):
        def move(answer):
            answer["shard"]["store"] = "http://tempo-2:3200"
        files = [self.shards[0], self.changed(move, 2), *self.shards[2:]]
        self.refused(("merge", *files), "another store", "http://tempo-2:3200")
        self.assertEqual(merge(files, "--other-stores")[0], 1)

    def test_what_is_no_shard_is_refused(self):
        whole = self.write("whole.json", json.dumps(self.whole))
        self.refused(("merge", whole), whole, "shard: expected what betrace replay --shard N/OF prints")
        self.refused(("merge", self.write("merged.json", run_cli("merge", "--json", *self.shards).stdout)), "replay --shard N/OF")
        for text in ("", "{", "[]", "1", "null", "{}", "[{}]", '{"shard": {}}', '{"shard": []}', "no", "\x00", "{" * 5000):
            with self.subTest(text=text[:20]):
                path = self.write("none.json", text)
                self.refused(("merge", path), path, "expected")
        self.refused(("merge", os.path.join(self.folder, "none-there.json")), "none-there.json", "No such file")
        self.refused(("merge",), "say which answers")

    def test_each_member_has_to_be_there_and_of_its_type(self):
        """Every one that merge reads, taken away or replaced: it is refused with its name, or has nothing to say."""
        with open(self.shards[0], encoding="utf-8") as file:
            answer = json.load(file)
        paths = []

        def walk(value, path):
            for key in value if isinstance(value, dict) else range(min(len(value), 1)) if isinstance(value, list) else ():
                paths.append((*path, key))
                walk(value[key], (*path, key))
        walk({name: value for name, value in answer.items() if name not in ("violations", "notes", "unexercised")}, ())
        refused, rng = 0, random.Random(618)
        for path in paths:
            for bent in rng.sample((None, -1, 1.5, "x", [], {}, [1], True, 2 ** 62), 2):
                changed = copy.deepcopy(answer)
                parent = changed
                for key in path[:-1]:
                    parent = parent[key]
                parent[path[-1]] = bent
                done = run_cli("merge", self.write("bent.json", json.dumps(changed)), *self.shards[1:])
                self.assertIn(done.returncode, (1, 2, 3), (path, bent, done.stderr))
                self.assertNotIn("Sanitizer", done.stderr)
                refused += done.returncode == 2
        self.assertGreater(refused, len(paths))

    # ---- what a shard is asked with ----

    def test_a_range_that_moves_is_refused(self):
        for moving in ((), ("--since", "24h"), ("--start", "now-24h", "--end", "now"), ("--start", "2026-01-01T00:00:00Z"), ("--end", "2026-01-01T00:00:00Z"),
                       ("--start", "2026-01-01T00:00:00Z", "--end", "now")):
            with self.subTest(moving=moving):
                self.refused(("replay", self.rules, "--tempo", "http://127.0.0.1:1", *moving, "--shard", "1/4"), "--start and --end", "do not depend on now")
        self.refused(("replay", self.rules, self.traces, "--since", "24h", "--shard", "1/4"), "do not depend on now")
        self.assertEqual(run_cli("replay", self.rules, self.traces, "--shard", "1/4").returncode, 0)  # all that is in files

    def test_what_does_not_fit_a_shard_is_refused(self):
        for wrong in ("0/4", "5/4", "4", "a", "1/10001"):
            self.refused(("replay", *self.asked, "--shard", wrong), "--shard")
        for flags, word in ((("--output", "junit"), "JSON alone"), (("--ids",), "JSON alone"), (("--fail-on", "high"), "betrace merge"), (("--require-exercised",), "betrace merge")):
            self.refused(("replay", *self.asked, "--shard", "1/4", *flags), word)
        self.refused(("replay", self.rules, self.traces, "--start", "1767225600000000000", "--end", "1767225600000000003", "--shard", "1/4"), "fewer nanoseconds than shards")
        self.refused(("replay", self.rules, "--traces", "-", "--shard", "1/4"), "not stdin")


if __name__ == "__main__":
    unittest.main(verbosity=1)
