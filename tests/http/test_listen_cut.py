"""`betrace listen`: a request that was cut, refused below a handler or went elsewhere may have held a span that breaks a
rule, so nothing is known then: status 3, how many there were, and why. Each sender here is a script with a socket."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]
from betrace_process import all_at_once, binary, sanitizer_environment  # noqa: E402
from test_listen import RIGHT, RULE, SEND, WRONG  # noqa: E402

SOCKETS = SEND + f"""
import socket, struct, time
from urllib.parse import urlsplit
RIGHT, WRONG = {RIGHT.encode()!r}, {WRONG.encode()!r}
assert send(RIGHT) == 200
def connect():
    to = urlsplit(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
    return socket.create_connection((to.hostname, to.port), timeout=30)
def head(length=None, method="POST", path="/v1/traces", more="", host="127.0.0.1"):
    length = f"Content-Length: {{length}}\\r\\n" if length is not None else ""
    return f"{{method}} {{path}} HTTP/1.1\\r\\nHost: {{host}}\\r\\nContent-Type: application/json\\r\\n{{length}}{{more}}\\r\\n".encode()
def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
def read_all(connection):
    got = b""
    try:
        while piece := connection.recv(65536): got += piece
    except OSError: pass
    return got
def ask(*pieces):
    connection = connect()
    try:
        for piece in pieces: connection.sendall(piece)
    except OSError: pass
    return read_all(connection)
"""

# What is sent beside one right trace: a script, and what is said of it.
LOST = {
    "a body that ends early": ("c = connect(); c.sendall(head(len(WRONG)) + WRONG[:-9]); c.close()",
                               r"the connection ended after \d+ of \d+ bytes of the body of POST /v1/traces"),
    "a body that never began": ("c = connect(); c.sendall(head(len(WRONG))); c.close()", r"after 0 of \d+ bytes of the body"),
    "a reset in the middle of a body": ("c = connect(); c.sendall(head(len(WRONG)) + WRONG[:50]); time.sleep(0.3); reset(c)",
                                        r"the connection ended after 50 of \d+ bytes of the body"),
    "chunks that end early": ("c = connect(); c.sendall(head(more='Transfer-Encoding: chunked\\r\\n') + b'40\\r\\n' + WRONG[:64] + b'\\r\\n'); c.close()",
                              "the connection ended after 64 bytes of the body"),
    "a head that ends early": ("c = connect(); c.sendall(head(len(WRONG))[:40]); c.close()", "the connection ended in the middle of the head of a request"),
    "a reset in the middle of a head": ("c = connect(); c.sendall(b'POST /v1'); time.sleep(0.3); reset(c)", "in the middle of the head"),
    "the end of a body that does not come": ("c = connect(); c.sendall(head(len(WRONG)) + WRONG[:-9]); read_all(c)", r"after \d+ of \d+ bytes of the body"),
    "chunks that are none": ("assert b'400' in ask(head(more='Transfer-Encoding: chunked\\r\\n') + b'junk\\r\\n')", "The chunks of the body"),
    "a wrong path": ("assert send(WRONG, path='/v1/trace') == 404", "POST /v1/trace: there is no such path"),
    "the path of another receiver": ("assert send(WRONG, path='/api/v2/spans') == 404", "POST /api/v2/spans: there is no such path"),
    "the base of the address": ("assert send(WRONG, path='/') == 404", "POST /: there is no such path"),
    "a wrong method": ("assert b'405' in ask(head(len(WRONG), method='PUT', more='Connection: close\\r\\n') + WRONG)",
                       "PUT /v1/traces: This path is known, but not with this method"),
    "no HTTP at all": ("assert b'400' in ask(b'hello\\r\\n\\r\\n')", "is not HTTP/1.1"),
    "TLS": ("assert b'400' in ask(bytes.fromhex('16030100a5010000a10303') + b'x' * 170)", "TLS came"),
    "HTTP/2, as gRPC speaks it": ("assert b'400' in ask(b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n')", "HTTP/2"),
    "a head that is too large": ("assert b'431' in ask(head(5, more='X-A: ' + 'a' * 40000 + '\\r\\n') + b'12345')", "32 KiB"),
    "two lengths": ("assert b'400' in ask(head(5, more='Content-Length: 6\\r\\n') + b'123456')", "length of its body once"),
    "a length that is none": ("assert b'400' in ask(head('five') + b'12345')", "Content-Length has to be a number"),
    "a folded header": ("assert b'400' in ask(head(5, more='X-A: a\\r\\n b\\r\\n') + b'12345')", "on one line"),
    "another transfer encoding": ("assert b'400' in ask(head(more='Transfer-Encoding: gzip\\r\\n') + b'12345')", "Transfer-Encoding is chunked"),
    "another expectation": ("assert b'417' in ask(head(5, more='Expect: tea\\r\\n') + b'12345')", "100-continue"),
    "another host": ("assert b'421' in ask(head(5, host='shop.example') + b'12345')", "Host header"),
    "a page of another site": ("assert b'403' in ask(head(5, more='Origin: http://shop.example\\r\\n') + b'12345')", "another origin"),
    "two tenants": ("assert b'400' in ask(head(5, more='X-Scope-OrgID: a\\r\\nX-Scope-OrgID: b\\r\\nConnection: close\\r\\n') + b'12345')", "once each"),
    "a timeout that is none": ("assert b'400' in ask(head(5, more='Betrace-Timeout: soon\\r\\nConnection: close\\r\\n') + b'12345')", "Betrace-Timeout"),
    "a body that is too large": ("assert b'413' in ask(head(17 << 20) + b' ' * 100)", r"larger than is taken here \(16 MiB\)"),
    "chunks that are too large": ("ask(head(more='Transfer-Encoding: chunked\\r\\n') + b'1100000\\r\\n', b' ' * 0x1100000)", "larger than"),
    "one behind the last of a connection": ("assert b'200' in ask(head(len(RIGHT), more='Connection: close\\r\\n') + RIGHT + head(len(WRONG)) + WRONG)",
                                            "behind another one"),
}

# What is no loss: nothing of a span is in it.
KEPT = {
    "a look whether the port is open": "connect().close()",
    "an empty line": "c = connect(); c.sendall(b'\\r\\n'); c.close()",
    "a connection that stays": "c = connect(); c.sendall(head(len(RIGHT)) + RIGHT); assert b'200' in c.recv(999)",
    "other signals": "assert [send(b'', 'application/x-protobuf', path=p) for p in ('/v1/metrics', '/v1/logs', '/v1development/profiles')] == [200] * 3",
    "a metric that cannot be read": "assert b'400' in ask(head(5, path='/v1/metrics', more='Betrace-Timeout: soon\\r\\nConnection: close\\r\\n') + b'12345')",
    "a metric that was cut": "c = connect(); c.sendall(head(50, path='/v1/metrics') + b'12345'); c.close()",
    "a sender that does not read": "c = connect(); c.sendall(head(len(RIGHT)) + RIGHT); time.sleep(0.3); reset(c)",
    "one right behind another": "assert ask(head(len(RIGHT)) + RIGHT + head(len(RIGHT), more='Connection: close\\r\\n') + RIGHT).count(b' 200 ') == 2",
}


def listen(script, *flags, settle="200ms", before=()):
    command = [*before, binary(), "listen", "--dsl", RULE, "--settle", settle, *flags, "--", sys.executable, "-c", SOCKETS + script]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=sanitizer_environment())


class LostTest(unittest.TestCase):
    def test_what_did_not_come_whole_is_not_known(self):
        for (name, (_, why)), done in zip(LOST.items(), all_at_once(listen, [script for script, _ in LOST.values()])):
            with self.subTest(name):
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn("1 request could not be taken, so it is not known what it held", done.stderr)
                self.assertRegex(done.stderr, why)

    def test_what_holds_no_span_is_no_loss(self):
        for name, done in zip(KEPT, all_at_once(listen, KEPT.values())):
            with self.subTest(name):
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_connection_too_many(self):
        """The system gives the program few files, so that few connections fit."""
        done = listen("held = [connect() for _ in range(30)]; time.sleep(0.3); print(len(held))", before=["prlimit", "--nofile=140:140"])
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"(?m)^  1\d  a connection was refused: there are \d+ already, the most$")

    def test_bodies_that_have_no_room_together(self):
        script = "held = [connect() for _ in range(6)]\nfor c in held: c.sendall(head(15 << 20))\ntime.sleep(0.5)"
        done = listen(script)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("6 requests could not be taken", done.stderr)
        self.assertIn("There is no room for this body", done.stderr)

    def test_each_reason_is_told_with_its_number(self):
        cut = "for i in range(3):\n    c = connect(); c.sendall(head(9)); c.close()\n"
        done = listen(cut + "for i in range(2): send(WRONG, path='/v1/trace')", "--json")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("5 requests could not be taken, so it is not known what they held:\n", done.stderr)
        self.assertRegex(done.stderr, r"(?m)^  3  the connection ended after 0 of 9 bytes of the body of POST /v1/traces$")
        self.assertRegex(done.stderr, r"(?m)^  2  POST /v1/trace: there is no such path")
        said = json.loads(done.stdout)
        self.assertEqual((said["refused"], [one["count"] for one in said["refusals"]]), (5, [3, 2]))

    def test_reports_say_it(self):
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix="betrace-listen-")), "junit.xml")
        done = listen("send(WRONG, path='/v1/trace')", "--report", f"junit={path},github")
        with open(path, encoding="utf-8") as file:
            self.assertRegex(file.read(), r'name="spans"><error message="1 request could not be taken[^"]*/v1/trace:')
        self.assertRegex(done.stdout, r"(?m)^::error title=betrace listen::1 request could not be taken.*/v1/trace:")


class UnderWayTest(unittest.TestCase):
    """What goes on when the command has ended."""

    def test_a_request_under_way_is_waited_for(self):
        script = """
if os.fork() == 0:
    os.setsid()
    c = connect(); c.sendall(head(len(WRONG)) + WRONG[:-9]); time.sleep(1.5); c.sendall(WRONG[-9:]); read_all(c); os._exit(0)
time.sleep(0.3); os._exit(0)
"""
        self.assertEqual(listen(script).returncode, 1, "what came is judged")

    def test_a_request_under_way_at_the_end_is_not_known(self):
        script = """
if os.fork() == 0:
    os.setsid(); os.closerange(0, 3)
    c = connect(); c.sendall(head(len(WRONG)) + WRONG[:-9]); time.sleep(9); os._exit(0)
time.sleep(0.3); os._exit(0)
"""
        done = listen(script, "--wait", "1s")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"(?m)^  1  the server stopped after \d+ of \d+ bytes of the body of POST /v1/traces$")

    def test_a_child_that_stays_is_waited_for(self):
        """It sends later than --settle, on no connection that is open yet."""
        script = """
if os.fork() == 0:
    os.setsid(); time.sleep(1.5); send(WRONG); os._exit(0)
os._exit(0)
"""
        done = listen(script)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_who_is_not_waited_for_any_longer_is_named(self):
        script = """
pid = os.fork()
if pid == 0:
    os.setsid(); os.closerange(0, 3); time.sleep(9); os._exit(0)
print("stays:", pid, flush=True); os._exit(0)
"""
        done = listen(script, "--wait", "1s")
        pid = re.search(r"stays: (\d+)", done.stdout).group(1)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stderr, rf"1 process that the command left behind still ran after 1s \(--wait\), and may send more: python3?\S* \({pid}\)")
        done = listen(script, "--wait", "0s")
        self.assertEqual(done.returncode, 0, "so that who knows that nothing comes can say so\n" + done.stderr)

    def test_many_generations(self):
        """A daemon as programs make one: its parents have ended, and it has a session of its own."""
        script = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(1.2); send(WRONG); os._exit(0)
        os._exit(0)
    os._exit(0)
os._exit(0)
"""
        self.assertEqual(listen(script).returncode, 1)

    def test_nothing_to_wait_for_takes_no_time(self):
        began = time.monotonic()
        self.assertEqual(listen("").returncode, 0)
        self.assertLess(time.monotonic() - began, 40, "the bound of a minute is no time that passes")


if __name__ == "__main__":
    unittest.main()
