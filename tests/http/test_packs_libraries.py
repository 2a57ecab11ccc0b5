"""Rules of distribution/packs on data as Envoy, Istio, Helidon, Rust's tracing, PHP, old Java agents and others write it: codes, sizes and booleans
as texts, old and new names. The rules that this concerns are found in their texts, so that a new one without such data fails here."""
import glob
import gzip
import json
import os
import re
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from betrace_process import run_cli  # noqa: E402
from library_shapes import CLIENT, ENVOY, ERROR, INTERNAL, LIBRARIES, NODE, PYTHON, SERVER, line  # noqa: E402
from pack_tests import otlp_family, read_tests, trace_id_of  # noqa: E402

PACKS = sorted(glob.glob(os.path.join(ROOT, "distribution", "packs", "*.yaml")))
RULE = re.compile(r"^  - id: (\S+)\n.*?^    dsl: \|\n(.*?)^    tests:", re.M | re.S)
KEY = r"(?<![\w.-])[a-z_][\w-]*(?:\.[\w-]+)*"
NUMBER = r"-?\d+(?:\.\d+)?(?![\w.])"
OPERATOR = r"(?:==|!=|>=|<=|>|<)"
# A test of an attribute against a number or a boolean, or against a text that reads as one; a sum; and every key that is called a code or a status.
TESTS = (re.compile(rf"({KEY}) {OPERATOR} (?:{NUMBER}|true|false|\"{NUMBER}\")"), re.compile(rf"({KEY}) (?:not )?in \[\"?{NUMBER}"),
         re.compile(rf"\b(?:sum|min|max|avg)\(.*?,\s*({KEY})\s*\)", re.S), re.compile(r"\b((?:[a-z_]\w*\.)+\w*(?:status|code)\w*)"))


def tested_keys(dsl):
    """The attributes of which a rule tests a number, a boolean, a code or a status. span.status is none of them."""
    found = {key for pattern in TESTS for key in pattern.findall(dsl)}
    return {key.split("event.", 1)[-1].removeprefix("span.") for key in found if not key.endswith("span.status")}


def rules_of_packs():
    """rule id → (its pack, its text)"""
    rules = {}
    for path in PACKS:
        with open(path, encoding="utf-8") as file:
            rules.update((rule_id, (path, dsl)) for rule_id, dsl in RULE.findall(file.read()))
    return rules




def server(lib, code, status=0, **more):
    return lib.span("GET /cart", SERVER, method="GET", code=code, status=status, **more)


def client(lib, code, at_ms, peer="stock", **more):
    return lib.span("GET", CLIENT, at_ms, 20, method="GET", code=code, peer=peer, parent=0, **more)


def below(lib, *spans):
    return [lib.span("GET /cart", SERVER, length_ms=20000, method="GET", code=200), *spans]


def own(lib, name, **attributes):
    return lib.span(name, INTERNAL, own={key.replace("__", "."): value for key, value in attributes.items()})


def failed_query(lib):
    return lib.span("SELECT orders", CLIENT, 10, 20, status=ERROR, parent=0, plain={"db.system": "postgresql"})


def tries(lib, most):
    return below(lib, *(client(lib, 503, 10 * number, **({"resend": number} if number else {})) for number in range(most + 1)))


def gave_up(lib, length_ms):
    """The caller says in its attributes that it failed. Where no library does, its status says so."""
    call = lib.span("egress", CLIENT, length_ms=500, code=504, error=True) if "error" in lib.names else lib.span("GET", CLIENT, length_ms=500, status=ERROR)
    return [call, lib.span("GET /report", SERVER, 2, length_ms, parent=0)]


def names_of_before(lib):
    """Broken by the old names, kept by the new ones."""
    trace = [server(lib, 200)]
    return ([], [trace]) if lib.names["code"][0] == "http.response.status_code" else ([trace], [])


def payments(lib, refunded):
    return [own(lib, "payment.capture", payment__amount=50), own(lib, "payment.refund", payment__amount=refunded)]


def tokens(lib, key, many):
    kind = {"openinference__span__kind": "LLM"} if key.startswith("llm.") else {}
    return [own(lib, "chat m", **{key: many}, **kind), own(lib, "chat m", **{key: 90000}, **kind)]


def guarded(lib, tripped):
    later = lib.span("execute_tool search", INTERNAL, 200, own={"gen_ai.operation.name": "execute_tool"})
    return [own(lib, "guardrail", gen_ai__guardrail__triggered=tripped), later]


# rule → (what a library has to write for it, traces that break it, traces that keep it)
TRACES = {
    "otel-server-error-not-marked": ({"code"}, lambda lib: ([[server(lib, 503)], [server(lib, 500)]], [[server(lib, 503, ERROR)], [server(lib, 200)]])),
    "otel-client-4xx-marked-as-server-error": ({"code"}, lambda lib: ([[server(lib, 404, ERROR)], [server(lib, 499, ERROR)]],
                                                                      [[server(lib, 404)], [server(lib, 500, ERROR)], [server(lib, 302, ERROR)]])),
    "otel-http-server-without-route": ({"method", "code"}, lambda lib: ([[server(lib, 200)]], [[server(lib, 404)]])),
    "otel-old-http-names": ({"method", "code"}, names_of_before),
    "otel-exception-not-marked": ({"escaped"}, lambda lib: ([[lib.span("job", INTERNAL, event=True)]],
                                                            [[lib.span("job", INTERNAL, event=False)], [lib.span("job", INTERNAL, event=True, status=ERROR)]])),
    "sre-retry-storm": ({"resend"}, lambda lib: ([tries(lib, 4)], [tries(lib, 2)])),
    "sre-unavailable-not-retried": ({"method", "code", "peer"}, lambda lib: (
        [below(lib, client(lib, 503, 5)), below(lib, client(lib, 503, 5), client(lib, 200, 60, "other"))],
        [below(lib, client(lib, 503, 5), client(lib, 200, 60)), below(lib, client(lib, 200, 5))])),
    "sre-hammering-after-429": ({"code", "peer"}, lambda lib: ([below(lib, client(lib, 429, 5), client(lib, 429, 40))],
                                                               [below(lib, client(lib, 429, 5), client(lib, 200, 3000)),
                                                                below(lib, client(lib, 429, 5), client(lib, 200, 40, "other"))])),
    "sre-work-after-caller-gave-up": ({"code"}, lambda lib: ([gave_up(lib, 3500)], [gave_up(lib, 500)])),
    "sre-failed-dependency-hidden": ({"code"}, lambda lib: ([[server(lib, 200), failed_query(lib)]], [[server(lib, 500, ERROR), failed_query(lib)]])),
    "sre-grpc-deadline-exceeded": ({"grpc"}, lambda lib: ([[lib.span("Reserve", CLIENT, grpc=4, code=200)]], [[lib.span("Reserve", CLIENT, grpc=0, code=200)]])),
    "sre-large-response": ({"size"}, lambda lib: ([[server(lib, 200, size=41943040)]], [[server(lib, 200, size=2048)]])),
    "payments-fraud-check-before-large-capture": ({"own"}, lambda lib: ([[own(lib, "payment.capture", payment__amount=1500, order__id="o-1")]],
                                                                        [[own(lib, "payment.capture", payment__amount=20, order__id="o-1")]])),
    "payments-refund-exceeds-capture": ({"own"}, lambda lib: ([payments(lib, 51), payments(lib, 50.5)], [payments(lib, 9)])),
    "hipaa-bulk-export-approved": ({"own"}, lambda lib: ([[own(lib, "record.export", record__count=5000)]], [[own(lib, "record.export", record__count=9)]])),
    "ai-token-budget": ({"own"}, lambda lib: ([tokens(lib, key, 150000) for key in TOKENS], [tokens(lib, key, 9) for key in TOKENS])),
    "ai-guardrail-ignored": ({"own"}, lambda lib: ([guarded(lib, True)], [guarded(lib, False)])),
    "security-old-tls": ({"own"}, lambda lib: ([[own(lib, "GET", tls__protocol__version=of)] for of in (1, 1.1)],
                                               [[own(lib, "GET", tls__protocol__version=of)] for of in (1.2, 1.3)])),
}
TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")


def numbers(rule_id, found):
    return {int(one["trace_id"], 16) for one in found if one["rule_id"] == rule_id}


def keys_of(traces):
    return {attribute["key"] for spans in traces for span, _ in spans
            for attribute in span["attributes"] + [one for event in span.get("events", []) for one in event["attributes"]]}


class PacksOfLibraries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = rules_of_packs()
        folder = tempfile.TemporaryDirectory(prefix="betrace-shapes-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = os.path.join(folder.name, "traces.jsonl")

    def write(self, documents):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("".join(json.dumps(document) + "\n" for document in documents))

    def violated(self, rule_id, traces):
        """The numbers of the traces that eval calls violated, and those that replay finds."""
        self.write(line(number, spans) for number, spans in enumerate(traces, 1))
        pack = self.rules[rule_id][0]
        judged = run_cli("eval", "--rules", pack, "--json", self.path)
        self.assertIn(judged.returncode, (0, 1), judged.stderr)
        found = numbers(rule_id, (one for one in map(json.loads, judged.stdout.splitlines()) if one.get("verdict") == "violated"))
        replayed = json.loads(run_cli("replay", "--rules", pack, "--json", "--limit", "0", "--traces", self.path).stdout)
        self.assertEqual(found, numbers(rule_id, replayed["violations"]), "eval and replay agree")
        return found

    def test_each_rule_about_a_code_a_size_or_a_boolean_has_such_data(self):
        concerned = {rule_id for rule_id, (_, dsl) in self.rules.items() if tested_keys(dsl)}
        self.assertGreaterEqual(len(self.rules), 90, "the rules of the packs are found")
        self.assertEqual(concerned, set(TRACES), "each rule that tests a number, a boolean, a code or a status has its traces in TRACES, and no other")

    def test_such_a_rule_is_recognized(self):
        """So that the test above is known to look."""
        for dsl, keys in (("trace.has(http.status_code >= 500)", {"http.status_code"}), ("never { a.where(retry.ok == false) }", {"retry.ok"}),
                          ("never { event.where(event.exception.escaped == true) }", {"exception.escaped"}), ("count(sum(a, b.c) > 3)", {"b.c"}),
                          ('never { span(tls.version in ["1", "1.1"]) }', {"tls.version"}), ("never { span(exists(span.rpc.grpc.status_code)) }", {"rpc.grpc.status_code"}),
                          ("never { span(http.response.status_code in [500, 503]) }", {"http.response.status_code"}),
                          ("trace.has(span.status != error and span.duration > 1s)", set()), ("always { a after b within 5s }", set())):
            self.assertEqual(tested_keys(dsl), keys, dsl)

    def test_each_rule_finds_what_each_library_writes(self):
        for rule_id, (needed, make) in TRACES.items():
            tried, written_keys = 0, set()
            for lib in LIBRARIES:
                if not lib.writes(needed):
                    continue
                broken, kept = make(lib)
                tried += 1
                written_keys |= keys_of(broken + kept)
                with self.subTest(rule=rule_id, library=lib.name):
                    self.assertEqual(self.violated(rule_id, broken + kept), set(range(1, len(broken) + 1)))
            with self.subTest(rule=rule_id):
                self.assertGreaterEqual(tried, 4, "libraries that write it")
                self.assertEqual(tested_keys(self.rules[rule_id][1]) - written_keys, set(), "each name that the rule asks for is written by a library")

    def test_codes_by_their_names(self):
        """The packs' own tests, linked ones too, as programs write them that print an enum by its name, with numbers and booleans as texts."""
        begin = 1772000000 * 10**9
        for path in PACKS:
            tests, documents = {}, []
            for rule_id, number, test in read_tests(path):
                tests[trace_id_of(rule_id, number)] = (rule_id, test)
                documents.append({"resourceSpans": [by_name(one) for one in otlp_family(test, begin + len(tests) * 10 * 10**9, trace_id_of(rule_id, number))]})
            self.write(documents)
            done = run_cli("replay", "--rules", path, "--json", "--limit", "0", "--start", moment(begin - 60 * 10**9), "--end", moment(begin + 7200 * 10**9),
                           "--traces", self.path)
            answer = json.loads(done.stdout)
            found = {(one["rule_id"], one["trace_id"]) for one in answer["violations"]}
            for trace_id, (rule_id, test) in tests.items():
                with self.subTest(rule=rule_id, test=test["name"]):
                    self.assertEqual((rule_id, trace_id) in found, test["expect"] == "violated")
            for rule_id, (pack, dsl) in self.rules.items():
                if pack == path and "span.status" in dsl:
                    self.assertTrue(any(of == rule_id and test["expect"] == "violated" for of, test in tests.values()), rule_id)


def demo_trace(number, code):
    """A request of OpenTelemetry's demo: the load generator (Python), the frontend's proxy (Envoy, texts, no status) and the frontend (Node)."""
    at_ms, failed = number * 1000, ERROR if code >= 500 else 0
    return line(number, [
        PYTHON.span("GET", CLIENT, at_ms, 120, failed, None, method="GET", code=code, peer="frontend-proxy"),
        ENVOY.span("ingress", SERVER, at_ms + 2, 110, 0, 0, method="GET", code=code, size=95, peer="frontend", **({"error": True} if failed else {})),
        ENVOY.span("router frontend egress", CLIENT, at_ms + 4, 100, 0, 1, code=code, peer="frontend", **({"error": True} if failed else {})),
        NODE.span("GET /api/products", SERVER, at_ms + 6, 90, failed, 2, method="GET", code=code, plain={"http.route": "/api/products"})])


class DemoTest(unittest.TestCase):
    """Of 100 requests 20 ended with 5xx. The frontend's span says so by its status, the proxy's does not."""
    CODES = (500, 502, 503, 504)
    RULE = "otel-server-error-not-marked"

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-demo-")
        cls.addClassCleanup(folder.cleanup)
        cls.failed = {number: cls.CODES[number // 5 % 4] for number in range(5, 101, 5)}
        documents = [demo_trace(number, cls.failed.get(number, 404 if number % 7 == 0 else 200)) for number in range(1, 101)]
        text = "".join(json.dumps(document) + "\n" for document in documents)
        cls.plain, cls.packed = (os.path.join(folder.name, name) for name in ("traces.jsonl", "traces.jsonl.gz"))
        cls.halves = [os.path.join(folder.name, name) for name in ("a.jsonl", "b.jsonl")]
        with open(cls.plain, "w", encoding="utf-8") as file:
            file.write(text)
        with gzip.open(cls.packed, "wt", encoding="utf-8") as file:
            file.write(text)
        for path, of in zip(cls.halves, (documents[::-2], documents[-2::-2])):
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(json.dumps(document) + "\n" for document in of))
        cls.pack = os.path.join(ROOT, "distribution", "packs", "otel-hygiene.yaml")

    def test_eval_and_replay_find_20_of_20(self):
        for files in ([self.plain], [self.packed], self.halves):
            done = run_cli("eval", "--rules", self.pack, "--json", *files)
            judged = [one for one in map(json.loads, done.stdout.splitlines()) if one.get("verdict") == "violated"]
            self.assertEqual((done.returncode, numbers(self.RULE, judged)), (1, set(self.failed)), files)
            done = run_cli("replay", "--rules", self.pack, "--json", "--limit", "0", *files)
            answer = json.loads(done.stdout)
            self.assertEqual((done.returncode, answer["status"], numbers(self.RULE, answer["violations"])), (1, "completed", set(self.failed)), files)
            (rule,) = (one for one in answer["rules"] if one["rule_id"] == self.RULE)
            self.assertEqual(rule["violations_found"], 20)
            self.assertEqual([note for note in answer["notes"] if note["rule_id"] == self.RULE], [], "nothing could not be compared")

    def test_it_is_the_proxys_span(self):
        done = run_cli("replay", "--rules", self.pack, "--limit", "0", self.plain)
        found = [row for row in done.stdout.splitlines() if self.RULE in row and "http.status_code = " in row]
        self.assertEqual((len(found), [row for row in found if " ingress (" not in row]), (20, []))

    def test_the_first_of_them(self):
        done = run_cli("first", "--rules", self.pack, "--rule", self.RULE, "--json", self.plain)
        answer = json.loads(done.stdout)
        self.assertEqual((done.returncode, answer["proven"], int(answer["violation"]["trace_id"], 16)), (1, True, min(self.failed)))


def by_name(resource):
    kinds = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
    for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
        span["kind"] = "SPAN_KIND_" + kinds[span["kind"]]
        span["status"] = {"code": "STATUS_CODE_" + ["UNSET", "OK", "ERROR"][span["status"]["code"]]}
        for attribute in span["attributes"] + [one for event in span.get("events", []) for one in event["attributes"]]:
            value = attribute["value"]
            for kind in ("intValue", "doubleValue", "boolValue"):
                if kind in value:
                    attribute["value"] = {"stringValue": str(value[kind])}
    return resource


def moment(nanoseconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(nanoseconds // 10**9))


if __name__ == "__main__":
    unittest.main()
