"""Runs a test program against a real Tempo that holds random traces in several blocks: random_batches.py PROGRAM.

The program gets TEMPO_URL, START_S, END_S and TRACE_IDS (a file with one id a line); its exit status is ours, 77 (skipped) where no Tempo can be had.
BETRACE_SEED picks other traces.
"""
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]
from random_spans import random_traces  # noqa: E402
from random_tempo import push_in_fragments, tempo_with_short_blocks  # noqa: E402
from tempo_binary import EXIT_SKIPPED, NoTempo  # noqa: E402

TRACES = 200
SECOND = 1_000_000_000


def run(program):
    rng = random.Random(int(os.environ.get("BETRACE_SEED", "8")))
    end = int(time.time()) - 600
    start = end - 3600
    traces = random_traces(rng, TRACES, (start + 1) * SECOND, (end - start - 70) * SECOND)
    with tempo_with_short_blocks() as tempo, tempfile.NamedTemporaryFile("w", suffix=".ids") as ids:
        push_in_fragments(tempo, rng, traces, start - 60)
        ids.write("".join(f"{one}\n" for one in sorted(trace.trace_id for trace in traces)))
        ids.flush()
        env = dict(os.environ, TEMPO_URL=tempo.url, START_S=str(start - 60), END_S=str(int(time.time())), TRACE_IDS=ids.name)
        return subprocess.run([program], env=env, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1]))
    except NoTempo as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(EXIT_SKIPPED)
