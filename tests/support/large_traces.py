"""Traces of many thousand spans next to the small ones of `betrace generate`, with the same names: what a batch job
leaves behind. Standard library only."""
import os

import otlp

MILLISECOND = 1_000_000
SPANS_PER_PUSH = 4000


def spans_of(trace_id, count, start_ns, slow=False, retried=False):
    """`count` spans under one root: queries of some milliseconds, every twentieth an access of data with its audit log. slow: one query takes 2 s;
    retried: and is tried again."""
    root = otlp.new_span_id()
    yield otlp.span(trace_id, "nightly.job", start_ns, 30_000 * MILLISECOND, span_id=root, kind="server")
    extra = slow + retried
    for i in range(count - 1 - extra):
        at = start_ns + i * 20_000
        if i % 20 < 18:
            yield otlp.span(trace_id, "db.query", at, (1 + i % 7) * MILLISECOND, parent=root, kind="client",
                            attrs={"db.system": "postgresql", "db.rows": i % 500})
        elif i % 20 == 18:
            yield otlp.span(trace_id, "data.access", at, MILLISECOND, parent=root, attrs={"data.classification": "PII"})
        else:
            yield otlp.span(trace_id, "audit.log", at, MILLISECOND, parent=root)
    if slow:
        yield otlp.span(trace_id, "db.query", start_ns + 5 * MILLISECOND, 2_000 * MILLISECOND, parent=root, kind="client")
    if retried:
        yield otlp.span(trace_id, "retry", start_ns + 2_006 * MILLISECOND, MILLISECOND, parent=root, kind="client")


def push(tempo, count, start_ns, trace_id=None, service="batch", pushed=None, tenant=None, **spans):
    """Pushes one in pieces and returns its id. pushed: called after each piece."""
    trace_id = trace_id or otlp.new_trace_id()
    piece = []
    for span in spans_of(trace_id, count, start_ns, **spans):
        piece.append(span)
        if len(piece) == SPANS_PER_PUSH:
            tempo.push(piece, service=service, tenant=tenant)
            piece = []
            if pushed:
                pushed()
    if piece:
        tempo.push(piece, service=service, tenant=tenant)
    return trace_id


def zeroed_id():
    """An id that begins with zeros, which Tempo strips."""
    return "00" + os.urandom(15).hex()
