"""A loopback proxy in front of an HTTP server with a switch: pass, refuse (cut connections), stall (take a request and
never answer), status (answer every request with it). A search sees new spans only after a delay, as in newer
Tempos. Standard library only."""
import http.client
import http.server
import socket
import threading
import time
import urllib.parse

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class SwitchProxy:
    """`mode`: "pass", "refuse", "stall", or a status such as 429; may be set at any time. What was stalled is never passed on: its connection is cut
    when the mode changes. `stalled`: requests that are held now. `search_delay`: seconds; /api/search shows nothing younger."""

    def __init__(self, target, search_delay=0.0):
        parts = urllib.parse.urlsplit(target)
        self.target = (parts.hostname, parts.port)
        self.search_delay = search_delay
        self.mode = "pass"
        self.requests = 0
        self.stalled = 0
        self.lock = threading.Lock()  # guards the counts

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def _late_search(self, path):
        """The path with its end held back; None: nothing of the range is to be seen."""
        parts = urllib.parse.urlsplit(path)
        if not self.search_delay or parts.path != "/api/search":
            return path
        query = dict(urllib.parse.parse_qsl(parts.query))
        seen = int(time.time() - self.search_delay)
        if "end" not in query or int(query["end"]) <= seen:
            return path
        if int(query["start"]) >= seen:
            return None
        query["end"] = str(seen)
        return urllib.parse.urlunsplit(("", "", parts.path, urllib.parse.urlencode(query, quote_via=urllib.parse.quote), ""))

    def _hold(self):
        with self.lock:
            self.stalled += 1
        while self.mode == "stall":
            time.sleep(0.05)
        with self.lock:
            self.stalled -= 1

    def _handler(proxy):  # noqa: N805  (the handler's self is another)
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, headers, body):
                self.send_response(status)
                for key, value in headers:
                    if key.lower() not in HOP_BY_HOP:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def cut(self):
                self.close_connection = True
                try:
                    self.connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was faster
                    pass

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with proxy.lock:
                    proxy.requests += 1
                if proxy.mode == "stall":
                    proxy._hold()
                    self.cut()
                    return
                if proxy.mode == "refuse":
                    self.cut()
                    return
                if proxy.mode != "pass":
                    self.answer(int(proxy.mode), [("Content-Type", "text/plain"), ("Retry-After", "1")], b"switched")
                    return
                path = proxy._late_search(self.path)
                if path is None:
                    self.answer(200, [("Content-Type", "application/json")], b'{"traces":[],"metrics":{}}')
                    return
                upstream = http.client.HTTPConnection(*proxy.target, timeout=60)
                try:
                    headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
                    upstream.request(self.command, path, body=body or None, headers=headers)
                    response = upstream.getresponse()
                    self.answer(response.status, response.getheaders(), response.read())
                except OSError:
                    self.close_connection = True
                finally:
                    upstream.close()

            do_GET = do_POST = do_HEAD = handle_any

        return Handler
