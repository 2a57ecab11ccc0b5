"""A loopback proxy in front of an HTTP server that can go away after a number of requests, as an outage would. Standard library only."""
import socket
import threading
import urllib.parse


class CountingProxy:
    """Passes bytes both ways and counts requests (HTTP/1.1, one at a time a connection). `allowed`: after begin(), that many requests are passed on;
    at the next one `when_reached` is called, every connection is cut, and new ones are refused."""

    def __init__(self, target, allowed=None, when_reached=None):
        parts = urllib.parse.urlsplit(target)
        self.target = (parts.hostname, parts.port)
        self.allowed = None
        self.limit = allowed
        self.when_reached = when_reached
        self.requests = 0
        self.lock = threading.Lock()
        self.gone = False
        self.pairs = []
        self.seen = []  # (method, path with query, {header: value}, body) of each request

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._cut()

    def begin(self):
        """From now on requests count against `allowed`."""
        with self.lock:
            self.requests = 0
            self.allowed = self.limit

    def _accept(self):
        while not self.gone:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.append((client, server))
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _may_pass(self):
        with self.lock:
            reached = self.allowed is not None and self.requests >= self.allowed
            if not reached:
                self.requests += 1
        if reached:
            self._cut()
            if self.when_reached:
                self.when_reached()
                self.when_reached = None
        return not reached

    def _requests(self, client, server):
        try:
            while chunk := client.recv(65536):
                if chunk.startswith((b"GET ", b"POST ")):
                    if not self._may_pass():
                        return
                    self._note(chunk)
                server.sendall(chunk)
        except OSError:
            pass
        self._close(client, server)

    def _note(self, chunk):
        head, _, body = chunk.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2) if lines[0].count(" ") >= 2 else (*lines[0].split(" ", 1), "")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        with self.lock:
            self.seen.append((method, path, headers, body))

    def _answers(self, server, client):
        try:
            while chunk := server.recv(65536):
                client.sendall(chunk)
        except OSError:
            pass
        self._close(client, server)

    @staticmethod
    def _close(*sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _cut(self):
        self.gone = True
        # A close alone does not wake the thread in accept().
        self._close(self.listener)
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self._close(*pair)
