"""The list of settings in docs/reference/configuration.md is what the binary has: each flag, its variable and its default."""
import os
import re
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import doc_pages  # noqa: E402
from betrace_process import run_cli  # noqa: E402


def documented():
    """{flag: (environment, default)} of the page."""
    entries = doc_pages.entries(doc_pages.section("reference/configuration.md", "Settings"))
    rows = [re.fullmatch(r"\*\*`--(\S+)`\*\*, (?:`(\S+)`|no variable), default (\S+): \S.*", entry) for entry in entries]
    assert all(rows), [entry for entry, row in zip(entries, rows) if not row]
    return {row.group(1): (row.group(2) or "", row.group(3)) for row in rows}


def without_settings():
    """Variables of this machine that would change the defaults, emptied: an empty one counts as not set."""
    return {name: "" for name in os.environ if name.startswith(("BETRACE_", "OTEL_")) and name != "BETRACE_BIN"}


def printed_config(stdout):
    """{flag: (value, where it came from)} of --print-config: columns with two blanks and more between them."""
    rows = [re.fullmatch(r"(\S+) +(\S.*?) {2,}(\S.*)", line) for line in stdout.splitlines()]
    assert all(rows), stdout
    return {row.group(1): (row.group(2), row.group(3)) for row in rows}

JWT = ("jwks", "issuer", "audience", "roles")  # settings that belong together


class SettingsTest(unittest.TestCase):
    def test_flags_and_defaults(self):
        done = run_cli("serve", "--print-config", env=without_settings())
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = printed_config(done.stdout)
        self.assertGreater(len(printed), 20)
        self.assertEqual({flag: default for flag, (_, default) in documented().items()}, {flag: value for flag, (value, _) in printed.items()})
        self.assertEqual({flag: source for flag, (_, source) in printed.items() if source != "default"}, {"print-config": "flag"})

    def test_variables(self):
        done = run_cli("serve", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        section = re.search(r"^Settings .*?:\n(.*?)\n\n", done.stdout, re.M | re.S).group(1)
        helped = {flag: re.search(r"\[(\w+)\]\s*$", text) for flag, text in re.findall(r"^ {6}--(\S+)(.*?)(?=^ {6}--|\Z)", section, re.M | re.S)}
        self.assertEqual({flag: variable for flag, (variable, _) in documented().items()},
                         {flag: found.group(1) if found else "" for flag, found in helped.items()})

    def test_every_variable_is_read(self):
        """Each variable changes what is printed of its flag."""
        for flag, (variable, default) in documented().items():
            if not variable:
                continue
            with self.subTest(flag=flag):
                value = "3145728" if flag == "memory-source" else {"false": "true"}.get(
                    default, "7m" if re.fullmatch(r"\d+[smhd]", default) else "3145728" if len(default) > 5 and default.isdigit()
                                              else "3" if default.isdigit() else "https://x.invalid")
                value = {"cors-origin": "https://x.example", "config": "/dev/null", "lane-places": "search=3", "store": "tempo+https://x.invalid", "named-store": "a=tempo+https://x.invalid",
                         "trace-link-template": "https://x.invalid/{trace_id}", "tenant-store": "acme=default", "sampling": "declared=10%,web=5%", "max-rate": "0.1%", "coarse-clocks": "unknown",
                         "semconv": os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "distribution", "packs")}.get(flag, value)
                together = {"tls-cert": {"BETRACE_TLS_KEY": "x"}, "tls-key": {"BETRACE_TLS_CERT": "x"},
                            "timestamp-url": {"BETRACE_EVIDENCE_KEY": "x"}, "evidence-old-keys": {"BETRACE_EVIDENCE_KEY": "x"}, "audit-strict": {"BETRACE_AUDIT_LOG": "x"}, "own-traces": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x.invalid:4318"}, "jwt-keep": {"BETRACE_JWT_REFRESH": "1m"},
                            **{f"jwt-{name}": {f"BETRACE_JWT_{other.upper()}": "x" for other in JWT if other != name} for name in (*JWT, "ca")}}.get(flag, {})
                done = run_cli("serve", "--print-config", env={**without_settings(), **together, variable: value})
                self.assertEqual(done.returncode, 0, done.stderr)
                shown, source = printed_config(done.stdout)[flag]
                self.assertIn(shown, (value, "(set)"))
                self.assertEqual(source, variable)

    # ---- the file, and what goes before what ----

    def print_config(self, text, *flags, env=None):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "betrace.conf")
            with open(file, "w", encoding="utf-8", newline="") as out:
                out.write(text)
            return run_cli("serve", "--print-config", "--config", file, *flags, env={**without_settings(), **(env or {})})

    def test_layers(self):
        text = "# of the team\n\nsettle = 3m\nmargin=4m\r\n lateness = 5m \nhost = a.example\nhost = b.example\n"
        done = self.print_config(text, "--margin", "9m", env={"BETRACE_LATENESS": "8m", "BETRACE_MARGIN": "7m"})
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = printed_config(done.stdout)
        self.assertEqual(printed["settle"], ("3m", "file, line 3"))
        self.assertEqual(printed["margin"], ("9m", "flag"))
        self.assertEqual(printed["lateness"], ("8m", "BETRACE_LATENESS"))
        self.assertEqual(printed["host"], ("a.example b.example", "file, line 7"))
        self.assertEqual(printed["handover"], ("1h", "default"))

    def test_a_list_is_replaced_as_a_whole(self):
        text = "host = a.example\nhost = b.example\ncors-origin = https://a.example\n"
        printed = printed_config(self.print_config(text, "--host", "c.example", env={"BETRACE_CORS_ORIGIN": "https://x.example,http://y.example:3000"}).stdout)
        self.assertEqual(printed["host"], ("c.example", "flag"))
        self.assertEqual(printed["cors-origin"], ("https://x.example http://y.example:3000", "BETRACE_CORS_ORIGIN"))

    def test_a_file_from_the_environment(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("max-replays = 7\n")
            file.flush()
            done = run_cli("serve", "--print-config", env={**without_settings(), "BETRACE_CONFIG": file.name})
        self.assertEqual(printed_config(done.stdout)["max-replays"], ("7", "file, line 1"))

    def test_files_that_are_refused(self):
        for text, says in (("nosuch = 1", ':1: there is no setting "nosuch"'), ("setle = 3m", 'did you mean "settle"'), ("settle", ":1: a line has to be"),
                           ("\nsettle =", ':2: settle has to be a duration'), ("settle = soon", '"soon" came'), ("settle = 1m\nsettle = 2m", ":2: settle stands in line 1"),
                           ("config = other", ":1: config belongs on the command line"), ("print-config = true", "belongs on the command line"),
                           ("a\0b = 1", "not UTF-8 text"), ("cors-origin = *", ":1: cors-origin has to be scheme://host"), ("max-replays = 65", "1 to 64"),
                           ("tls-cert = x", "belong together"), ("tokens = x\nallow-anonymous = true", "exclude each other"), ("x" * 70000, "larger than 64 KiB")):
            with self.subTest(text=text[:30]):
                done = self.print_config(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(says, done.stderr)
        done = run_cli("serve", "--config", "/nonexistent/betrace.conf")
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be read", done.stderr)

    def test_secrets_of_the_file_are_not_shown(self):
        done = self.print_config("otlp-headers = authorization=secret\ntempo-token-file = /run/secret\ntempo = http://user:secret@tempo:3200")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("secret", done.stdout)

    def test_grpc_is_for_builds_that_have_it(self):
        """And then not for everybody's address without tokens."""
        with tempfile.TemporaryDirectory(prefix="betrace-grpc-") as folder:
            done = run_cli("serve", "--memory-source", "--listen", "127.0.0.1:0", "--db", os.path.join(folder, "rules.db"), "--grpc", "0.0.0.0:0", env=without_settings())
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "this build has no gRPC; build it with cmake -DBETRACE_GRPC=ON|is not a loopback address")


if __name__ == "__main__":
    unittest.main(verbosity=1)
