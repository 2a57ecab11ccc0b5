"""The ids of violation spans, derived once more from api.md ("Violation spans"), so that a test can read one that no search shows."""
import hashlib
import struct


def derive(rule_id, condition_hash, trace_id, tenant=""):
    """(trace id, span id) of the span that tells of it."""
    fields = (tenant, rule_id, condition_hash, trace_id)
    digest = hashlib.sha256(b"".join(struct.pack(">Q", len(field)) + field.encode() for field in fields)).hexdigest()
    return digest[:32], digest[32:48]
