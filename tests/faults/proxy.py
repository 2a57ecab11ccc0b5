"""The fault proxy between betrace and Tempo: a schedule says which request is answered how. Each behaviour is one function of (wire, request, answer,
random); true: the connection goes on. Standard library only.

HONEST behaviours change nothing that an answer says. NOTICEABLE ones can be told from an answer by whoever looks (status, framing, checksum,
type, completeness); for them betrace promises what tests/faults holds. LYING ones cannot: bits that flip in plain text leave a well-formed answer that says
something else, and there is no checksum; for them it promises only to end, soon, in bounded memory, without a crash.
"""
import collections
import gzip
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from http_wire import Answer, Proxy, head_of, reset, send_whole  # noqa: E402
from protobuf_answer import transcode  # noqa: E402

BOMB = gzip.compress(b"\0" * (64 << 20), 9) * 4  # members one after another: 256 MiB
LONG_S = 20  # what hangs or drips does so for at most this long


def say(wire, status, body=b"no", content_type="text/plain", **headers):
    answer = Answer(status, {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}, body)
    wire.sendall(head_of(answer, len(body)) + body)
    return True


def wait_until_gone(wire, seconds=None):
    """Reads nothing and writes nothing, until the client closes."""
    wire.settimeout(seconds or LONG_S)
    try:
        while wire.recv(65536):
            pass
    except OSError:
        pass
    return False


# ---- honest ----

def plain(wire, request, answer, _):
    send_whole(wire, request, answer())
    return True


def _search_json(answer):
    is_search = answer.status == 200 and answer.content_type.startswith("application/json") and b'"traces"' in answer.body[:4096]
    return json.loads(answer.body) if is_search else None


def _rows_changed(change):
    def behave(wire, request, answer, rng):
        got = answer()
        content = _search_json(got)
        if content and content.get("traces"):
            change(content, rng)
            got = got.with_body(json.dumps(content).encode())
        send_whole(wire, request, got)
        return True
    return behave


def _shuffle(content, rng):
    rng.shuffle(content["traces"])
    for row in content["traces"]:
        rng.shuffle(row.get("spanSets", []))


def _duplicate(content, rng):
    limit = len(content["traces"])
    content["traces"] += [dict(rng.choice(content["traces"])) for _ in range(min(3, limit))]


reordered = _rows_changed(_shuffle)
duplicated = _rows_changed(_duplicate)


def chunked(wire, request, answer, rng):
    """In small chunks, as servers that stream do."""
    got = answer()
    out = bytearray(head_of(got, None, ["Transfer-Encoding: chunked"]))
    at = 0
    while at < len(got.body):
        piece = got.body[at:at + rng.randint(1, 4096)]
        out += b"%x\r\n%s\r\n" % (len(piece), piece)
        at += len(piece)
    wire.sendall(bytes(out) + b"0\r\n\r\n")
    return True


HONEST = {"plain": plain, "reordered": reordered, "duplicated": duplicated, "chunked": chunked}

# ---- noticeable ----


def refused(wire, *_):
    reset(wire)
    return False


def hung(wire, *_):
    return wait_until_gone(wire)


def hung_after_head(wire, _request, answer, _):
    got = answer()
    wire.sendall(head_of(got, len(got.body)))
    return wait_until_gone(wire)


def drip(wire, _request, answer, _):
    got = answer()
    wire.sendall(head_of(got, len(got.body)))
    end = time.monotonic() + LONG_S
    for byte in got.body:
        if time.monotonic() > end:
            return False
        wire.sendall(bytes([byte]))
        time.sleep(0.05)
    return True


def cut(wire, _request, answer, rng):
    """Less than the length that was said."""
    got = answer()
    wire.sendall(head_of(got, len(got.body) + 1) + got.body[:rng.randint(0, len(got.body))])
    return False


def cut_chunk(wire, _request, answer, rng):
    got = answer()
    piece = got.body[:rng.randint(0, len(got.body))]
    wire.sendall(head_of(got, None, ["Transfer-Encoding: chunked"]) + b"%x\r\n%s\r\n" % (len(piece) or 1, piece or b"x"))
    return False


def truncated(wire, _request, answer, rng):
    """Well framed, but the document ends too early. Protobuf could be cut between two messages and be whole again: there the cut is within one."""
    got = answer()
    body = got.body[:rng.randint(1, max(1, len(got.body) - 1))] if "json" in got.content_type else got.body[:-1]
    wire.sendall(head_of(got, len(body)) + body)
    return True


def flipped_gzip(wire, _request, answer, rng):
    """Bits flip in what is packed: its checksum tells."""
    got = answer()
    packed = bytearray(gzip.compress(got.body, 1))
    for _ in range(rng.randint(1, 8)):
        packed[rng.randint(10, len(packed) - 1)] ^= 1 << rng.randint(0, 7)
    wire.sendall(head_of(got, len(packed), ["Content-Encoding: gzip"]) + packed)
    return True


def gzip_without_end(wire, _request, answer, _):
    got = answer()
    packed = gzip.compress(got.body, 1)[:-8]
    wire.sendall(head_of(got, len(packed), ["Content-Encoding: gzip"]) + packed)
    return True


def bomb(wire, _request, answer, _):
    got = answer()
    wire.sendall(head_of(got, len(BOMB), ["Content-Encoding: gzip"]) + BOMB)
    return True


def endless(wire, _request, answer, _):
    """A body that goes on until the client has enough."""
    got = answer()
    wire.sendall(head_of(got, None, ["Transfer-Encoding: chunked"]))
    piece = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        wire.sendall(piece)
    return False


def without_length(wire, _request, answer, rng):
    """Nobody can say whether it is whole, and it is not."""
    got = answer()
    wire.sendall(head_of(got) + got.body[:rng.randint(0, len(got.body))])
    return False


def html(wire, *_):
    return say(wire, 200, b"<html><body>Please log in</body></html>", "text/html")


def html_as_answer(wire, _request, answer, _):
    """A login page that claims to be what was asked for."""
    return say(wire, 200, b"<html><body>Please log in</body></html>", answer().content_type or "application/json")


def nothing(wire, _request, answer, _):
    return say(wire, 200, b"", answer().content_type or "application/json")


def not_http(wire, *_):
    wire.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


def _status(code, body=b"no", **headers):
    return lambda wire, *_: say(wire, code, body, **headers)


def partial(wire, request, answer, _):
    """A trace by id that is not whole, and says so; what is searched has no such thing and passes."""
    got = answer()
    if "/api/v2/traces/" in request.path and got.status == 200:
        if "json" in got.content_type:
            content = json.loads(got.body)
            content["status"] = "PARTIAL"
            got = got.with_body(json.dumps(content).encode())
        else:
            got = got.with_body(got.body + b"\x18\x01")
    send_whole(wire, request, got)
    return True


def at_limit(wire, request, answer, _):
    """As many rows as were allowed, the same few again and again, so that it looks cut; a read by id passes."""
    got = answer()
    content = _search_json(got)
    if content is not None and content.get("traces") and "limit" in request.parameters:
        rows, limit = content["traces"], int(request.parameters["limit"])
        content["traces"] = (rows * (limit // len(rows) + 1))[:limit]
        got = got.with_body(json.dumps(content).encode())
    send_whole(wire, request, got)
    return True


NOTICEABLE = {
    "refused": refused, "hung": hung, "hung_after_head": hung_after_head, "drip": drip, "cut": cut, "cut_chunk": cut_chunk, "truncated": truncated,
    "flipped_gzip": flipped_gzip, "gzip_without_end": gzip_without_end, "bomb": bomb, "endless": endless, "without_length": without_length,
    "html": html, "html_as_answer": html_as_answer, "nothing": nothing, "not_http": not_http, "partial": partial, "at_limit": at_limit,
    "400": _status(400, b"invalid TraceQL query: nonsense"), "401": _status(401), "403": _status(403), "404": _status(404),
    "413": _status(413), "422": _status(422), "429": _status(429, Retry_After="1"), "500": _status(500, b"broke"),
    "503": _status(503, Retry_After="1"), "range": _status(400, b"range specified by start and end exceeds 1h0m0s. received start=1 end=2"),
    "limit": _status(400, b"limit 20000 exceeds max limit 50"), "too_large": _status(500, b"response larger than the max (17936214 vs 16777216)"),
}

# ---- lying ----


def flipped(wire, _request, answer, rng):
    got = answer()
    body = bytearray(got.body)
    for _ in range(rng.randint(1, 30)):
        if body:
            body[rng.randint(0, len(body) - 1)] ^= 1 << rng.randint(0, 7)
    wire.sendall(head_of(got, len(body)) + body)
    return True


def other_answer(wire, request, answer, rng, kept=[]):  # noqa: B006  (what was answered before is the point)
    """What some other request was answered."""
    kept.append(answer())
    send_whole(wire, request, rng.choice(kept))
    return True


def garbage(wire, _request, answer, rng):
    got = answer()
    return say(wire, 200, rng.randbytes(rng.randint(1, 4000)), got.content_type)


LYING = {"flipped": flipped, "other_answer": other_answer, "garbage": garbage}
ALL = {**HONEST, **NOTICEABLE, **LYING}


class FaultProxy(Proxy):
    """`schedule`: a behaviour's name for each request in turn; after its end, `after` for all. as_protobuf: searches are answered in protobuf, as newer
    Tempos do."""

    def __init__(self, upstream, schedule=(), after="plain", seed=0, as_protobuf=False):
        super().__init__(upstream, self._behave)
        self.schedule, self.after, self.as_protobuf = list(schedule), after, as_protobuf
        self.random = random.Random(seed)
        self.count = 0
        self.done = []  # names, in the order of requests

    def _next_name(self):
        """With the lock held."""
        return self.schedule[self.count] if self.count < len(self.schedule) else self.after

    def _behave(self, wire, request, answer):
        with self.lock:
            name = self._next_name()
            self.count += 1
            self.done.append(name)
        def fetched():
            return transcode(request, answer()) if self.as_protobuf else answer()
        return ALL[name](wire, request, fetched, self.random)


class MixProxy(FaultProxy):
    """`mix`: {behaviour's name: its share of the requests}, the rest is plain; may be changed at any time. `seen` and
    `done` stay short, because this one is for hours; `counts` says how often each was chosen."""

    def __init__(self, upstream, mix, seed=0):
        super().__init__(upstream, seed=seed)
        self.mix, self.counts = mix, collections.Counter()

    def _next_name(self):
        del self.seen[:], self.done[:]
        name = self.random.choices([*self.mix, "plain"], [*self.mix.values(), 1 - sum(self.mix.values())])[0]
        self.counts[name] += 1
        return name
