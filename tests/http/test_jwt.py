"""Tokens of an identity provider (--jwt-jwks) on a real server: right ones of each algorithm, attacks by name, and the file of roles. Keys that change, lie,
hang or stay away, and a clock that is set back. No token is in an answer or the log."""
import base64
import hashlib
import hmac
import json
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import Betrace, run_cli  # noqa: E402
from jwt_maker import Key, KeyServer, b64  # noqa: E402
from shifted_clock import ShiftedClock  # noqa: E402
from test_access import RULE, bearer, make_token  # noqa: E402

ISSUER, AUDIENCE = "https://id.example/realms/one", "betrace"
ROLES = {"roles": [{"claim": "groups", "value": "readers", "role": "viewer"}, {"claim": ["realm_access", "roles"], "value": "sre", "role": "editor"}],
         "tenants": [{"claim": "groups", "value": "readers", "tenants": ["acme"]}, {"claim": "groups", "value": "globex", "tenants": ["globex", "acme"]},
                     {"claim": "groups", "value": "ops", "tenants": "*"}]}
FOLDER = tempfile.TemporaryDirectory(prefix="betrace-jwt-")
unittest.addModuleCleanup(FOLDER.cleanup)
RSA, EC, ED, EVE, SMALL, P384, ENC = (Key(FOLDER.name, kind, kid) for kind, kid in (
    ("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed"), ("RS256", "eve"), ("RSA1024", "small"), ("ES384", "p384"), ("EdDSA", "enc")))
SET = {"keys": [RSA.jwk(alg="RS256"), EC.jwk(), ED.jwk(alg="EdDSA"), SMALL.jwk(), P384.jwk(), ENC.jwk(use="enc"), {"kty": "oct", "kid": "shared", "k": b64("x" * 32)},
                EVE.jwk(kid="pss", alg="PS256")]}


def claims(**more):
    """Good ones for a reader of acme; `more` is laid over them, and what is None is left out."""
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "exp": now + 600, "iat": now, "groups": ["readers"], **more}
    return {name: value for name, value in whole.items() if value is not None}


def write(name, content):
    path = os.path.join(FOLDER.name, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(content if isinstance(content, str) else json.dumps(content))
    return path


def flags(jwks, roles=ROLES, audience=AUDIENCE):
    return ("--memory-source", "--jwt-jwks", jwks, "--jwt-issuer", ISSUER, "--jwt-audience", audience, "--jwt-roles", write("roles.json", roles))


# ---- the attacks ----

def hs256(secret):
    """A header, and a signature, with which a public key is taken for a shared secret."""
    return {"header": {"alg": "HS256"}, "sign": lambda data: hmac.new(secret, data, hashlib.sha256).digest()}


def good():
    return RSA.token(claims())


def with_part(at, change):
    """A good token, one part of which is changed."""
    parts = good().split(".")
    parts[at] = change(parts[at])
    return ".".join(parts)


def with_spare_bits(part):
    """The same bytes in another text: bits beyond the last byte that are not 0."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def flipped(part):
    return ("B" if part[0] == "A" else "A") + part[1:]


def twice(name, other):
    """Claims in which a name stands twice, the good value last."""
    return "{" + f"{json.dumps(name)}: {json.dumps(other)}, " + json.dumps(claims())[1:]


def flat_general():
    """A JWS in JSON with a good compact token's signature inside (CVE-2022-39227: two readers of one token)."""
    head, body, signature = good().split(".")
    return "{" + f'"  {head}.{b64(json.dumps(claims(sub="root")))}.": "", "protected": "{head}", "payload": "{body}", "signature": "{signature}"' + "}"


def attacks():
    """(name, token, what the refusal says)."""
    now = int(time.time())
    none = {"alg": "none"}
    jwk = EVE.jwk(kid="rsa")
    return [
        # CVE-2015-2951: a token may say that it has no signature.
        ("alg none, no signature", RSA.token(claims(), none, lambda _: b""), "three parts"),
        ("alg none, a signature", RSA.token(claims(), none), "alg has to be"),
        ("alg None", RSA.token(claims(), {"alg": "None"}), "alg has to be"),
        ("alg NONE", RSA.token(claims(), {"alg": "NONE"}), "alg has to be"),
        ("alg nOnE", RSA.token(claims(), {"alg": "nOnE"}), "alg has to be"),
        ("alg is empty", RSA.token(claims(), {"alg": ""}), "alg has to be"),
        ("alg is missing", RSA.token(claims(), {"alg": None}), "alg has to be"),
        ("alg is a list", RSA.token(claims(), {"alg": ["RS256"]}), "alg has to be"),
        ("alg is a number", RSA.token(claims(), {"alg": 256}), "alg has to be"),
        ("alg rs256 in lower case", RSA.token(claims(), {"alg": "rs256"}), "alg has to be"),
        ("alg with a NUL behind it", RSA.token(claims(), '{"alg": "RS256\\u0000", "kid": "rsa"}'), "JSON objects"),
        # CVE-2016-10555, CVE-2022-29217 and benmcollins/libjwt#200: the public key as the secret of a MAC.
        ("HS256 with the public PEM", RSA.token(claims(), **hs256(RSA.pem)), "alg has to be"),
        ("HS256 with the public DER", RSA.token(claims(), **hs256(RSA.der)), "alg has to be"),
        # CVE-2026-48526: the public JWK as it is published.
        ("HS256 with the public JWK", RSA.token(claims(), **hs256(json.dumps(RSA.jwk()).encode())), "alg has to be"),
        ("HS256 with an empty secret", RSA.token(claims(), **hs256(b"")), "alg has to be"),
        ("HS256 with the set's shared key", RSA.token(claims(), {"alg": "HS256", "kid": "shared"}, hs256(b"x" * 32)["sign"]), "alg has to be"),
        ("RS384 named", RSA.token(claims(), {"alg": "RS384"}), "alg has to be"),
        ("PS256 named", RSA.token(claims(), {"alg": "PS256"}), "alg has to be"),
        ("ES384 of a key of P-384", P384.token(claims()), "alg has to be"),
        ("ES256 named for the RSA key", RSA.token(claims(), {"alg": "ES256"}), "no key"),
        ("RS256 named for the EC key", EC.token(claims(), {"alg": "RS256"}), "no key"),
        ("EdDSA named for the EC key", EC.token(claims(), {"alg": "EdDSA"}), "no key"),
        ("the key for another algorithm of its type", EVE.token(claims(), {"kid": "pss"}), "no key"),
        ("RSA of 1,024 bits", SMALL.token(claims(), {"alg": "RS256"}), "no key"),
        ("a key for encryption", ENC.token(claims()), "no key"),
        # CVE-2022-21449: r and s of 0 hold for every text where nobody looks.
        ("ES256 of zeros", EC.token(claims(), None, lambda _: bytes(64)), "does not hold"),
        ("ES256 of r 0", EC.token(claims(), None, lambda data: bytes(32) + EC.sign(data)[32:]), "does not hold"),
        ("ES256 of s 0", EC.token(claims(), None, lambda data: EC.sign(data)[:32] + bytes(32)), "does not hold"),
        ("ES256 in DER, the psychic one", EC.token(claims(), None, lambda _: base64.b64decode("MAYCAQACAQA=")), "does not hold"),
        ("ES256 of ones", EC.token(claims(), None, lambda _: b"\xff" * 64), "does not hold"),
        ("ES256 with a byte behind it", EC.token(claims(), None, lambda data: EC.sign(data) + b"\0"), "does not hold"),
        ("ES256 cut", EC.token(claims(), None, lambda data: EC.sign(data)[:63]), "does not hold"),
        ("EdDSA of zeros", ED.token(claims(), None, lambda _: bytes(64)), "does not hold"),
        ("EdDSA of the curve's neutral point", ED.token(claims(), None, lambda _: b"\1" + bytes(63)), "does not hold"),
        ("EdDSA cut", ED.token(claims(), None, lambda data: ED.sign(data)[:32]), "does not hold"),
        ("RS256 of zeros", RSA.token(claims(), None, lambda _: bytes(256)), "does not hold"),
        ("RS256 of one", RSA.token(claims(), None, lambda _: bytes(255) + b"\1"), "does not hold"),
        ("RS256 with a byte before it", RSA.token(claims(), None, lambda data: b"\0" + RSA.sign(data)), "does not hold"),
        # CVE-2020-28042: no signature is taken for one that holds.
        ("a signature that is left away", ".".join(good().split(".")[:2]) + ".", "three parts"),
        ("a signature of another token", ".".join(RSA.token(claims(sub="root")).split(".")[:2]) + "." + good().split(".")[2], "does not hold"),
        ("claims changed behind the signature", with_part(1, lambda _: b64(json.dumps(claims(sub="root")))), "does not hold"),
        ("a signature of which one bit is changed", with_part(2, flipped), "does not hold"),
        ("somebody's key under our kid", EVE.token(claims(), {"kid": "rsa"}), "does not hold"),
        # CVE-2018-0114: the key that the token brings along.
        ("jwk in the header", EVE.token(claims(), {"kid": "rsa", "jwk": jwk}), "does not hold"),
        ("jku in the header", EVE.token(claims(), {"kid": "rsa", "jku": "https://evil.invalid/jwks"}), "does not hold"),
        ("x5u in the header", EVE.token(claims(), {"kid": "rsa", "x5u": "https://evil.invalid/jwks"}), "does not hold"),
        ("x5c in the header", EVE.token(claims(), {"kid": "rsa", "x5c": [base64.b64encode(EVE.der).decode()]}), "does not hold"),
        ("kid that leaves the folder", EVE.token(claims(), {"kid": "../../../../../../dev/null"}), "no key"),
        ("kid that is a URL", EVE.token(claims(), {"kid": "https://evil.invalid/jwks"}), "no key"),
        ("kid that is SQL", EVE.token(claims(), {"kid": "x' UNION SELECT 'key'--"}), "no key"),
        ("kid with a command", EVE.token(claims(), {"kid": "rsa|/usr/bin/id"}), "no key"),
        ("kid in other letters", RSA.token(claims(), {"kid": "RSA"}), "no key"),
        ("kid is a number", RSA.token(claims(), {"kid": 1}), "kid has to be"),
        ("kid is null", RSA.token(claims(), '{"alg": "RS256", "kid": null}'), "kid has to be"),
        ("kid of 10,000 letters", RSA.token(claims(), {"kid": "k" * 10000}), "kid has to be"),
        # CVE-2025-59420 and PyJWT's GHSA-752w-5fwx-jx9f: crit that is not looked at.
        ("crit", RSA.token(claims(), {"crit": ["exp"], "exp": 1}), "crit"),
        ("crit that is empty", RSA.token(claims(), {"crit": []}), "crit"),
        ("b64 false", RSA.token(claims(), {"b64": False}), "b64"),
        ("zip", RSA.token(claims(), {"zip": "DEF"}), "zip"),
        ("a JWT in a JWT", RSA.token(good(), {"cty": "JWT"}), "JSON objects"),
        ("typ of a logout token", RSA.token(claims(), {"typ": "logout+jwt"}), "typ"),
        ("typ of a proof of possession", RSA.token(claims(), {"typ": "dpop+jwt"}), "typ"),
        ("header names alg twice", RSA.token(claims(), '{"alg": "none", "alg": "RS256", "kid": "rsa"}'), "no name twice"),
        ("header is a list", RSA.token(claims(), "[]"), "JSON objects"),
        ("header is cut", RSA.token(claims(), '{"alg": "RS256", "kid": "rsa"'), "JSON objects"),
        ("header with text behind it", RSA.token(claims(), '{"alg": "RS256", "kid": "rsa"} {}'), "JSON objects"),
        ("claims name sub twice", RSA.token(twice("sub", "root")), "no name twice"),
        ("claims name exp twice", RSA.token(twice("exp", now + 9 ** 9)), "no name twice"),
        ("claims name sub twice, once escaped", RSA.token(twice("sub", "root").replace('"sub"', '"s\\u0075b"', 1)), "no name twice"),
        ("claims are a list", RSA.token("[]"), "JSON objects"),
        ("claims are not UTF-8", RSA.token(b'{"sub": "\xff"}'), "JSON objects"),
        ("claims of 2,000 lists in lists", RSA.token('{"x": ' + "[" * 4000 + "]" * 4000 + "}"), "JSON objects"),
        ("claims with an infinite number", RSA.token(json.dumps(claims())[:-1] + ', "n": Infinity}'), "JSON objects"),
        ("padding", with_part(1, lambda part: part + "=" * (-len(part) % 4 or 4)), "JSON objects"),
        ("base64 of the other alphabet", with_part(2, lambda part: "+/" + part[2:]), "not base64url"),
        ("bits beyond the signature's last byte", with_part(2, with_spare_bits), "not base64url"),
        ("a blank within", with_part(1, lambda part: part[:8] + " " + part[8:]), "JSON objects"),
        ("two parts and a dot", good().rpartition(".")[0] + ".", "three parts"),
        ("four parts", good() + ".e30", "three parts"),
        ("five parts, as JWE has", ".".join(["e30"] * 5), "three parts"),
        ("dots alone", "..", "three parts"),
        ("compact and JSON at once", flat_general(), "three parts|base64url"),
        ("larger than 16 KiB", RSA.token(claims(x="x" * 13000)), "16 KiB"),
        ("expired", RSA.token(claims(exp=now - 120)), "expired"),
        ("expired just beyond the skew", RSA.token(claims(exp=now - 61)), "expired"),
        ("no exp", RSA.token(claims(exp=None)), "no exp"),
        ("exp is text", RSA.token(claims(exp=str(now + 600))), "no number"),
        ("exp is true", RSA.token(claims(exp=True)), "no number"),
        ("exp is negative", RSA.token(claims(exp=-1)), "no number"),
        ("exp beyond all time", RSA.token(json.dumps(claims(exp=7)).replace('"exp": 7', '"exp": 1e300')), "no number"),
        ("exp of more than 64 bits", RSA.token(json.dumps(claims(exp=7)).replace('"exp": 7', '"exp": 99999999999999999999')), "JSON objects"),
        ("not before tomorrow", RSA.token(claims(nbf=now + 86400)), "not valid yet"),
        ("nbf is text", RSA.token(claims(nbf="0")), "not valid yet"),
        ("issued tomorrow", RSA.token(claims(iat=now + 86400)), "in the future"),
        ("iat is a list", RSA.token(claims(iat=[now])), "in the future"),
        ("another issuer", RSA.token(claims(iss="https://evil.example")), "iss"),
        ("the issuer with a slash behind it", RSA.token(claims(iss=ISSUER + "/")), "iss"),
        ("the issuer in capitals", RSA.token(claims(iss=ISSUER.upper())), "iss"),
        ("the issuer in a list", RSA.token(claims(iss=[ISSUER])), "iss"),
        ("no issuer", RSA.token(claims(iss=None)), "iss"),
        ("another audience", RSA.token(claims(aud="grafana")), "somebody else"),
        ("an audience that begins so", RSA.token(claims(aud="betrace2")), "somebody else"),
        ("an audience that holds ours", RSA.token(claims(aud="other,betrace")), "somebody else"),
        ("audiences, one of them no text", RSA.token(claims(aud=[AUDIENCE, 1])), "somebody else"),
        ("audiences in a list in a list", RSA.token(claims(aud=[[AUDIENCE]])), "somebody else"),
        ("no audience in the list", RSA.token(claims(aud=[])), "somebody else"),
        ("no audience", RSA.token(claims(aud=None)), "somebody else"),
        ("audience is an object", RSA.token(claims(aud={AUDIENCE: True})), "somebody else"),
        ("no sub", RSA.token(claims(sub=None)), "sub"),
        ("sub is empty", RSA.token(claims(sub="")), "sub"),
        ("sub is a number", RSA.token(claims(sub=1)), "sub"),
        ("sub breaks the line", RSA.token(claims(sub="ana\nlevel=info msg=forged")), "sub"),
        ("sub turns the line round", RSA.token(claims(sub="ana\u202e")), "sub"),
        ("sub of 201 letters", RSA.token(claims(sub="a" * 201)), "sub"),
    ]


class JwtTest(unittest.TestCase):
    def ask(self, server, token, path="/v1/rules", method="GET", **headers):
        return server.request(method, path, RULE if method == "POST" else None, headers=bearer(token, **headers))

    def refused(self, answer, status, kind, says):
        self.assertEqual((answer.status, answer.json()["type"]), (status, f"urn:betrace:problem:{kind}"), answer)
        self.assertRegex(answer.json()["detail"], says)

    def until(self, server, token, status, seconds=20):
        """Asks until that status comes; the others that came before it."""
        seen, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.ask(server, token)
            if answer.status == status:
                return seen
            seen.append(answer.status)
            time.sleep(0.1)
        raise AssertionError(f"no {status} within {seconds} s: {seen[-5:]}\n{''.join(server.lines[-5:])}")


class AttackTest(JwtTest):
    @classmethod
    def setUpClass(cls):
        cls.log = os.path.join(FOLDER.name, "audit.log")
        cls.tokens = os.path.join(FOLDER.name, "tokens")
        cls.ci = make_token(cls.tokens, "ci", "--role", "editor", "--tenants", "*")
        cls.jku = KeyServer({"keys": [EVE.jwk(kid="rsa")]})
        cls.jku.__enter__()
        cls.addClassCleanup(cls.jku.__exit__)
        cls.server = Betrace(*flags(write("jwks.json", SET), audience=f"other,{AUDIENCE}"), "--tokens", cls.tokens, "--audit-log", cls.log)
        cls.server.__enter__()
        cls.addClassCleanup(lambda: cls.server.__exit__())

    def test_right_tokens(self):
        for name, token in (("RS256", good()), ("ES256", EC.token(claims())), ("EdDSA", ED.token(claims())), ("no typ", RSA.token(claims(), {"typ": None})),
                            ("an access token", RSA.token(claims(), {"typ": "at+jwt"})), ("no kid, one key of its kind", EC.token(claims(), {"kid": None})),
                            ("several audiences", RSA.token(claims(aud=["x", AUDIENCE]))), ("the other audience", RSA.token(claims(aud="other"))),
                            ("within the skew", RSA.token(claims(exp=int(time.time()) - 30, nbf=int(time.time()) + 30))),
                            ("times with fractions", RSA.token(claims(exp=time.time() + 100.5))), ("a far end", RSA.token(claims(exp=253402300799)))):
            with self.subTest(name):
                self.assertEqual(self.ask(self.server, token).status, 200, self.ask(self.server, token))

    def test_attacks(self):
        table = attacks()
        self.assertGreaterEqual(len({name for name, _, _ in table}), 60)
        self.assertEqual(len({name for name, _, _ in table}), len(table))
        for name, token, says in table:
            with self.subTest(name):
                answer = self.ask(self.server, token)
                if answer.status == 503:  # a key that is not there: the set is read again once, and then it is a refusal
                    self.assertIn("no key|", says + "|")
                    self.until(self.server, token, 401)
                    answer = self.ask(self.server, token)
                self.assertEqual(answer.status, 401, answer)
                self.refused(answer, 401, "expired-token" if says == "expired" else "invalid-jwt", says)
                self.assertIn("invalid_token", answer.headers["www-authenticate"])
                whole = answer.body.decode() + "".join(self.server.lines)
                self.assertNotIn(token.split(".")[1][:200] if len(token.split(".")[1]) > 8 else token + "\0", whole)
                self.assertNotIn(ISSUER, answer.body.decode(), "nobody is told what we expect")
        self.assertEqual(self.ask(self.server, good()).status, 200, "and a right one is still right")

    def test_headers_send_us_nowhere(self):
        for name in ("jku", "x5u", "kid"):
            answer = self.ask(self.server, EVE.token(claims(), {"kid": "rsa", name: self.jku.url}))
            self.assertIn(answer.status, (401, 503))
        self.assertEqual(self.jku.asked, 0)

    def test_tokens_of_the_file_hold_as_before(self):
        self.assertEqual(self.ask(self.server, self.ci).status, 200)
        for token, kind in (("betrace_" + "x" * 43, "unknown-token"), ("a.b", "unknown-token")):
            self.refused(self.ask(self.server, token), 401, kind, "does not know that token")
        self.refused(self.server.get("/v1/rules"), 401, "no-token", "Say who asks")
        self.assertEqual(self.server.get("/health").status, 200)

    def audit_lines(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_roles_and_tenants(self):
        sre = {"realm_access": {"roles": ["x", "sre"]}}
        for more, tenant, method, status, kind, says in (
                ({}, None, "GET", 200, None, None), ({}, "acme", "GET", 200, None, None), ({}, "globex", "GET", 403, "tenant", 'The token "jwt:ana"'),
                ({}, None, "POST", 403, "role", '"jwt:ana" is a viewer'), ({"groups": "readers"}, None, "GET", 200, None, None),
                ({"groups": ["readers2"]}, None, "GET", 403, "role", r"looked at: groups, realm_access\.roles"),
                ({"groups": None}, None, "GET", 403, "role", "nothing in its claims gives a role"), ({"groups": {"readers": True}}, None, "GET", 403, "role", "looked at"),
                ({"groups": ["sre"], **sre}, None, "GET", 403, "tenant", "gives a tenant here; looked at: groups"),
                ({"groups": ["globex"], **sre}, None, "GET", 400, "no-tenant", "for 2 tenants"),
                ({"groups": ["globex", "readers"], **sre}, "globex", "POST", 201, None, None), ({"groups": ["ops"], **sre}, "any", "GET", 200, None, None),
                ({"groups": ["ops"], "realm_access": ["sre"]}, None, "GET", 403, "role", "looked at"), ({"realm_access": {"roles": "sre"}}, None, "POST", 201, None, None)):
            with self.subTest(more=more, tenant=tenant, method=method):
                answer = self.ask(self.server, RSA.token(claims(**more)), method=method, **({"X_Scope_OrgID": tenant} if tenant else {}))
                if kind:
                    self.refused(answer, status, kind, says)
                else:
                    self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.server.get("/v1/rules/r1", headers=bearer(self.ci, X_Scope_OrgID="globex")).json()["updated_by"], "jwt:ana")
        forged = self.ask(self.server, RSA.token(claims(sub="ci", groups=["readers"], **sre)), "/v1/rules/r1", X_Grafana_User="root")
        self.assertEqual(forged.status, 200)
        self.assertIn(("jwt:ana", "globex", 201), [(line["user"], line["tenant"], line.get("status")) for line in self.audit_lines()])
        # Five refusals a second are written: after many others the one by role may be left out, and is asked for again.
        deadline = time.monotonic() + 60
        while "role" not in [line.get("why") for line in self.audit_lines()] and time.monotonic() < deadline:
            self.refused(self.ask(self.server, RSA.token(claims()), method="POST"), 403, "role", '"jwt:ana" is a viewer')
            time.sleep(0.3)
        self.assertIn("role", [line.get("why") for line in self.audit_lines()])

    def test_assistants_meet_the_same_door(self):
        ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_rules", "arguments": {}}}
        heads = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        answer = self.server.post("/mcp", ping, headers={**heads, **bearer(good())})
        self.assertEqual(answer.status, 200, answer)
        self.assertFalse(answer.json()["result"]["isError"], answer)
        self.assertEqual(self.server.post("/mcp", ping, headers={**heads, **bearer(EVE.token(claims(), {"kid": "rsa"}))}).status, 401)


class KeySetTest(JwtTest):
    def test_keys_that_change(self):
        """A kid that is not known makes the set come again, once in ten seconds whatever comes of it."""
        fresh = Key(FOLDER.name, "ES256", "fresh")
        with KeyServer({"keys": [RSA.jwk()]}) as provider, Betrace(*flags(provider.url)) as server:
            self.until(server, good(), 200)
            provider.answer = {"keys": [fresh.jwk()]}
            before = self.until(server, fresh.token(claims()), 200)
            self.assertLessEqual(set(before), {503}, "told to come again, and not that it is wrong")
            self.assertEqual(self.ask(server, good()).status, 401, "the old key is gone")
            asked = provider.asked
            for n in range(40):
                self.assertEqual(self.ask(server, EVE.token(claims(), {"kid": f"k{n}"}, lambda _: b"x" * 256)).status, 401)
            self.assertLessEqual(provider.asked, asked + 1)
            self.assertEqual(self.ask(server, fresh.token(claims())).status, 200)

    def test_sets_that_lie(self):
        """Each of them leaves the keys that are in force, until they are too old: then no token is taken."""
        def redirect(handler):
            handler.send_response(302)
            handler.send_header("Location", provider.url + "2")
            handler.end_headers()

        def hang(_):
            provider.ending.wait(60)

        def error(handler):
            handler.send_error(500)

        def endless(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 40))
            handler.end_headers()
            while handler.wfile.write(b'{"keys": [' + b" " * 65536):
                pass

        cases = [("no JSON", b"<html>", "has to be a JSON object"), ("no keys", {"keys": []}, "no key of the set"), ("another document", {"issuer": ISSUER}, "has to be a JSON object"),
                 ("too large", json.dumps({"keys": [RSA.jwk()], "x": "x" * 300000}).encode(), "larger"), ("101 keys", {"keys": [RSA.jwk(kid=str(n)) for n in [0] * 101]}, "more than 100"),
                 ("a private key", {"keys": [ED.jwk(d=b64(bytes(32)))]}, "private key"), ("one kid twice", {"keys": [RSA.jwk(), EVE.jwk(kid="rsa")]}, "one name"),
                 ("a name twice", b'{"keys": [], "keys": ' + json.dumps([EVE.jwk(kid="rsa")]).encode() + b"}", "twice"), ("a point off the curve", {"keys": [EC.jwk(y=b64(bytes(32)))]}, "no key"),
                 ("an exponent of 1", {"keys": [RSA.jwk(e="AQ")]}, "no key"), ("an exponent of 2,048 bits", {"keys": [RSA.jwk(e=b64(b"\1" * 256))]}, "no key"),
                 ("an error", error, "HTTP 500"), ("a redirect", redirect, "HTTP 302"), ("an endless one", endless, "larger"), ("one that hangs", hang, None)]
        with KeyServer({"keys": [RSA.jwk()]}) as provider:
            with Betrace(*flags(provider.url), "--jwt-refresh", "1s", "--jwt-keep", "2h") as server:
                self.until(server, good(), 200)
                for name, answer, says in cases:
                    with self.subTest(name):
                        provider.answer, seen, asked = answer, len(server.lines), provider.asked
                        server.process.send_signal(1)
                        deadline = time.monotonic() + 20
                        while time.monotonic() < deadline and not (any(says in line for line in server.lines[seen:]) if says else provider.asked > asked):
                            time.sleep(0.02)
                        self.assertTrue(any(says in line for line in server.lines[seen:]) if says else provider.asked > asked, "".join(server.lines[seen:]))
                        self.assertEqual(self.ask(server, good()).status, 200, "what is in force stays")
                        self.assertNotEqual(self.ask(server, EVE.token(claims(), {"kid": "rsa"})).status, 200)
                begun = time.monotonic()
                server.stop()
                self.assertLess(time.monotonic() - begun, 8, "a fetch that hangs holds up no end")

    def test_keys_that_are_too_old(self):
        with KeyServer({"keys": [RSA.jwk()]}) as provider, Betrace(*flags(provider.url), "--jwt-refresh", "1s", "--jwt-keep", "2s") as server:
            self.until(server, good(), 200)
            provider.answer = b"gone"
            self.until(server, good(), 503)
            answer = self.ask(server, good())
            self.refused(answer, 503, "no-keys", "too old to be trusted")
            self.assertIn("retry-after", answer.headers)
            provider.answer = {"keys": [RSA.jwk()]}
            self.until(server, good(), 200)

    def test_a_provider_that_is_away_at_the_start(self):
        with KeyServer({"keys": [RSA.jwk()]}) as provider:
            url = provider.url
        tokens = os.path.join(FOLDER.name, "start-tokens")
        ci = make_token(tokens, "ci")
        with Betrace(*flags(url), "--tokens", tokens) as server:
            self.refused(self.ask(server, good()), 503, "no-keys", "has no keys")
            self.assertEqual(self.ask(server, ci).status, 200)

    def test_a_file_of_keys_and_of_roles_again(self):
        jwks = write("again.json", {"keys": [RSA.jwk()]})
        with Betrace(*flags(jwks)) as server:
            self.assertEqual(self.ask(server, good()).status, 200)
            write("roles.json", {"roles": [{"claim": "sub", "value": "bea", "role": "viewer"}]})
            server.reload("reloaded")
            self.refused(self.ask(server, good()), 403, "role", "looked at: sub")
            self.assertEqual(self.ask(server, RSA.token(claims(sub="bea"))).status, 200, "without tenants it is the service without tenants")
            write("roles.json", "{")
            self.assertIn("roles.json", server.reload("nothing was changed"))
            self.assertEqual(self.ask(server, RSA.token(claims(sub="bea"))).status, 200)
            write("again.json", {"keys": [ED.jwk()]})
            server.process.send_signal(1)
            self.until(server, ED.token(claims(sub="bea")), 200)
            self.assertNotEqual(self.ask(server, RSA.token(claims(sub="bea"))).status, 200)

    def test_a_clock_that_is_set_back_revives_nothing(self):
        tokens = os.path.join(FOLDER.name, "clock-tokens")
        clock = ShiftedClock(FOLDER.name)
        short = RSA.token(claims(exp=int(time.time()) + 1800))
        listed = make_token(tokens, "ci", "--expires", "now+1h")
        with Betrace(*flags(write("clock.json", SET)), "--tokens", tokens, env=clock.environment) as server:
            self.assertEqual([self.ask(server, token).status for token in (short, listed)], [200, 200])
            clock.set(7200)
            self.assertEqual([self.ask(server, token).status for token in (short, listed)], [401, 401])
            clock.set(-86400)
            for token in (short, listed):
                self.refused(self.ask(server, token), 401, "expired-token", "has expired")


class SettingsTest(JwtTest):
    def test_what_is_refused_at_the_start(self):
        right, roles = write("right.json", SET), write("start-roles.json", ROLES)
        base = {"--jwt-jwks": right, "--jwt-issuer": ISSUER, "--jwt-audience": AUDIENCE, "--jwt-roles": roles}

        def row(**more):
            return {"roles": [{"claim": "groups", "value": "a", "role": "viewer", **more}]}
        cases = [({name: None}, "belong together") for name in base]
        cases += [({"--jwt-jwks": "http://id.example/jwks"}, "over plain http"), ({"--jwt-jwks": "http://127.0.0.1@id.example/jwks"}, "over plain http"),
                  ({"--jwt-jwks": "ftp://127.0.0.1/jwks"}, "has to be an https"), ({"--jwt-jwks": "/nonexistent/jwks"}, "cannot be read"),
                  ({"--jwt-jwks": write("empty.json", {"keys": []})}, "no key of the set"), ({"--jwt-audience": "a,,b"}, "1 to 16 audiences"), ({"--jwt-audience": "a,"}, "1 to 16"),
                  ({"--jwt-clock-skew": "11m"}, "10m at most"), ({"--jwt-keep": "1m"}, "as long as --jwt-refresh"), ({"--allow-anonymous": None}, "exclude each other"),
                  ({"--jwt-roles": "/nonexistent/roles"}, "cannot be read")]
        for at, (content, says) in enumerate((("{}", "roles has to be a list"), ("[]", "expected a JSON object"), ('{"roles": [], "roles": []}', "no name in it twice"),
                                              ({**ROLES, "users": []}, "something else came"), ({**ROLES, "tenants": []}, "tenants has to be a list"), (row(role="admin"), "row 1: role has to be"),
                                              (row(claim=[]), "claim has to be"), (row(claim=["a"] * 9), "claim has to be"), (row(claim=""), "claim has to be"), (row(value=""), "value has to be"),
                                              (row(value=1), "value has to be"), (row(more=1), "claim, value and role"), ({**ROLES, "tenants": [{"claim": "a", "value": "b", "tenants": []}]}, "tenants has to be"),
                                              ({**ROLES, "tenants": [{"claim": "a", "value": "b", "tenants": ["*"]}]}, "tenants has to be"),
                                              ({**ROLES, "tenants": [{"claim": "a", "value": "b", "tenants": ["a/b"]}]}, "tenants has to be"),
                                              ({**ROLES, "tenants": [{"claim": "a", "value": "b", "tenants": [f"t{n}" for n in range(501)]}]}, "500 tenants"))):
            cases.append(({"--jwt-roles": write(f"wrong{at}.json", content)}, says))
        for change, says in cases:
            with self.subTest(change=change):
                arguments = {**base, **change}
                given = [part for name, value in arguments.items() if value is not None or name == "--allow-anonymous" for part in ([name, value] if value else [name])]
                done = run_cli("serve", "--memory-source", "--listen", "127.0.0.1:0", "--db", os.path.join(FOLDER.name, "refused.db"), *given)
                self.assertIn(done.returncode, (1, 2, 3), done.stderr)
                self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
