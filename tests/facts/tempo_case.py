"""Base of the facts: test cases that talk to a real Tempo of one config. A fact that no longer holds breaks a decision of ours, so it fails.

A stock Tempo can lose sight of a trace for a moment while a block goes from the ingester to the backend. So what search must show is polled
for, and what it must not show is asked between two looks at a control query that does show the trace. Searches have a range that holds all
that was pushed, unless a test gives its own: without one, Tempo asks the ingester alone (facts_visibility).
"""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tempo"))
import differences  # noqa: E402  (the folder must be on the path first)
import otlp  # noqa: E402
from run_tempo import TempoServer, require_tempo  # noqa: E402

SECOND = 1_000_000_000
RANGE_BEFORE_SECONDS = 120
SEARCHED_SECONDS = 60  # on a busy machine blocks change hands late


class TempoCase(unittest.TestCase):
    """One Tempo for the class; `config` says which. prepare() pushes the data. closes_blocks: it calls tempo.close_blocks().
    Where versions differ, a test asks holds() what to expect; the table of them all is differences.py."""
    config = None
    closes_blocks = False

    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer(cls.config, closes_blocks=cls.closes_blocks).start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.prepare()

    @classmethod
    def prepare(cls):
        """Pushes what the tests read."""

    @classmethod
    def holds(cls, what):
        """What differences.py says of it for this Tempo."""
        return differences.of(what, cls.tempo.variant)

    @classmethod
    def search(cls, traceql, **search):
        """TempoServer.search over the last two minutes, or over the range that is given."""
        now = int(time.time())
        return cls.tempo.search(traceql, **{"start": now - RANGE_BEFORE_SECONDS, "end": now + 1, **search})

    @classmethod
    def wait_found(cls, traceql, trace_ids):
        """Waits until a search finds at least these traces."""
        wanted = set(trace_ids)
        cls.tempo.wait_until(lambda: wanted <= set(cls.search(traceql)), f"{traceql} finds {len(wanted)} traces")

    def assert_finds(self, traceql, expected, **search):
        """Search finds exactly these trace ids, at the latest after a while. expected must not be empty."""
        self.assertTrue(expected, "use assert_finds_nothing")
        deadline = time.monotonic() + SEARCHED_SECONDS
        while True:
            found = set(self.search(traceql, **search))
            if found == set(expected):
                return
            if time.monotonic() > deadline:
                self.assertEqual(found, set(expected), traceql)
            time.sleep(0.2)

    def assert_finds_nothing(self, traceql, control, trace_id, **search):
        """The query finds nothing at a moment when the control query shows the trace before and after."""
        deadline = time.monotonic() + 30
        while True:
            before = trace_id in self.search(control)
            found = self.search(traceql, **search)
            after = trace_id in self.search(control)
            self.assertEqual(found, {}, traceql)
            if before and after:
                return
            self.assertLess(time.monotonic(), deadline, f"the control {control} does not show the trace")
            time.sleep(0.2)

    def assert_refused(self, status, text, traceql, **search):
        got, body = self.tempo.search_raw(traceql, **search)  # no range of ours: some of these queries bring a bad one
        self.assertEqual(got, status, body[:300])
        self.assertIn(text, body)


class InCompletedBlocks:
    """In front of a TempoCase among the bases: the same tests, of data in completed blocks."""
    closes_blocks = True

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.tempo.close_blocks()


def main():
    """For each facts file: skipped (77) without a Tempo, else its tests. Base classes, which have no config, are left out."""
    require_tempo()
    unittest.main(module="__main__", testLoader=_ConcreteLoader())


class _ConcreteLoader(unittest.TestLoader):
    def loadTestsFromTestCase(self, testCaseClass):
        if issubclass(testCaseClass, TempoCase) and testCaseClass.config is None:
            return self.suiteClass()
        return super().loadTestsFromTestCase(testCaseClass)
