"""What was not read is never a number. Each command over a range, on a Tempo that is not there, on one without any
trace, on one that answers for a part of the range only, and cancelled. The text says UNKNOWN and why, or what was
found and what was not looked at. Never "0 violations"."""
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import all_at_once, binary, run_cli, sanitizer_environment  # noqa: E402
from partial_store import EMPTY, PartialStore  # noqa: E402
from protobuf_answer import bytes_field, varint  # noqa: E402

NOWHERE = "http://127.0.0.1:1"
RULES = """rules:
- {id: one, dsl: 'trace.has(span.name == "probe")'}
- {id: two, dsl: 'when { trace.has(span.name == "probe") } always { trace.has(span.name == "other") }'}
- {id: fine, dsl: 'trace.has(span.name == "nothing") and trace.has(span.name == "probe")'}
"""
NUMBER_OF_NOTHING = re.compile(r"\b0 (violations|of 0|of at least 0|traces|marks|verdicts)|no violation up to")
HOUR = 3600


class ScriptedStore(PartialStore):
    """Traces are found as the times of searches say, and what is asked of the time after `cut` is refused."""

    def __init__(self, cut):
        super().__init__(lambda store, query, ids: EMPTY if ids is None else store.rows(ids, {}))
        self.cut, self.seen = cut, threading.Event()

    def add(self, number, name, at_ns):
        times = b"".join(varint(field << 3 | 1) + (at_ns + field).to_bytes(8, "little") for field in (7, 8))
        span = bytes_field(1, number.to_bytes(16, "big")) + bytes_field(2, number.to_bytes(8, "big")) + bytes_field(5, name) + times
        self.push(bytes_field(1, bytes_field(2, bytes_field(2, span))))

    def search(self, target):
        query = {k: v[0] for k, v in urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).items()}
        self.seen.set()
        if "trace:id" in query["q"] or "start" not in query:
            return super().search(target)
        if int(query.get("end", 0)) > self.cut:
            return 400, "text/plain", b"that part is on another shelf"
        start, end = int(query["start"]), int(query["end"])
        return self.rows([one for one, spans in sorted(self.spans.items()) if any(s.start <= end * 10**9 and s.end >= start * 10**9 for s in spans)])


class UnknownTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-unknown-")
        self.addCleanup(folder.cleanup)
        self.rules = os.path.join(folder.name, "rules.yaml")
        with open(self.rules, "w", encoding="utf-8") as file:
            file.write(RULES)

    def commands(self):
        since = ("--since", "6h")
        return {"replay": ("replay", "--rules", self.rules, *since), "first": ("first", "--rules", self.rules, "--rule", "fine", *since),
                "gate": ("gate", "--rules", self.rules, "--baseline", "1", "--candidate", "2", *since),
                "compare": ("compare", "--rules", self.rules, "--rule", "two", "--before", "now-6h..now-1h", "--after", "now-1h..now-30m"),
                "contrast": ("contrast", "--rules", self.rules, "--rule", "two", *since), "vacuity": ("vacuity", "--rules", self.rules, *since)}

    def run_all(self, url, *more):
        commands = self.commands()
        return list(zip(commands, all_at_once(lambda arguments: run_cli(*arguments, "--tempo", url, *more), commands.values())))

    def test_suggest_without_a_tempo(self):
        """Its output is a rule file; so it says so beside it, and not that there are no traces."""
        done = run_cli("suggest", "--tempo", NOWHERE, "--since", "6h")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn(f"UNKNOWN: {NOWHERE} refused the connection", done.stderr)
        self.assertNotIn("there is no trace", done.stderr)
        self.assertEqual(done.stdout, "# UNKNOWN: no trace was looked at, so no rule can be suggested.\nrules: []\n")

    def test_a_tempo_that_is_not_there(self):
        for _, done in self.run_all(NOWHERE):
            self.assertEqual(done.returncode, 3, done)
            self.assertIn(f"UNKNOWN: {NOWHERE} refused the connection", done.stdout)
            self.assertNotRegex(done.stdout, NUMBER_OF_NOTHING)
            self.assertNotIn("hand blocks over", done.stdout, "of what was not read at all")

    def test_a_canary_that_nobody_takes(self):
        done = run_cli("canary", "--otlp", "http://user:secret@127.0.0.1:1/?token=secret", "--count", "1", "--tempo", NOWHERE)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn(f"UNKNOWN: {NOWHERE}/ refused the connection", done.stdout)
        self.assertNotIn("secret", done.stdout + done.stderr)

    def test_a_canary_whose_tempo_answers_no_read(self):
        with PartialStore(lambda *_: EMPTY) as receiver:
            done = run_cli("canary", "--otlp", receiver.url, "--count", "1", "--tempo", NOWHERE, "--within", "1s")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn(f"UNKNOWN: {NOWHERE} refused the connection", done.stdout)

    def test_a_canary_that_is_cancelled(self):
        with PartialStore(lambda *_: EMPTY) as store:
            code, out = self.interrupt(store, ("canary", "--otlp", store.url, "--tempo", store.url), lambda: store.spans)
        self.assertEqual(code, 0, out)
        self.assertIn("UNKNOWN: cancelled", out)

    def test_yellow_on_a_terminal(self):
        parent, child = pty.openpty()
        environment = {**sanitizer_environment(), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        process = subprocess.Popen([binary(), *self.commands()["replay"], "--tempo", NOWHERE], stdout=child, stderr=subprocess.DEVNULL, env=environment)
        os.close(child)
        sent = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            sent += part
        os.close(parent)
        self.assertEqual(process.wait(), 3)
        self.assertIn(f"\x1b[33mUNKNOWN: {NOWHERE} refused the connection", sent.decode())
        self.assertNotIn("\x1b[32m", sent.decode(), "nothing is green")

    def test_no_data(self):
        with PartialStore(lambda *_: EMPTY) as store:
            for name, done in self.run_all(store.url):
                self.assertEqual(done.returncode, 3, done)
                self.assertIn(f"UNKNOWN: {store.url} shows no trace in this range", done.stdout)
                self.assertNotRegex(done.stdout, NUMBER_OF_NOTHING)

    def test_a_part_of_the_range(self):
        now = int(time.time())
        with ScriptedStore(now - 2 * HOUR) as store:
            for number in range(1, 4):
                store.add(number, "probe", (now - 4 * HOUR) * 10**9)
            # Nothing comes late, so that searches are divided: else every part reaches into what is refused.
            for name, done in self.run_all(store.url, "--lateness", "0s"):
                self.assertNotRegex(done.stdout, NUMBER_OF_NOTHING, name)
                self.assertIn("not looked at: ", done.stdout, done)
                if name in ("replay", "vacuity"):
                    self.assertRegex(done.stdout, r"one: .*3 violations found; not looked at: 20")
                    # Every trace exercises it, which is what vacuity asks.
                    said = {"replay": "UNKNOWN: no violation in the ", "vacuity": "exercised by at least 3 traces; not looked at: 20"}
                    self.assertIn("fine: " + said[name], done.stdout)
                if name == "first":
                    self.assertRegex(done.stdout, r"fine: UNKNOWN: none was seen up to .*; not looked at: 20")
                if name == "contrast":
                    self.assertRegex(done.stdout, r"violating traces? found; not looked at: ")
                if name == "compare":
                    self.assertRegex(done.stdout, r"before .*3 violations found")

    def interrupt(self, store, arguments, has_begun):
        process = subprocess.Popen([binary(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=sanitizer_environment())
        while not has_begun() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        return process.returncode, out

    def test_cancelled(self):
        for name, arguments in self.commands().items():
            with self.subTest(name):
                asked, released = threading.Event(), threading.Event()

                def answer(*_):
                    asked.set()
                    released.wait(30)
                    return EMPTY

                with PartialStore(answer) as store:
                    code, out = self.interrupt(store, (*arguments, "--tempo", store.url), asked.is_set)
                    released.set()
                self.assertEqual(code, 3, out)
                self.assertRegex(out, "UNKNOWN: (it was )?cancelled")
                self.assertNotRegex(out, NUMBER_OF_NOTHING)


if __name__ == "__main__":
    unittest.main()
