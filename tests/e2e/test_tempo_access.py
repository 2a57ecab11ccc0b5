"""How Tempo is reached: several tenants on a real Tempo, and a gateway before it with a path prefix, credentials and TLS. Nothing that is secret
may show anywhere."""
import base64
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from tls_tempo import Gateway, make_certificate  # noqa: E402

RULE = 'trace.has(span.name == "db.query") and not trace.has(span.name == "retry")'
SECRET = "pass-Wort:7ä"
BASIC = "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode()
TOKEN = "glc_eyJrIjoic2VjcmV0In0="
# Of a range whose end is settled.
RANGE = ("--since", "1h", "--settle", "0s", "--handover", "0s")
AGE_S = 600


# What a Tempo says of itself is nobody's data: it is asked without a tenant (tempo/api/tempo_tail.c, tempo_losses.c).
SETTINGS, JOBS, VERSION = "status/config", "status/backendscheduler", "api/status/buildinfo"


class AccessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-access-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.tempo = TempoServer(config="fast", multitenant=True).start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.traces = {"a": [otlp.new_trace_id() for _ in range(3)], "b": [otlp.new_trace_id() for _ in range(2)]}
        start = (int(time.time()) - AGE_S) * 10**9
        for tenant, ids in cls.traces.items():
            cls.tempo.push([otlp.span(trace_id, "db.query", start) for trace_id in ids], tenant=tenant)
            cls.tempo.push([otlp.span(otlp.new_trace_id(), "retry", start)], tenant=tenant)
        now = int(time.time())
        for tenant, ids in cls.traces.items():
            cls.tempo.wait_until(lambda t=tenant, n=len(ids): len(cls.tempo.search("{}", now - 3600, now, tenant=t)) == n + 1, "searchable")

    def secret_file(self, text, name="secret"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return path

    def replay(self, *arguments, env=None):
        """(exit status, answer or None, all that was printed)."""
        done = run_cli("replay", "--dsl", RULE, *RANGE, "--json", *arguments, env=env)
        for text in (SECRET, TOKEN, BASIC.split()[1]):
            self.assertNotIn(text, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else None, done.stdout + done.stderr

    def assert_finds(self, tenants, *arguments, env=None):
        status, answer, text = self.replay(*arguments, env=env)
        expected = sorted(trace_id for tenant in tenants for trace_id in self.traces[tenant])
        self.assertEqual(status, 1, text)
        self.assertEqual(answer["status"], "completed", text)
        self.assertEqual(sorted(v["trace_id"] for v in answer["violations"]), expected)

    def assert_refused(self, words, *arguments, env=None):
        """Nobody could look: never "no violations"."""
        status, answer, text = self.replay(*arguments, env=env)
        self.assertEqual(status, 3, text)
        if answer:
            self.assertIn(answer["status"], ("incomplete", "failed"), text)
        for word in words:
            self.assertIn(word, text)

    # ---- tenants ----

    def test_each_tenant_has_its_own_violations(self):
        self.assert_finds("a", "--tempo", self.tempo.url, "--tenant", "a")
        self.assert_finds("b", "--tempo", self.tempo.url, "--tenant", "b")
        self.assert_finds("ab", "--tempo", self.tempo.url, "--tenant", "a|b")

    def test_no_tenant_says_what_to_set(self):
        self.assert_refused(["401", "--tenant"], "--tempo", self.tempo.url)

    def test_an_unknown_tenant_is_no_data(self):
        self.assert_refused(["no_data"], "--tempo", self.tempo.url, "--tenant", "nobody")

    # ---- the gateway ----

    def test_a_path_prefix(self):
        with Gateway(self.tempo.url, "/a/tempo") as gateway:
            self.assert_finds("a", "--tempo", gateway.url, "--tenant", "a")
            self.assert_finds("a", "--tempo", gateway.url + "/", "--tenant", "a")
            self.assertTrue(gateway.seen)
            for path, headers in gateway.seen:
                self.assertTrue(path.startswith("/a/tempo/api/") or path in ("/a/tempo/" + SETTINGS, "/a/tempo/" + JOBS), path)
                self.assertNotIn("Authorization", headers)
            self.assert_refused(["404"], "--tempo", gateway.url.replace("/a/tempo", ""), "--tenant", "a")

    def test_basic_authentication(self):
        with Gateway(self.tempo.url, authorization=BASIC) as gateway:
            reach = ("--tempo", gateway.url, "--tenant", "a")
            file = self.secret_file(SECRET)
            self.assert_finds("a", *reach, "--tempo-user", "reader", "--tempo-password-file", file)
            self.assert_finds("a", *reach, env={"BETRACE_TEMPO_USER": "reader", "BETRACE_TEMPO_PASSWORD": SECRET})
            # The flag's file before the environment's text.
            self.assert_finds("a", *reach, "--tempo-password-file", file, env={"BETRACE_TEMPO_USER": "reader", "BETRACE_TEMPO_PASSWORD": "wrong"})
            for path, headers in gateway.seen:
                self.assertEqual(headers.get("X-Scope-OrgID"), None if path.endswith((SETTINGS, JOBS, VERSION)) else "a", path)
            self.assert_refused(["401", "--tempo-user"], *reach)
            self.assert_refused(["401"], *reach, "--tempo-user", "reader", "--tempo-password-file", self.secret_file("wrong", "wrong"))

    def test_a_bearer_token(self):
        with Gateway(self.tempo.url, authorization="Bearer " + TOKEN) as gateway:
            reach = ("--tempo", gateway.url, "--tenant", "a")
            self.assert_finds("a", *reach, "--tempo-token-file", self.secret_file(TOKEN))
            self.assert_finds("a", *reach, env={"BETRACE_TEMPO_TOKEN": TOKEN})
            self.assert_refused(["401"], *reach, "--tempo-user", "reader", "--tempo-password-file", self.secret_file(SECRET))

    def test_tls(self):
        certificate = make_certificate(self.folder)
        other = make_certificate(self.folder, "elsewhere.invalid")
        with Gateway(self.tempo.url, authorization=BASIC, certificate=certificate) as gateway:
            reach = ("--tempo", gateway.url, "--tenant", "a", "--tempo-user", "reader", "--tempo-password-file", self.secret_file(SECRET))
            self.assert_finds("a", *reach, "--tempo-ca", certificate[0])
            self.assert_finds("a", *reach, env={"BETRACE_TEMPO_CA": certificate[0]})
            answered = len(gateway.seen)
            self.assert_refused(["certificate"], *reach)
            self.assert_refused(["certificate"], *reach, "--tempo-ca", other[0])
            self.assert_refused(["authorities"], *reach, "--tempo-ca", self.secret_file("no certificate", "empty.pem"))
            self.assertEqual(len(gateway.seen), answered, "nothing was sent to a server that nobody vouches for")
        with Gateway(self.tempo.url, certificate=other) as gateway:  # known, but for another name
            self.assert_refused(["certificate"], "--tempo", gateway.url, "--tenant", "a", "--tempo-ca", other[0])

    def test_first_takes_the_same_options(self):
        with Gateway(self.tempo.url, authorization=BASIC) as gateway:
            done = run_cli("first", "--dsl", RULE, "--since", "1h", "--settle", "0s", "--tempo", gateway.url, "--tenant", "a",
                           "--tempo-user", "reader", "--tempo-password-file", self.secret_file(SECRET))
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    # ---- what cannot be right ----

    def test_wrong_settings(self):
        tempo = ("--tempo", self.tempo.url)
        file = self.secret_file(SECRET)
        for words, arguments, env in (
                (["the password is not set"], ["--tempo-user", "reader"], {}),
                (["the user is not set"], ["--tempo-password-file", file], {}),
                (["exclude each other"], ["--tempo-user", "reader", "--tempo-password-file", file], {"BETRACE_TEMPO_TOKEN": TOKEN}),
                (["--tempo-password-file", "cannot be opened"], ["--tempo-user", "reader", "--tempo-password-file", SECRET], {}),
                (["--tempo-token-file", "empty"], ["--tempo-token-file", self.secret_file("", "empty")], {}),
                (["--tempo-token-file", "larger"], ["--tempo-token-file", self.secret_file("x" * 20000, "long")], {}),
                (["one word"], ["--tempo-token-file", self.secret_file("two words", "two")], {}),
                (["no colon"], ["--tempo-user", "rea:der", "--tempo-password-file", file], {}),
                (["--tempo-ca"], ["--tempo-ca", os.path.join(self.folder, "nosuch.pem")], {}),
                (["without user"], ["--tempo", self.tempo.url.replace("://", f"://u:{TOKEN}@")], {})):
            with self.subTest(words=words):
                status, _, text = self.replay(*tempo, *arguments, env=env)
                self.assertIn(status, (2, 3), text)
                for word in words:
                    self.assertIn(word, text)

    # ---- the service ----

    def test_serve_says_whether_tempo_lets_it_in(self):
        certificate = make_certificate(self.folder)
        with Gateway(self.tempo.url, authorization=BASIC, certificate=certificate) as gateway:
            flags = ("--tempo", gateway.url, "--tempo-ca", certificate[0], "--tempo-user", "reader")
            with Betrace(*flags, env={"BETRACE_TEMPO_PASSWORD": SECRET}) as server:
                self.assertEqual(server.get("/ready").status, 200)
                server.stop()
                self.assertNotIn(SECRET, "".join(server.lines))
            with Betrace(*flags, env={"BETRACE_TEMPO_PASSWORD": SECRET + "x"}) as server:
                answer = server.get("/ready")
                self.assertEqual(answer.status, 503)
                server.stop()
                printed = "".join(server.lines) + answer.body.decode()
                self.assertIn("401", printed)
                self.assertNotIn(SECRET, printed)
            self.assertEqual({headers.get("Authorization", "")[:6] for _, headers in gateway.seen}, {"Basic "})

    def test_print_config_shows_no_secret(self):
        env = {"BETRACE_TEMPO_TOKEN": TOKEN, "BETRACE_TEMPO_PASSWORD": SECRET, "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization={TOKEN}"}
        done = run_cli("serve", "--print-config", "--tempo", f"http://u:{SECRET}@host:1/tempo", "--otlp", f"http://h:4318/p?key={TOKEN}",
                       "--tempo-user", "reader", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(SECRET, done.stdout)
        self.assertNotIn(TOKEN, done.stdout)
        shown = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}  # the third word says where it is from
        self.assertEqual(shown["tempo"], "http://(hidden)@host:1/tempo")
        self.assertEqual(shown["otlp"], "http://h:4318/p?(hidden)")
        self.assertEqual((shown["tempo-user"], shown["tempo-password-file"], shown["tempo-token-file"], shown["tempo-ca"]),
                         ("reader", "(set)", "(set)", "(none)"))
        wrong = run_cli("serve", f"--tempo-tokn={TOKEN}")
        self.assertEqual(wrong.returncode, 2)
        self.assertNotIn(TOKEN, wrong.stderr)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
