"""What a hostile client may try, over real sockets, next to tests/http/test_hardening.py. Thousands of connections,
readers that stall, floods of headers, requests inside of requests, bytes that are no text, and bombs of brackets.
Many requests at once, connections cut at every stage with and without TLS, pages of other sites and other names,
and tokens in the log. After each the service still answers others, and nothing of it is left."""
import json
import os
import re
import resource
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "tempo"))
from betrace_process import Betrace, has_sanitizer, run_cli  # noqa: E402
import prometheus_text  # noqa: E402
from tls_tempo import make_certificate  # noqa: E402

SHORT = "--short" in sys.argv
CONNECTIONS = 2_000 if SHORT else 10_000
PATIENCE = 90  # seconds, for what has to happen
# Every call that takes a body.
POSTS = ("/v1/rules", "/v1/rules/validate", "/v1/rules/test", "/v1/rules/import", "/v1/rules/r1/replay", "/v1/replays", "/v1/violations/query",
         "/v1/violations/series", "/v1/dsl/complete", "/v1/dsl/hover", "/v1/dsl/format", "/v1/spans")
RULE = {"id": "r1", "dsl": 'trace.has(span.name == "x")'}


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def request(path, method="GET", more="", body=b""):
    body = body.encode() if isinstance(body, str) else body
    length = f"Content-Length: {len(body)}\r\n" if body or method != "GET" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}{more}\r\n".encode("utf-8", "surrogateescape") + body


def read_all(connection):
    got = bytearray()
    try:
        while chunk := connection.recv(65536):
            got += chunk
    except (ConnectionError, TimeoutError):
        pass
    return bytes(got)


def resident_mib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def routes():
    """[(method, path)] of routes.c, with a name for each part in braces."""
    with open(os.path.join(HERE, "..", "..", "server/http/routes.c"), encoding="utf-8") as file:
        return [(method, re.sub(r"\{\w+\}", "r1", path)) for method, path in re.findall(r'\{"([A-Z]+)", "([^"]+)"', file.read())]


def open_files(server):
    return prometheus_text.read(server.get("/metrics").body.decode())["process_open_fds"].samples[0][2]


class Attacked(unittest.TestCase):
    def setUp(self):
        self.server = Betrace("--memory-source", "--request-timeout", "5s")
        self.server.start()
        self.addCleanup(self.server.__exit__)
        self.assertEqual(self.server.post("/v1/rules", RULE).status, 201)
        self.server.get("/health")
        self.before = open_files(self.server)

    def status_of(self, text):
        with connect(self.server) as connection:
            try:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = read_all(connection)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None

    def check_unharmed(self):
        """It answers, the rule is there, and no connection of the attack is. What was asked for before its reader went away is still made: places become
        free in time."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.assertEqual(self.server.get("/v1/rules/r1").status, 200)
                break
            except OSError:
                self.assertIsNone(self.server.process.poll(), "".join(self.server.lines))
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
        while open_files(self.server) > self.before + 2:
            self.assertLess(time.monotonic(), deadline, "connections are left")
            time.sleep(0.1)


class ConnectionsTest(Attacked):
    def test_thousands_of_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CONNECTIONS + 200)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        held, refused = [], 0
        with connect(self.server) as early:
            early.sendall(request("/health"))
            self.assertIn(b"200 OK", early.recv(65536))
            for _ in range(CONNECTIONS):
                try:
                    one = connect(self.server)
                    one.sendall(b"GET /health HTTP/1.1\r\n")  # and no more
                    held.append(one)
                except OSError:
                    refused += 1
            early.sendall(request("/v1/rules"))
            self.assertIn(b"200 OK", early.recv(65536), "who was there goes on")
            self.assertGreater(len(held) + refused, CONNECTIONS - 1)
        rss_mib = resident_mib(self.server)
        files = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        self.assertLess(files, 1_100, "the cap is 1,000 connections")
        print(f"{CONNECTIONS} connections: {files} files open, {rss_mib:.1f} MiB resident", file=sys.stderr)
        for one in held:
            one.close()
        self.check_unharmed()

    def test_many_readers_that_stall(self):
        """Each asks for more than the system keeps for it, and takes nothing: others are served meanwhile, and afterwards nothing of it is left."""
        for i in range(20):
            self.assertEqual(self.server.post("/v1/rules", {"id": f"large-{i:02}", "dsl": RULE["dsl"] + " " * 60_000}).status, 201)
        listing, held = len(self.server.get("/v1/rules").body), []
        self.assertGreater(listing, 1_000_000)
        for _ in range(40):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(PATIENCE)
            one.connect(("127.0.0.1", self.server.port))
            one.sendall(request("/v1/rules") * 4)
            held.append(one)
        for _ in range(20):
            self.assertEqual(self.server.get("/v1/rules/r1").status, 200)
        held_mib = resident_mib(self.server)
        self.assertLess(held_mib, 3 * 40 * listing / 2**20 + 300, "an answer for each at most, not for each of its requests")
        print(f"40 readers that stall: {held_mib:.0f} MiB resident", file=sys.stderr)
        for one in held:
            one.close()
        self.check_unharmed()


class HeadTest(Attacked):
    def flood(self, start, piece):
        """Sends until the server has had enough; returns how many bytes it took to get there."""
        sent = 0
        with connect(self.server) as connection:
            try:
                connection.sendall(start)
                while sent < 64 << 20:
                    connection.sendall(piece)
                    sent += len(piece)
            except OSError:
                pass
            answer = read_all(connection)
        self.assertTrue(answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 503")), answer[:100])
        return sent

    def test_heads_without_an_end(self):
        before = resident_mib(self.server)
        for start, piece in ((b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X-A: b\r\n" * 1000), (b"GET /health HTTP/1.1\r\nX: ", b"a" * 8000), (b"", b"G" * 8000), (b"", b"\r\n" * 4000),
                             (b"GET /", b"%41" * 3000), (b"GET /v1/rules?", b"label=a&" * 1000), (b"GET /health HTTP/1.1\r\n", b" folded\r\n" * 1000),
                             (b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 1000),
                             (b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 8000),
                             (b"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: b\r\n" * 1000)):
            with self.subTest(start=start, piece=piece[:10]):
                self.flood(start, piece)
        grown = resident_mib(self.server) - before
        print(f"floods of heads: {grown:.1f} MiB more resident", file=sys.stderr)
        # ASan keeps up to 256 MiB of what was freed, to find who uses it still.
        self.assertLess(grown, 24 + (256 if has_sanitizer() else 0))
        self.check_unharmed()


class SmugglingTest(Attacked):
    """A second request inside of one whose length can be read in two ways: whichever way a proxy before us reads it, the inner one is not carried out."""

    INNER = json.dumps({"id": "smuggled", "dsl": RULE["dsl"]}).encode()

    def inner(self):
        return request("/v1/rules", "POST", body=self.INNER)

    def check_not_carried_out(self, head, body, before=b""):
        with self.subTest(head=head, before=before):
            answer = b""
            with connect(self.server) as connection:
                try:
                    connection.sendall(before + b"POST /v1/rules/validate HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n" + body)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                answer = read_all(connection)
            self.assertEqual(self.server.request("DELETE", "/v1/rules/smuggled").status, 404, f"{head}: {answer[:300]}")
            self.assertNotIn(b" 201 ", answer)

    def test_two_lengths(self):
        for encoding in (b"Transfer-Encoding: chunked", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked",
                         b"X: y\r\n Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked",
                         b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: CHUNKED", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding:\r\n chunked"):
            by_chunks = b"0\r\n\r\n" + self.inner()  # nothing, then another request, for who reads chunks
            by_length = b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.inner()), self.inner())
            first_line = len(b"%x\r\n" % len(self.inner()))
            for heads in ((b"Content-Length: %d\r\n" + encoding, encoding + b"\r\nContent-Length: %d")):
                self.check_not_carried_out(heads % len(by_chunks), by_chunks)
                if not encoding.startswith((b" ", b"X", b"Transfer-Encoding: chunked\x00")):  # else a proxy and we read the same header
                    self.check_not_carried_out(heads % first_line, by_length)
        self.check_unharmed()

    def test_lengths_that_are_none(self):
        rest = b"aaaaa" + self.inner()
        for length in (b"0x5", b"+5", b"-5", b"5 5", b"5,5", b"5, 5", b"5;", b"5a", b"18446744073709551621", b"4294967301", b"340282366920938463463374607431768211461", b"\xd9\xa5", b"5\r\n 5", b"5\x00", b"5.0",
                       b"5e0", b"'5'"):
            self.check_not_carried_out(b"Content-Length: " + length, rest)
        for head in (b"Content-Length: 5\r\nContent-Length: 0", b"Content-Length: 0\r\nContent-Length: 5", b"Content-Length: 5\r\ncontent-length: 5", b"Content-Length : 5"):
            self.check_not_carried_out(head, rest)
        self.check_unharmed()

    def test_an_empty_line_before_it(self):
        """Which parsers pass over: what follows is looked at all the same."""
        for before in (b"\r\n", b"\n", b"\r\n\r\n"):
            self.check_not_carried_out(b"Content-Length: 6\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + self.inner(), before)
            self.check_not_carried_out(b"Content-Length: 0\r\nContent-Length: 5", self.inner(), before)
            self.check_not_carried_out(b"Transfer-Encoding: chunked", b"0\r\n\r\n" + self.inner(), before)
            status = self.status_of(before + b"DELETE /v1/rules/r1 HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n")
            self.assertEqual(status, 400)
        self.check_unharmed()

    def test_chunks_that_are_none(self):
        for size in (b"10000000000000005", b"-5", b"0x5", b"+5", b"ffffffffffffffff", b"fffffffffffffffb", b"", b"5g", b"\x005"):
            self.check_not_carried_out(b"Transfer-Encoding: chunked", size + b"\r\naaaaa\r\n0\r\n\r\n" + self.inner())
        self.check_not_carried_out(b"Transfer-Encoding: gzip", self.inner())
        self.check_unharmed()


class OtherSitesTest(Attacked):
    """A page that somebody's browser shows, and a name that leads here (DNS rebinding): every route refuses, and nothing is changed."""

    HOSTS = ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "evil.example@127.0.0.1", "[::1].evil.example", "127.0.0.1:80:evil.example",
             "2130706433", "0x7f.1", "127.evil.1.1", "[::1", "localhost\t.evil", "localhost%00.evil", "localhost/evil", "")
    ORIGINS = ("https://evil.example", "http://evil.example:8080", "http://localhost", "http://localhost:1", "null", "http://localhost@evil.example", "http://127.0.0.1.evil.example", "file://", "http://")

    def status_with(self, method, path, more):
        body = json.dumps(dict(RULE, id="foreign")) if method in ("POST", "PUT") else ""
        length = f"Content-Length: {len(body)}\r\n" if method != "GET" else ""
        return self.status_of(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n{length}{more}\r\n{body}".encode("utf-8", "surrogateescape"))

    def unchanged(self):
        self.assertEqual([rule["id"] for rule in self.server.get("/v1/rules").json()["rules"]], ["r1"])
        self.assertTrue(self.server.get("/v1/rules/r1").json()["enabled"])
        self.assertEqual(self.server.get("/v1/replays").json()["replays"], [])
        self.check_unharmed()

    def test_every_route(self):
        every = routes()
        self.assertGreater(len(every), 40)
        for method, path in every:
            with self.subTest(route=f"{method} {path}"):
                self.assertEqual(self.status_with(method, path, "Host: evil.example\r\n"), 421)
                self.assertEqual(self.status_with(method, path, "Host: localhost\r\nOrigin: https://evil.example\r\n"), 403)
                for site in ("cross-site", "same-site"):
                    self.assertEqual(self.status_with(method, path, f"Host: localhost\r\nSec-Fetch-Site: {site}\r\n"), 403)
        self.unchanged()

    def test_names_and_origins(self):
        for host in self.HOSTS:
            with self.subTest(host=host):
                self.assertIn(self.status_with("DELETE", "/v1/rules/r1", f"Host: {host}\r\n"), (400, 421))
        self.assertIn(self.status_with("DELETE", "/v1/rules/r1", ""), (400, 421), "no Host at all")
        self.assertIn(self.status_of(b"DELETE /v1/rules/r1 HTTP/1.0\r\n\r\n"), (400, 421))
        self.assertIn(self.status_of(b"DELETE http://evil.example/v1/rules/r1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), (400, 404, 421))
        self.assertIn(self.status_with("DELETE", "/v1/rules/r1", "Host: localhost\r\nHost: evil.example\r\n"), (400, 421))
        for origin in self.ORIGINS:
            with self.subTest(origin=origin):
                self.assertEqual(self.status_with("DELETE", "/v1/rules/r1", f"Host: localhost:1234\r\nOrigin: {origin}\r\n"), 403)
        self.unchanged()


class BytesTest(Attacked):
    def test_bombs(self):
        for path in POSTS:
            for body in (b"[" * (1 << 20), b'{"a":' * (1 << 17), b'{"dsl": "' + b"(" * 60_000 + b'"}', b'{"dsl": "' + b"not " * 15_000 + b'a"}', b"- " * (1 << 18)):
                with self.subTest(path=path, body=body[:12]):
                    # Text that is no rule is an answer of /validate, not an error.
                    self.assertIn(self.status_of(request(path, "POST", body=body)), (200, 400, 404, 413, 415, 422, 503))
        self.check_unharmed()

    def test_bytes_that_are_no_text(self):
        for path in POSTS:
            for body in (b"\xff\xfe", b'{"dsl": "\xc3("}', b'{"dsl": "a\x00b"}', b'{"dsl": "\\u0000"}', b'{"id": "\\ud800"}', b"\x00" * 1000, b"\x1f\x8b\x08\x00\x00"):
                with self.subTest(path=path, body=body):
                    self.assertIn(self.status_of(request(path, "POST", body=body)), (200, 400, 404, 415, 422, 503))
        for target in ("/v1/rules/%00", "/v1/rules/%ff", "/v1/rules/%zz", "/v1/rules?q=%ff%00", "/v1/rules/..%2f..%2fetc%2fpasswd", "/v1/rules/../../etc/passwd", "//etc/passwd",
                       "/v1/violations?start=%00", "/v1/rules?cursor=%ff", "/v1/traces/%0d%0aX-Evil:%201/verdicts", "*", "http://evil.example/v1/rules"):
            with self.subTest(target=target):
                self.assertIn(self.status_of(request(target)), (200, 400) if "?" in target else (400, 404, 405, 421))
        for more in ("X-Scope-OrgID: a\x00b\r\n", "Accept: \udcff\r\n", "Last-Event-ID: \udcff\udcfe\r\n", "If-Match: \"\x01\"\r\n", "X: a\r\n folded\r\n", "No-Colon\r\n", " : x\r\n"):
            with self.subTest(more=more):
                self.assertIn(self.status_of(request("/v1/rules", more=more)), (200, 400, 403, None))
        self.check_unharmed()

    def test_nothing_breaks_out_of_a_header(self):
        """Ids come back in Location and ETag; line ends in them must not."""
        for rule_id in ("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a%0d%0aX-Evil: 1"):
            answer = self.server.post("/v1/rules", {"id": rule_id, "dsl": RULE["dsl"]})
            self.assertNotIn("x-evil", answer.headers)
            self.assertGreaterEqual(answer.status, 400, answer)
        self.check_unharmed()


class StagesTest(Attacked):
    def test_pipelining(self):
        paths = ["/health", "/v1/rules/r1", "/v1/rules/none", "/v1/rules?limit=1", "/nosuch"] * 40
        with connect(self.server) as connection:
            connection.sendall(b"".join(request(path) for path in paths[:-1]) + request(paths[-1], more="Connection: close\r\n"))
            answer = read_all(connection)
        expected = [{"/v1/rules/none": b"404", "/nosuch": b"404"}.get(path, b"200") for path in paths]
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d{3}) ", answer), expected)
        self.check_unharmed()

    def test_cut_at_every_byte(self):
        body = json.dumps({"dsl": RULE["dsl"]})
        for text in (request("/v1/rules/validate", "POST", body=body), request("/v1/violations?start=now-1h", more="Accept: text/event-stream\r\n")):
            for cut in range(1, len(text) + 1):
                with connect(self.server) as connection:
                    connection.sendall(text[:cut])
                    if cut % 2:  # with RST, and in order
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.check_unharmed()

    def test_cut_in_the_middle_of_a_body(self):
        body = json.dumps(dict(RULE, id="r2", description="d" * 1_000_000)).encode()
        for cut in (0, 1, 1000, 65_536, 500_000, len(body) - 1):
            for more in (f"Content-Length: {len(body)}\r\n", "Transfer-Encoding: chunked\r\n"):
                with connect(self.server) as connection:
                    head = f"POST /v1/rules HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()
                    size = b"%x\r\n" % len(body) if "chunked" in more else b""
                    connection.sendall(head + size + body[:cut])
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.check_unharmed()
        self.assertEqual(self.server.get("/v1/rules/r2").status, 404, "a body that was not whole does nothing")

    def test_cut_while_it_is_waited_for(self):
        """Gone before the answer is made: nothing waits for them for ever."""
        self.assertEqual(self.server.post("/v1/spans", {"spans": [{"trace_id": f"{i + 1:032x}", "span_id": "1", "name": "x", "start_time": int(time.time() - 600), "duration_ms": 1} for i in range(500)]}).status, 200)
        replay = self.server.post("/v1/rules/r1/replay", {"start_time": "now-1h"}).json()["replay_id"]
        paths = ("/v1/violations?start=now-1h", "/v1/violations/series?start=now-1h&step=60s", "/v1/rules/r1/first-violation?start=now-1h", "/v1/compliance/reports/soc2?start=now-1h",
                 f"/v1/replays/{replay}/events", "/v1/rules/r1/contrast?start=now-1h", "/v1/rules/r1/explain?start=now-1h")
        for path in paths:
            for accept in ("application/json", "text/event-stream", "application/x-ndjson"):
                for linger in (False, True):
                    for wait in (0, 0.005):
                        with connect(self.server) as connection:
                            connection.sendall(request(path, more=f"Accept: {accept}\r\n"))
                            time.sleep(wait)
                            if linger:
                                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.check_unharmed()

    def test_cut_while_it_is_answered(self):
        for i in range(60):
            with connect(self.server) as connection:
                connection.sendall(request(("/v1/rules", "/metrics", "/v1/violations?start=now-1h")[i % 3]) * 3)
                connection.recv(1 + i * 20)
        self.check_unharmed()


class TlsStagesTest(unittest.TestCase):
    def test_cut_at_every_stage(self):
        """In the first flight of the handshake, after it, in the head, and with bytes that are no TLS."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        started = context.wrap_bio(into, out, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            started.do_handshake()
        hello = out.read()
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = make_certificate(folder)
            with Betrace("--memory-source", "--tls-cert", certificate, "--tls-key", key, "--request-timeout", "2s") as server:
                files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
                texts = [hello[:cut] for cut in range(1, len(hello), 3)] + [hello, hello * 3, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 70_000, b"\x80" * 2000]
                for number, text in enumerate(texts):
                    with connect(server) as connection:
                        try:
                            connection.sendall(text)
                        except OSError:
                            pass
                        if number % 2:
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                for cut in range(0, 40, 4):
                    with context.wrap_socket(connect(server), server_hostname="localhost") as connection:
                        connection.sendall(request("/health")[:cut] or b"G")
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", cut % 8 > 0, 0))
                with context.wrap_socket(connect(server), server_hostname="localhost") as connection:
                    connection.sendall(request("/health", more="Connection: close\r\n"))
                    self.assertIn(b"200 OK", read_all(connection))
                deadline = time.monotonic() + PATIENCE
                while len(os.listdir(f"/proc/{server.process.pid}/fd")) > files + 2:
                    self.assertLess(time.monotonic(), deadline, "connections are left")
                    time.sleep(0.1)


class TokensTest(unittest.TestCase):
    def test_tokens_are_never_in_the_log(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            made = run_cli("token", "new", "--file", file, "--name", "ci", "--role", "editor", "--tenants", "*", "--grafana-user")
            self.assertEqual(made.returncode, 0, made.stderr)
            token = next(word for word in made.stdout.split() if word.startswith("betrace_"))
            with Betrace("--memory-source", "--tokens", file) as server:
                bearer = {"Authorization": f"Bearer {token}"}
                self.assertEqual(server.get("/v1/rules", headers=bearer).status, 200)
                places = ([{name: value, **bearer} for name in ("X-Scope-OrgID", "X-Grafana-User", "Referer", "User-Agent", "Accept", "If-Match", "Last-Event-ID", "Content-Type", "Content-Encoding", "X-Api-Key")
                           for value in (token, f"a={token}")] +
                          [{"Authorization": value} for value in (f"Basic {token}", f"Bearer {token}x", f"Bearer  {token}", token, f"Bearer {token} {token}")] +
                          [{"Cookie": f"token={token}; session={token}"}, {"Proxy-Authorization": f"Bearer {token}"}, {"Origin": f"http://{token}", **bearer}, {"Host": token, **bearer},
                           {"Origin": f"http://user:{token}@localhost", **bearer}])
                for headers in places:
                    answer = server.get("/v1/rules", headers=headers)
                    self.assertGreaterEqual(answer.status, 200)
                    self.assertNotIn(token, answer.body.decode() + str(answer.headers) if answer.status in (401, 421) else "")
                for path in (f"/v1/rules/{token}", f"/v1/rules?token={token}", f"/v1/rules?cursor={token}", f"/v1/traces/{token}/verdicts", f"/{token}", f"/v1/replays/{token}/events"):
                    for headers in (bearer, {}):
                        self.assertGreaterEqual(server.get(path, headers=headers).status, 200)
                for body in (f'{{"token": "{token}"', {"dsl": token}, dict(RULE, id="r1"), {"id": token, "dsl": RULE["dsl"]}):
                    for path in POSTS:
                        self.assertGreaterEqual(server.post(path, body, headers=bearer).status, 200)
                with connect(server) as connection:
                    connection.sendall(f"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nbroken {token}\r\n\r\n".encode())
                    connection.shutdown(socket.SHUT_WR)
                    read_all(connection)
                server.reload("reloaded")
                server.stop()
                log = "".join(server.lines)
                self.assertIn("stopped", log, "the log was read to its end")
                self.assertNotIn(token[8:24], log)

    def test_what_opens_tempo_is_never_in_the_log(self):
        """Secrets of others that the service holds, while those refuse it."""
        secrets = {"BETRACE_TEMPO_TOKEN": "tempo-secret-1", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer otlp-secret-2,x-key=otlp-secret-3"}
        refuse = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
        with socket.create_server(("127.0.0.1", 0)) as tempo:
            seen = []

            def answer():
                while True:
                    try:
                        one, _ = tempo.accept()
                    except OSError:
                        return
                    with one:
                        seen.append(one.recv(65536))
                        one.sendall(refuse)
            threading.Thread(target=answer, daemon=True).start()
            url = f"http://127.0.0.1:{tempo.getsockname()[1]}"
            with Betrace("--tempo", url, "--otlp", url, "--watch", "--interval", "1s", env=secrets) as server:
                self.assertEqual(server.post("/v1/rules", RULE).status, 201)
                answers = [server.get("/ready"), server.get("/v1/violations?start=now-1h&timeout=2s"), server.get("/metrics"), server.get("/v1/traces/1/verdicts"),
                           server.post("/v1/spans", {"spans": [{"trace_id": "1", "span_id": "1", "name": "x", "start_time": int(time.time()), "duration_ms": 1}]})]
                replay = server.post("/v1/rules/r1/replay", {"start_time": "now-1h"}).json()["replay_id"]
                answers.append(server.get(f"/v1/replays/{replay}"))
                server.wait_job(replay)
                answers.append(server.get(f"/v1/replays/{replay}"))
                deadline = time.monotonic() + PATIENCE
                while not any("watch" in line for line in server.lines) and time.monotonic() < deadline:
                    time.sleep(0.1)
                server.stop()
            tempo.shutdown(socket.SHUT_RDWR)
        self.assertTrue(any(b"tempo-secret-1" in one for one in seen), "it was used")
        said = "".join(server.lines) + "".join(answer.body.decode() + str(answer.headers) for answer in answers)
        self.assertIn("watch", "".join(server.lines))
        for secret in ("tempo-secret-1", "otlp-secret-2", "otlp-secret-3"):
            self.assertNotIn(secret, said)


if __name__ == "__main__":
    unittest.main(argv=[argument for argument in sys.argv if argument != "--short"], verbosity=1)
