"""What others wrote reaches a terminal as text that does nothing. It holds no control character (C0 except for line
ends and tabs of our layout, DEL, C1), none that changes the direction of text, and nothing that is no UTF-8. Every
field of rules, traces, file names and answers of servers is tried with all of them."""
import http.server
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import binary, sanitizer_environment  # noqa: E402
from trace_files import span, trace  # noqa: E402

# Clears the screen, sets the title, deletes a character; the same by C1; then overrides and isolates of direction, and marks.
EVIL = "\x1b[2J\x1b]0;t\x07\b\x7f\x9b31m\x85\u202e\u2066\u200e\u200f\u061c\u2028\ufeff"
ABOVE = "".join(c for c in EVIL if c > "\x7f")  # names of rules have no control characters of ASCII
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
OUR_STYLES = re.compile("\x1b\\[(0|1|2|31|32|33|36)m")
DSL_EVIL = "".join(c if ord(c) >= 0x20 and not 0x7f <= ord(c) <= 0x9f else f"\\u{ord(c):04x}" for c in EVIL)


def run_bytes(*arguments, env=None):
    environment = sanitizer_environment()
    environment.update({"LC_ALL": "C.UTF-8", **(env or {})})
    done = subprocess.run([os.fsencode(binary()), *map(os.fsencode, arguments)], capture_output=True, timeout=120, env=environment)
    return done.returncode, done.stdout, done.stderr


def run_on_terminal(*arguments):
    """What a terminal is sent: stdout and stderr are one, with colours."""
    parent, child = pty.openpty()
    environment = sanitizer_environment()
    environment.update({"LC_ALL": "C.UTF-8", "TERM": "xterm"})
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([os.fsencode(binary()), *map(os.fsencode, arguments)], stdout=child, stderr=child, env=environment)
    os.close(child)
    sent = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # the last writer has closed it
            break
        if not part:
            break
        sent += part
    os.close(parent)
    return process.wait(), sent


class PrintingTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-printing-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def assert_harmless(self, sent, what):
        text = sent.decode("utf-8")  # what is no UTF-8 fails here
        found = OBEYED.search(text)
        self.assertIsNone(found, f"{what}: {text[max(0, found.start() - 80):found.end() + 20] if found else ''!r}")

    def check(self, *arguments, statuses=(0, 1, 3), shows=None, env=None):
        """Runs it without and with a terminal."""
        code, out, err = run_bytes(*arguments, env=env)
        self.assertIn(code, statuses, (arguments, out, err))
        self.assert_harmless(out, (arguments, "stdout"))
        self.assert_harmless(err, (arguments, "stderr"))
        if shows:
            self.assertIn(shows, (out + err).decode(), arguments)
        code, sent = run_on_terminal(*arguments)
        self.assertIn(code, statuses, (arguments, sent))
        text = re.sub("\r+\n", "\n", OUR_STYLES.sub("", sent.decode("utf-8")))
        self.assert_harmless(text.replace("\r", "").replace("\x1b[K", "").encode(), (arguments, "terminal, but for lines of progress"))
        return out.decode() + err.decode()

    def traces(self, **more):
        bad = span("q" + EVIL, service="s" + EVIL, resource={"r" + EVIL: "v" + EVIL}, events=[("e" + EVIL, {"k" + EVIL: "v" + EVIL})],
                   status=2, message="m" + EVIL)
        bad["attributes"]["key" + EVIL] = "value" + EVIL
        bad["attributes"]["amount"] = 7
        return self.write("t" + EVIL + ".jsonl", trace(1, span("root" + EVIL), bad, **more))

    def rules(self, dsl=None, name="r"):
        rule = {"id": "one", "name": "name" + ABOVE, "description": "text" + ABOVE, "severity": "high", "labels": {"team": ABOVE}, "dsl":
                dsl or 'trace.has(span.attributes["amount"] > 1 and span.name == "q' + DSL_EVIL + '") and not trace.has(span.name == "' + DSL_EVIL + '")'}
        return self.write(name + EVIL + ".json", json.dumps({"rules": [rule]}))

    def test_verdicts_on_traces(self):
        """replay, first, eval, trace, contrast, vacuity, gate, compare, diff, explain, suggest, record."""
        rules, traces = self.rules(), self.traces()
        source, day = ("--traces", traces), ("--start", "2025-12-31T00:00:00Z", "--end", "2026-01-02T00:00:00Z")
        self.check("replay", "--rules", rules, *source, shows="\\u202e")
        self.check("replay", "--rules", rules, *source, "--json")
        for document in (("replay", "--rules", rules, "--traces", traces, *day, "--format", "junit"), ("record", "1", "--rules", rules, *source),
                         ("suggest", *source, "--min-traces", "1")):  # into a file these come as they are: XML, YAML
            _, sent = run_on_terminal(*document)
            self.assert_harmless(sent.replace(b"\r", b"").replace(b"\x1b[K", b""), document)
        self.check("first", "--rules", rules, *source, shows="\\u202e")
        self.check("eval", "--rules", rules, traces, shows="\\u202e")
        self.check("eval", "--rules", rules, traces, "--json")
        shown = self.check("trace", "1", "--rules", rules, *source, "--all", env={"COLUMNS": "300"})
        self.assertIn("\\u202e", shown)
        self.check("trace", "1", "--rules", rules, *source, "--json")
        self.check("contrast", "--rules", rules, *source)
        self.check("vacuity", "--rules", self.rules('when { trace.has(span.name == "' + DSL_EVIL + '") } always { b }'), *source, shows="\\x1b[2J")
        self.check("gate", "--rules", rules, *source, "--baseline", EVIL, "--candidate", "2" + EVIL, shows="\\x1b[2J")
        other = self.rules('when { trace.has(span.name == "q' + DSL_EVIL + '") } never { trace.has(span.name == "q' + DSL_EVIL + '") }', "o")
        self.check("diff", rules, other, *source, shows="\\u202e")
        self.check("explain", "--rules", rules, shows="\\u202e")
        self.check("compare", "--rules", rules, *source, "--before", "now-2h..now-1h", "--after", "now-1h..now")

    def test_rule_files(self):
        """check, fmt, test: names of files, texts, messages of the compiler and of the reader."""
        for number, text in enumerate((
                "when { \"" + EVIL.replace("\x1b", "") + "\" } alway { b }", "a and # " + EVIL + "\n", EVIL, "when { x" + EVIL + " } always { b }")):
            rules = self.write(f"{number}{EVIL}.json", json.dumps({"rules": [{"id": "one", "dsl": text}]}))
            self.check("check", rules, statuses=(1,))
            self.check("check", "--json", rules, statuses=(1,))
            self.check("check", "--format", "sarif", rules, statuses=(1,))
            self.check("check", "--dsl", text, statuses=(1,))
            self.check("fmt", rules, statuses=(1,))
            self.check("test", rules, statuses=(1,))
            self.check("replay", "--rules", rules, "--traces", self.traces(), statuses=(2,))
        for number, text in enumerate((b"rules: [{id: \"a\x1b[2J\"}]", b"\x9b\x1b[2J\xff", b"rules:\n- {id: one, \xe2\x80\xae: 1}\n",
                                       "rules:\n- {id: one, dsl: 'a', ti\u202etle: 1}\n".encode(), b"rules: 1 \xc3\n")):
            path = self.write(f"y{number}\udcff{EVIL}.yaml".encode("utf-8", "surrogateescape"), text)
            for command in ("check", "fmt", "test"):
                self.check(command, path, statuses=(1, 2))
        self.check("check", os.path.join(os.fsencode(self.folder), ("nosuch" + EVIL).encode() + b"\xff"), statuses=(2,), shows="\\xff")

    def test_a_formatted_file_comes_out_as_it_is(self):
        """`fmt` writes a document: into a pipe byte by byte, on a terminal so that it can be looked at."""
        path = self.write("r.yaml", "rules:\n- id: one # \u202e\n  dsl: |\n    when { a } # \u202e\n    always { b }\n")
        code, out, _ = run_bytes("fmt", path)
        self.assertEqual(code, 0)
        self.assertIn("\u202e", out.decode())
        code, sent = run_on_terminal("fmt", path)
        self.assertIn("\\u202e", sent.decode())
        self.assertNotIn("\u202e", sent.decode())

    def test_arguments(self):
        for arguments in ((EVIL,), ("replay", "--" + EVIL), ("replay", EVIL), ("replay", "--limit", EVIL), ("replay", "--rule", EVIL, "--dsl", "a"),
                          ("trace", EVIL, "--dsl", "a"), ("help", EVIL), ("completion", EVIL), ("replay", "--dsl", "a", "--tempo", EVIL),
                          ("serve", "--listen", EVIL), ("verify-report", "--key", EVIL, EVIL), ("health", "--url", EVIL), ("diff", EVIL, EVIL)):
            self.check(*[a.replace("\x00", "") for a in arguments], statuses=(2, 3))

    def test_answers_of_servers(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = ("no" + EVIL).encode() + b"\xff"
                self.send_response(400)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        rules = self.rules()
        for command in (("replay", "--rules", rules), ("first", "--rules", rules), ("vacuity", "--rules", rules), ("contrast", "--rules", rules),
                        ("trace", "1", "--rules", rules), ("canary", "--otlp", url, "--count", "1"), ("suggest",)):
            self.check(*command, "--tempo", url, statuses=(1, 2, 3))
        self.check("health", "--url", url, statuses=(1, 2, 3))
        self.check("sync", rules, "--url", url, statuses=(1, 2, 3))
        self.check("doctor", "--tempo", url, "--otlp", url, statuses=(1, 2, 3))


if __name__ == "__main__":
    unittest.main()
