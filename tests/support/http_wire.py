"""HTTP/1.1 on sockets, as far as a test proxy needs it: long request lines (a query of 128 KiB is in the URL) and
answers written byte by byte. It decodes nothing unless asked. Standard library only."""
import gzip
import http.client
import socket
import struct
import threading
import urllib.parse

HEAD_MAX = 1 << 20


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.parameters = dict(urllib.parse.parse_qsl(parts.query))

    def header(self, name):
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, dict(headers), body

    @property
    def content_type(self):
        return self.headers.get("Content-Type", "")

    def with_body(self, body, content_type=None):
        headers = dict(self.headers)
        if content_type:
            headers["Content-Type"] = content_type
        return Answer(self.status, headers, body)


def read_request(reader):
    """The next request of a buffered socket file; None at its end."""
    lines, size = [], 0
    while True:
        line = reader.readline(HEAD_MAX)
        size += len(line)
        if not line or size > HEAD_MAX:
            return None
        if line in (b"\r\n", b"\n"):
            break
        lines.append(line.decode("latin-1").rstrip("\r\n"))
    if not lines or lines[0].count(" ") != 2:
        return None
    method, target, _ = lines[0].split(" ")
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    length = int(next((v for k, v in headers.items() if k.lower() == "content-length"), 0))
    return Request(method, target, headers, reader.read(length) if length else b"")


def fetch(host, port, request, timeout=60):
    """The upstream's answer, unpacked; Content-Type, Retry-After and the status are kept."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        kept = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "connection", "accept-encoding", "content-length")}
        connection.request(request.method, request.target, body=request.body or None, headers=kept)
        response = connection.getresponse()
        headers = {name: response.headers[name] for name in ("Content-Type", "Retry-After") if response.headers[name]}
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


def head_of(answer, length=None, extra=()):
    lines = [f"HTTP/1.1 {answer.status} X"] + [f"{name}: {value}" for name, value in answer.headers.items()] + list(extra)
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def send_whole(wire, request, answer):
    """As a good server does, gzipped where the client takes it."""
    if "gzip" in (request.header("Accept-Encoding") or "") and len(answer.body) > 256:
        packed = gzip.compress(answer.body, 1)
        wire.sendall(head_of(answer, len(packed), ["Content-Encoding: gzip"]) + packed)
    else:
        wire.sendall(head_of(answer, len(answer.body)) + answer.body)


def reset(wire):
    """Closes with RST, as a host that went away does."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Proxy:
    """In front of an upstream: `behave(wire, request, answer)` writes whatever it likes; its return value says whether the connection goes on.
    `answer()` fetches the upstream's one. `seen` holds every request."""

    def __init__(self, upstream, behave=None):
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.behave = behave or self.pass_on
        self.seen, self.lock = [], threading.Lock()
        self.stopping = threading.Event()
        self.sockets = set()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        with self.lock:
            open_ones = list(self.sockets)
        for one in [self.listener, *open_ones]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.thread.join(5)

    @staticmethod
    def pass_on(wire, request, answer):
        send_whole(wire, request, answer())
        return True

    def _accept(self):
        while not self.stopping.is_set():
            try:
                wire, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.sockets.add(wire)
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire):
        goes_on = True
        try:
            with wire.makefile("rb") as reader:
                while goes_on and not self.stopping.is_set():
                    request = read_request(reader)
                    if request is None:
                        break
                    with self.lock:
                        self.seen.append(request)
                    goes_on = self.behave(wire, request, lambda asked=request: fetch(*self.upstream, asked))
        except (OSError, http.client.HTTPException):
            pass  # the client went away, or the upstream did: both are what tests do
        finally:
            with self.lock:
                self.sockets.discard(wire)
            wire.close()
