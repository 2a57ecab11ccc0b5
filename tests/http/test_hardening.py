"""What a client may not do to the service, over real sockets: take all connections, send or read for ever, send too much, confuse about lengths, reach
HTTP/2; and what a stop leaves whole. Times are the server's own limits, made short by its settings; nothing is asserted to be quick."""
import json
import os
import re
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace  # noqa: E402

PATIENCE = 30  # seconds, for what has to happen
RULES = 24
LARGE_RULE = {"name": "n" * 200, "description": "d" * 4000, "dsl": 'trace.has(span.name == "x")' + " " * 50000, "severity": "low"}


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def request(path="/health", method="GET", more="", body=""):
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n{body}".encode()


def read_all(connection):
    """Everything until the other side ends, orderly or not."""
    got = bytearray()
    try:
        while chunk := connection.recv(65536):
            got += chunk
    except ConnectionError:
        pass
    return bytes(got)


def ask(server, text):
    """The whole answer to some bytes; the connection has to be ended by the server."""
    with connect(server) as connection:
        try:
            connection.sendall(text)
        except ConnectionError:
            pass  # ended before all was sent; what was answered may still be there
        return read_all(connection)


def fill(server):
    """Rules whose listing is more than a megabyte."""
    for i in range(RULES):
        answer = server.post("/v1/rules", dict(LARGE_RULE, id=f"r{i}"))
        assert answer.status == 201, answer
    listing = server.get("/v1/rules?limit=1000").body
    assert len(listing) > 1_000_000
    return listing


class ConnectionsTest(unittest.TestCase):
    def test_cap(self):
        with Betrace("--memory-source", "--max-connections", "5") as server:
            held = [connect(server) for _ in range(5)]
            for connection in held:
                connection.sendall(request())
                self.assertIn(b"200 OK", connection.recv(65536))
            with connect(server) as one_more:
                self.assertEqual(read_all(one_more), b"", "closed at once, without an answer")
            held.pop().close()
            deadline = time.monotonic() + PATIENCE
            while True:  # the server notices the free place in its own time
                with connect(server) as again:
                    again.sendall(request(more="Connection: close\r\n"))
                    if b"200 OK" in read_all(again):
                        break
                self.assertLess(time.monotonic(), deadline)
            for connection in held:
                connection.sendall(request())
                self.assertIn(b"200 OK", connection.recv(65536), "those who were there go on")
                connection.close()

    def test_idle_connections_end(self):
        with Betrace("--memory-source", "--request-timeout", "300ms") as server:
            with connect(server) as connection:
                connection.sendall(request())
                self.assertIn(b"200 OK", connection.recv(65536))
                self.assertEqual(read_all(connection), b"")


class SlowTest(unittest.TestCase):
    def test_slow_senders_are_cut(self):
        with Betrace("--memory-source", "--request-timeout", "500ms") as server:
            for start in (b"", b"GET /health HT", b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"):
                with self.subTest(start=start), connect(server) as connection:
                    connection.sendall(start)
                    ended = False
                    deadline = time.monotonic() + PATIENCE
                    while not ended and time.monotonic() < deadline:  # one byte now and then does not keep it alive
                        try:
                            connection.settimeout(0.1)
                            ended = connection.recv(65536) == b""
                        except TimeoutError:
                            try:
                                connection.sendall(b"x" if start else b"")
                            except ConnectionError:
                                ended = True
                        except ConnectionError:
                            ended = True
                    self.assertTrue(ended)
            self.assertEqual(server.get("/health").status, 200)

    def test_slow_readers_are_cut(self):
        with Betrace("--memory-source", "--write-timeout", "700ms", "--request-timeout", "30s") as server:
            fill(server)
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", server.port))
            with connection:
                # More than the system keeps between the two of us, asked for at once and not read.
                count = 30
                connection.sendall(request("/v1/rules?limit=1000") * count)
                deadline = time.monotonic() + PATIENCE
                while time.monotonic() < deadline:
                    time.sleep(0.2)
                    try:
                        connection.send(b"x")
                    except ConnectionError:
                        break
                else:
                    self.fail("the connection is still there")
                self.assertEqual(server.get("/health").status, 200)


    def test_a_reader_that_is_slow_but_there_gets_all(self):
        with Betrace("--memory-source", "--write-timeout", "200ms", "--request-timeout", "30s") as server:
            listing, count = fill(server), 8
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", server.port))
            with connection:
                connection.sendall(request("/v1/rules?limit=1000") * (count - 1) + request("/v1/rules?limit=1000", more="Connection: close\r\n"))
                got = bytearray()
                while True:  # each answer takes longer than the timeout once the system's buffers are full
                    piece = connection.recv(100_000)
                    if not piece:
                        break
                    got += piece
                    time.sleep(len(piece) / 2_500_000)
                self.assertEqual(got.count(listing), count)


class LimitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Betrace("--memory-source", "--request-timeout", "3s")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    def status(self, text):
        answer = ask(self.server, text)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None

    def test_head(self):
        self.assertEqual(self.status(request(more="".join(f"X-{i}: 1\r\n" for i in range(101)))), 400)
        self.assertEqual(self.status(request(more=f"X-Long: {'x' * 500_000}\r\n")), 431)
        self.assertEqual(self.status(f"GET /{'x' * 500_000} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()), 431)
        self.assertEqual(self.status(request(more=f"X-Long: {'x' * 30_000}\r\nConnection: close\r\n")), 200)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_body(self):
        self.assertEqual(self.status(request("/v1/rules", "POST", f"Content-Length: {10 * 2**20 + 1}\r\n", "x" * (10 * 2**20 + 1))), 413)
        self.assertEqual(self.status(request("/v1/rules", "POST", "Content-Length: 99999999999\r\n")), 413)
        chunks = ("100000\r\n" + "x" * 0x100000 + "\r\n") * 20 + "0\r\n\r\n"
        self.assertEqual(self.status(request("/v1/rules", "POST", "Transfer-Encoding: chunked\r\n", chunks)), 413)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_lengths_that_contradict(self):
        for more in ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
                     "Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\ncontent-length: 3\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                     "Content-Length: +2\r\n", "Content-Length: -2\r\n", "Content-Length: 2, 2\r\n", "Transfer-Encoding: gzip, chunked\r\n"):
            with self.subTest(more=more):
                # What a proxy could take for a second request must not be answered: one answer, then the end.
                answer = ask(self.server, request("/v1/rules/validate", "POST", more, "2\r\n{}\r\n0\r\n\r\n" + request("/v1/health").decode()))
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer[:200])
                self.assertEqual(len(re.findall(rb"(?m)^HTTP/1\.1 \d", answer)), 1)

    def test_http2_cannot_be_reached(self):
        answer = ask(self.server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:100])
        upgrade = "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
        answer = ask(self.server, request(more=upgrade))
        self.assertNotIn(b"101 Switching", answer)
        self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 "), answer[:100])
        self.assertEqual(self.server.get("/health").status, 200)


class FormTest(unittest.TestCase):
    """What proxies may send, and that every answer has one form."""
    @classmethod
    def setUpClass(cls):
        cls.server = Betrace("--memory-source", "--request-timeout", "3s")
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    def test_absolute_targets(self):
        for target, expected in (("http://localhost/health", 200), ("HTTP://localhost:80/v1/rules?limit=1", 200), ("https://127.0.0.1/nosuch", 404), ("http://localhost", 404),
                                 ("http://evil.example/health", 421), ("http:///health", 400), ("http://me@localhost/health", 400)):
            with self.subTest(target=target):
                for host in ("localhost", "evil.example"):  # the target's host counts, and not the header
                    answer = ask(self.server, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                    self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % expected), answer[:200])

    def test_every_error_is_a_problem_document(self):
        for text, expected in ((b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400), (b"GET\r\n\r\n", 400), (request(more="X : y\r\n"), 400), (request(more="X-A: b\r\n" * 101), 400),
                               (request(more=f"X: {'x' * 40_000}\r\n"), 431), (request(more="Expect: a-miracle\r\n"), 417), (request("/v1/rules", "POST", "Transfer-Encoding: gzip\r\n"), 400),
                               (request("/v1/rules", "POST", "Transfer-Encoding: chunked\r\n", "x\r\n"), 400), (request("/v1/rules", "POST", "Content-Length: x\r\n"), 400),
                               (request("/v1/rules", "POST", f"Content-Length: {11 << 20}\r\n"), 413), (request("/nosuch", more="Connection: close\r\n"), 404),
                               (request("/v1/rules", "PATCH", more="Connection: close\r\n"), 405), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400)):
            with self.subTest(text=text[:60]):
                head, _, body = ask(self.server, text).partition(b"\r\n\r\n")
                self.assertTrue(head.startswith(b"HTTP/1.1 %d " % expected), head)
                headers = head.decode().lower().split("\r\n")
                self.assertIn("content-type: application/problem+json", headers)
                self.assertIn("x-content-type-options: nosniff", headers)
                self.assertIn("cache-control: no-store", headers)
                self.assertEqual(json.loads(body)["status"], expected)


class StopTest(unittest.TestCase):
    def test_an_answer_under_way_is_whole(self):
        with Betrace("--memory-source") as server:
            listing = fill(server)
            idle, connection = connect(server), socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", server.port))
            with idle, connection:
                connection.sendall(request("/v1/rules?limit=1000"))
                got = connection.recv(100)
                server.process.send_signal(signal.SIGTERM)
                deadline = time.monotonic() + PATIENCE
                while True:  # new connections are refused from some moment on
                    try:
                        connect(server).close()
                    except ConnectionError:
                        break
                    self.assertLess(time.monotonic(), deadline)
                got += read_all(connection)
                self.assertTrue(got.endswith(listing), f"{len(got)} of {len(listing)} bytes")
                self.assertEqual(read_all(idle), b"")
            self.assertEqual(server.process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
