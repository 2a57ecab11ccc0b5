"""The suite of stores (tests/tempo/test_source_conformance.c) on a real ClickHouse, in each schema. Its program is given CLICKHOUSE_URL, OTLP_URL, where a
collector writes what it is sent as the exporters do, and BROKEN_CLICKHOUSE_URL, a way to the server on which answers break. Cases that do not apply to a
schema say why; they are printed, and those that are expected are listed here.

BETRACE_SEED picks other random rules and traces."""
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "clickhouse")]
from betrace_process import binary, sanitizer_environment  # noqa: E402
from clickhouse_server import ClickHouse, chdb_python  # noqa: E402
from collector import Before, Breaking, Collecting  # noqa: E402

PROGRAM = os.path.join(os.path.dirname(binary()), "..", "tests", "tempo", "test_source_conformance")
OF_NO_SCHEMA = {"test_tenants"}  # a table keeps no tenants apart


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chdb_python()
        server = cls.enterClassContext(ClickHouse())
        collector, broken = (cls.enterClassContext(Before(handler, server.http)) for handler in (Collecting, Breaking))
        cls.env = dict(sanitizer_environment(), CLICKHOUSE_URL=f"http://127.0.0.1:{server.http}", OTLP_URL=collector.url, BROKEN_CLICKHOUSE_URL=broken.url)

    def check(self, schema):
        done = subprocess.run([PROGRAM, f"clickhouse-{schema}"], env=self.env, capture_output=True, text=True, timeout=600, check=False)
        said = done.stdout + done.stderr
        print(*re.findall(r"(?m)^(?:does not apply|violated|seed) .*", said), sep="\n", flush=True)
        self.assertEqual(done.returncode, 0, said[-8000:])
        ends = {end: set(re.findall(rf"(?m)^\[ *{end} *\] (test_\w+)$", said)) for end in ("OK", "SKIPPED", "FAILED")}
        self.assertEqual((ends["SKIPPED"], ends["FAILED"]), (OF_NO_SCHEMA, set()), said[-8000:])
        self.assertGreater(len(ends["OK"]), 20)

    def test_map(self):
        self.check("map")

    def test_json(self):
        self.check("json")

    def test_signoz(self):
        self.check("signoz")

    def test_jaeger(self):
        self.check("jaeger")


if __name__ == "__main__":
    unittest.main(verbosity=2)
