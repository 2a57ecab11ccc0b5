"""A Tempo that holds all of its data in blocks, as an operator's holds what is some hours old (TempoServer.settle).
Its ingester or live store has let go of them, and a replay finds in blocks alone what the evaluator finds. What the
benches measure with `--settled` is such a one."""
import json
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SECOND = 1_000_000_000
TRACES, LATE = 60, 10
AGO_S = 7200
# What is true of a trace that violates it.
RULE = 'trace.has(span.name == "query") and not trace.has(span.name == "retry")'


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Settled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tempo = TempoServer("settled", closes_blocks=True).start()
        cls.addClassCleanup(cls.tempo.stop)
        cls.began = int(time.time()) - AGO_S
        cls.ids = [otlp.new_trace_id() for _ in range(TRACES)]
        cls.tempo.push([cls.span(number, "query") for number in range(TRACES)])
        cls.wait_for_all("query", TRACES)
        cls.tempo.close_blocks()  # so that what takes a violation away lies in another block
        cls.tempo.push([cls.span(number, "retry") for number in range(LATE)])
        cls.wait_for_all("retry", LATE)
        cls.tempo.settle()
        cls.wait_for_all("query", TRACES)
        cls.wait_for_all("retry", LATE)

    @classmethod
    def span(cls, number, name):
        return otlp.span(cls.ids[number], name, (cls.began + number) * SECOND, 5_000_000)

    @classmethod
    def found(cls, name):
        return set(cls.tempo.search(f'{{ name = "{name}" }}', cls.began - 60, cls.began + TRACES + 60))

    @classmethod
    def wait_for_all(cls, name, count):
        cls.tempo.wait_until(lambda: len(cls.found(name)) == count, f"{count} traces with {name} are searchable")

    def test_what_is_new_is_nowhere(self):
        """A search without a range asks the ingester or the live store alone."""
        self.assertEqual(self.tempo.search("{}"), {})

    def test_by_id_each_trace_is_whole(self):
        for number in (0, LATE - 1, LATE, TRACES - 1):
            names = sorted(span["name"] for span in self.tempo.trace(self.ids[number]))
            self.assertEqual(names, ["query", "retry"] if number < LATE else ["query"])

    def test_a_replay_is_complete_and_right(self):
        done = run_cli("replay", "--dsl", RULE, "--tempo", self.tempo.url, "--start", moment(self.began - 60),
                       "--end", moment(self.began + TRACES + 60), "--json", timeout=120)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["status"], "completed", answer)
        self.assertEqual(answer["traces_evaluated"], TRACES)
        self.assertEqual({one["trace_id"] for one in answer["violations"]}, set(self.ids[LATE:]))


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
