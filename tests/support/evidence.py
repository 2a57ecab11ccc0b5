"""Evidence chains of compliance reports, written from docs/COMPLIANCE.md and not from the program: checks one, makes one anew, signs one with openssl."""
import base64
import hashlib
import json
import os
import subprocess
import tempfile

MEMBERS = ("body", "number", "previous", "type")


def make_key(folder, name="evidence"):
    """(private, public) PEM files."""
    private, public = os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.pub")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    return private, public


def key_id(public):
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"], check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain(entries):
    """Numbers and hashes made anew, as a forger would; the head."""
    previous = "0" * 64
    for number, entry in enumerate(entries):
        entry["number"], entry["previous"] = number, previous
        entry["hash"] = previous = hashlib.sha256(canonical({name: entry[name] for name in MEMBERS})).hexdigest()
    return previous


def openssl_sign(private, text):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", private, "-rawin", "-in", file.name], check=True, capture_output=True)
    return base64.b64encode(done.stdout).decode()


def sign(report, private, public):
    """The report with a new chain and this key's signature."""
    head = chain(report["entries"])
    report["evidence"].update(head=head, signed="ed25519", key_id=key_id(public), signature=openssl_sign(private, f"betrace-report/1\n{head}\n".encode()))
    return report


def bodies(report, kind):
    return [entry["body"] for entry in report["entries"] if entry["type"] == kind]


def rule(report, rule_id):
    return next(body for body in bodies(report, "rule") if body["rule_id"] == rule_id)


def control(report, name):
    return next(body for body in bodies(report, "control") if body["control"] == name)
