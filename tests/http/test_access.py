"""Access on a real server: tokens and roles on every route, tenants, who is written into updated_by, pages of other origins, TLS, and the reload of all
that. What a token is appears in no answer, no log and no error."""
import hashlib
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from tls_tempo import make_certificate  # noqa: E402

RULE = {"id": "r1", "name": "Slow", "dsl": 'trace.has(span.name == "db.query" and span.duration > 1s)'}


def routes():
    """[(method, path, role)] of routes.c."""
    with open(os.path.join(ROOT, "server/http/routes.c"), encoding="utf-8") as file:
        return re.findall(r'\{"([A-Z]+)", "([^"]+)",\s*bt_api_\w+,\s*BT_ROLE_(\w+),', file.read())


def make_token(file, name, *arguments):
    done = run_cli("token", "new", "--name", name, "--file", file, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def bearer(token, **headers):
    return {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}


class FakeTempo:
    """Answers everything with 404 and remembers the tenants that were named."""

    def __enter__(self):
        fake = self
        self.tenants = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if not self.path.startswith("/api/search?limit=1&"):  # "are you there?" is asked for nobody
                    fake.tenants.append(self.headers.get("X-Scope-OrgID"))
                self.send_error(404)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Asking(unittest.TestCase):
    def problem(self, answer, status, kind):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual(answer.json()["type"], f"urn:betrace:problem:{kind}", answer)
        self.assertNotIn("betrace_", answer.body.decode(), "no token is in an answer")
        return answer.json()["detail"]


def otlp_of(count):
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": f"{n + 1:032x}", "spanId": f"{n + 1:016x}", "name": "a", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
                                                         for n in range(count)]}]}]}


class RateTest(Asking):
    """--client-rate and --address-rate. A bucket holds ten seconds of requests, so 2 a second let 20 through at once."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tokens = os.path.join(self.folder.name, "tokens")

    def ask(self, server, count, path="/v1/rules", **more):
        """The statuses of `count` requests, and how many the rate of 2 a second allows in the time that they took."""
        begun = time.monotonic()
        answers = [server.request("GET", path, **more) for _ in range(count)]
        return answers, 20 + 2 * (time.monotonic() - begun) + 1

    def limited(self, answers, most, otherwise=200):
        passed = [answer for answer in answers if answer.status == otherwise]
        self.assertEqual({answer.status for answer in answers}, {otherwise, 429})
        self.assertTrue(20 <= len(passed) <= most, (len(passed), most))
        self.assertTrue(all(answer.status == otherwise for answer in answers[:20]), "the burst is let in")
        refused = next(answer for answer in answers if answer.status == 429)
        self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)
        return self.problem(refused, 429, "rate")

    def test_a_token_has_its_own_bucket(self):
        one, other = make_token(self.tokens, "one"), make_token(self.tokens, "other")
        with Betrace("--memory-source", "--tokens", self.tokens, "--client-rate", "2") as server:
            answers, most = self.ask(server, 60, headers=bearer(one))
            self.assertIn("from this token", self.limited(answers, most))
            self.assertEqual(server.request("GET", "/v1/rules", headers=bearer(other)).status, 200)
            for path in ("/health", "/ready", "/v1/health"):
                self.assertNotEqual(server.request("GET", path, headers=bearer(one)).status, 429, path)
            self.problem(server.request("GET", "/v1/rules", headers=bearer("betrace_" + "x" * 43)), 401, "unknown-token")
            metrics = server.request("GET", "/metrics", headers=bearer(other)).body.decode()
            refused = sum(answer.status == 429 for answer in answers)
            self.assertIn(f"\nbetrace_http_requests_over_rate_total {refused}\n", metrics)

    def test_a_user_that_a_token_speaks_for_is_no_client(self):
        grafana = make_token(self.tokens, "grafana", "--grafana-user")
        with Betrace("--memory-source", "--tokens", self.tokens, "--client-rate", "2") as server:
            answers = [server.request("GET", "/v1/rules", headers=bearer(grafana, X_Grafana_User=f"user{n}")) for n in range(60)]
            self.assertIn(429, {answer.status for answer in answers})

    def test_without_tokens_an_address_is_a_client(self):
        with Betrace("--memory-source", "--client-rate", "2") as server:
            answers, most = self.ask(server, 60)
            self.assertIn("from this address", self.limited(answers, most))

    def test_an_address_cannot_try_tokens(self):
        right = make_token(self.tokens, "right")
        with Betrace("--memory-source", "--tokens", self.tokens, "--address-rate", "2") as server:
            answers, most = self.ask(server, 60, headers=bearer("betrace_" + "x" * 43))
            self.limited(answers, most, otherwise=401)
            self.problem(server.request("GET", "/v1/rules", headers=bearer(right)), 429, "rate")
            answers = [server.request("GET", "/health") for _ in range(30)]
            self.assertEqual({answer.status for answer in answers}, {200})

    def test_exporters_are_told_in_their_protocol(self):
        with Betrace("--memory-source", "--client-rate", "1") as server:
            answers = [server.request("POST", "/v1/traces", otlp_of(1), headers={"Content-Type": "application/json"}) for _ in range(20)]
            refused = next(answer for answer in answers if answer.status == 429)
            self.assertEqual(refused.headers["content-type"], "application/json")
            self.assertEqual(refused.json()["code"], 8, "RESOURCE_EXHAUSTED, which exporters try again")
            self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)

    def test_a_body_that_is_not_read(self):
        """What was refused before its body came leaves the connection's next answer right."""
        with Betrace("--memory-source", "--client-rate", "1") as server:
            statuses = [server.request("POST", "/v1/traces", otlp_of(2000)).status for _ in range(15)]
            self.assertIn(429, statuses)

    def test_off_by_default(self):
        with Betrace("--memory-source") as server:
            self.assertEqual({server.request("GET", "/v1/rules").status for _ in range(200)}, {200})


class TokenCommandTest(unittest.TestCase):
    def test_new(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            first = make_token(file, "a")
            self.assertRegex(first, r"^betrace_[A-Za-z0-9_-]{43}$")
            self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
            with open(file, encoding="utf-8") as written:
                text = written.read()
            self.assertEqual(text, f"a sha256:{hashlib.sha256(first.encode()).hexdigest()} viewer\n", "the token itself is not there")
            with open(file, "w", encoding="utf-8") as out:
                out.write("# no line break at the end")
            make_token(file, "b", "--role", "editor", "--tenants", "*", "--grafana-user")
            with open(file, encoding="utf-8") as written:
                self.assertRegex(written.read(), r"\A# no line break at the end\nb sha256:[0-9a-f]{64} editor tenants=\* grafana-user\n\Z")

    def test_without_a_file(self):
        token, line = run_cli("token", "new", "--name", "ci").stdout.splitlines()
        self.assertEqual(line, f"ci sha256:{hashlib.sha256(token.encode()).hexdigest()} viewer")
        answer = json.loads(run_cli("token", "new", "--name", "ci", "--json").stdout)
        self.assertEqual(answer["line"], f"ci sha256:{hashlib.sha256(answer['token'].encode()).hexdigest()} viewer")

    def test_refusals(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            make_token(file, "a")
            with open(file, encoding="utf-8") as written:
                before = written.read()
            for arguments, says in ((["new", "--name", "a", "--file", file], "another line has this name"), (["new"], "--name"), (["new", "--name", "a b"], "--name"),
                                    (["new", "--name", "a\nb"], "--name"), (["new", "--name", "b", "--tenants", "x y"], "--tenants"), (["old"], "token new"),
                                    (["new", "--name", "b", "--tenants", "a|b"], "tenants="), (["new", "--name", "b", "--role", "admin"], "role"),
                                    (["new", "--name", "b", "--file", os.path.join(folder, "no", "file")], "cannot be written")):
                with self.subTest(arguments=arguments):
                    done = run_cli("token", *arguments)
                    self.assertIn(done.returncode, (2, 3))
                    self.assertIn(says, done.stderr)
                    self.assertEqual(done.stdout, "", "no token that nothing knows")
            with open(file, encoding="utf-8") as written:
                self.assertEqual(written.read(), before)


class TokensTest(Asking):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-access-")
        cls.addClassCleanup(cls.folder.cleanup)
        file = os.path.join(cls.folder.name, "tokens")
        cls.viewer = make_token(file, "eve")
        cls.editor = make_token(file, "ci", "--role", "editor")
        cls.acme = make_token(file, "acme", "--role", "editor", "--tenants", "acme")
        cls.both = make_token(file, "both", "--role", "editor", "--tenants", "acme,globex")
        cls.grafana = make_token(file, "grafana", "--role", "editor", "--tenants", "*", "--grafana-user")
        cls.server = Betrace("--memory-source", "--tokens", file)
        cls.server.start()
        cls.addClassCleanup(cls.check_log)

    @classmethod
    def check_log(cls):
        cls.server.__exit__()
        assert "betrace_" not in "".join(cls.server.lines), "no token is in the log"

    def ask(self, method, path, token=None, body=None, **headers):
        return self.server.request(method, path, body, headers=bearer(token, **headers) if token else headers)

    def test_without_a_token(self):
        answer = self.ask("GET", "/v1/rules")
        self.problem(answer, 401, "no-token")
        self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="betrace"')
        self.problem(self.ask("GET", "/nosuch"), 401, "no-token")
        answer = self.ask("GET", "/v1/rules", token="betrace_" + "x" * 43)
        self.problem(answer, 401, "unknown-token")
        self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="betrace", error="invalid_token"')
        self.problem(self.ask("GET", "/v1/rules", Authorization="Basic dXNlcjpwYXNz"), 401, "no-token")
        self.problem(self.ask("GET", f"/v1/rules?token={self.viewer}"), 401, "no-token")

    def test_every_route_keeps_to_its_role(self):
        self.assertGreater(len(routes()), 25)
        for method, path, role in routes():
            with self.subTest(route=f"{method} {path}"):
                path = re.sub(r"\{\w+\}", "nosuch", path)
                without, viewer = self.ask(method, path), self.ask(method, path, self.viewer)
                self.assertEqual(without.status == 401, role != "ANYONE", without)
                if role == "EDITOR":
                    self.assertIn("editor", self.problem(viewer, 403, "role"))
                    self.assertNotIn(self.ask(method, path, self.editor).status, (401, 403))
                else:
                    self.assertNotIn(viewer.status, (401, 403))

    def test_what_changes_needs_an_editor(self):
        """Written a second time, so that a new route has to be thought about: what may be done without an editor's token."""
        asking = ("/v1/rules/validate", "/v1/rules/test", "/v1/violations/query", "/v1/violations/series", "/v1/dsl/complete", "/v1/dsl/format", "/v1/dsl/hover",
                  "/v1/gate", "/v1/backtests", "/mcp")
        own = {("DELETE", "/v1/reports/{id}")}  # takes back what a viewer asked for
        self.assertEqual({(method, path) for method, path, role in routes() if method != "GET" and role != "EDITOR"} - {("POST", path) for path in asking}, own)
        self.assertEqual({path for _, path, role in routes() if role == "ANYONE"}, {"/health", "/v1/health", "/ready", "/v1/ready"})

    def test_known_and_unknown_paths(self):
        self.problem(self.ask("GET", "/nosuch", self.viewer), 404, "not-found")
        self.problem(self.ask("PUT", "/v1/rules", self.viewer), 405, "method-not-allowed")

    def test_a_token_twice(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.putrequest("GET", "/v1/rules")
        for token in (self.viewer, self.editor):
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        answer = connection.getresponse()
        self.assertEqual(answer.status, 400)
        self.assertIn("once", json.loads(answer.read())["detail"])
        connection.close()

    def test_tenants_see_their_own_rules(self):
        for token, tenant in ((self.editor, None), (self.acme, None), (self.both, "globex"), (self.both, "globex|acme")):
            named = {"X_Scope_OrgID": tenant} if tenant else {}
            created = self.ask("POST", "/v1/rules", token, RULE, **named)
            self.assertEqual(created.status, 201, "the id is free for each tenant")
            self.assertEqual(len(self.ask("GET", "/v1/rules", token, **named).json()["rules"]), 1)
            self.assertEqual(self.ask("POST", "/v1/rules/r1/replay", token, {"start_time": "now-1h"}, **named).status, 202)
            self.assertEqual(len(self.ask("GET", "/v1/replays", token, **named).json()["replays"]), 1)
        self.assertEqual(self.ask("GET", "/v1/rules/r1", self.both, X_Scope_OrgID="acme|globex").json()["updated_by"], "both")
        replay = self.ask("GET", "/v1/replays", self.acme).json()["replays"][0]["replay_id"]
        self.assertEqual(self.ask("GET", f"/v1/replays/{replay}", self.both, X_Scope_OrgID="acme").status, 200)
        self.assertEqual(self.ask("GET", f"/v1/replays/{replay}", self.both, X_Scope_OrgID="globex").status, 404)
        self.assertEqual(self.ask("DELETE", f"/v1/replays/{replay}", self.editor).status, 404)

    def test_tenants_that_a_token_does_not_name(self):
        self.problem(self.ask("GET", "/v1/rules", self.acme, X_Scope_OrgID="globex"), 403, "tenant")
        self.problem(self.ask("GET", "/v1/rules", self.acme, X_Scope_OrgID="acme|globex"), 403, "tenant")
        self.problem(self.ask("GET", "/v1/rules", self.viewer, X_Scope_OrgID="acme"), 403, "tenant")
        self.assertIn("X-Scope-OrgID", self.problem(self.ask("GET", "/v1/rules", self.both), 400, "no-tenant"))
        self.problem(self.ask("GET", "/v1/rules", self.both, X_Scope_OrgID="a/../b"), 400, "invalid-tenant")
        self.assertEqual(self.ask("GET", "/v1/rules", self.grafana, X_Scope_OrgID="any-other").status, 200)

    def test_updated_by(self):
        def updated_by(rule_id, token, **headers):
            created = self.ask("POST", "/v1/rules", token, dict(RULE, id=rule_id), **headers)
            self.assertEqual(created.status, 201, created)
            return created.json()["updated_by"]
        self.assertEqual(updated_by("by-ci", self.editor), "ci")
        self.assertEqual(updated_by("by-nobody", self.editor, X_Grafana_User="mallory"), "ci", "that token may not say who it is")
        self.assertEqual(updated_by("by-ana", self.grafana, X_Grafana_User="ana@example.com", X_Scope_OrgID="t9"), "ana@example.com")
        self.assertEqual(updated_by("by-grafana", self.grafana, X_Scope_OrgID="t9"), "grafana")


class TenantOfTempoTest(Asking):
    def test_tempo_is_asked_for_the_tenant(self):
        with FakeTempo() as tempo, Betrace("--tempo", tempo.url) as server:
            for tenant in (None, "acme", "globex|acme"):
                tempo.tenants.clear()
                answer = server.post("/v1/rules/test", {"dsl": RULE["dsl"], "trace_id": "0123456789abcdef0123456789abcdef"},
                                     headers={"X-Scope-OrgID": tenant} if tenant else {})
                self.assertNotEqual(answer.status, 200, answer)
                self.assertEqual(set(tempo.tenants), {"acme|globex" if tenant and "|" in tenant else tenant})

    def test_replays_ask_for_the_tenant_too(self):
        with FakeTempo() as tempo, Betrace("--tempo", tempo.url, "--otlp", tempo.url) as server:
            for tenant in (None, "acme", "globex|acme"):
                tempo.tenants.clear()
                headers = {"X-Scope-OrgID": tenant} if tenant else {}
                self.assertEqual(server.post("/v1/rules", RULE, headers=headers).status, 201)
                replay = server.post("/v1/rules/r1/replay", {"start_time": "now-1h"}, headers=headers)
                self.assertEqual(replay.status, 202)
                path = f"/v1/replays/{replay.json()['replay_id']}"
                while server.get(path, headers=headers).json()["status"] in ("queued", "running"):
                    time.sleep(0.05)
                self.assertEqual(set(tempo.tenants), {"acme|globex" if tenant and "|" in tenant else tenant})
            refused = server.post("/v1/rules/r1/replay", {"start_time": "now-1h", "emit": True}, headers=headers)
            self.assertEqual((refused.status, refused.json()["errors"][0]["field"]), (400, "emit"))
            self.assertIn("several tenants", refused.json()["errors"][0]["message"])


class ListenTest(Asking):
    def test_other_addresses_need_tokens(self):
        with tempfile.TemporaryDirectory() as folder:
            file, db = os.path.join(folder, "tokens"), os.path.join(folder, "rules.db")
            done = run_cli("serve", "--memory-source", "--db", db, "--listen", "0.0.0.0:0")
            self.assertEqual(done.returncode, 2)
            self.assertIn("--tokens", done.stderr)
            done = run_cli("serve", "--memory-source", "--db", db, "--tokens", file)
            self.assertIn(done.returncode, (2, 3))
            self.assertIn("cannot be read", done.stderr)
            with open(file, "w", encoding="utf-8") as out:
                out.write("# none\n")
            done = run_cli("serve", "--memory-source", "--db", db, "--tokens", file)
            self.assertIn("holds no token", done.stderr)
            os.unlink(file)
            make_token(file, "ci")
            with Betrace("--memory-source", "--tokens", file, "--listen", "0.0.0.0:0") as server:
                self.assertEqual(server.get("/v1/rules").status, 401)
                self.assertIn("in the clear", "".join(server.lines))


class ReloadTest(Asking):
    def test_tokens(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            old = make_token(file, "old")
            with Betrace("--memory-source", "--tokens", file) as server:
                self.assertEqual(server.get("/v1/rules", headers=bearer(old)).status, 200)
                with open(file, "w", encoding="utf-8") as out:
                    out.write(f"# wrong\nold {old} viewer\n")
                line = server.reload("nothing was changed")
                self.assertIn(f"{file}:2: after the name comes sha256:", line)
                self.assertNotIn(old, line)
                self.assertEqual(server.get("/v1/rules", headers=bearer(old)).status, 200, "a bad file keeps what was")
                os.unlink(file)
                fresh = make_token(file, "fresh")
                server.reload("reloaded")
                self.assertEqual(server.get("/v1/rules", headers=bearer(old)).status, 401)
                self.assertEqual(server.get("/v1/rules", headers=bearer(fresh)).status, 200)
                self.assertNotIn(old, "".join(server.lines))

    def test_a_file_that_was_cut(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            token = make_token(file, "narrow", "--tenants", "acme")
            with open(file, encoding="utf-8") as whole:
                text = whole.read()
            with Betrace("--memory-source", "--tokens", file) as server:
                with open(file, "w", encoding="utf-8") as out:
                    out.write(text[:text.index(" tenants=")])
                self.assertIn("the last line has no end", server.reload("nothing was changed"))
                self.assertEqual(server.get("/v1/rules", headers=bearer(token, X_Scope_OrgID="other")).status, 403)
            make_token(file, "second")  # mends the end of the line that was there
            with open(file, encoding="utf-8") as out:
                self.assertEqual(len(out.read().splitlines()), 2)
            self.assertEqual(os.listdir(folder), ["tokens"], "nothing is left beside it")

    def test_tokens_that_expire(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            past, later, day = (make_token(file, name, "--expires", when) for name, when in (("past", "now-1s"), ("later", "now+90d"), ("day", "2099-01-31")))
            with Betrace("--memory-source", "--tokens", file) as server:
                answer = server.get("/v1/rules", headers=bearer(past))
                self.assertEqual((answer.status, answer.json()["type"]), (401, "urn:betrace:problem:expired-token"))
                self.assertIn("invalid_token", answer.headers["www-authenticate"])
                for token in (later, day):
                    self.assertEqual(server.get("/v1/rules", headers=bearer(token)).status, 200)
            self.assertEqual(run_cli("token", "new", "--name", "x", "--expires", "soon").returncode, 2)

    def test_the_file_of_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "betrace.conf")
            def write(text):
                with open(file, "w", encoding="utf-8") as out:
                    out.write(text)
            write("host = one.example\nmax-replays = 3\n")
            with Betrace("--memory-source", "--config", file) as server:
                def status_for(host):
                    return server.get("/health", headers={"Host": host}).status
                self.assertEqual((status_for("one.example"), status_for("two.example")), (200, 421))
                write("host = two.example\nmax-replays = 4\n")
                self.assertIn("max-replays", server.reload("need a restart"))
                self.assertEqual((status_for("one.example"), status_for("two.example")), (421, 200))
                write("hosts = three.example\n")
                self.assertIn('did you mean \\"host\\"', server.reload("nothing was changed"))
                self.assertEqual(status_for("two.example"), 200)
                write("tokens = /nonexistent\n")
                server.reload("nothing was changed")
                self.assertEqual(status_for("two.example"), 200)


class OriginTest(Asking):
    PAGE = "https://grafana.example"

    def test_pages_of_other_origins(self):
        with Betrace("--memory-source") as server:
            answer = server.get("/v1/rules", headers={"Origin": self.PAGE})
            self.problem(answer, 403, "foreign-origin")
            self.assertNotIn("access-control-allow-origin", answer.headers, "CORS is off")
            preflight = server.request("OPTIONS", "/v1/rules", headers={"Origin": self.PAGE, "Access-Control-Request-Method": "POST"})
            self.assertEqual(preflight.status, 403)

    def test_allowed_pages(self):
        with Betrace("--memory-source", "--cors-origin", self.PAGE, "--cors-origin", "http://localhost:3000") as server:
            cross = {"Origin": self.PAGE, "Sec-Fetch-Site": "cross-site"}
            preflight = server.request("OPTIONS", "/v1/rules/x", headers={**cross, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"})
            self.assertEqual((preflight.status, preflight.body), (204, b""))
            self.assertEqual(preflight.headers["access-control-allow-origin"], self.PAGE)
            self.assertIn("PUT", preflight.headers["access-control-allow-methods"])
            self.assertIn("Authorization", preflight.headers["access-control-allow-headers"])
            self.assertNotIn("access-control-allow-credentials", preflight.headers)
            answer = server.post("/v1/rules", RULE, headers=cross)
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual((answer.headers["access-control-allow-origin"], answer.headers["vary"]), (self.PAGE, "Origin"))
            self.assertEqual(server.get("/v1/rules/nosuch", headers=cross).headers["access-control-allow-origin"], self.PAGE, "problems can be read too")
            for origin in ("https://grafana.example.evil", "http://grafana.example", "null", "https://grafana.example:444"):
                self.problem(server.get("/v1/rules", headers={"Origin": origin}), 403, "foreign-origin")
            self.problem(server.get("/v1/rules", headers={"Sec-Fetch-Site": "cross-site"}), 403, "foreign-origin")
            own = server.get("/v1/rules", headers={"Origin": f"http://127.0.0.1:{server.port}"})
            self.assertEqual(own.status, 200)
            self.problem(server.get("/v1/rules", headers={**cross, "Host": "evil.example"}), 421, "misdirected")


class TlsTest(Asking):
    def connect(self, server, certificate, protocols=("http/1.1",), latest=None):
        context = ssl.create_default_context(cafile=certificate)
        context.set_alpn_protocols(list(protocols))
        if latest:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = latest
            context.set_ciphers("ALL:@SECLEVEL=0")
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except ssl.SSLError:
            plain.close()
            raise

    def get(self, connection, path="/health"):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        connection.close()
        return answer

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            with Betrace("--memory-source", "--tls-cert", certificate, "--tls-key", key) as server:
                self.assertIn(b"200 OK", self.get(self.connect(server, certificate)))
                with self.connect(server, certificate, ("h2", "http/1.1")) as connection:
                    self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")
                    self.assertIn(connection.version(), ("TLSv1.2", "TLSv1.3"))
                with self.connect(server, certificate, ("h2",)) as connection:
                    self.assertIsNone(connection.selected_alpn_protocol(), "HTTP/2 cannot be agreed on")
                    self.assertTrue(self.get(connection).startswith(b"HTTP/1.1 200"))
                with self.assertRaises((ssl.SSLError, OSError)):
                    self.connect(server, certificate, latest=ssl.TLSVersion.TLSv1_1)
                with self.assertRaises((OSError, http.client.HTTPException)):
                    server.get("/health")  # plain HTTP to the same port
                self.check_reload(server, folder, certificate, key)

    def at_once(self, server, certificate, request):
        """The answer to a request that comes in one piece with the end of the handshake."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=certificate)
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        answer = b""
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65536))
            tls.write(request)
            plain.sendall(outgoing.read())
            while chunk := plain.recv(65536):
                incoming.write(chunk)
                try:
                    while piece := tls.read(65536):
                        answer += piece
                except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                    pass
        return answer

    def test_the_first_request_comes_with_the_end_of_the_handshake(self):
        """It is looked at as any other: its body is read here, and what a head may not have is refused."""
        rule = b'{"id": "first", "dsl": "a"}'
        post = b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            with Betrace("--memory-source", "--tls-cert", certificate, "--tls-key", key) as server:
                length = b"Content-Length: %d\r\n" % len(rule)
                self.assertRegex(self.at_once(server, certificate, post + length + b"\r\n" + rule), rb"\AHTTP/1.1 201 ")
                chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(rule), rule)
                self.assertRegex(self.at_once(server, certificate, post + chunked), rb"\AHTTP/1.1 409 ", "it is there already")
                for wrong in (length * 2 + b"\r\n" + rule, b"Host: other\r\n" + length + b"\r\n" + rule, b"X: a\r\n b\r\n" + length + b"\r\n" + rule):
                    self.assertRegex(self.at_once(server, certificate, post + wrong), rb"\AHTTP/1.1 400 ", wrong)
                self.assertRegex(self.at_once(server, certificate, post.replace(b"Connection: close\r\n", b"") + length + b"\r\n" + rule + b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
                                                                   b"Connection: close\r\n\r\n"), rb"(?s)\AHTTP/1.1 409 .*HTTP/1.1 200 ", "and so is the one behind it")

    def check_reload(self, server, folder, certificate, key):
        os.mkdir(os.path.join(folder, "new"))
        fresh, fresh_key = make_certificate(os.path.join(folder, "new"))
        os.replace(fresh, certificate)
        self.assertIn("key", server.reload("nothing was changed"), "the new certificate does not fit the old key")
        kept = ssl.get_server_certificate(("127.0.0.1", server.port))
        os.replace(fresh_key, key)
        server.reload("reloaded")
        self.assertNotEqual(ssl.get_server_certificate(("127.0.0.1", server.port)), kept)
        self.assertIn(b"200 OK", self.get(self.connect(server, certificate)))

    def test_files_that_cannot_be_used(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            for pair in ((key, certificate), (certificate, "/nonexistent"), ("/nonexistent", key)):
                done = run_cli("serve", "--memory-source", "--db", os.path.join(folder, "rules.db"), "--tls-cert", pair[0], "--tls-key", pair[1])
                self.assertIn(done.returncode, (2, 3), pair)
                self.assertIn("cannot be used", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
