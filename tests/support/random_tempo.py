"""Random traces in a real Tempo: their spans arrive in random order, in as many pushes as there are fragments. Each
push lies in a block of its own (the fast config with blocks cut after a few seconds)."""
import time

from random_spans import FRAGMENTS, fragment_requests
from run_tempo import TempoServer

BLOCK_SECONDS = 3


def tempo_with_short_blocks():
    return TempoServer("fast", block_seconds=BLOCK_SECONDS)


def searchable_spans(tempo, start):
    found = tempo.found_spans("{} | by(span:id) | select(name)", start, int(time.time()), limit=100000)
    return sum(len(spans) for spans in found.values())


def push_fragment(tempo, rng, traces, others, fragment):
    for its_rng, its_traces in ((rng, traces), *others):
        for request in fragment_requests(its_rng, its_traces, fragment):
            status, _, body = tempo.push_request(request)
            assert status == 200 and b"rejected" not in body, body


def push_in_fragments(tempo, rng, traces, start, others=()):
    """Each fragment in a block of its own; returns when all spans since `start` (unix seconds) are searchable. others: (generator, traces) that come along, so
    that `rng` gives what it gives without them."""
    everything = [*traces, *(trace for _, its in others for trace in its)]
    for fragment in range(FRAGMENTS):
        push_fragment(tempo, rng, traces, others, fragment)
        count = sum(span.fragment <= fragment for trace in everything for span in trace.spans)
        tempo.wait_until(lambda wanted=count: searchable_spans(tempo, start) == wanted, f"{count} spans of {fragment + 1} pushes are searchable")
        if fragment + 1 < FRAGMENTS:
            time.sleep(BLOCK_SECONDS + 0.5)
