"""JSON Web Tokens, right and wrong ones, and the key sets that they are checked by. Standard library and the openssl command."""
import base64
import http.server
import json
import os
import subprocess
import threading

KINDS = {"RS256": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "RSA1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
         "ES256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "ES384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
         "EdDSA": ("-algorithm", "ED25519")}


def b64(data):
    """Strict base64url of bytes, or of text."""
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, check=True, capture_output=True).stdout


def raw_signature(der, size):
    """SEQUENCE of two INTEGERs → two numbers of `size` bytes."""
    at, parts = (2 if der[1] < 0x80 else 3), []
    for _ in range(2):
        length = der[at + 1]
        parts.append(int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(size, "big"))
        at += 2 + length
    return b"".join(parts)


class Key:
    """A key pair of a kind of KINDS, in a folder of the test's."""

    def __init__(self, folder, kind, kid):
        self.kind, self.kid, self.file = kind, kid, os.path.join(folder, f"{kind}-{kid}.pem")
        openssl("genpkey", *KINDS[kind], "-out", self.file)
        self.pem = openssl("pkey", "-in", self.file, "-pubout")
        self.der = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")

    def jwk(self, **more):
        """Its public half, as a key set has it; `more` is laid over it, and what is None is left out."""
        if self.kind.startswith("RS"):
            modulus = openssl("rsa", "-pubin", "-in", "/dev/stdin", "-modulus", "-noout", stdin=self.pem).decode().strip().partition("=")[2]
            parts = {"kty": "RSA", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}
        elif self.kind == "EdDSA":
            parts = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.der[-32:])}
        else:
            size = 32 if self.kind == "ES256" else 48
            parts = {"kty": "EC", "crv": f"P-{size * 8}", "x": b64(self.der[-2 * size:-size]), "y": b64(self.der[-size:])}
        whole = {**parts, "kid": self.kid, "use": "sig", **more}
        return {name: value for name, value in whole.items() if value is not None}

    def sign(self, data):
        """What the kind's algorithm signs data with."""
        if self.kind == "EdDSA":
            with open(self.file + ".data", "wb") as out:
                out.write(data)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", self.file + ".data")
        der = openssl("dgst", "-sha256", "-sign", self.file, stdin=data)
        return der if self.kind.startswith("RS") else raw_signature(der, 32 if self.kind == "ES256" else 48)

    def token(self, claims, header=None, sign=None):
        """claims: a dict, or the text as it is to be signed; header: laid over the right one, or its text. sign: in place of our own."""
        if not isinstance(header, str):
            whole = {"alg": self.kind, "kid": self.kid, "typ": "JWT", **(header or {})}
            header = json.dumps({name: value for name, value in whole.items() if value is not None})
        text = f"{b64(header)}.{b64(claims if isinstance(claims, (str, bytes)) else json.dumps(claims))}"
        return f"{text}.{b64((sign or self.sign)(text.encode()))}"


class KeyServer:
    """An identity provider's key set over HTTP. `answer`: a dict for JSON, bytes as they are, or a function of the handler. asked: how often it was."""

    def __init__(self, answer):
        self.answer, self.asked, self.ending = answer, 0, threading.Event()

    def __enter__(self):
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                served.asked += 1
                if callable(served.answer):
                    served.answer(self)
                    return
                body = served.answer if isinstance(served.answer, bytes) else json.dumps(served.answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who hangs up on an answer that is too large is right
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
