"""A server on loopback that stands before a Tempo as a hosted one's gateway does: TLS with a self-signed certificate, a path prefix, and
credentials without which nothing passes. Standard library and the openssl command."""
import http.server
import os
import ssl
import subprocess
import threading
import urllib.parse

from run_tempo import http as fetch

PASSED_ON = ("Accept", "X-Scope-OrgID", "X-Query-Tags")


def make_certificate(folder, name="localhost"):
    """A key and a self-signed certificate for the name: (certificate file, key file)."""
    files = os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out", files[0], "-keyout", files[1]],
                   check=True, capture_output=True)
    return files


class Gateway:
    """target: Tempo's URL. authorization: the header that has to come, or None. certificate: as make_certificate gives it, or None for plain HTTP.
    seen: (path, {header: value}) of each request."""

    def __init__(self, target, prefix="/tempo", authorization=None, certificate=None):
        self.target, self.prefix, self.authorization, self.certificate = target, prefix, authorization, certificate
        self.seen = []

    def __enter__(self):
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                gateway.seen.append((self.path, dict(self.headers)))
                self.answer(*gateway.answer(self.path, self.headers))

            def answer(self, status, content_type, body):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that refuses our certificate is no news
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"{'https' if self.certificate else 'http'}://localhost:{self.server.server_port}{self.prefix}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, headers):
        """(status, content type, body)."""
        if self.authorization and headers.get("Authorization") != self.authorization:
            return 401, "application/json", b'{"status":"error","error":"authentication error: no credentials provided"}'
        if not urllib.parse.urlsplit(path).path.startswith(self.prefix + "/api/"):
            return 404, "text/plain", b"404 page not found"
        passed = {name: headers[name] for name in PASSED_ON if headers.get(name)}
        status, answered, body = fetch("GET", self.target + path[len(self.prefix):], headers=passed)
        return status, answered.get("Content-Type", ""), body
