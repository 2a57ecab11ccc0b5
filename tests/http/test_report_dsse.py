"""Reports in DSSE envelopes: verified by securesystemslib (what TUF and in-toto stand on), by the text of the protocol with openssl, and by
`betrace verify-report`, which refuses every envelope that was changed."""
import base64
import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements_dsse.txt"))
from betrace_process import Betrace, run_cli  # noqa: E402
from evidence import key_id, make_key, openssl_sign, sign  # noqa: E402
from securesystemslib.dsse import Envelope  # noqa: E402
from securesystemslib.exceptions import VerificationError  # noqa: E402
from securesystemslib.signer import SSlibKey  # noqa: E402
from seed_rules import PII_AUDIT  # noqa: E402

END = "2026-03-10T12:00:00Z"
TYPE = "application/vnd.betrace.report+json"


def pae(kind, payload):
    """The protocol's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def raw_public_key(public):
    """The 32 bytes at the end of an Ed25519 key in DER."""
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"], check=True, capture_output=True).stdout
    return der[-32:].hex()


class DsseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-dsse-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.traces = os.path.join(cls.folder, "traces.pb")
        run_cli("generate", "--traces", 60, "--violations", 4, "--end", END, "--since", "24h", "--out", cls.traces)
        cls.private, cls.public = make_key(cls.folder)
        cls.other_private, cls.other_public = make_key(cls.folder, "other")
        with Betrace("--traces", cls.traces, "--evidence-key", cls.private) as server:
            server.post("/v1/rules", PII_AUDIT)
            answer = server.get(f"/v1/compliance/reports/soc2?start=2026-03-09T12:00:00Z&end={END}&format=dsse")
            assert answer.status == 200, answer
            cls.place = answer.headers["content-location"]
            cls.envelope = answer.json()
            cls.report = server.get(cls.place.replace("dsse", "json")).body
            cls.again = server.get(cls.place).json()

    def key(self, public):
        return SSlibKey(key_id(public), "ed25519", "ed25519", {"public": raw_public_key(public)})

    def verify(self, envelope, public=None):
        file = os.path.join(self.folder, "envelope.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(envelope, out)
        return run_cli("verify-report", file, "--key", public or self.public, "--json")

    def test_a_standard_tool_verifies_it(self):
        envelope = Envelope.from_dict(copy.deepcopy(self.envelope))
        self.assertEqual(list(envelope.verify([self.key(self.public)], 1)), [key_id(self.public)])
        self.assertEqual(envelope.payload_type, TYPE)
        self.assertEqual(envelope.payload, self.report, "the payload is the report as it is handed out, byte by byte")
        with self.assertRaises(VerificationError):
            envelope.verify([self.key(self.other_public)], 1)
        for change in ({"payload": base64.b64encode(self.report + b" ").decode()}, {"payloadType": "text/plain"}):
            with self.subTest(change=list(change)), self.assertRaises(VerificationError):
                Envelope.from_dict({**copy.deepcopy(self.envelope), **change}).verify([self.key(self.public)], 1)

    def test_the_signature_is_of_the_protocol_s_text(self):
        (signature,) = self.envelope["signatures"]
        self.assertEqual(openssl_sign(self.private, pae(TYPE, self.report)), signature["sig"])
        self.assertEqual(self.again, self.envelope, "the same report has the same envelope")

    def test_verify_report_opens_it(self):
        done = self.verify(self.envelope)
        body = json.loads(done.stdout)
        self.assertEqual((done.returncode, body["outcome"], body["envelope"], body["framework"]), (0, "holds", "dsse", "SOC2"), done)
        plain = run_cli("verify-report", os.path.join(self.folder, "envelope.json"), "--key", self.public, "--traces", self.traces)
        self.assertEqual(plain.returncode, 0, plain)
        self.assertIn("envelope   DSSE, signed by the same key", plain.stdout)
        chain = run_cli("verify-report", os.path.join(self.folder, "envelope.json"), "--chain-only")
        self.assertEqual(chain.returncode, 0, chain)
        self.assertIn("envelope   DSSE, its signature was not checked", chain.stdout)

    def test_envelopes_that_were_changed(self):
        (signature,) = self.envelope["signatures"]
        report = json.loads(self.report)
        report["entries"][0]["body"]["tenant"] = "acme"
        forged = base64.b64encode(json.dumps(sign(report, self.other_private, self.other_public)).encode()).decode()
        changes = {"another payload": {"payload": base64.b64encode(self.report.replace(b"pass", b"PASS")).decode()},
                   "a report of another key": {"payload": forged}, "no base64": {"payload": "no base64"}, "an odd base64": {"payload": self.envelope["payload"] + "\n"},
                   "an empty payload": {"payload": ""}, "a payload of another kind": {"payload": None}, "another type": {"payloadType": "application/json"},
                   "no type": {"payloadType": None}, "no signatures": {"signatures": []}, "signatures of another kind": {"signatures": signature},
                   "a signature of another text": {"signatures": [{**signature, "sig": openssl_sign(self.private, self.report)}]},
                   "of another key": {"signatures": [{"keyid": key_id(self.public), "sig": openssl_sign(self.other_private, pae(TYPE, self.report))}]},
                   "a member too many": {"note": "fine"}, "a signature with a note": {"signatures": [{**signature, "note": 1}]}}
        for name, change in changes.items():
            with self.subTest(name):
                done = self.verify({**self.envelope, **change})
                self.assertEqual((done.returncode, json.loads(done.stdout)["outcome"]), (1, "refused"), done)
        for missing in self.envelope:
            done = self.verify({name: value for name, value in self.envelope.items() if name != missing})
            self.assertEqual(done.returncode, 1, missing)
        self.assertEqual(self.verify(self.envelope, self.other_public).returncode, 1)

    def test_one_good_signature_is_enough(self):
        """As the protocol has it: others may sign too, and a key's id is a hint."""
        (signature,) = self.envelope["signatures"]
        other = {"keyid": key_id(self.other_public), "sig": openssl_sign(self.other_private, pae(TYPE, self.report))}
        self.assertEqual(self.verify({**self.envelope, "signatures": [other, signature]}).returncode, 0)
        self.assertEqual(self.verify({**self.envelope, "signatures": [{"sig": signature["sig"]}]}).returncode, 0)

    def test_nothing_is_signed_without_a_key(self):
        with Betrace("--traces", self.traces) as server:
            server.post("/v1/rules", PII_AUDIT)
            path = f"/v1/compliance/reports/soc2?start=2026-03-09T12:00:00Z&end={END}"
            answer = server.get(f"{path}&format=dsse")
            self.assertEqual(answer.status, 409, answer)
            self.assertIn("--evidence-key", answer.json()["detail"])
            place = server.get(path).headers["content-location"]
            self.assertEqual(server.get(place.replace("json", "dsse")).status, 409)
            self.assertEqual(server.get(f"{path}&format=pdf").status, 400)


if __name__ == "__main__":
    unittest.main()
