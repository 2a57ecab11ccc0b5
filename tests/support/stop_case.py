"""A service that is told to stop while something hangs, and how soon it is gone: the case that tests of that share.

The contract is a second (5 s with a sanitizer), and it is asserted of the process, not of the machine: time in which a
thread of it stood in line for a processor that others had is not counted (measured_stop.py). A service that sleeps, or
waits for somebody, is never excused so; one that computes is not either, because its time of the processor has the same
bound. All of it is printed. Standard library only.
"""
import json
import os
import resource
import socket
import sys
import tempfile
import time
import unittest

from betrace_process import Betrace, has_sanitizer
from measured_stop import measure_stop
from stub_tempo import StubTempo

SHORT = "--short" in sys.argv
RULE = 'trace.has(span.name == "x")'
OPEN_FILES = 3_000
BOUND_SECONDS = 5.0 if has_sanitizer() else 1.0
PATIENCE = 60.0 if SHORT else 180.0  # then it is not waited for any longer


def request(path, method="GET", body=None, more=""):
    text = json.dumps(body).encode() if body is not None else b""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n{more}\r\n".encode() + text


def allow_files(count):
    """This process has a socket for each call, and one for each question to its Tempo."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count)), hard))


class StopCase(unittest.TestCase):
    """`tempo` is what the service asks, `receiver` where its spans go; they are one, unless a test makes two."""

    settings, environment, source = (), None, None

    def setUp(self):
        allow_files(OPEN_FILES)
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-stop-")
        self.addCleanup(self.folder.cleanup)
        self.tempo = self.receiver = self.start_stub()
        self.acknowledged, self.held = [], []
        self.server = self.start_service()
        self.write_rule("r1")

    def start_stub(self):
        stub = StubTempo()
        stub.__enter__()
        self.addCleanup(stub.__exit__)
        return stub

    def new_service(self):
        db = os.path.join(self.folder.name, "rules.db")
        source = self.source or ("--tempo", self.tempo.url)
        server = Betrace(*source, "--otlp", self.receiver.url, *self.settings, db=db, env=self.environment)
        self.addCleanup(server.folder.cleanup)
        self.addCleanup(lambda: server.process and server.process.poll() is None and server.kill())
        return server

    def start_service(self):
        server = self.new_service()
        server.start()
        return server

    def write_rule(self, rule_id, dsl=RULE):
        if self.server.post("/v1/rules", {"id": rule_id, "dsl": dsl}).status == 201:
            self.acknowledged.append(rule_id)

    def connect(self):
        one = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        self.addCleanup(one.close)
        self.held.append(one)
        return one

    def ask(self, text):
        """Sends and reads nothing."""
        one = self.connect()
        try:
            one.sendall(text)
        except OSError:
            pass

    def wait_until(self, what, is_true, seconds=10):
        deadline = time.monotonic() + seconds
        while not is_true():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def wait_for_question(self, stub=None):
        """Until something waits for it; the rest is on its way then."""
        self.wait_until("nobody asks", lambda: (stub or self.tempo).held)
        time.sleep(0.3)

    # ---- the end ----

    def stop(self):
        stopped = measure_stop(self.server.process, PATIENCE)
        if stopped.status is None:
            self.server.kill()
        else:
            self.server.close_log()
            self.assertEqual(stopped.status, 0, "".join(self.server.lines))
        return stopped

    def say_and_check(self, what, stopped, log=""):
        still_there = f"STILL THERE after {PATIENCE:.0f} s" if stopped.status is None else ""
        print(f"stop with {what}: {still_there or stopped}", file=sys.stderr)
        self.assertFalse(still_there)
        self.assertEqual(stopped.status, 0, log)
        self.assertLess(stopped.own, BOUND_SECONDS, stopped)
        self.assertLess(stopped.processor, BOUND_SECONDS, stopped)

    def start_again(self):
        """Whatever came of the first, what it acknowledged is kept."""
        for one in self.held:
            one.close()
        self.held.clear()
        self.tempo.behaviour = self.receiver.behaviour = "prompt"
        self.server = self.start_service()
        stored = {rule["id"] for rule in self.server.get("/v1/rules?limit=1000").json()["rules"]}
        self.assertLessEqual(set(self.acknowledged), stored)

    def check_stop(self, what):
        stopped = self.stop()
        self.start_again()
        self.say_and_check(what, stopped)
