"""POST /v1/spans: both forms, what goes on to the OTLP endpoint byte for byte, what its answers become, and the memory source behind rules."""
import concurrent.futures
import gzip
import json
import os
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import violation_ids  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from otlp_receiver import ACCEPTED, OtlpReceiver, partial  # noqa: E402

PROTOBUF = {"Content-Type": "application/x-protobuf"}
TRACE = "0102030405060708090a0b0c0d0e0f10"
# Settled: the tail that may still grow is not what is tested here.
AGE_S = 600


def message(number, payload):
    """One field of protobuf that is shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def flat(span_id="00000000000000a1", trace_id=TRACE, name="db.query", **more):
    """A span of BeTrace's own form, ten minutes old."""
    return {"trace_id": trace_id, "span_id": span_id, "name": name, "start_time": int(time.time() - AGE_S) * 10**9, "duration_ms": 5, **more}


class SpansTest(unittest.TestCase):
    def problem(self, answer, status, kind):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json", answer)
        self.assertEqual(answer.json()["type"], f"urn:betrace:problem:{kind}", answer)
        return answer.json()

    def taken(self, answer, count):
        self.assertEqual((answer.status, answer.json()), (200, {"accepted": count, "rejected": 0, "errors": []}), answer)

    def verdict(self, server, dsl, trace_id=TRACE):
        answer = server.post("/v1/rules/test", {"dsl": dsl, "trace_id": trace_id})
        self.assertEqual(answer.status, 200, answer)
        return answer.json()["verdict"]


class MemoryTest(SpansTest):
    def setUp(self):
        self.server = Betrace("--memory-source")
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def test_pushed_spans_are_judged(self):
        self.taken(self.server.post("/v1/spans", {"spans": [flat(), flat("00000000000000a2", name="retry", parent_span_id="00000000000000a1")]}), 2)
        self.taken(self.server.post("/v1/spans", {"spans": [flat("00000000000000b1", trace_id="b" * 32)]}), 1)
        rule = {"id": "no-retry", "dsl": 'trace.has(span.name == "db.query") and not trace.has(span.name == "retry")'}
        self.assertEqual(self.server.post("/v1/rules", rule).status, 201)
        self.server.post("/v1/rules/no-retry/replay", {"start_time": "now-1h", "end_time": "now-5m"})
        status = self.server.wait_replay("no-retry")
        self.assertEqual((status["status"], status["traces_evaluated"], status["violations_found"]), ("completed", 2, 1), status)
        found = self.server.violations(status["replay_id"])
        self.assertEqual([v["trace_id"] for v in found], ["b" * 32])
        first = self.server.get("/v1/rules/no-retry/first-violation?start=now-1h&end=now-5m").json()
        self.assertEqual((first["found"], first["violation"]["trace_id"]), (True, "b" * 32), first)
        # A later push mends the trace: nothing is remembered but the spans.
        self.taken(self.server.post("/v1/spans", {"spans": [flat("00000000000000b2", trace_id="b" * 32, name="retry")]}), 1)
        self.server.post("/v1/rules/no-retry/replay", {"start_time": "now-1h", "end_time": "now-5m"})
        self.assertEqual(self.server.wait_replay("no-retry")["violations_found"], 0)

    def test_text_attributes_become_what_they_read_as(self):
        texts = {"code": "200", "rate": "1.5", "exp": "1e3", "yes": "true", "no": "false", "card": "123456789012345678901", "zip": "007",
                 "blank": " 5", "null": "null", "list": ["1", "2"], "int": 7, "real": 2.5, "flag": True}
        self.taken(self.server.post("/v1/spans", {"spans": [flat(attributes=texts)]}), 1)
        for condition, holds in (("code == 200", True), ('code == "200"', True), ('code contains "200"', False), ("rate == 1.5", True), ("exp == 1000.0", True), ("yes == true", True),
                                 ("no == false", True), ('card == "123456789012345678901"', True), ('zip == "007"', True), ('blank == " 5"', True),
                                 ('"null" == "null"', True), ("int == 7", True), ("real == 2.5", True), ("flag == true", True)):
            name = condition.split()[0].strip('"')
            dsl = f'trace.has(span.attributes["{name}"] {condition.split(" ", 1)[1]})'
            with self.subTest(dsl=dsl):
                self.assertEqual(self.verdict(self.server, dsl), "violated" if holds else "satisfied")

    def test_service_status_and_end(self):
        start = int(time.time() - AGE_S)
        span = flat(start_time=start, status={"code": "Error", "message": "late"}, attributes={"service.name": "shop", "a": 1}, end_time=(start * 1000) + 250)
        del span["duration_ms"]
        self.taken(self.server.post("/v1/spans", {"spans": [span, flat("00000000000000a2", name="b", status="OK")]}), 2)
        self.assertEqual(self.verdict(self.server, 'trace.has(span.service == "shop" and span.status == error and span.status_message == "late")'), "violated")
        self.assertEqual(self.verdict(self.server, "trace.has(span.duration == 250ms)"), "violated")
        self.assertEqual(self.verdict(self.server, 'trace.has(span.name == "b" and span.service == "shop")'), "satisfied", "the next span has no service")

    def test_what_otlp_carries_with_a_span(self):
        """Flags that nobody set are unknown, and of what was dropped nothing is known."""
        carried = {"trace_state": "dd=s:1,es=s:0.1", "flags": 769, "dropped_attributes_count": 3, "dropped_events_count": 4294967294, "dropped_links_count": 1}
        bare = {"trace_state": "", "flags": 0, "dropped_attributes_count": 0, "dropped_events_count": 0, "dropped_links_count": 0}
        spans = [flat(**carried), flat(trace_id="b" * 32, **bare), flat(trace_id="c" * 32), flat(trace_id="d" * 32, **dict.fromkeys(carried)), flat(trace_id="e" * 32, flags=4294967295)]
        self.taken(self.server.post("/v1/spans", {"spans": spans}), 5)
        for condition in ('span.trace_state["dd"] == "s:1" and span.trace_state["es"] == "s:0.1"', "span.flags == 769", "span.dropped_attributes_count == 3",
                          "span.dropped_events_count == 4294967294", "span.dropped_links_count == 1"):
            unset = "inconclusive" if "flags" in condition else "satisfied"
            with self.subTest(condition=condition):
                verdicts = [self.verdict(self.server, f"trace.has({condition})", trace_id) for trace_id in (TRACE, "b" * 32, "c" * 32, "d" * 32)]
                self.assertEqual(verdicts, ["violated", unset, unset, unset])
        self.assertEqual(self.verdict(self.server, "trace.has(span.flags == 4294967295)", "e" * 32), "violated")
        self.assertEqual(self.verdict(self.server, "trace.has(exists(lost))"), "inconclusive", "attributes were dropped")
        self.assertEqual(self.verdict(self.server, "trace.has(exists(lost))", "b" * 32), "satisfied")
        rule = {"id": "lossy", "dsl": "never { span(span.dropped_attributes_count > 0) }"}
        self.assertEqual(self.server.post("/v1/rules", rule).status, 201)
        started = self.server.post("/v1/rules/lossy/replay", {"start_time": "now-1h", "end_time": "now-5m"}).json()
        self.assertEqual(self.server.wait_job(started["replay_id"])["violations_found"], 1)

    def test_otlp_json_protobuf_and_gzip(self):
        start = int(time.time() - AGE_S) * 10**9
        document = json.dumps(otlp.request([otlp.span(TRACE, "a", start)])).encode()
        self.taken(self.server.post("/v1/spans", document), 1)
        self.taken(self.server.post("/v1/spans", gzip.compress(document), headers={"Content-Encoding": "gzip"}), 1)
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "t.pb")
            self.assertEqual(run_cli("generate", "--traces", 20, "--seed", 3, "--end", "now", "--since", "1h", "--out", out).returncode, 0)
            with open(out, "rb") as file:
                body = file.read()
        first = self.server.post("/v1/spans", body, headers=PROTOBUF)
        self.assertEqual(first.status, 200, first)
        self.assertGreater(first.json()["accepted"], 20)
        again = self.server.post("/v1/spans", gzip.compress(body), headers={**PROTOBUF, "Content-Encoding": "GZIP"})
        self.assertEqual(again.json(), first.json(), "copies count as accepted")
        self.taken(self.server.post("/v1/spans", b"", headers=PROTOBUF), 0)
        self.taken(self.server.post("/v1/spans", {"spans": []}), 0)

    def test_wrong_spans_are_named_and_none_is_kept(self):
        good = flat()
        cases = [({"trace_id": "xyz"}, "spans[1].trace_id"), ({"trace_id": "0" * 32}, "spans[1].trace_id"), ({"span_id": 5}, "spans[1].span_id"),
                 ({"parent_span_id": "zz"}, "spans[1].parent_span_id"), ({"name": None}, "spans[1].name"), ({"start_time": "soon"}, "spans[1].start_time"),
                 ({"start_time": -5}, "spans[1].start_time"), ({"duration_ms": -1}, "spans[1].duration_ms"), ({"duration_ms": None}, "spans[1].end_time"),
                 ({"end_time": "2001-01-01T00:00:00Z", "duration_ms": None}, "spans[1].end_time"), ({"end_time": "now"}, "spans[1].duration_ms"),
                 ({"duration_ms": 1e300}, "spans[1].duration_ms"), ({"attributes": []}, "spans[1].attributes"), ({"attributes": {"a": None}}, "spans[1].attributes"),
                 ({"attributes": {"a": {"b": 1}}}, "spans[1].attributes"), ({"attributes": {"a": [1, "b"]}}, "spans[1].attributes"), ({"status": "bad"}, "spans[1].status"),
                 ({"status": {"code": "ok", "message": 5}}, "spans[1].status"), ({"nmae": "x"}, "spans[1].nmae")]
        for change, field in cases:
            with self.subTest(change=change):
                document = self.problem(self.server.post("/v1/spans", {"spans": [good, dict(flat("00000000000000a2"), **change)]}), 400, "invalid-field")
                self.assertEqual([e["field"] for e in document["errors"]], [field], document)
        counts = ("flags", "dropped_attributes_count", "dropped_events_count", "dropped_links_count")
        wrong = [*((name, value, f"has to be a whole number from 0 to 4294967295; {shown} came") for name in counts
                   for value, shown in ((-1, "-1"), (4294967296, "4294967296"), (1.5, "1.5"), (2.0, "2.0"), ("1", "a text"), (True, "true"), ([1], "a list"), ({}, "an object"))),
                 *(("trace_state", value, f'has to be a string, as in "dd=s:1,es=s:0.1"; {shown} came') for value, shown in ((5, "5"), (False, "false"), (["dd=1"], "a list"), ({}, "an object")))]
        for name, value, message in wrong:
            with self.subTest(name=name, value=value):
                document = self.problem(self.server.post("/v1/spans", {"spans": [good, flat("00000000000000a2", **{name: value})]}), 400, "invalid-field")
                self.assertEqual(document["errors"], [{"field": f"spans[1].{name}", "message": message}])
        document = self.problem(self.server.post("/v1/spans", {"spans": [good, flat("00000000000000a2", dropped_event_count=1)]}), 400, "invalid-field")
        self.assertIn('did you mean "dropped_events_count"?', document["errors"][0]["message"])
        document = self.problem(self.server.post("/v1/spans", {"spans": [5] * 100}), 400, "invalid-field")
        self.assertEqual(len(document["errors"]), 20, "enough is enough")
        self.assertEqual(self.server.post("/v1/rules/test", {"dsl": 'trace.has(span.name == "x")', "trace_id": TRACE}).status, 404)

    def test_bodies_that_are_something_else(self):
        batches = otlp.request([otlp.span(TRACE, "a", 10**18)])["resourceSpans"]
        for body in (b"", b"{", b"[]", b"{}x", b"5", b'{"spans":[],"spans":[]}', b'{"spans":[],"resourceSpans":[]}', b'{"resourceMetrics":[]}', b'{"spans":{}}',
                     b'{"spans":[],"more":1}', b'{"spans":[{"trace_id":"a","trace_id":"b"}]}', json.dumps({"batches": batches}), json.dumps({"trace": {"resourceSpans": batches}}),
                     json.dumps({"resourceSpans": [{"instrumentationLibrarySpans": []}]}), b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"no ids"}]}]}]}', b"\xff\xfe{}"):
            with self.subTest(body=body[:60]):
                answer = self.server.post("/v1/spans", body)
                self.assertEqual(answer.status, 400, answer)
        self.problem(self.server.post("/v1/spans", b"\x0a\xff", headers=PROTOBUF), 400, "invalid-spans")
        old = self.problem(self.server.post("/v1/spans", b"\x0a\x05\xc2\x3e\x02\x12\x00", headers=PROTOBUF), 400, "invalid-spans")
        self.assertIn("receivers of OTLP silently ignore the old instrumentation_library_spans", old["detail"])
        self.problem(self.server.post("/v1/spans", b"not gzip", headers={"Content-Encoding": "gzip"}), 400, "invalid-spans")
        self.problem(self.server.post("/v1/spans", gzip.compress(b"{}")[:-6], headers={"Content-Encoding": "gzip"}), 400, "invalid-spans")
        refused = self.server.post("/v1/spans", b"x", headers={"Content-Encoding": "br"})
        self.problem(refused, 415, "unknown-encoding")
        self.assertEqual(refused.headers["accept-encoding"], "gzip, identity")
        self.problem(self.server.post("/v1/spans?dry=1", {"spans": []}), 400, "unknown-parameter")

    def test_a_body_of_the_own_form_that_is_no_json_says_where(self):
        for wrong, why in (('{"name": "a", "attributes": {"n": 18446744073709551616}}', "line 1, column 65: too big integer"),
                           ('{"name": "a",\n"name": "b"}', "line 2, column 6: duplicate object key")):
            body = self.problem(self.server.post("/v1/spans", ('{"spans": [%s]}' % wrong).encode()), 400, "invalid-spans")
            self.assertIn(why, body["detail"])

    def test_gzip_bomb(self):
        bomb = gzip.compress(b"\0" * (400 << 20), 9)
        self.assertLess(len(bomb), 1 << 20)
        self.problem(self.server.post("/v1/spans", bomb, headers={"Content-Encoding": "gzip"}), 413, "too-large")
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            peak_kib = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        self.assertLess(peak_kib, 300 * 1024, "what a body unpacks to is never held whole")

    def test_evicted_spans_are_said(self):
        with Betrace("--memory-source=1MiB") as small:
            for i in range(8):
                spans = [flat(f"{j + 1:016x}", trace_id=f"{i * 100 + j + 1:032x}", attributes={"filler": "x" * 3000}) for j in range(100)]
                self.assertEqual(small.post("/v1/spans", {"spans": spans}).status, 200)
            self.problem(small.post("/v1/spans", {"spans": [flat(f"{j + 1:016x}", attributes={"filler": "x" * 3000}) for j in range(1000)]}), 413, "too-large")
            started = small.post("/v1/replays", {"dsl": 'trace.has(span.name == "nothing")', "start_time": "now-1h", "end_time": "now-5m"}).json()
            status = small.wait_job(started["replay_id"])
            self.assertEqual(status["status"], "incomplete", status)
            self.assertIn("evicted", status["coverage"]["windows_failed"][0]["reason"])

    def test_pushed_violation_spans(self):
        """A span of that name is BeTrace's own only with the derived ids; a foreign one is a trace as any other."""
        fields = ["", "r1", "c" * 64, TRACE]
        own_trace, own_span = violation_ids.derive(*fields[1:])
        own = dict(zip(("rule_id", "condition_hash", "trace_id"), fields[1:]))
        attributes = {"service.name": "betrace", **{f"betrace.violation.{k}": v for k, v in own.items()}}
        real = flat(own_span, trace_id=own_trace, name="betrace.violation", attributes=attributes)
        forged = flat("00000000000000f1", trace_id="f" * 32, name="betrace.violation", attributes=attributes)
        self.taken(self.server.post("/v1/spans", {"spans": [real, forged]}), 2)
        started = self.server.post("/v1/replays", {"dsl": 'trace.has(span.name == "betrace.violation")', "start_time": "now-1h", "end_time": "now-5m"}).json()
        status = self.server.wait_job(started["replay_id"])
        self.assertEqual([v["trace_id"] for v in self.server.violations(started["replay_id"])], ["f" * 32], status)

    def test_pushes_at_once(self):
        def push(i):
            body = {"spans": [flat(f"{j + 1:016x}", trace_id=f"{i + 1:032x}") for j in range(50)]}
            for _ in range(200):
                answer = self.server.post("/v1/spans", body)
                if answer.status != 503:
                    return answer.status
                self.assertEqual(answer.headers["retry-after"], "1")
                time.sleep(0.01)
            return 503
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(set(pool.map(push, range(64))), {200})
        started = self.server.post("/v1/replays", {"dsl": 'trace.has(span.name == "db.query")', "start_time": "now-1h", "end_time": "now-5m"}).json()
        self.assertEqual(self.server.wait_job(started["replay_id"])["violations_found"], 64)


class ForwardTest(SpansTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-spans-")
        cls.addClassCleanup(folder.cleanup)
        cls.traces = os.path.join(folder.name, "t.json")
        with open(cls.traces, "w", encoding="utf-8") as file:
            json.dump(otlp.request([otlp.span(TRACE, "a", 10**18)]), file)

    def setUp(self):
        self.receiver = OtlpReceiver()
        self.receiver.__enter__()
        self.addCleanup(self.receiver.__exit__)
        self.server = Betrace("--traces", self.traces, "--otlp", self.receiver.url, "--otlp-headers", "x-key=s3cret")
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.receiver.seen.clear()

    def test_otlp_bodies_go_on_as_they_came(self):
        document = otlp.request([otlp.span(TRACE, "a", 10**18)])
        span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        # What BeTrace does not model has to arrive too.
        span.update({"traceState": "a=b", "flags": 257, "droppedEventsCount": 3, "links": [{"traceId": "f" * 32, "spanId": "e" * 16}]})
        span["attributes"].append({"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"bytesValue": "AAEC"}}]}}})
        body = (json.dumps(document, indent=3) + "\n \n").encode()
        self.taken(self.server.post("/v1/spans", body, headers={"Content-Type": "application/json; charset=utf-8"}), 1)
        self.taken(self.server.post("/v1/spans", gzip.compress(body), headers={"Content-Encoding": "gzip"}), 1)
        ids = message(1, bytes.fromhex(TRACE)) + message(2, bytes.fromhex("00000000000000a1"))
        protobuf = message(1, message(2, message(2, ids)) + message(3, b"https://schema.example"))
        self.taken(self.server.post("/v1/spans", protobuf, headers=PROTOBUF), 1)
        self.assertEqual([b for _, _, b in self.receiver.seen], [body, body, protobuf])
        self.assertEqual([h["content-type"] for _, h, _ in self.receiver.seen], ["application/json", "application/json", "application/x-protobuf"])
        self.assertEqual({p for p, _, _ in self.receiver.seen}, {"/v1/traces"})
        self.assertEqual({h["x-key"] for _, h, _ in self.receiver.seen}, {"s3cret"})

    def test_own_form_becomes_protobuf(self):
        self.taken(self.server.post("/v1/spans", {"spans": [flat(attributes={"service.name": "shop", "n": "5"})]}), 1)
        (_, headers, body), = self.receiver.seen
        self.assertEqual(headers["content-type"], "application/x-protobuf")
        self.assertIn(bytes.fromhex(TRACE), body)
        self.assertIn(b"\x0a\x0cservice.name\x12\x06\x0a\x04shop", body)
        self.assertIn(b"\x0a\x01n\x12\x02\x18\x05", body, "an integer")

    def push_answered(self, answer):
        self.receiver.answer = answer
        return self.server.post("/v1/spans", {"spans": [flat(), flat("00000000000000a2"), flat("00000000000000a3")]})

    def test_what_was_not_accepted_is_never_a_200(self):
        for said, accepted, rejected in ((partial(2, "too old"), 1, 2), (partial(2, "too old", as_text=False), 1, 2), (partial(9, "too old"), 0, 3),
                                         ((400, "application/json", b'{"code":3,"message":"too old"}'), 0, 3), ((413, "text/plain", b"too old"), 0, 3),
                                         ((200, "application/x-protobuf", b"\x0a\x0b\x08\x02\x12\x07too old"), 1, 2)):
            with self.subTest(said=said):
                document = self.problem(self.push_answered(said), 422, "spans-rejected")
                self.assertEqual((document["accepted"], document["rejected"]), (accepted, rejected), document)
                self.assertIn("too old", document["detail"])
                self.assertIn("too old", document["errors"][0]["message"])
        self.taken(self.push_answered(ACCEPTED), 3)
        self.taken(self.push_answered((200, "application/x-protobuf", b"")), 3)

    def test_a_receiver_that_is_away_is_a_503_at_once(self):
        for said in ((503, "text/plain", b"later"), (429, "text/plain", b"slow down"), "cut"):
            with self.subTest(said=said):
                self.receiver.seen.clear()
                answer = self.push_answered(said)
                self.problem(answer, 503, "otlp-unavailable")
                self.assertEqual(answer.headers["retry-after"], "1")
                # curl asks once more when a connection that it had kept is cut before any answer.
                self.assertLessEqual(len(self.receiver.seen), 2 if said == "cut" else 1, "whoever pushes tries again")
        self.receiver.__exit__()
        self.problem(self.server.post("/v1/spans", {"spans": [flat()]}), 503, "otlp-unavailable")

    def test_a_receiver_that_hangs_keeps_nobody_else(self):
        self.receiver.answer = "hang"
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            pushes = [pool.submit(self.server.post, "/v1/spans", {"spans": [flat()]}) for _ in range(20)]
            deadline = time.monotonic() + 30
            while len(self.receiver.seen) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(self.server.get("/v1/rules").status, 200)
            kinds = sorted(p.result().json()["type"] for p in pushes)
        self.assertEqual({k.rsplit(":", 1)[1] for k in kinds}, {"busy", "otlp-unavailable"}, kinds)

    def test_nowhere_to_send(self):
        with Betrace("--traces", self.traces) as server:
            self.problem(server.post("/v1/spans", {"spans": [flat()]}), 503, "no_otlp_endpoint")


class StartTest(unittest.TestCase):
    def test_memory_source_stands_alone(self):
        for more in (("--tempo", "http://127.0.0.1:1"), ("--traces", "x.json"), ("--otlp", "http://127.0.0.1:1")):
            done = run_cli("serve", "--memory-source", *more)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("--memory-source", done.stderr)
        self.assertEqual(run_cli("serve", "--memory-source=5").returncode, 2)

    def test_its_size_may_stand_behind_it(self):
        """As help shows it: [SIZE] is a word of its own, or behind =, or not there."""
        self.assertIn("--memory-source [SIZE]", run_cli("serve", "--help").stdout)
        for words, size in ((["--memory-source"], 256), (["--memory-source=64MiB"], 64), (["--memory-source", "64MiB"], 64), (["--memory-source", "67108864"], 64)):
            for more in ([], ["--max-replays", "2"]):
                done = run_cli("serve", *words, *more, "--print-config")
                self.assertRegex(done.stdout, rf"(?m)^memory-source +{size << 20} ", done)
                self.assertEqual(bool(re.search(r"(?m)^max-replays +2 ", done.stdout)), bool(more), done)
        for words in (["--memory-source", "5"], ["--memory-source", "64MiB", "64MiB"], ["--memory-source", "much"], ["64MiB", "--memory-source"]):
            done = run_cli("serve", *words, "--print-config")
            self.assertEqual(done.returncode, 2, done)


if __name__ == "__main__":
    unittest.main(verbosity=1)
