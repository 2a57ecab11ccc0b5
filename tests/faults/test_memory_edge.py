"""How much memory a caller without rights may take. Hundreds of connections announce large bodies: without a token,
with one of the wrong role, for paths that do not exist, in chunks, or with an expectation. The service answers each
from its head and throws away what it sends. Bodies of callers with rights draw from one budget. Bounds are on
bytes, never on time."""
import json
import os
import socket
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, has_sanitizer, run_cli  # noqa: E402

SHORT = "--short" in sys.argv
CONNECTIONS = 100 if SHORT else 1_000
SENDERS = 8
MIB = 1 << 20
PATIENCE = 90
BODY_BYTES = 15 * MIB
SENT_BYTES = (1 if SHORT else 15) * MIB  # of each, as far as it is taken
MOST_MIB = 600 if has_sanitizer() else 64  # what all of it may hold; a sanitizer keeps what was freed
RULE = {"id": "r1", "dsl": 'trace.has(span.name == "x")'}


def resident_mib(server, name="VmRSS"):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":")) / 1024


def head(path="/v1/rules", token=None, method="POST", more=f"Content-Length: {BODY_BYTES}\r\n"):
    who = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{who}{more}\r\n".encode()


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def read_all(connection):
    got = bytearray()
    try:
        while piece := connection.recv(65536):
            got += piece
    except OSError:
        pass
    return bytes(got)


def read_answer(connection):
    """(status, headers, body) of the next answer, which says its length."""
    got = bytearray()
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        if not piece:
            return None, {}, b""
        got += piece
    lines, _, body = bytes(got).partition(b"\r\n\r\n")
    first, *rest = lines.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return int(first.split(" ")[1]), headers, body


class EdgeTest(unittest.TestCase):
    ARGUMENTS = ()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        tokens = os.path.join(self.folder.name, "tokens")
        self.editor, self.viewer, self.other = (
            run_cli("token", "new", "--name", name, "--file", tokens, *more).stdout.strip()
            for name, more in (("editor", ("--role", "editor", "--tenants", "a")), ("viewer", ("--role", "viewer", "--tenants", "a")), ("other", ("--role", "editor", "--tenants", "b"))))
        self.server = Betrace("--memory-source", "--tokens", tokens, "--request-timeout", "20s", "--max-connections", "1100", *self.ARGUMENTS)
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.assertEqual(self.post_rule(self.editor), 201)

    def post_rule(self, token, rule=None):
        body = json.dumps(rule or RULE).encode()
        with connect(self.server) as connection:
            connection.sendall(head(token=token, more=f"Content-Length: {len(body)}\r\nConnection: close\r\n") + body)
            return read_answer(connection)[0]


class WithoutRightTest(EdgeTest):
    def flood(self, text, piece, expected, most_unanswered=CONNECTIONS // 10):
        """All connections are open at once, and all of them send as much as they may. Returns what the service held at most, above what it held before."""
        before, peak = resident_mib(self.server), 0
        connections = [connect(self.server) for _ in range(CONNECTIONS)]
        statuses, lasting = [], threading.Event()

        def watch():
            nonlocal peak
            while not lasting.wait(0.01):
                peak = max(peak, resident_mib(self.server))

        def send(some):
            for connection in some:
                sent = 0
                try:
                    while sent < SENT_BYTES:
                        connection.sendall(piece)
                        sent += len(piece)
                except OSError:
                    pass
                statuses.append(read_all(connection)[:12])
                connection.close()

        watcher = threading.Thread(target=watch)
        watcher.start()
        for connection in connections:  # first something of each, so that all of them hold what they can hold
            connection.sendall(text + piece[:16384])
        threads = [threading.Thread(target=send, args=(connections[i::SENDERS],)) for i in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lasting.set()
        watcher.join()
        peak = max(peak, resident_mib(self.server))
        self.assertEqual(len(statuses), CONNECTIONS)
        print(f"{CONNECTIONS} connections, {expected}: {before:.1f} MiB before, {peak:.1f} at most", file=sys.stderr)
        answered = statuses.count(b"HTTP/1.1 %d" % expected)
        self.assertGreaterEqual(answered, CONNECTIONS - most_unanswered, statuses[:5])  # the answer, and not a reset
        self.assertEqual({status for status in statuses} - {b"", b"HTTP/1.1 %d" % expected}, set())
        self.assertLess(peak, MOST_MIB)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_no_token(self):
        self.flood(head(more=f"Content-Length: {9 * MIB}\r\n"), b"x" * MIB, 401)

    def test_no_token_and_chunks(self):
        self.flood(head(more="Transfer-Encoding: chunked\r\n"), b"100000\r\n" + b"x" * MIB + b"\r\n", 401)

    def test_wrong_role(self):
        self.flood(head(token=self.viewer, more=f"Content-Length: {9 * MIB}\r\n"), b"x" * MIB, 403)

    def test_no_such_path(self):
        self.flood(head("/v1/nosuch", self.editor, more=f"Content-Length: {9 * MIB}\r\n"), b"x" * MIB, 404)

    def test_no_such_method(self):
        self.flood(head("/v1/rules", self.editor, "PATCH", more=f"Content-Length: {9 * MIB}\r\n"), b"x" * MIB, 405)

    def test_larger_than_is_taken(self):
        self.flood(head(token=self.editor), b"x" * MIB, 413)

    def test_open_to_anybody(self):
        self.flood(head("/health", method="GET", more=f"Content-Length: {9 * MIB}\r\n"), b"x" * MIB, 413)

    def test_heads_without_an_end(self):
        """Nothing is known of these before their end; so they are bounded. Those whose turn comes late are cut by the timeout."""
        self.flood(b"GET /v1/rules HTTP/1.1\r\nHost: localhost\r\nX: ", b"x" * MIB, 431, CONNECTIONS - 1)

    def test_expectations_are_not_met(self):
        """Who asks first never sends."""
        for text, expected in ((head(more=f"Content-Length: {9 * MIB}\r\nExpect: 100-continue\r\n"), 401), (head(token=self.viewer, more="Content-Length: 9\r\nExpect: 100-continue\r\n"), 403),
                               (head(more="Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"), 401), (head(token=self.editor, more="Content-Length: 9\r\nExpect: a-miracle\r\n"), 417),
                               (head(token=self.editor, more=f"Content-Length: {BODY_BYTES}\r\nExpect: 100-continue\r\n"), 413)):
            with self.subTest(text=text), connect(self.server) as connection:
                connection.sendall(text)
                status, headers, body = read_answer(connection)
                self.assertEqual(status, expected)
                self.assertEqual(headers["content-type"], "application/problem+json")
                self.assertEqual(json.loads(body)["status"], expected)

    def test_answered_before_the_body_comes(self):
        with connect(self.server) as connection:
            connection.sendall(head(more=f"Content-Length: {9 * MIB}\r\n"))
            status, headers, _ = read_answer(connection)
            self.assertEqual((status, headers["connection"]), (401, "close"))


class WithRightTest(EdgeTest):
    def test_expectations_are_met(self):
        body = json.dumps({"dsl": RULE["dsl"]}).encode()
        for more, text in ((f"Content-Length: {len(body)}\r\n", body), ("Transfer-Encoding: chunked\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))):
            with self.subTest(more=more), connect(self.server) as connection:
                connection.sendall(head("/v1/rules/validate", self.editor, more=more + "Expect: 100-continue\r\n"))
                self.assertEqual(connection.recv(25), b"HTTP/1.1 100 Continue\r\n\r\n")
                connection.sendall(text)
                self.assertEqual(read_answer(connection)[0], 200)

    def test_bodies_in_pieces_and_one_after_another(self):
        """Heads, bodies and the next head, cut in many places."""
        body = json.dumps({"dsl": RULE["dsl"]}).encode()
        one = head("/v1/rules/validate", self.editor, more=f"Content-Length: {len(body)}\r\n") + body
        for step in (1, 2, 7, 100, len(one) - 1, len(one) + 3, 10_000):
            with self.subTest(step=step), connect(self.server) as connection:
                text = one * 3
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for start in range(0, len(text), step):
                    connection.sendall(text[start:start + step])
                got = b""
                while got.count(b"HTTP/1.1 200") < 3:
                    piece = connection.recv(65536)
                    self.assertTrue(piece, got)
                    got += piece
                self.assertEqual(got.count(b"HTTP/1.1 "), 3)

    def test_a_refused_body_that_is_there_costs_no_connection(self):
        with connect(self.server) as connection:
            for _ in range(3):
                connection.sendall(head("/v1/nosuch", self.editor, more="Content-Length: 5\r\n") + b"hello")
                self.assertEqual(read_answer(connection)[0], 404)

    def test_chunks(self):
        body = json.dumps({"dsl": RULE["dsl"]}).encode()
        chunked = b"".join(b"%X;a=b\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\nX-Trailer: 1\r\n\r\n"
        with connect(self.server) as connection:
            connection.sendall(head("/v1/rules/validate", self.editor, more="Transfer-Encoding: chunked\r\n") + chunked)
            status, headers, _ = read_answer(connection)
            self.assertEqual((status, headers["connection"]), (200, "close"))
        for wrong in (b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"000000005\r\nhello\r\n0\r\n\r\n", b"\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"0\r\nX: 1\n\r\n"):
            with self.subTest(wrong=wrong), connect(self.server) as connection:
                connection.sendall(head("/v1/rules/validate", self.editor, more="Transfer-Encoding: chunked\r\n") + wrong)
                self.assertEqual(read_answer(connection)[0], 400)


class BudgetTest(EdgeTest):
    ARGUMENTS = ("--request-memory", "32MiB")

    def upload(self, token, more, piece):
        """A connection whose body is under way, and never ends."""
        connection = connect(self.server)
        self.addCleanup(connection.close)
        connection.sendall(head("/v1/rules/validate", token, more=more) + piece)
        return connection

    def is_refused(self, connection):
        connection.settimeout(1)
        try:
            status, headers, _ = read_answer(connection)
        except TimeoutError:
            return False
        self.assertEqual(status, 503)
        self.assertGreaterEqual(int(headers["retry-after"]), 1)
        return True

    def check_shares(self, more, piece):
        mine = [self.upload(self.editor, more, piece) for _ in range(4)]
        refused = sum(self.is_refused(connection) for connection in mine)
        self.assertGreaterEqual(refused, 2, "one tenant gets half")
        self.assertLess(refused, 4)
        self.assertFalse(self.is_refused(self.upload(self.other, "Content-Length: 5000000\r\n", b"x")), "another tenant finds room")
        self.assertEqual(self.post_rule(self.other, dict(RULE, id="b1")), 201)
        for connection in mine:
            connection.close()
        for _ in range(PATIENCE * 10):
            if self.post_rule(self.editor, dict(RULE, id="r9")) in (201, 409):
                break
        self.assertEqual(self.post_rule(self.editor, dict(RULE, id="r9")), 409, "what was held is given back")

    def test_lengths(self):
        self.check_shares(f"Content-Length: {8 * MIB}\r\n", b"x")

    def test_chunks(self):
        self.check_shares("Transfer-Encoding: chunked\r\n", b"%x\r\n" % (8 * MIB) + b"x" * (7 * MIB))


if __name__ == "__main__":
    unittest.main(argv=[a for a in sys.argv if a != "--short"], verbosity=1)
