"""Runs a test program against a real ClickHouse: with_clickhouse.py PROGRAM [ARGS…]

The program gets in its environment CLICKHOUSE_URL, OTLP_URL, where a collector writes what it is sent into the tables of
a schema (collector.py), and BROKEN_CLICKHOUSE_URL, a way to the server on which answers break. Its exit status is ours.
77 (skipped) where no ClickHouse can be had.
"""
import os
import subprocess
import sys
import unittest

from clickhouse_server import ClickHouse, chdb_python
from collector import Before, Breaking, Collecting

EXIT_SKIPPED = 77


def main():
    try:
        chdb_python()
    except unittest.SkipTest as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return EXIT_SKIPPED
    with ClickHouse() as server, Before(Collecting, server.http) as collector, Before(Breaking, server.http) as broken:
        env = dict(os.environ, CLICKHOUSE_URL=f"http://127.0.0.1:{server.http}", OTLP_URL=collector.url, BROKEN_CLICKHOUSE_URL=broken.url)
        return subprocess.run(sys.argv[1:], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
