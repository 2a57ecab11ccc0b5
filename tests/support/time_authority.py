"""A time-stamp authority (RFC 3161) on loopback, made with `openssl ts`, that can also answer wrongly in every way that a test names."""
import http.server
import os
import subprocess
import tempfile
import threading

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
STAMPS = "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
SERVES = "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **more)


class Authority:
    """A root certificate and one that stamps times, both made new."""

    def __init__(self, folder, name, extensions=STAMPS, dates=()):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.root, self.root_key, self.key, self.certificate = (os.path.join(self.folder, file) for file in
                                                                ("root.pem", "root.key", "tsa.key", "tsa.pem"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.root_key, "-out", self.root,
                "-subj", f"/CN={name} root", "-days", 3650)
        request = self.path("tsa.csr")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", request,
                "-subj", f"/O=BeTrace tests/CN={name} stamps")
        self.write("extensions", extensions)
        if dates:
            self.sign_for(request, *dates)
        else:
            openssl("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.root_key, "-CAcreateserial", "-days", 3650,
                    "-extfile", self.path("extensions"), "-out", self.certificate)
        self.write("serial", "01")
        self.write("config", CONFIG.format(folder=self.folder))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)

    def sign_for(self, request, start, end):
        """With a certificate of these dates, as `openssl ca` takes them."""
        self.write("index", "")
        self.write("ca-serial", "01")
        self.write("ca", f"[ca]\ndefault_ca=it\n[it]\nnew_certs_dir={self.folder}\ndatabase={self.path('index')}\nserial={self.path('ca-serial')}\n"
                         f"default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\norganizationName=optional\n")
        openssl("ca", "-batch", "-config", self.path("ca"), "-in", request, "-cert", self.root, "-keyfile", self.root_key, "-startdate", start,
                "-enddate", end, "-extfile", self.path("extensions"), "-out", self.certificate, "-notext")

    def answer(self, query):
        """The TimeStampResp to a TimeStampReq, both DER."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(query)
            file.flush()
            return openssl("ts", "-reply", "-config", self.path("config"), "-queryfile", file.name, "-signer", self.certificate,
                           "-inkey", self.key).stdout

    def query_for(self, digest, *more):
        """A TimeStampReq over a digest in hex."""
        return openssl("ts", "-query", "-digest", digest, "-sha256", "-cert", *more).stdout


class TimeServer:
    """`behaviour(server, query)` gives the bytes of an answer, or (status, bytes), or None: the connection is cut. `queries` are those that came."""

    def __init__(self, authority, behaviour=None):
        self.authority, self.behaviour, self.queries, self.types = authority, behaviour, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802, as http.server names it
                query = self.rfile.read(int(self.headers["Content-Length"]))
                outer.types.append(self.headers["Content-Type"])
                outer.queries.append(query)
                answer = (outer.behaviour or (lambda server, q: server.authority.answer(q)))(outer, query)
                if answer is None:
                    self.close_connection = True
                    return
                status, body = answer if isinstance(answer, tuple) else (200, answer)
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(outer.length or len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.length = None
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/tsa"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

