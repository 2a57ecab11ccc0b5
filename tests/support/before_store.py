"""Servers that stand before a store in tests. Standard library only."""
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, content, headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Before:
    """With `with`: a server of one of the handlers before the store at that port."""

    def __init__(self, handler, port):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (handler,), {"port": port}))
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who asked hung up
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
