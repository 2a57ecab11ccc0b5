"""RFC 3161 time stamps of reports, against an authority made with openssl: `openssl ts` verifies what the service
keeps. An authority that is away, slow or answers wrongly never prevents a report. `betrace verify-report` refuses
every token that is of something else, of somebody else, or changed."""
import base64
import copy
import datetime
import json
import os
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import bodies, make_key, sign  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402
from time_authority import SERVES, Authority, TimeServer, openssl  # noqa: E402

START, END = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
DAY = datetime.timedelta(days=1)


def report_path(hours=0):
    return f"/v1/compliance/reports/soc2?start=2026-03-09T{hours:02}:00:00Z&end={END}&timeout=60s"


class TimeStampTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-stamp-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.traces = os.path.join(cls.folder, "traces.pb")
        run_cli("generate", "--traces", 60, "--violations", 4, "--end", END, "--since", "24h", "--out", cls.traces)
        cls.private, cls.public = make_key(cls.folder)
        cls.authority, cls.stranger = Authority(cls.folder, "ours"), Authority(cls.folder, "stranger")
        cls.tsa = TimeServer(cls.authority)
        cls.tsa.__enter__()
        cls.addClassCleanup(cls.tsa.__exit__)
        cls.server = cls.serve(cls.tsa.url)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.post("/v1/rules", PII_AUDIT)
        cls.report = cls.server.get(report_path()).json()

    @classmethod
    def serve(cls, url, *arguments):
        return Betrace("--traces", cls.traces, "--evidence-key", cls.private, "--timestamp-url", url, *arguments)

    def setUp(self):
        self.tsa.behaviour, self.tsa.length = None, None

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return self.path(name)

    def verify(self, report, *arguments):
        return run_cli("verify-report", self.put("report.json", report), "--key", self.public, *arguments)

    def with_token(self, token):
        report = copy.deepcopy(self.report)
        report["evidence"]["time_stamp"]["token"] = token if isinstance(token, str) else base64.b64encode(token).decode()
        return report

    def stamped(self, authority, report=None):
        """A token of some authority over this report's signed bytes."""
        text = self.put("head.txt", f"betrace-report/1\n{(report or self.report)['evidence']['head']}\n".encode())
        query = self.put("query", openssl("ts", "-query", "-data", text, "-sha256", "-cert").stdout)
        with open(query, "rb") as file:
            answer = self.put("answer", authority.answer(file.read()))
        return openssl("ts", "-reply", "-in", answer, "-token_out").stdout

    def refused(self, report, expected, *arguments):
        done = self.verify(report, *arguments)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("REFUSED: ", done.stdout)
        self.assertIn(expected, done.stdout)

    # ---- what holds ----

    def test_a_standard_tool_verifies_what_is_kept(self):
        stamp = self.report["evidence"]["time_stamp"]
        self.assertEqual((set(stamp), stamp["reason"]), ({"token", "reason"}, None))
        self.assertIs(bodies(self.report, "report")[0]["time_stamp_asked"], True)
        token = self.put("token", base64.b64decode(stamp["token"]))
        text = self.put("head.txt", f"betrace-report/1\n{self.report['evidence']['head']}\n".encode())
        openssl("ts", "-verify", "-data", text, "-in", token, "-token_in", "-CAfile", self.authority.root)
        self.assertEqual(set(self.tsa.types), {"application/timestamp-query"})
        asked = openssl("ts", "-query", "-in", self.put("asked", self.tsa.queries[0]), "-text").stdout.decode()
        for line in ("Version: 1", "Hash Algorithm: sha256", "Certificate required: yes", "Nonce: 0x"):
            self.assertIn(line, asked)

    def test_verify_report_says_when_and_by_whom(self):
        done = self.verify(self.report)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"time stamp 20\d\d-.* by CN=ours stamps,O=BeTrace tests \(of this report; by whom is not checked: "
                                      r"give --timestamp-ca\)")
        done = self.verify(self.report, "--timestamp-ca", self.authority.root)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, rf"time stamp 20\d\d-.* by CN=ours stamps,O=BeTrace tests \(checked against {self.authority.root}\)")
        body = json.loads(self.verify(self.report, "--timestamp-ca", self.authority.root, "--json").stdout)["time_stamp"]
        self.assertEqual((body["by"], body["checked"], body["certificate_expired"], body["reason"]), ("CN=ours stamps,O=BeTrace tests", True, False, None))
        self.assertIs(json.loads(self.verify(self.report, "--json").stdout)["time_stamp"]["checked"], False)

    def test_it_shows_that_a_report_was_made_later_than_it_says(self):
        late = copy.deepcopy(self.report)
        first = bodies(late, "report")[0]
        made = datetime.datetime.fromisoformat(first["evaluated_at"][:19])
        first["evaluated_at"] = f"{made - 3 * DAY:%Y-%m-%dT%H:%M:%S}.000000000Z"
        late = sign(late, self.private, self.public)
        late["evidence"]["time_stamp"]["token"] = base64.b64encode(self.stamped(self.authority, late)).decode()
        done = self.verify(late)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"\n           (72h|3d)\S* after it says that it was evaluated\n")
        seconds = json.loads(self.verify(late, "--json").stdout)["time_stamp"]["seconds_after_evaluated"]
        self.assertGreaterEqual(seconds, 3 * 86400 - 2)

    def test_a_checked_one_can_be_expected(self):
        def expect(value, report=None, ca=True):
            done = self.verify(report or self.report, "--expect", f"timestamp={value}", *(["--timestamp-ca", self.authority.root] if ca else []))
            return done.returncode, done.stdout
        now = datetime.datetime.now(datetime.timezone.utc)
        around = f"{now - DAY:%Y-%m-%dT%H:%M:%SZ}/{now + DAY:%Y-%m-%dT%H:%M:%SZ}"
        self.assertEqual((expect("checked")[0], expect(around)[0]), (0, 0))
        code, text = expect("checked", ca=False)
        self.assertEqual(code, 1)
        self.assertIn("expected   timestamp checked, and it is not checked", text)
        self.assertEqual(expect("2020-01-01T00:00:00Z/2020-02-01T00:00:00Z")[0], 1)
        without = copy.deepcopy(self.report)
        without["evidence"]["time_stamp"] = {"token": None, "reason": "the authority was away"}
        code, text = expect("checked", without)
        self.assertEqual(code, 1)
        self.assertIn("and it is none", text)
        for wrong in ("", "yes", "a/b", f"{END}/{START}"):
            self.assertEqual(expect(wrong)[0], 2, wrong)

    def test_it_lies_in_the_payload_of_an_envelope(self):
        envelope = self.server.get(report_path() + "&format=dsse").json()
        self.assertEqual(set(envelope), {"payload", "payloadType", "signatures"})
        inside = json.loads(base64.b64decode(envelope["payload"]))
        self.assertTrue(inside["evidence"]["time_stamp"]["token"])
        self.assertIn("(checked against", self.verify(envelope, "--timestamp-ca", self.authority.root).stdout)

    def test_it_is_asked_for_once(self):
        asked = len(self.tsa.queries)
        again = self.server.get(report_path()).json()
        self.assertEqual((again, len(self.tsa.queries)), (self.report, asked), "nothing new is neither signed nor stamped anew")

    def test_pages_say_whether_there_is_one(self):
        place = "/v1/reports/" + self.report["entries"][0]["body"]["report_id"]
        self.assertIn("one of RFC 3161 stands in the JSON form", self.server.get(place + "?format=html").body.decode())
        oscal = self.server.get(place + "?format=oscal").json()["assessment-results"]
        props = {prop["name"]: prop["value"] for prop in oscal["back-matter"]["resources"][0]["props"]}
        self.assertEqual(props["time-stamp-token"], self.report["evidence"]["time_stamp"]["token"])

    # ---- authorities that do not help ----

    def unstamped(self, url, hours):
        """The report of a service whose authority does not help: it is there, holds, and says why it has no time stamp."""
        with self.serve(url) as server:
            server.post("/v1/rules", PII_AUDIT)
            answer = server.get(report_path(hours))
            self.assertEqual(answer.status, 200, answer)
            report = answer.json()
            page = server.get(report_path(hours) + "&format=html").body.decode()
            metrics = server.get("/metrics").body.decode()
        stamp = report["evidence"]["time_stamp"]
        self.assertIsNone(stamp["token"])
        done = self.verify(report)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"time stamp none: {stamp['reason']}", done.stdout)
        self.assertIn("the service's own clock", page)
        self.assertRegex(metrics, r'betrace_report_time_stamps_total\{outcome="failed"\} [12]\n')
        self.assertTrue(any("has no time stamp: " in line for line in server.lines), server.lines)
        return stamp["reason"]

    def test_wrong_answers_prevent_no_report_and_are_not_kept(self):
        other = "ab" * 32

        def other_imprint(server, query):  # the same nonce, over something else
            place = query.index(b"\x04\x20") + 2
            return server.authority.answer(query[:place] + bytes.fromhex(other) + query[place + 32:])

        def digest_of(query):
            place = query.index(b"\x04\x20") + 2
            return query[place:place + 32].hex()

        def changed(server, query):
            answer = server.authority.answer(query)
            return answer[:-3] + bytes([answer[-3] ^ 1]) + answer[-2:]

        ways = {
            "another nonce": (lambda server, query: server.authority.answer(server.authority.query_for(digest_of(query))),
                              "another nonce than was sent"),
            "no nonce": (lambda server, query: server.authority.answer(server.authority.query_for(digest_of(query), "-no_nonce")),
                         "another nonce than was sent"),
            "another imprint": (other_imprint, "not of this report"),
            "refused": (lambda server, query: server.authority.answer(openssl("ts", "-query", "-digest", "ab" * 16, "-md5").stdout),
                        "the authority refused: status 2"),
            "garbage": (lambda server, query: b"<html>busy</html>", "no TimeStampResp"),
            "nothing": (lambda server, query: b"", "no TimeStampResp"),
            "more behind it": (lambda server, query: server.authority.answer(query) + b"x", "no TimeStampResp"),
            "half of it": (lambda server, query: (lambda whole: whole[:len(whole) // 2])(server.authority.answer(query)), "no TimeStampResp"),
            "changed": (changed, "signature"),
            "an error": (lambda server, query: (503, b"busy"), "the authority answers HTTP 503"),
            "very much": (lambda server, query: b"x" * (1 << 20), "larger"),
            "hung up": (lambda server, query: None, ""),
        }
        for number, (name, (behaviour, expected)) in enumerate(ways.items()):
            with self.subTest(name):
                self.tsa.behaviour = behaviour
                self.assertIn(expected, self.unstamped(self.tsa.url, number))

    def test_an_answer_that_is_cut(self):
        self.tsa.length = 100000
        self.assertTrue(self.unstamped(self.tsa.url, 1))

    def test_nobody_answers(self):
        self.assertIn("connection was refused", self.unstamped("http://127.0.0.1:1/tsa", 1))

    def test_a_slow_one_is_not_waited_for(self):
        let_go = threading.Event()
        self.addCleanup(let_go.set)
        self.tsa.behaviour = lambda server, query: let_go.wait(60) and None
        self.assertTrue(self.unstamped(self.tsa.url, 1))

    def test_a_service_that_stops_does_not_wait_either(self):
        let_go, asked = threading.Event(), threading.Event()
        self.addCleanup(let_go.set)
        self.tsa.behaviour = lambda server, query: asked.set() or (let_go.wait(60) and None)
        with self.serve(self.tsa.url) as server:
            server.post("/v1/rules", PII_AUDIT)
            self.assertEqual(server.get(report_path(3).replace("timeout=60s", "timeout=1ms")).status, 202)
            self.assertTrue(asked.wait(30))
            server.stop()  # fails where it does not end by itself
            self.assertFalse(let_go.is_set())

    def test_one_that_failed_is_asked_again(self):
        with self.serve(self.tsa.url) as server:
            server.post("/v1/rules", PII_AUDIT)
            self.tsa.behaviour = lambda *_: (500, b"")
            first = server.get(report_path()).json()
            self.tsa.behaviour = None
            second = server.get(report_path()).json()
        self.assertIsNone(first["evidence"]["time_stamp"]["token"])
        self.assertTrue(second["evidence"]["time_stamp"]["token"])

    def test_it_needs_a_key(self):
        done = run_cli("serve", "--traces", self.traces, "--timestamp-url", self.tsa.url, "--db", self.path("none.db"), "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("give --evidence-key", done.stderr)

    def test_it_needs_a_url(self):
        for wrong in ("tsa.example", "ftp://tsa.example/", "file:///etc/passwd"):
            done = run_cli("serve", "--traces", self.traces, "--evidence-key", self.private, "--timestamp-url", wrong, "--db", self.path("none.db"))
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("--timestamp-url: expected http://", done.stderr)

    # ---- tokens that do not belong there ----

    def test_a_token_of_another_report_is_refused(self):
        other = self.server.get(report_path(2)).json()
        self.assertNotEqual(other["evidence"]["head"], self.report["evidence"]["head"])
        self.refused(self.with_token(other["evidence"]["time_stamp"]["token"]), "not of this report")
        self.refused(self.with_token(other["evidence"]["time_stamp"]["token"]), "not of this report", "--timestamp-ca", self.authority.root)

    def test_a_report_that_was_signed_anew_loses_it(self):
        report = copy.deepcopy(self.report)
        report["entries"][0]["body"]["notes"] = []
        report["entries"][0]["body"]["evaluated_at"] = "2026-03-12T12:00:00.000000000Z"
        self.refused(sign(report, self.private, self.public), "not of this report")

    def test_a_token_of_somebody_else_is_refused(self):
        report = self.with_token(self.stamped(self.stranger))
        self.assertEqual(self.verify(report).returncode, 0, "who stamped it is not checked, and that is said")
        self.assertIn("not checked", self.verify(report).stdout)
        self.refused(report, "does not hang on", "--timestamp-ca", self.authority.root)
        self.assertEqual(self.verify(report, "--timestamp-ca", self.stranger.root).returncode, 0)

    def test_a_certificate_that_was_not_valid_then_is_refused(self):
        past = Authority(self.folder, "past", dates=("20200101000000Z", "20210101000000Z"))
        self.refused(self.with_token(self.stamped(past)), "certificate has expired", "--timestamp-ca", past.root)

    def test_a_certificate_for_something_else_is_refused(self):
        web = Authority(self.folder, "web", SERVES)
        token = self.put("token", base64.b64decode(self.report["evidence"]["time_stamp"]["token"]))
        content = self.path("content")
        openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", token, "-out", content)
        signed = openssl("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-cades", "-md", "sha256", "-in", content,
                         "-signer", web.certificate, "-inkey", web.key, "-outform", "DER").stdout
        self.assertEqual(self.verify(self.with_token(signed)).returncode, 0, "it is a token over this report")
        self.refused(self.with_token(signed), "purpose", "--timestamp-ca", web.root)

    def test_what_is_no_token_is_refused(self):
        whole = base64.b64decode(self.report["evidence"]["time_stamp"]["token"])
        for name, token, expected in (("empty", "", "no token"), ("garbage", b"garbage", "no token"), ("not base64", "a*b=", "base64"),
                                      ("cut", whole[:-1], "no token"), ("more behind it", whole + b"\0", "no token"),
                                      ("changed", whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:], "signature")):
            with self.subTest(name):
                self.refused(self.with_token(token), expected)

    def test_it_is_not_taken_away_without_a_word(self):
        for name, stamp in (("null", None), ("gone", ...), ("both", {"token": "AA==", "reason": "x"}), ("neither", {"token": None, "reason": None}),
                            ("more", {"token": None, "reason": "x", "by": "y"}), ("text", "x")):
            with self.subTest(name):
                report = copy.deepcopy(self.report)
                report["evidence"]["time_stamp"] = stamp
                if stamp is ...:
                    del report["evidence"]["time_stamp"]
                self.refused(report, "")
        report = copy.deepcopy(self.report)
        report["entries"][0]["body"]["time_stamp_asked"] = False
        self.refused(sign(report, self.private, self.public), "")

    def test_authorities_that_cannot_be_read(self):
        for name in ("missing.pem", os.path.basename(self.put("empty.pem", b""))):
            done = self.verify(self.report, "--timestamp-ca", self.path(name))
            self.assertEqual((done.returncode, done.stdout), (3, ""), name)
            self.assertIn("expected certificates of time-stamp authorities", done.stderr)


if __name__ == "__main__":
    unittest.main()
