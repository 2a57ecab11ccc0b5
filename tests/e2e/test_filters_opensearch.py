"""What OpenSearch is asked for by rules, against what is right. An index finds what it made of a value, so each way to map a key has to give the violations that an index
without mapped keys gives, which BeTrace reads whole. The table of docs/howto/ask-your-opensearch.md says which tests BeTrace asks for. Where it asks for one, fewer traces are
candidates, and the test looks at that, too. Then random rules on random traces in indices that map keys by their first values, each otherwise, against files.

BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of random rules."""
import json
import os
import random
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), os.path.join(HERE, "..", "elastic")]
import data_prepper  # noqa: E402
import doc_pages  # noqa: E402
import replay_compare as compare  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402
from test_replay_opensearch import PLAIN, Replaying, as_written  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "5902"))
RULES = int(os.environ.get("BETRACE_RULES", "15"))
TRACES = 300
TEXTS = ("x", "xy", "9", "9.0", "10", "007", "true", "TRUE", "false", "", "NaN", "-Infinity", "a*b?c\\d", "é", "x" * 11, "-5", "1e3", "n" * 300)
VALUES = [*({"stringValue": text} for text in TEXTS), *({"intValue": str(number)} for number in (0, 9, 10, -5, 2**31, 2**53 + 1, -2**63)),
          *({"doubleValue": number} for number in (0.1, 0.1000000001, 0.0999999999, 9.0, 9.5, 1.9, -0.5, 1e300, 16777217.0, "NaN", "Infinity")),
          {"boolValue": True}, {"boolValue": False}, {}, {"arrayValue": {"values": []}}, {"arrayValue": {"values": [{"stringValue": "x"}, {"stringValue": "x" * 400}]}},
          {"arrayValue": {"values": [{"intValue": "9"}, {"intValue": "77"}]}}, {"kvlistValue": {"values": [{"key": "in", "value": {"stringValue": "x"}}]}}, None]
CONDITIONS = ('k == "x"', 'k == "9"', 'k == "007"', 'k == ""', 'k == "true"', 'k == 9', 'k == 0.1', 'k > 0.1', 'k < 0.1', 'k >= 9.5', 'k <= -5', 'k < 2', 'k == 9007199254740993',
              'k == true', 'k == false', 'k != "x"', 'k != 9', 'exists(k)', 'k contains "x"', 'k starts_with "x"', 'k ends_with "d"', 'k matches "x.*y"', 'k matches "[x]"',
              'k in ["x", "9"]', 'k == "a*b?c\\\\d"', 'k contains "*b?"', 'k > 1e299', 'k == 2147483648', 'not (k == "x")')
KEYWORD = {"type": "keyword"}
MAPPED = {"keyword": KEYWORD, "keyword, ignore_above 10": {**KEYWORD, "ignore_above": 10}, "long": {"type": "long"}, "integer": {"type": "integer"}, "double": {"type": "double"},
          "float": {"type": "float"}, "boolean": {"type": "boolean"}, "text": {"type": "text"}, "keyword, index false": {**KEYWORD, "index": False},
          "long, ignore_malformed": {"type": "long", "ignore_malformed": True}, "scaled_float": {"type": "scaled_float", "scaling_factor": 100}}
# Which conditions are asked for, by how the page's table calls them.
ASKED = {"equals a text": ('k == "x"', 'k in ["x", "9"]', 'k == "a*b?c\\\\d"'), "against a number": ('k == 9', 'k == 0.1', 'k > 0.1', 'k >= 9.5', 'k <= -5', 'k < 2'),
         "equals true or false": ('k == true', 'k == false'), "holds a text": ('k contains "x"', 'k starts_with "x"', 'k ends_with "d"', 'k matches "x.*y"'),
         "is there, or not equal": ('exists(k)', 'k != "x"', 'k != 9', 'not (k == "x")')}


def without_maps(document):
    """An index takes none where it has a value, and no value where it has one: nor keys that go on with a dot."""
    if isinstance(document, list):
        return [without_maps(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: [item for item in value if "kvlist" not in json.dumps(item) and not item["key"].startswith(("amount.", "k.", "n."))
                  and "boolValue" not in item.get("value", {})] if key == "attributes" else without_maps(value) for key, value in document.items()}


class Asked(Replaying):
    def rules(self, name, texts):
        path = os.path.join(self.folder, name + ".yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rules": [{"id": f"r{i}", "dsl": text} for i, text in enumerate(texts)]}, file)
        return path

    def judge(self, rules, index):
        """For each rule the traces that violate it, and how many were candidates."""
        done = run_cli("replay", rules, "--store", self.server.url(index), "--start", self.start, "--end", self.end, "--settle", "1m", "--json", timeout=300)
        self.assertTrue(done.stdout.startswith("{"), done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["status"], "completed", json.dumps(answer)[:900])
        found = {}
        for violation in answer["violations"]:
            found.setdefault(violation["rule_id"], set()).add(violation["trace_id"])
        return {rule["rule_id"]: (found.get(rule["rule_id"], set()), rule["traces_candidate"]) for rule in answer["rules"]}

    def fill(self, index, requests, mapped, **settings):
        """Which traces are there with all their spans. What the index refuses is taken out whole."""
        mapping = data_prepper.mappings(True)
        mapping["properties"]["attributes"] = {"properties": mapped}
        self.server.ask("PUT", f"/{index}", {"settings": {"number_of_shards": 2, "number_of_replicas": 0, **settings}, "mappings": mapping})
        lines = [(one["traceId"], json.dumps({"index": {"_index": index}}) + "\n" + json.dumps(one) + "\n") for request in requests for one in data_prepper.documents(request)]
        answer = self.server.ask("POST", "/_bulk?refresh=true", "".join(line for _, line in lines).encode())
        refused = {trace for (trace, _), item in zip(lines, answer["items"]) if "error" in item["index"]}
        if refused:
            self.server.ask("POST", f"/{index}/_delete_by_query?refresh=true", {"query": {"terms": {"traceId": sorted(refused)}}})
        return {trace for trace, _ in lines} - refused


class Cells(Asked):
    """One span in a trace, with each value under one key."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.requests = []
        for number, value in enumerate(VALUES, 1):
            begin = (cls.start + 60 + number) * SECOND
            attributes = [] if value is None else [{"key": "k", "value": value}]
            span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "typed", "startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + SECOND),
                    "attributes": attributes}
            cls.requests.append({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]})
        cls.server.create("cells-whole", typed=False)
        refused = cls.server.write("cells-whole", *cls.requests, refresh=True)
        assert not refused, refused

    def test_each_way_to_map_a_key(self):
        rules = self.rules("cells", [f"trace.has(typed.where({one}))" for one in CONDITIONS])
        right = self.judge(rules, "cells-whole")
        self.assertEqual({candidates for _, candidates in right.values()}, {len(VALUES)})
        self.assertGreater(len({frozenset(found) for found, _ in right.values()}), 15)
        asked = {}
        for number, (name, mapping) in enumerate(MAPPED.items()):
            index = f"cells-{number}"
            there = self.fill(index, self.requests, {"k": mapping})
            self.assertGreater(len(there), 5, name)
            for rule, (found, candidates) in self.judge(rules, index).items():
                condition = CONDITIONS[int(rule[1:])]
                with self.subTest(mapped=name, condition=condition):
                    self.assertEqual(found, right[rule][0] & there)
                asked[name, condition] = candidates < len(there)
        self.check_the_page(asked)

    def check_the_page(self, asked):
        """A row for each way to map, a column for each kind of test."""
        table = {}
        for line in doc_pages.read("howto/ask-your-opensearch.md").splitlines():
            cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
            if len(cells) == len(ASKED) + 1:
                table[cells[0]] = cells[1:]
        heads = next(iter(table.values()))
        self.assertEqual(heads, list(ASKED))
        for name in MAPPED:
            said = {head: cell == "yes" for head, cell in zip(heads, table[name])}
            seen = {head: any(asked[name, condition] for condition in ASKED[head]) for head in heads}
            self.assertEqual(said, seen, name)

    def test_indices_that_map_it_otherwise(self):
        """All of them in one question, and each value in the index that takes it."""
        rules = self.rules("several", [f"trace.has(typed.where({one}))" for one in CONDITIONS])
        right = self.judge(rules, "cells-whole")
        ways = [{"type": "keyword", "ignore_above": 256}, {"type": "long"}, {"type": "boolean"}, {"type": "double"}]
        left, there = list(self.requests), set()
        for number, mapping in enumerate(ways):
            there |= self.fill(f"several-{number}", left[number::len(ways)], {"k": mapping})
        for rule, (found, _) in self.judge(rules, "several-*").items():
            with self.subTest(CONDITIONS[int(rule[1:])]):
                self.assertEqual(found, right[rule][0] & there)

    def test_keys_that_are_not_mapped_and_may_be_there(self):
        """Dynamic mapping is off above, at, or below the attributes; or nothing below is indexed."""
        rules = self.rules("hidden", ['trace.has(span.attributes["k"] == "x")', 'trace.has(span.attributes["deep.k"] == "x")'])
        for number, change in enumerate(({"dynamic": False}, {"attributes": {"type": "object", "dynamic": False}}, {"attributes": {"type": "object", "enabled": False}},
                                         {"attributes": {"properties": {"deep": {"type": "object", "dynamic": "false"}}}}, {"attributes": {"properties": {"deep": {"type": "object", "enabled": False}}}})):
            index, mapping = f"hidden-{number}", data_prepper.mappings(True)
            mapping["properties"].update({key: value for key, value in change.items() if key == "attributes"})
            mapping.update({key: value for key, value in change.items() if key != "attributes"})
            self.server.ask("PUT", f"/{index}", {"settings": {"number_of_replicas": 0}, "mappings": mapping})
            begin = str((self.start + 60) * SECOND)
            spans = [{"traceId": digit * 32, "spanId": digit * 16, "name": "typed", "startTimeUnixNano": begin, "endTimeUnixNano": begin,
                      "attributes": [{"key": key, "value": {"stringValue": value}}]} for digit, key, value in (("1", "k", "x"), ("2", "deep.k", "x"), ("3", "k", "y"))]
            self.assertEqual(self.server.write(index, {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": spans}]}]}, refresh=True), [])
            judged = self.judge(rules, index)
            with self.subTest(change):
                self.assertEqual([judged[rule][0] for rule in ("r0", "r1")], [{"1" * 32}, {"2" * 32}])


class RandomRulesAsked(Asked):
    """Each key is mapped by its first value, in two indices, each otherwise."""

    def test_nothing_is_false_and_nothing_is_missing(self):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        traces = [without_maps(as_written(trace.stored_request())) for trace in random_traces(rng, TRACES, (self.start + 60) * SECOND, (self.end - self.start - 400) * SECOND)]
        there = set()
        for number in range(2):
            there |= self.fill(f"asked-{number}", traces[number::2], {}, **{"index.mapping.ignore_malformed": True})
        path = os.path.join(self.folder, "asked.jsonl")
        kept = 0
        with open(path, "w", encoding="utf-8") as file:
            for request in traces:
                if {one["traceId"] for one in data_prepper.documents(request)} <= there:
                    file.write(json.dumps(request) + "\n")
                    kept += 1
        self.assertGreater(kept, TRACES / 4)
        rules, _ = compare.compile_rules([*PLAIN, *(random_rule(rng) for _ in range(RULES))])
        expected = compare.evaluate(self.folder, rules, path)
        narrow = found_in_all = 0
        for rule in rules:
            with self.subTest(rule=rule.text):
                answer = self.replay(rule.text, self.server.url("asked-*"))
                found, wanted = {violation["trace_id"] for violation in answer["violations"]}, expected[rule.id]["violated"]
                self.assertFalse(found - wanted, "called violated, and is not")
                self.assertLessEqual(len(wanted - found), answer["inconclusive"], "not found, and not called inconclusive")
                if rule.text in PLAIN:
                    self.assertEqual(found, wanted)
                narrow += answer["traces_candidate"] < kept
                found_in_all += len(found)
        print(f"{len(rules)} rules on {kept} of {TRACES} traces, {narrow} of them with fewer candidates, {found_in_all} violations", flush=True)
        self.assertGreater(narrow, 5)
        self.assertGreater(found_in_all, 100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
