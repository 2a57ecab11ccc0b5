"""Runs a test program against a real Tempo: with_tempo.py [--config fast|stock] [--multitenant] PROGRAM [ARGS…]

The program gets TEMPO_URL and OTLP_URL in its environment, and TEMPO_BLOCK_SECONDS where Tempo closes blocks by their age and not by
GET /flush; its exit status is ours. 77 (skipped) where no Tempo can be had.
"""
import argparse
import os
import subprocess
import sys

from run_tempo import TempoServer
from tempo_binary import EXIT_SKIPPED, NoTempo


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="fast")
    parser.add_argument("--multitenant", action="store_true")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    try:
        with TempoServer(config=args.config, multitenant=args.multitenant, closes_blocks=True) as tempo:
            env = dict(os.environ, TEMPO_URL=tempo.url, OTLP_URL=tempo.otlp_url)
            if tempo.block_seconds:
                env["TEMPO_BLOCK_SECONDS"] = str(tempo.block_seconds)
            return subprocess.run(args.program, env=env, check=False).returncode
    except NoTempo as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return EXIT_SKIPPED


if __name__ == "__main__":
    sys.exit(main())
