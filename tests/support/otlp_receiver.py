"""A loopback receiver of OTLP/HTTP that answers what a test tells it to. Standard library only."""
import http.server
import json
import threading

ACCEPTED = (200, "application/json", b'{"partialSuccess":{}}')


def partial(rejected, message, as_text=True):
    """The answer of a receiver that took some spans only. OTLP's JSON writes 64-bit numbers as text; some writers do not."""
    document = {"partialSuccess": {"rejectedSpans": str(rejected) if as_text else rejected, "errorMessage": message}}
    return 200, "application/json", json.dumps(document).encode()


class OtlpReceiver:
    """`answer`: (status, content type, body), "hang" or "cut". seen: (path, {header: value}, body) of each request."""

    def __init__(self, answer=ACCEPTED):
        self.answer, self.seen, self.ended = answer, [], threading.Event()

    def __enter__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if receiver.answer == "hang":
                    receiver.ended.wait(60)
                if receiver.answer in ("hang", "cut"):
                    self.close_connection = True
                    return
                status, content_type, answer = receiver.answer
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
