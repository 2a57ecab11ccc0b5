"""distribution/packs on a real Tempo: the traces of the packs' own tests are pushed, linked ones too. A replay of each
pack has to find, for each rule, those that its tests call violated and no other of its tests. So each rule's searches
are taken by Tempo and find what they are for."""
import concurrent.futures
import glob
import json
import os
import sys
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
from pack_tests import otlp_family, read_tests, trace_id_of  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

PACKS = sorted(glob.glob(os.path.join(ROOT, "distribution", "packs", "*.yaml")))
SECOND_NS = 10**9


def tests_of_packs():
    """rule id → (its file, {trace id → test})"""
    rules = {}
    for path in PACKS:
        for rule_id, number, test in read_tests(path):
            rules.setdefault(rule_id, (path, {}))[1][trace_id_of(rule_id, number)] = test
    return rules


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def push(url, resource_spans):
    body = json.dumps({"resourceSpans": resource_spans}).encode()
    request = urllib.request.Request(url + "/v1/traces", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200, answer.status


class PacksOnTempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = tests_of_packs()
        cls.tempo = TempoServer(config="fast").start()
        cls.addClassCleanup(cls.tempo.stop)
        end = int(time.time()) - 300
        cls.start, tests, traces = end - 3600, 0, 0
        for _, tests_of_rule in cls.rules.values():
            batch = []
            for trace_id, test in tests_of_rule.items():
                tests += 1
                traces += 1 + len(test.get("others", {}))
                batch += otlp_family(test, (cls.start + tests * 10) * SECOND_NS, trace_id)
            push(cls.tempo.otlp_url, batch)
        cls.end = end
        assert tests * 10 < 3000, tests  # also with the half hour after which the packs' rules call a linked span absent
        cls.tempo.wait_until(lambda: len(cls.tempo.search("{}", cls.start - 900, end + 900, limit=10000, spss=1)) >= traces, "all traces are searchable")

    def replay(self, path):
        done = run_cli("replay", "--rules", path, "--tempo", self.tempo.url, "--start", moment(self.start), "--end", moment(self.end), "--limit", "0", "--json")
        return json.loads(done.stdout)

    def test_each_rule_finds_its_own(self):
        self.assertGreaterEqual(len(self.rules), 60)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = dict(zip(PACKS, pool.map(self.replay, PACKS)))
        for rule_id, (path, tests) in self.rules.items():
            with self.subTest(rule=rule_id):
                answer = answers[path]
                self.assertEqual(answer["status"], "completed", answer["coverage"])
                found = {violation["trace_id"] for violation in answer["violations"] if violation["rule_id"] == rule_id}
                expected = {trace_id for trace_id, test in tests.items() if test["expect"] == "violated"}
                self.assertTrue(expected)
                self.assertEqual(found & set(tests), expected)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
