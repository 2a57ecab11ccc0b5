"""The web pages of --ui on a real server: what is served and how, that the API goes before them, who may reach them, path tricks over a plain socket, and reload."""
import gzip
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import Betrace, binary, run_cli, sanitizer_environment  # noqa: E402

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
INDEX = b'<!doctype html><title>Pages</title><script type="module" src="/assets/app-1f2e3d4c.js"></script>'
SCRIPT = b"document.title = 'here';\n" * 1000
PATIENCE = 30


def write(folder, path, content):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)


def make_pages(folder):
    write(folder, "index.html", INDEX)
    write(folder, "assets/app-1f2e3d4c.js", SCRIPT)
    write(folder, "assets/app-1f2e3d4c.js.gz", gzip.compress(SCRIPT))
    write(folder, "logo.svg", b"<svg/>")
    write(folder, ".env", b"secret")
    write(folder, "health", b"a file that must not hide the API")
    write(folder, "v1/rules", b"neither this one")
    os.symlink("/etc/passwd", os.path.join(folder, "passwd.txt"))


class PagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="betrace-pages-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_pages(cls.folder)
        cls.server = Betrace("--memory-source", "--ui", cls.folder)
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    def problem(self, answer, status, kind):
        self.assertEqual((answer.status, answer.headers["content-type"]), (status, "application/problem+json"), answer)
        self.assertEqual(answer.json()["type"], f"urn:betrace:problem:{kind}")

    def test_index_and_deep_links(self):
        for path in ("/", "/index.html", "/rules", "/rules/slow.db?tab=versions", "/replay/abc", "/a%20b/"):
            with self.subTest(path=path):
                answer = self.server.get(path, headers=BROWSER)
                self.assertEqual((answer.status, answer.body), (200, INDEX))
                self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
                self.assertEqual(answer.headers["cache-control"], "no-cache")

    def test_headers(self):
        headers = self.server.get("/").headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["script-src"], "'self'", "nothing inline, nothing evaluated")
        self.assertEqual(policy["connect-src"], "'self'")
        self.assertEqual(policy["worker-src"], "'self'")
        self.assertEqual(policy["frame-ancestors"], "'none'")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["x-frame-options"], "DENY")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertEqual(headers["vary"], "Accept-Encoding")

    def test_files(self):
        answer = self.server.get("/assets/app-1f2e3d4c.js")
        self.assertEqual((answer.status, answer.body), (200, SCRIPT))
        self.assertEqual(answer.headers["content-type"], "text/javascript; charset=utf-8")
        self.assertEqual(answer.headers["cache-control"], "public, max-age=31536000, immutable")
        self.assertNotIn("content-encoding", answer.headers)
        packed = self.server.get("/assets/app-1f2e3d4c.js", headers={"Accept-Encoding": "gzip, deflate, br"})
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), SCRIPT)
        self.assertNotEqual(packed.headers["etag"], answer.headers["etag"])
        self.assertEqual(self.server.get("/logo.svg").headers["content-type"], "image/svg+xml")

    def test_a_range_is_answered_with_the_whole(self):
        answer = self.server.get("/assets/app-1f2e3d4c.js", headers={"Range": "bytes=0-9"})
        self.assertEqual((answer.status, answer.body), (200, SCRIPT))

    def test_head_and_copies(self):
        got = self.server.get("/logo.svg")
        head = self.server.request("HEAD", "/logo.svg")
        self.assertEqual((head.status, head.body, head.headers["content-length"], head.headers["etag"]), (200, b"", "6", got.headers["etag"]))
        again = self.server.get("/logo.svg", headers={"If-None-Match": f'"other", W/{got.headers["etag"]}'})
        self.assertEqual((again.status, again.body, again.headers["etag"]), (304, b"", got.headers["etag"]))
        self.assertEqual(self.server.get("/logo.svg", headers={"If-None-Match": '"other"'}).status, 200)

    def test_a_connection_goes_on_after_304_and_head(self):
        requests = [b"GET /logo.svg HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n", b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    b"GET /logo.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]
        got = self.raw(b"".join(requests))
        self.assertEqual(got.count(b"HTTP/1.1 "), 3, got)
        self.assertIn(b"HTTP/1.1 304 Not Modified\r\n", got)
        self.assertTrue(got.endswith(b"\r\n\r\n<svg/>"), got)

    def test_the_api_goes_first(self):
        self.assertEqual(self.server.get("/health", headers=BROWSER).json(), {"status": "healthy"})
        self.assertEqual(self.server.get("/v1/rules", headers=BROWSER).json()["rules"], [])
        self.assertIn(b"betrace_build_info", self.server.get("/metrics", headers=BROWSER).body)
        self.problem(self.server.get("/v1", headers=BROWSER), 404, "not-found")
        self.problem(self.server.get("/v1/nope", headers=BROWSER), 404, "not-found")
        self.problem(self.server.request("DELETE", "/health", headers=BROWSER), 405, "method-not-allowed")

    def test_what_is_no_page(self):
        for path, accept in (("/assets/nope.js", "text/html"), ("/nope", "application/json"), ("/.env", "text/html"), ("/passwd.txt", "text/html")):
            with self.subTest(path=path):
                self.problem(self.server.get(path, headers={"Accept": accept}), 404, "not-found")

    def test_only_reading(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            answer = self.server.request(method, "/index.html")
            self.problem(answer, 405, "method-not-allowed")
            self.assertEqual(answer.headers["allow"], "GET, HEAD")

    def raw(self, text):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as connection:
            connection.sendall(text)
            got = bytearray()
            while piece := connection.recv(65536):
                got += piece
        return bytes(got)

    def test_path_tricks(self):
        tricks = ("/../../../etc/passwd", "/assets/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/..%5c..%5cetc%5cpasswd", "//etc/passwd",
                  "/assets/..;/..;/etc/passwd", "/.env", "/%2eenv", "/assets/%00.js", "/index.html%00", "/etc/passwd%00.html", "/%", "/%c0%ae%c0%ae/etc/passwd",
                  "/passwd.txt", "/" + "a" * 6000, "/" + "../" * 1000 + "etc/passwd")
        for trick in tricks:
            with self.subTest(path=trick[:60]):
                got = self.raw(f"GET {trick} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
                self.assertNotIn(b"root:", got)
                self.assertNotIn(b"secret", got)
                self.assertTrue(got.startswith(b"HTTP/1.1 404") or got.endswith(INDEX), got[:200])

    def test_sites(self):
        own = f"http://127.0.0.1:{self.server.port}"
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        self.assertEqual(self.server.get("/rules", headers={**BROWSER, **link}).status, 200, "somebody follows a link to a page")
        self.assertEqual(self.server.get("/", headers={**link, "Sec-Fetch-Site": "same-site"}).status, 200)
        self.assertEqual(self.server.get("/logo.svg", headers={"Sec-Fetch-Site": "same-origin"}).status, 200)
        created = self.server.post("/v1/rules", {"id": "own", "name": "own", "dsl": 'trace.has(span.name == "x")'},
                                   headers={"Origin": own, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})
        self.assertEqual(created.status, 201, "the own pages write")
        self.server.request("DELETE", "/v1/rules/own")
        for headers, path in (({**link, "Sec-Fetch-Dest": "iframe"}, "/"), ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, "/logo.svg"),
                              ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, "/"), ({"Origin": "https://evil.example"}, "/"), (link, "/v1/rules"), (link, "/metrics")):
            with self.subTest(headers=headers, path=path):
                self.problem(self.server.get(path, headers=headers), 403, "foreign-origin")
        self.problem(self.server.request("POST", "/", headers=link), 403, "foreign-origin")
        self.problem(self.server.get("/", headers={"Host": "evil.example"}), 421, "misdirected")


class TokensTest(unittest.TestCase):
    def test_pages_are_public_and_the_api_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens, pages = os.path.join(folder, "tokens"), os.path.join(folder, "ui")
            token = run_cli("token", "new", "--name", "a", "--file", tokens).stdout.strip()
            make_pages(pages)
            with Betrace("--memory-source", "--ui", pages, "--tokens", tokens) as server:
                self.assertEqual(server.get("/", headers=BROWSER).body, INDEX)
                self.assertEqual(server.get("/assets/app-1f2e3d4c.js").status, 200)
                for path in ("/v1/rules", "/v1/nope", "/metrics", "/v1"):
                    self.assertEqual(server.get(path, headers=BROWSER).status, 401, path)
                self.assertEqual(server.get("/v1/rules", headers={"Authorization": f"Bearer {token}"}).status, 200)
                self.assertEqual(server.get("/nope.js").status, 404)


class StartTest(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([binary(), "serve", "--listen", "127.0.0.1:0", "--db", ":memory:", "--memory-source", *arguments], capture_output=True, text=True,
                              timeout=60, env=sanitizer_environment())
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_a_folder_that_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            says = self.refused("--ui", os.path.join(folder, "nope"))
            self.assertIn("cannot be opened: No such file or directory", says)
            self.assertIn("make ui", says)
            says = self.refused("--ui", folder)
            self.assertIn("has no index.html", says)
            self.assertIn("make ui", says)

    def test_without_pages(self):
        with Betrace("--memory-source") as server:
            self.assertEqual(server.get("/", headers=BROWSER).status, 404)


class ReloadTest(unittest.TestCase):
    def test_new_files(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pages(folder)
            with Betrace("--memory-source", "--ui", folder) as server:
                write(folder, "new.txt", b"new")
                write(folder, "logo.svg", b"<svg>2</svg>")
                self.assertEqual(server.get("/new.txt").status, 404, "the folder is read at the start")
                server.reload("reloaded")
                self.assertEqual(server.get("/new.txt").body, b"new")
                self.assertEqual(server.get("/logo.svg").body, b"<svg>2</svg>")
                os.unlink(os.path.join(folder, "index.html"))
                self.assertIn("has no index.html", server.reload("reload refused"))
                self.assertEqual(server.get("/", headers=BROWSER).body, INDEX, "nothing was changed")

    def test_pages_begin_and_end(self):
        with tempfile.TemporaryDirectory() as folder:
            pages, config = os.path.join(folder, "ui"), os.path.join(folder, "betrace.conf")
            make_pages(pages)
            write(folder, "betrace.conf", b"memory-source\n".replace(b"\n", b" = true\n"))
            with Betrace("--config", config) as server:
                self.assertEqual(server.get("/").status, 404)
                write(folder, "betrace.conf", f"memory-source = true\nui = {pages}\n".encode())
                server.reload("reloaded")
                self.assertEqual(server.get("/").body, INDEX)
                write(folder, "betrace.conf", b"memory-source = true\n")
                server.reload("reloaded")
                self.assertEqual(server.get("/").status, 404)

    def test_an_answer_under_way_keeps_its_pages(self):
        large = os.urandom(1 << 16) * 400  # more than the system keeps between the two
        with tempfile.TemporaryDirectory() as folder:
            make_pages(folder)
            write(folder, "large.bin", large)
            with Betrace("--memory-source", "--ui", folder) as server:
                with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
                    connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    got = bytearray(connection.recv(1000))
                    write(folder, "large.bin", b"small")
                    server.reload("reloaded")
                    self.assertEqual(server.get("/large.bin").body, b"small")
                    while piece := connection.recv(1 << 20):
                        got += piece
                self.assertEqual(bytes(got).split(b"\r\n\r\n", 1)[1], large)

    def test_many_readers_while_pages_change(self):
        with tempfile.TemporaryDirectory() as folder:
            make_pages(folder)
            with Betrace("--memory-source", "--ui", folder) as server:
                stop, wrong = threading.Event(), []

                def read():
                    while not stop.is_set():
                        answer = server.get("/assets/app-1f2e3d4c.js")
                        if answer.body != SCRIPT:
                            wrong.append(answer)

                readers = [threading.Thread(target=read) for _ in range(3)]
                for reader in readers:
                    reader.start()
                for _ in range(10):
                    server.reload("reloaded")
                    time.sleep(0.01)
                stop.set()
                for reader in readers:
                    reader.join()
                self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
