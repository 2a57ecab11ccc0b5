"""A replay over a real OpenSearch against the evaluator on the same spans in a file, as Data Prepper writes them. Nothing that is called violated is not, and what is not
found is inconclusive; rules over what the documents keep give the same answer. Then what goes wrong on the way: answers that lack something, indices that are closed, not
there, of another schema or never refreshed.

BETRACE_SEED picks another seed (it is printed), BETRACE_RULES the number of random rules."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo"), os.path.join(HERE, "..", "elastic")]
import doc_pages  # noqa: E402
import replay_compare as compare  # noqa: E402
from betrace_process import binary, run_cli  # noqa: E402
from opensearch_collector import BENT, Before, Passing  # noqa: E402
from opensearch_server import shared_server  # noqa: E402
from random_rules import random_rule  # noqa: E402
from random_spans import random_traces  # noqa: E402

SECOND = 1_000_000_000
SEED = int(os.environ.get("BETRACE_SEED", "5901"))
RULES = int(os.environ.get("BETRACE_RULES", "10"))
TRACES = 300
# What the documents keep whole: the answer is the file's.
PLAIN = ('trace.has(span.name == "a") and not trace.has(span.name == "b")', 'trace.has(span.status == error)',
         'trace.has(span.kind == client) and not trace.has(span.kind == server)', 'trace.has(span.duration > 1s)', 'count(span.name == "a") > 2',
         'when { a as x } always { b after x }', 'when { b as x } never { a before x within 1s }', 'trace.root.name == "a"', 'trace.duration > 1s',
         'when { a } always { c under a }', 'trace.has(span.status.message == "time out")', 'trace.span_count > 5')
SEEDS_RULE = 'trace.has(span.name == "db.query" and span.duration > 1s) and not trace.has(span.name == "retry")'
# Of each trace k and n of its span.
VALUES = {"1": ({"intValue": "9"}, {"intValue": "10"}), "2": ({"stringValue": "9"}, {"stringValue": "10"}), "3": ({"stringValue": "NaN"}, {"intValue": "9"}),
          "4": ({"stringValue": "x"}, {"stringValue": "y"}), "5": ({"stringValue": ""}, {}), "6": ({"arrayValue": {"values": [{"stringValue": "x"}]}}, {}),
          "7": ({"intValue": str(2**53 + 1)}, {}), "8": ({"boolValue": True}, {}), "9": ({"doubleValue": 9.0}, {}), "a": ({"doubleValue": "Infinity"}, {}),
          "b": ({"doubleValue": 0.1}, {}), "c": ({"stringValue": "x" * 300}, {}), "d": ({}, {})}
# For each rule: which traces violate it, and which are undecided.
KEPT = (('trace.has(typed.where(k >= 9))', "1279", "5ad"), ('trace.has(typed.where(k == "x"))', "46", "5d"), ('trace.has(typed.where(exists(k)))', "12346789abc", "5d"),
        ('trace.has(typed.where(k == 9007199254740993))', "7", "5d"), ('trace.has(typed.where(k))', "8", "5d"), ('trace.has(typed.where(k > 0.09))', "1279b", "5ad"),
        ('trace.has(typed.where(k == 0.1))', "b", "5d"), ('trace.has(typed.where(k ends_with "xx"))', "c", "5d"), ('when { typed as t } never { typed.where(k < t.n) }', "14", ""),
        ('trace.has(typed.where(span.dropped_events_count > 0))', "", ""), ('trace.has(typed.where(exists(scope.attributes["x"])))', "", ""))


# For the other schemas, rule by rule.
KEPT_BY_OTHERS = {"jaeger": ("1279 56", "4 56", "1234789bc 56", "7 56", "8 56", "1279b 56", "b 56", "c 56", "14 ", " 123456789bcd", " 123456789bcd"),
                  "jaeger1": ("127a 569bd", "4 569bd", "1234789abc 56d", "7 569bd", "8 56d", "127a 569bd", " 569bd", "c 569bd", "14 ", " 123456789abcd", " 123456789abcd"),
                  "otel_native": ("1279 5", "46 5", "12346789bc 5", "7 5", "8 5", "1279b 5", "b 5", "c 5", "14 ", " 123456789bcd", " ")}


def as_written(document):
    """Bytes, and a key that stands twice, make Data Prepper drop the whole request: the random spans have none."""
    if isinstance(document, list):
        return [as_written(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: list({item["key"]: as_written(item) for item in value if item["key"] and not re.search("bytesValue", json.dumps(item))}.values())
            if key == "attributes" else as_written(value) for key, value in document.items()}


def spans_of(request):
    return [(group["spans"], span) for of_resource in request["resourceSpans"] for group in of_resource["scopeSpans"] for span in group["spans"]]


def without_what_jaeger_refuses(request, version):
    """Its index takes no span that ends before it begins, and version 2 writes no document with a number that JSON has not. Version 1 writes no service that is no text, and version 2
    its text. What stands under a reserved name, and a link of a root into its own trace, is read as something else."""
    for spans, span in spans_of(request):
        if int(span.get("endTimeUnixNano") or 0) < int(span.get("startTimeUnixNano") or 0):
            spans.remove(span)
        span["links"] = [link for link in span.get("links", []) if link["traceId"] != span["traceId"]]
    for of_resource in request["resourceSpans"]:
        resource = of_resource.get("resource", {})
        resource["attributes"] = [pair for pair in resource.get("attributes", []) if pair["key"] != "service.name" or "stringValue" in pair.get("value", {})]
    return json.loads(re.sub(r'"doubleValue": "(NaN|-?Infinity)"', '"doubleValue": 0.5', json.dumps(request)) if version == 2 else json.dumps(request))


def without_what_the_collector_breaks(request):
    for spans, span in spans_of(request):
        if int(span.get("endTimeUnixNano") or 0) < int(span.get("startTimeUnixNano") or 0):
            spans.remove(span)
    return json.loads(re.sub(r'"doubleValue": "(NaN|-?Infinity)"', '"doubleValue": 0.5', json.dumps(request)))


# What of a request the writer of each schema writes.
KEPT_BY = {"data_prepper": lambda request: request, "jaeger": lambda request: without_what_jaeger_refuses(request, 2),
           "jaeger1": lambda request: without_what_jaeger_refuses(request, 1), "jaeger1_fields": lambda request: without_what_jaeger_refuses(request, 1),
           "otel_native": without_what_the_collector_breaks, "otel_native_ms": without_what_the_collector_breaks}
# What a verdict may be open for by what the schema's documents do not keep.
OPEN_FOR = {"data_prepper": "dropped", "jaeger": "dropped|type|time", "jaeger1": "dropped|type|time", "jaeger1_fields": "dropped|type|time", "otel_native": "dropped|type", "otel_native_ms": "dropped|type|time"}


class Replaying(unittest.TestCase):
    """A folder, a range of time, and the server."""

    @classmethod
    def setUpClass(cls):
        cls.server = shared_server()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="betrace-replay-opensearch-"))
        now = int(time.time())
        cls.start, cls.end = now - 4 * 3600, now - 1800

    def replay(self, rule, url, *options, command="replay"):
        done = run_cli(command, "--dsl", rule, "--store", url, "--start", self.start, "--end", self.end, "--settle", "1m", *options, "--json", timeout=300)
        self.assertTrue(done.stdout.startswith("{"), done.stderr)
        return json.loads(done.stdout)

    @classmethod
    def write(cls, name, spans):
        """Of (trace digit, span digit, name, start s, seconds, links, attributes); times from the beginning of the range, or None."""
        path = os.path.join(cls.folder, name + ".jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for trace, number, called, start, seconds, links, attributes in spans:
                begin = (cls.start + start) * SECOND if start is not None else 0
                span = {"traceId": trace * 32, "spanId": number * 16, "name": called, "startTimeUnixNano": str(begin),
                        "endTimeUnixNano": str((begin or cls.start * SECOND) + seconds * SECOND), "links": [{"traceId": digit * 32, "spanId": "1" * 16} for digit in links],
                        "attributes": [{"key": key, "value": value} for key, value in attributes.items() if value or key == "k"]}
                file.write(json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]}) + "\n")
        return path

    @classmethod
    def load(cls, index, spans, schema="data_prepper", **options):
        path = cls.write(index, spans)
        cls.server.create(index, schema=schema, **options)
        cls.server.load(path, index, schema)
        return path

    def check_as_over_files(self, rule, index, path, wanted=None):
        answer = self.replay(rule, self.server.url(index))
        done = run_cli("replay", "--dsl", rule, path, "--start", self.start, "--end", self.end, "--settle", "1m", "--json")
        over_files = json.loads(done.stdout)
        ids = [{violation["trace_id"] for violation in one["violations"]} for one in (answer, over_files)]
        self.assertEqual((answer["status"], answer["inconclusive"], ids[0]), (over_files["status"], over_files["inconclusive"], ids[1]), json.dumps(answer)[:900])
        if wanted is not None:
            self.assertEqual({one[0] for one in ids[0]}, set(wanted))
        return answer


class RandomRules(Replaying):
    """On spans whose attributes have any type."""

    def check_schema(self, schema):
        print(f"{schema}, seed {SEED}", flush=True)
        rng = random.Random(SEED)
        traces = random_traces(rng, TRACES, (self.start + 60) * SECOND, (self.end - self.start - 400) * SECOND)
        path, some = os.path.join(self.folder, "traces.jsonl"), os.path.join(self.folder, "some.jsonl")
        with open(path, "w", encoding="utf-8") as file, open(some, "w", encoding="utf-8") as copies:
            for trace in traces:
                line = json.dumps(KEPT_BY[schema](as_written(trace.stored_request()))) + "\n"
                file.write(line)
                if rng.random() < 0.1:
                    copies.write(line)  # a writer that tried again
        index = f"random-{schema}"
        self.server.create(index, typed=False, shards=3, schema=schema)
        for one in (path, some):
            self.server.load(one, index, schema)
        with open(path, encoding="utf-8") as file:
            count = sum('"spanId"' in line for line in file)
        rules, _ = compare.compile_rules([*PLAIN, *(random_rule(rng) for _ in range(RULES))])
        self.assertLessEqual(set(PLAIN), {rule.text for rule in rules})
        expected = compare.evaluate(self.folder, rules, path)
        found_in_all = open_in_all = same = 0
        for rule in rules:
            with self.subTest(rule=rule.text):
                answer = self.replay(rule.text, self.server.url(index))
                is_plain = rule.text in PLAIN
                self.assertTrue(answer["status"] == "completed" or (not is_plain and re.match(f"({OPEN_FOR[schema]}): ", answer["reason"])), json.dumps(answer)[:900])
                self.assertEqual(answer["traces_evaluated"], count)
                found, wanted = {violation["trace_id"] for violation in answer["violations"]}, expected[rule.id]["violated"]
                self.assertFalse(found - wanted, "called violated, and is not")
                if answer["violations_found"] == len(found):
                    self.assertLessEqual(len(wanted - found), answer["inconclusive"], "not found, and not called inconclusive")
                if is_plain and schema == "data_prepper":
                    self.assertEqual((answer["violations_found"], answer["inconclusive"]), (len(wanted), len(expected[rule.id]["inconclusive"])))
                same += found == wanted
                found_in_all += len(found)
                open_in_all += answer["inconclusive"]
        print(f"{len(rules)} rules, of {same} the violations are the file's; {found_in_all} violations, {open_in_all} inconclusive", flush=True)
        self.assertGreater(found_in_all, TRACES)

    def test_data_prepper(self):
        self.check_schema("data_prepper")

    def test_jaeger(self):
        """As its versions 1 and 2 write it."""
        for schema in ("jaeger", "jaeger1_fields", "jaeger1"):
            self.check_schema(schema)


    def test_otel_native(self):
        """With times to the nanosecond, and to the millisecond."""
        for schema in ("otel_native", "otel_native_ms"):
            self.check_schema(schema)


class ReplayOnOpenSearch(Replaying):
    def test_the_seeds_traces_in_the_templates_types(self):
        path = os.path.join(self.folder, "seed.jsonl")
        done = run_cli("generate", "--scenario", "none", "--traces", 2000, "--violations", 37, "--seed", 7, "--since", "2h", "--end", self.end, "--out", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.create("otel-v1-apm-span-000001")
        self.server.load(path, "otel-v1-apm-span-000001")
        for kind in ("opensearch", "elasticsearch"):
            answer = self.replay(SEEDS_RULE, self.server.url(kind=kind))
            self.assertEqual((answer["status"], answer["violations_found"], answer["traces_evaluated"]), ("completed", 37, 2000), json.dumps(answer)[:900])
            self.assertRegex(answer["coverage"]["source"]["version"], r"OpenSearch 2\.19\.1 \(Data Prepper\)")
        self.check_as_over_files(SEEDS_RULE, "otel-v1-apm-span-*", path)
        firsts = [json.loads(run_cli("first", "--dsl", SEEDS_RULE, *where, "--start", self.start, "--end", self.end, "--settle", "1m", "--json", timeout=300).stdout)
                  for where in (["--store", self.server.url()], [path])]
        self.assertEqual(*((one["status"], one["proven"], one["violation"]["trace_id"]) for one in firsts))

    def test_the_page_of_it(self):
        [command] = [text for _, info, text in doc_pages.blocks(doc_pages.read("howto/ask-your-opensearch.md")) if "checked=opensearch" in info]
        path = os.path.join(self.folder, "page.jsonl")
        done = run_cli("generate", "--scenario", "none", "--traces", 200, "--violations", 7, "--seed", 3, "--since", "20h", "--end", "now-40m", "--out", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.create("page")
        self.server.load(path, "page")
        for name, text in (("secret", "choose-one\n"), ("rules.yaml", f"rules: [{{id: a, dsl: {json.dumps(SEEDS_RULE)}}}]\n")):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        for shown, ours in (("/run/secrets/opensearch", f"{self.folder}/secret"), ("opensearch:9200", f"127.0.0.1:{self.server.http}"),
                            ("otel-v1-apm-span-*", "page"), ("betrace replay", f"{binary()} replay")):
            self.assertIn(shown, command)
            command = command.replace(shown, ours)
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^completed", done.stderr)

    def test_types_of_values(self):
        """The table of docs/howto/ask-your-opensearch.md, in an index that does not map attributes."""
        spans = [(digit, "1", "typed", 60, 1, "", {"k": k, "n": n}) for digit, (k, n) in VALUES.items()]
        self.load("typed", spans, typed=False)
        for rule, violated, undecided in KEPT:
            with self.subTest(rule=rule):
                answer = self.replay(rule, self.server.url("typed"))
                found = "".join(sorted(violation["trace_id"][0] for violation in answer["violations"]))
                self.assertEqual((found, answer["inconclusive"]), (violated, len(undecided)), f"expected {undecided}")

    def test_types_of_values_of_other_schemas(self):
        """The same table. A number that JSON has not is lost in two of them."""
        for schema, cells in KEPT_BY_OTHERS.items():
            spans = [(digit, "1", "typed", 60, 1, "", {"k": k, "n": n}) for digit, (k, n) in VALUES.items() if digit != "a" or schema == "jaeger1"]
            self.load(f"typed-{schema}", spans, typed=False, schema=schema)
            for (rule, *_), cell in zip(KEPT, cells, strict=True):
                with self.subTest(schema=schema, rule=rule):
                    answer = self.replay(rule, self.server.url(f"typed-{schema}"))
                    found = "".join(sorted(violation["trace_id"][0] for violation in answer["violations"]))
                    violated, undecided = cell.split(" ")
                    self.assertEqual((found, answer["inconclusive"]), (violated, len(undecided)), f"expected {undecided}")

    def test_times_that_are_far_or_not_there(self):
        spans = [("1", "1", "a", -3 * 86400, 3 * 86400 + 600, "", {}), ("2", "1", "a", -3 * 86400, 3600, "", {}), ("3", "1", "a", None, 600, "", {}),
                 ("4", "1", "a", 60, 5, "", {}), ("4", "2", "b", 70, 5, "", {}), ("5", "1", "a", 80, 5, "", {}), ("6", "1", "a", 14400, 5, "", {}),
                 ("7", "1", "a", 60, 5, "", {}), ("7", "2", "c", -5 * 86400, 1, "", {}), ("8", "1", "a", 60, -30, "", {})]
        path = self.load("times", spans)
        self.check_as_over_files('trace.has(span.name == "a")', "times", path, "34578")
        self.check_as_over_files("when { a } always { c }", "times", path, "3458")

    def test_links(self):
        path = self.load("linked", [("1", "1", "a", 60, 5, "", {}), ("2", "1", "b", 70, 5, "1", {}), ("3", "1", "a", 80, 5, "", {}), ("4", "1", "c", 90, 5, "39", {})])
        self.check_as_over_files('trace.has(span.name == "c")', "linked", path, "4")

    def test_a_trace_that_does_not_fit_into_one_answer(self):
        """A slice for each shard, page by page."""
        path = os.path.join(self.folder, "large.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for trace, count in (("1", 333), ("2", 49), ("3", 50), ("4", 51), ("5", 1)):
                for number in range(count):
                    begin = (self.start + 60 + number) * SECOND
                    span = {"traceId": trace * 32, "spanId": f"{number + 1:016x}", "name": "a", "startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + SECOND)}
                    file.write(json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]}) + "\n")
        for shards in (1, 3):
            index = f"large{shards}"
            self.server.create(index, shards=shards, **{"index.max_result_window": 50})
            self.server.load(path, index)
            for least, wanted in ((49, "134"), (332, "1")):
                self.check_as_over_files(f'count(span.name == "a") > {least}', index, path, wanted)

    def test_indices_that_map_a_key_differently(self):
        first, second = [("1", "1", "a", 60, 5, "", {"k": {"intValue": "9"}})], [("2", "1", "a", 60, 5, "", {"k": {"stringValue": "x"}}), ("1", "2", "b", 61, 1, "", {})]
        for name, spans in (("mixed-1", first), ("mixed-2", second)):
            self.load(name, spans)
        path = self.write("mixed", [*first, *second])
        for rule, wanted in (("trace.has(a.where(k == 9))", "1"), ('trace.has(a.where(k == "x"))', "2"), ("when { a } always { b }", "2")):
            self.check_as_over_files(rule, "mixed-*", path, wanted)


class Faults(Replaying):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load("faults-1", [("1", "1", "a", 60, 5, "", {}), ("2", "1", "a", 70, 5, "", {}), ("2", "2", "b", 80, 5, "", {})])

    def check_not_complete(self, url, text):
        answer = self.replay("when { a } always { b }", url)
        self.assertNotEqual(answer["status"], "completed")
        self.assertRegex(json.dumps(answer), text)
        return answer

    def test_an_answer_that_lacks_something_is_none(self):
        for bend in BENT:
            def change(_, method, status, content, bend=bend):
                return status, json.dumps(self.bent(bend, content)).encode() if method == "POST" and b'"hits"' in content else content
            with self.subTest(bend.__name__), Before(type("Bending", (Passing,), {"change": change}), self.server.http) as broken:
                self.check_not_complete(self.server.url("faults-*", port=int(broken.url.rsplit(":", 1)[1])), "shard|timed out|early|counts|how many|cluster|none to a search|more than")

    @staticmethod
    def bent(bend, content):
        answer = json.loads(content)
        bend(answer)
        return answer

    def test_indices_that_cannot_be_read(self):
        self.check_not_complete(self.server.url("nothing-*"), "no such index")
        self.load("faults-closed", [("3", "1", "a", 60, 5, "", {})])
        self.server.ask("POST", "/faults-closed/_close")
        self.check_not_complete(self.server.url("faults-*"), "faults-closed is closed")
        self.server.ask("DELETE", "/faults-closed")
        for name, properties, text in (("faults-jaeger", {"traceID": {"type": "keyword"}}, "does not map spanID as keyword, as Jaeger does"),
                                       ("faults-otel", {"trace_id": {"type": "keyword"}}, "does not map span_id as keyword, as OTel-native does"),
                                       ("faults-apm", {"trace": {"properties": {"id": {"type": "keyword"}}}}, "Elastic APM"),
                                       ("faults-plain", {"span": {"properties": {"attributes": {"properties": {"k": {"type": "keyword"}}}}}}, "older format"),
                                       ("faults-other", {"id": {"type": "keyword"}}, "does not map traceId as keyword")):
            self.server.ask("PUT", f"/{name}", {"mappings": {"properties": properties}})
            self.check_not_complete(self.server.url("faults-*"), f"{name} .*{text}")
            self.server.ask("DELETE", f"/{name}")
        answer = self.replay("when { a } always { b }", self.server.url("faults-*"))
        self.assertEqual((answer["status"], answer["violations_found"]), ("completed", 1))

    def test_indices_of_two_schemas_are_refused(self):
        for schema in ("data_prepper", "jaeger", "otel_native"):
            self.load(f"two-{schema}", [("1", "1", "a", 60, 5, "", {})], schema=schema, typed=False)
        for others, text in ((("data_prepper", "jaeger"), "Jaeger|Data Prepper"), (("jaeger", "otel_native"), "OTel-native|Jaeger")):
            url = self.server.url(",".join(f"two-{schema}" for schema in others))
            self.check_not_complete(url, f"has the schema of ({text}), and another index of the pattern that of ({text}): name those of one")

    def test_an_index_without_its_source_is_refused(self):
        for number, source in enumerate(({"enabled": False}, {"excludes": ["attributes"]}), 1):
            self.server.create(f"sourceless-{number}")
            mapping = self.server.ask("GET", f"/sourceless-{number}/_mapping")[f"sourceless-{number}"]["mappings"]
            self.server.ask("DELETE", f"/sourceless-{number}")
            self.server.ask("PUT", f"/sourceless-{number}", {"mappings": {**mapping, "_source": source}})
            self.check_not_complete(self.server.url(f"sourceless-{number}"), "does not keep all of _source")

    def test_an_alias_whose_filter_hides_spans_is_refused(self):
        """The retry is there, and the alias does not show it: by its name the trace would violate the rule."""
        self.load("behind-1", [("1", "1", "a", 60, 5, "", {}), ("1", "2", "b", 80, 5, "", {}), *((f"{n:x}", "1", "b", 820 * n, 5, "", {}) for n in range(2, 16))])
        self.server.ask("POST", "/_aliases", {"actions": [
            {"add": {"index": "behind-1", "alias": "narrowed", "filter": {"term": {"name": "a"}}}},
            {"add": {"index": "behind-1", "alias": "other-name"}}]})
        for pattern in ("narrowed", "narr*", "other-name,narrowed"):
            self.check_not_complete(self.server.url(pattern), "alias narrowed, whose filter hides spans: name the index")
        for pattern in ("behind-1", "behind-*", "other-name", "narrowed,behind-1"):
            answer = self.replay("when { a } always { b }", self.server.url(pattern))
            self.assertEqual((answer["status"], answer["violations_found"]), ("completed", 0), (pattern, answer.get("reason")))

    def test_an_index_that_is_never_refreshed_makes_no_answer_complete(self):
        self.load("unrefreshed", [("1", "1", "a", 60, 5, "", {})], refresh_interval="-1")
        self.check_not_complete(self.server.url("unrefreshed"), "never refreshed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
