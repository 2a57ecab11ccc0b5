"""What is not ready is never taken for an answer. A report of a slow Tempo is waited for; where it is not ready in time, the answer says how much is done
and where it will be. The lines of docs/ save a report or fail, also through a proxy that gives up early. And every other door that may be asked too early
says so in its answer."""
import http.client
import http.server
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements.txt"))
import doc_pages  # noqa: E402
import stub_tempo  # noqa: E402
import yaml  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from stub_tempo import StubTempo  # noqa: E402

PATIENCE = 45.0
RULE = {"id": "r1", "dsl": '@SOC2(controls = {CC7_2}) trace.has(span.name == "x")'}
REPORT = "/v1/compliance/reports/soc2"
DAYS = 4
SEVERAL = f"{REPORT}?start=now-{DAYS}d"


def metric(server, name):
    text = server.get("/metrics").body.decode()
    return int(float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1)))


def curl_lines():
    """(page, command) of each command of docs/ that asks for a report; `save` is what one page calls it."""
    for page in doc_pages.pages():
        for _, info, text in doc_pages.blocks(page.read_text(encoding="utf-8")):
            named = re.search(r'^save\(\) \{ (.*) "\$@"; \}$', text, re.M)
            for line in text.replace("\\\n", " ").splitlines():
                if info[:1] == ["sh"] and REPORT in line:
                    yield page.name, re.sub(r"^save ", f"{named.group(1)} " if named else "save ", line)


class Slow(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="betrace-unfinished-")
        self.addCleanup(subprocess.run, ["rm", "-r", self.folder], check=True)
        self.tempo = StubTempo().__enter__()
        self.addCleanup(self.tempo.__exit__)
        self.server = Betrace("--tempo", self.tempo.url, "--request-timeout", "1s", "--write-timeout", "1s", *self.options())
        self.server.start()
        self.addCleanup(self.server.__exit__)
        created = self.server.post("/v1/rules", RULE, headers=self.editor())
        self.assertEqual(created.status, 201, created)

    def options(self):
        return ()

    def editor(self):
        return {}

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def in_background(self, function):
        """Runs it; a function that gives its outcome."""
        outcome = []
        thread = threading.Thread(target=lambda: outcome.append(function()), daemon=True)
        thread.start()

        def wait():
            thread.join(PATIENCE)
            self.assertEqual(len(outcome), 1)
            return outcome[0]
        return wait

    def hold(self):
        self.tempo.behaviour = "held"

    def be_slow(self, seconds):
        """Before each of the answers, which a report asks for one after the other."""
        patch = mock.patch.object(stub_tempo, "SLOW_SECONDS", seconds)
        patch.start()
        self.addCleanup(patch.stop)
        self.tempo.behaviour = "slow"


class Reports(Slow):
    def test_a_report_that_takes_long_is_waited_for(self):
        """Longer than any limit of a connection. The time that is given by default is below what proxies give."""
        self.hold()
        report = self.in_background(lambda: self.server.get(REPORT))
        time.sleep(3)
        self.tempo.release()
        answer = report()
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("entries", answer.json())
        with open(os.path.join(ROOT, "server/http/api_compliance.c"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"TIMEOUT_NS = 50 \* SECOND_NS, TIMEOUT_MOST_NS = 300 \* SECOND_NS")
        self.assertEqual(self.server.get(f"{REPORT}?timeout=301s").status, 400)

    def test_progress_grows_and_says_what_is_left(self):
        self.be_slow(0.1)
        answer, seen = self.server.get(f"{SEVERAL}&timeout=1ms"), []
        place = answer.headers["location"]
        while answer.status == 202:
            self.assertEqual((answer.headers["location"], answer.headers["retry-after"]), (place, "2"))
            body = answer.json()
            self.assertLessEqual(body["queries"], self.tempo.asked)
            seen.append((body["progress"], (body["parts"] or {"done": 0})["done"], body["queries"]))
            self.assertIn((body["parts"] or {"total": DAYS})["total"], (DAYS, DAYS + 1))
            time.sleep(0.02)
            answer = self.server.get(place)
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("entries", answer.json())
        for values in zip(*seen):
            self.assertEqual(list(values), sorted(values))
            self.assertGreaterEqual(len(set(values)), DAYS - 1, seen)
        self.assertLess(seen[-1][0], 1)

    def test_the_place_of_a_report_waits_where_it_is_asked_to(self):
        self.hold()
        place = self.server.get(f"{REPORT}?timeout=1ms").headers["location"]
        self.assertEqual([self.server.get(place + more).status for more in ("", "&timeout=20ms", "&unfinished=503")], [202, 202, 503])
        report = self.in_background(lambda: self.server.get(f"{place}&timeout=40s"))
        self.until(lambda: metric(self.server, "betrace_calls_waiting") == 1, "it waits")
        self.tempo.release()
        self.assertEqual(report().status, 200)

    def test_fifty_who_wait_cost_one_run(self):
        begun = self.tempo.asked
        self.assertEqual(self.server.get(SEVERAL).status, 200)
        alone = self.tempo.asked - begun
        self.hold()
        waiting = [self.in_background(lambda: self.server.get(f"{SEVERAL}&unfinished={unfinished}")) for unfinished in (202, 503) for _ in range(25)]
        self.until(lambda: metric(self.server, "betrace_calls_waiting") == len(waiting), "all wait")
        begun = time.monotonic()
        self.assertEqual([self.server.get(path).status for path in ("/v1/health", "/v1/rules", f"{REPORT}?format=nonsense")], [200, 200, 400])
        self.assertLess(time.monotonic() - begun, 5)
        asked = self.tempo.asked
        self.tempo.release()
        answers = [wait() for wait in waiting]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.headers["content-location"] for answer in answers}), 1)
        self.assertLessEqual(self.tempo.asked - asked, alone)

    def test_a_reader_who_goes_leaves_a_report_that_is_kept(self):
        """Nobody makes it twice: who asks the same again gets it, once."""
        self.hold()
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
            connection.sendall(f"GET {SEVERAL}&unfinished=503 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self.until(lambda: metric(self.server, "betrace_calls_waiting") == 1, "it waits")
        self.until(lambda: metric(self.server, "betrace_calls_waiting") == 0, "it has gone")
        self.assertTrue(self.tempo.held, "the report goes on")
        place = self.server.get(f"{SEVERAL}&timeout=1ms").headers["location"]
        self.tempo.release()
        self.until(lambda: self.server.get(place).status == 200, "it is made")
        asked = self.tempo.asked
        again = self.server.get(f"{SEVERAL}&unfinished=503")
        self.assertEqual((again.status, again.headers["content-location"], self.tempo.asked), (200, place, asked))
        another = self.server.get(f"{SEVERAL}&unfinished=503")
        self.assertEqual(another.status, 200)
        self.assertGreater(self.tempo.asked, asked)

    def test_who_was_told_where_it_is_gets_a_new_one_for_the_same_question(self):
        self.hold()
        place = self.server.get(f"{SEVERAL}&timeout=1ms").headers["location"]
        self.tempo.release()
        self.until(lambda: self.server.get(place).status == 200, "it is made")
        asked = self.tempo.asked
        self.assertEqual(self.server.get(SEVERAL).status, 200)
        self.assertGreater(self.tempo.asked, asked)

    def test_what_is_another_report(self):
        """Another range, other words for it, another framework; and the same after a rule was changed."""
        self.hold()
        ids = [self.server.get(f"{path}timeout=1ms").json()["report_id"]
               for path in (f"{REPORT}?", f"{REPORT}?start=now-2h&", f"{REPORT}?end=now-2h&", "/v1/compliance/reports/hipaa?", f"{REPORT}?")]
        self.assertEqual((len(set(ids[:4])), ids[4]), (4, ids[0]))
        self.assertEqual(self.server.put("/v1/rules/r1", dict(RULE, name="another name")).status, 200)
        self.assertNotIn(self.server.get(f"{REPORT}?timeout=1ms").json()["report_id"], ids)

    def test_a_report_that_is_deleted_is_none(self):
        self.hold()
        first = self.server.get(f"{REPORT}?timeout=1ms&unfinished=503")
        waiting = self.in_background(lambda: self.server.get(f"{REPORT}?unfinished=503"))
        self.until(lambda: metric(self.server, "betrace_calls_waiting") == 1, "it waits")
        self.assertEqual(self.server.delete(first.headers["location"].split("?")[0]).status, 204)
        self.assertEqual(waiting().status, 404)
        again = self.server.get(f"{REPORT}?timeout=1ms&unfinished=503")
        self.assertEqual((first.status, again.status), (503, 503))
        self.assertNotEqual(first.headers["location"], again.headers["location"])


class Users(Slow):
    def options(self):
        tokens = os.path.join(self.folder, "tokens")
        made = [run_cli("token", "new", "--name", name, "--role", role, "--file", tokens).stdout.strip() for name, role in (("e", "editor"), ("a", "viewer"), ("b", "viewer"))]
        self.of_editor, self.of_a, self.of_b = ({"authorization": f"Bearer {token}"} for token in made)
        return "--tokens", tokens

    def editor(self):
        return self.of_editor

    def test_nobody_can_delete_what_another_waits_for(self):
        self.hold()
        a, b, again = (self.server.get(f"{REPORT}?timeout=1ms", headers=who).json()["report_id"] for who in (self.of_a, self.of_b, self.of_a))
        self.assertNotEqual(a, b)
        self.assertEqual(a, again)
        self.assertEqual(self.server.delete(f"/v1/reports/{a}", headers=self.of_b).status, 403)


class ImpatientProxy:
    """Gives up with 504 where nothing comes for half a second."""

    def __init__(self, port):
        outer = self
        self.cut = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
                try:
                    connection.request("GET", self.path)
                    answer = connection.getresponse()
                    status, headers, body = answer.status, answer.getheaders(), answer.read()
                except TimeoutError:
                    outer.cut += 1
                    status, headers, body = 504, [], b"the proxy's own words"
                finally:
                    connection.close()
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("connection", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class DocumentedLines(Slow):
    def line(self):
        """That of the quick start."""
        (line,) = [line for page, line in curl_lines() if page == "ask-your-tempo.md"]
        return line

    def count(self, series):
        text = self.server.get("/metrics").body.decode()
        return sum(int(float(count)) for count in re.findall(rf"^{series} (\S+)$", text, re.M))

    def run_line(self, line, port=None, limits=""):
        line = line.replace("localhost:8080", f"127.0.0.1:{port or self.server.port}").replace("unfinished=503", f"unfinished=503{limits}")
        return subprocess.run(["sh", "-c", line], cwd=self.folder, capture_output=True, text=True, timeout=120)

    def check_saved(self, done, name="soc2-evidence.json"):
        self.assertEqual(done.returncode, 0, done.stderr)
        verified = run_cli("verify-report", os.path.join(self.folder, name), "--chain-only")
        self.assertEqual(verified.returncode, 0, verified)

    def test_every_line_fails_where_there_is_no_report(self):
        lines = list(curl_lines())
        self.assertGreaterEqual(len({page for page, _ in lines}), 3)
        for page, line in lines:
            with self.subTest(page=page, line=line):
                words = shlex.split(line)
                self.assertEqual((words[:2], words[2:7:2]), (["curl", "-f"], ["--retry", "--retry-max-time", "-o"]))
                self.assertIn("unfinished=503", words[-1])

    def test_the_quick_start_saves_a_report(self):
        self.be_slow(0.4)
        self.check_saved(self.run_line(self.line(), limits="&timeout=300ms"))

    def test_without_a_report_it_fails_and_saves_nothing(self):
        self.hold()
        done = self.run_line(self.line().replace("--retry 99", "--retry 1"), limits="&timeout=300ms")
        self.assertEqual(done.returncode, 22, done)
        self.assertEqual(os.listdir(self.folder), [])

    def test_it_saves_one_through_a_proxy_that_gives_up_early(self):
        proxy = ImpatientProxy(self.server.port)
        self.addCleanup(proxy.close)
        self.hold()
        done = self.in_background(lambda: self.run_line(self.line(), port=proxy.port))
        self.until(lambda: proxy.cut == 2, "it was cut twice")
        self.until(lambda: self.count(r"betrace_http_requests_total\{.*compliance.*\}") == 2, "the service knows")
        asked = self.tempo.held
        self.tempo.release()
        self.check_saved(done())
        self.assertLessEqual(asked, 2, "it was one report all the time")
        self.assertEqual(self.count(r"betrace_reports_total\{.*\}"), 1)


def is_cut(answer):
    return answer.status == 200 and answer.json()["status"] == "cancelled"


def is_incomplete(answer):
    body = answer.json()
    return answer.status == 200 and "not_evaluated" in body["reason"] and not body["coverage"]["complete"]


def is_uncounted(answer):
    return is_incomplete(answer) and answer.json()["total_count"] is None


def has_begun(answer):
    return answer.status == 202 and answer.json()["status"] == "queued" and "violations_found" not in answer.json()


def is_running(answer):
    return answer.status == 200 and answer.json()["status"] == "running"


def is_page_that_goes_on(answer):
    return is_running(answer) and answer.json()["total_count"] is None and answer.json()["cursor"] is not None


def is_unknown(answer):
    return answer.status == 200 and (answer.json()["status"], answer.json()["changes"]) == ("unknown", []) and "time was over" in answer.json()["reason"]


def is_without_problems(answer):
    return answer.status == 200 and (answer.json()["status"], answer.json()["problems"], answer.json()["reason"][:9]) == ("incomplete", [], "timeout: ")


def is_not_counted(answer):
    return answer.status == 503 and "no step could be counted" in answer.json()["detail"]


DSL = 'trace.has(span.name == "x")'
GATE = "/v1/gate?rule_id=r1&baseline=1&candidate=2&timeout=300ms"
# Of each door that may be asked before it knows: how it is asked, and how its answer says so.
DOORS = {
    ("GET", "/v1/rules/{id}/first-violation"): ("/v1/rules/r1/first-violation?timeout=300ms", None, is_cut),
    ("GET", "/v1/rules/{id}/contrast"): ("/v1/rules/r1/contrast?start=now-1h&timeout=300ms", None, is_cut),
    ("GET", "/v1/suggestions"): ("/v1/suggestions?timeout=300ms", None, is_cut),
    ("GET", "/v1/changes"): ("/v1/changes?start=now-2h&around=now-1h&timeout=300ms", None, is_unknown),
    ("POST", "/v1/backtests"): ("/v1/backtests", {"start": "now-2h", "timeout": "300ms"}, is_not_counted),
    ("GET", "/v1/problems"): ("/v1/problems?start=now-2h&timeout=300ms", None, is_without_problems),
    ("GET", "/v1/gate"): (GATE, None, lambda answer: answer.status == 200 and answer.json()["result"] == "unknown"),
    ("POST", "/v1/gate"): (GATE, None, lambda answer: answer.status == 412 and answer.json()["result"] == "unknown"),
    ("GET", "/v1/violations"): ("/v1/violations?start=now-2h&timeout=300ms", None, is_uncounted),
    ("POST", "/v1/violations/query"): ("/v1/violations/query", {"dsl": DSL, "start": "now-2h", "timeout": "300ms"}, is_uncounted),
    ("GET", "/v1/violations/series"): ("/v1/violations/series?start=now-2h&timeout=300ms", None, is_incomplete),
    ("POST", "/v1/violations/series"): ("/v1/violations/series", {"dsl": DSL, "start": "now-2h", "timeout": "300ms"}, is_incomplete),
    ("GET", "/v1/compliance/reports/{framework}"): (f"{REPORT}?timeout=300ms&unfinished=503", None, lambda answer: answer.status == 503),
    ("GET", "/v1/reports/{id}"): ("{report}&unfinished=503", None, lambda answer: answer.status == 503),
    ("POST", "/v1/rules/{id}/replay"): ("/v1/rules/r1/replay", {"start_time": "now-2h"}, has_begun),
    ("POST", "/v1/replays"): ("/v1/replays", {"dsl": DSL, "start_time": "now-2h"}, has_begun),
    ("GET", "/v1/rules/{id}/replay/status"): ("/v1/rules/r1/replay/status", None, is_running),
    ("GET", "/v1/replays/{id}"): ("{replay}", None, is_running),
    ("GET", "/v1/replays/{id}/violations"): ("{replay}/violations", None, is_page_that_goes_on),
}


class EveryDoor(Slow):
    def contract(self):
        """The operations that have a time to answer in, begin something or show what was begun."""
        with open(os.path.join(ROOT, "docs/openapi.yaml"), encoding="utf-8") as file:
            document = yaml.safe_load(file)
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if method not in ("get", "post"):
                    continue
                names = {parameter.get("name") for parameter in operation.get("parameters", [])}
                begins = "202" in operation["responses"] and path not in ("/mcp", "/api/v2/spans")  # all that is taken there is done
                shows = path.startswith(("/v1/replays/{id}", "/v1/rules/{id}/replay")) and not path.endswith("/events")
                if begins or shows or "timeout" in names or "timeout" in json.dumps(operation.get("requestBody", {})) or path in ("/v1/violations/query", "/v1/violations/series"):
                    yield method.upper(), path

    def test_an_answer_says_that_it_is_none_yet(self):
        self.assertEqual(set(self.contract()), set(DOORS))
        self.hold()
        places = {"report": self.server.get(f"{REPORT}?timeout=1ms").headers["location"],
                  "replay": self.server.post("/v1/rules/r1/replay", {"start_time": "now-3h"}).headers["location"]}
        self.until(lambda: self.server.get(places["replay"]).json()["status"] == "running", "it runs")
        for (method, path), (asked, body, says_so) in sorted(DOORS.items(), key=lambda door: door[0][0] == "POST"):
            with self.subTest(door=f"{method} {path}"):
                answer = self.server.request(method, asked.format(**places), body)
                self.assertTrue(says_so(answer), answer)

    def test_events_of_a_replay_end_with_done(self):
        self.hold()
        place = self.server.post("/v1/rules/r1/replay", {"start_time": "now-3h"}).headers["location"]
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=2) as connection:
            connection.sendall(f"GET {place}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self.until(lambda: b"event: progress" in connection.recv(65536), "it shows that it runs")
            with self.assertRaises(TimeoutError):
                while b"event: done" not in connection.recv(65536):
                    pass
                self.fail("it is said to be done")


if __name__ == "__main__":
    unittest.main(verbosity=1)
