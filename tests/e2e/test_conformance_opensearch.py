"""The suite of stores (tests/tempo/test_source_conformance.c) on a real OpenSearch. Its program is given OPENSEARCH_URL, OTLP_URL, where a collector writes what it is sent
as Data Prepper does, and BROKEN_OPENSEARCH_URL, a way to the server on which answers break. Cases that do not apply say why; they are printed, and those that are
expected are listed here.

With --full newer servers, too. BETRACE_SEED picks other random rules and traces."""
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "elastic")]
from betrace_process import binary, sanitizer_environment  # noqa: E402
from opensearch_server import OpenSearch  # noqa: E402
from opensearch_collector import Before, Breaking, Collecting  # noqa: E402

PROGRAM = os.path.join(os.path.dirname(binary()), "..", "tests", "tempo", "test_source_conformance")
# Indices keep no tenants apart, and it gives no names yet.
DO_NOT_APPLY = {"test_tenants", "test_tags", "test_tags_are_what_is_read"}


FULL = "--full" in sys.argv
if FULL:
    sys.argv.remove("--full")


class Conformance(unittest.TestCase):
    def check(self, version, schema="data_prepper"):
        server = self.enterContext(OpenSearch(version))
        collector, broken = (self.enterContext(Before(handler, server.http)) for handler in (type("Writing", (Collecting,), {"schema": schema}), Breaking))
        env = dict(sanitizer_environment(), OPENSEARCH_URL=f"http://127.0.0.1:{server.http}", OTLP_URL=collector.url, BROKEN_OPENSEARCH_URL=broken.url)
        done = subprocess.run([PROGRAM, "opensearch"], env=env, capture_output=True, text=True, timeout=600, check=False)
        said = done.stdout + done.stderr
        print(*re.findall(r"(?m)^(?:does not apply|violated|seed) .*", said), sep="\n", flush=True)
        self.assertEqual(done.returncode, 0, said[-8000:])
        ends = {end: set(re.findall(rf"(?m)^\[ *{end} *\] (test_\w+)$", said)) for end in ("OK", "SKIPPED", "FAILED")}
        self.assertEqual((ends["SKIPPED"], ends["FAILED"]), (DO_NOT_APPLY, set()), said[-8000:])
        self.assertGreater(len(ends["OK"]), 20)

    def test_opensearch_2(self):
        self.check("opensearch-2.19")

    @unittest.skipUnless(FULL, "make check-full")
    def test_opensearch_3(self):
        self.check("opensearch-3.3")

    @unittest.skipUnless(FULL, "make check-full")
    def test_elasticsearch_9(self):
        self.check("elasticsearch-9.1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
