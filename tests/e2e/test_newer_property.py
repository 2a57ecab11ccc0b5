"""Random rules (test_property_tempo) and the packs (test_packs_tempo) once more, fewer of them, on a Tempo that
answers as 2.10 and as 3.0 do, with vParquet5 too (tests/tempo/newer_proxy.py): for machines that have no such
Tempo. Each push lies in a block of its own. Their traces have NaN next to arrays of several doubles, which no newer
Tempo mixes up, and for vParquet5 arrays under keys with columns, which it finds and gives the last element of."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import test_packs_tempo as packs  # noqa: E402
import test_property_tempo as rules  # noqa: E402
from newer_proxy import NewerTempo  # noqa: E402
from random_spans import COLUMNS, FRAGMENTS, is_lost, random_traces  # noqa: E402
from random_tempo import push_fragment  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

rules.RULES, rules.TRACES, rules.ALONE, rules.FORCED, rules.EDGE_RULES = int(os.environ.get("BETRACE_RULES", "33")), 120, 4, 3, 22
rules.PropertyOnTempo.edges_alone = 4
# Of so few rules, those of this seed have each strategy several times.
rules.SEED = int(os.environ.get("BETRACE_SEED", "24"))


def push_in_blocks(tempo, rng, traces, _, others=()):
    for fragment in range(FRAGMENTS):
        push_fragment(tempo, rng, traces, others, fragment)
        tempo.next_block()


rules.push_in_fragments = push_in_blocks


class Newer:
    """What both have besides: the model must have answered."""
    family = None

    @classmethod
    def setUpClass(cls):
        rules.tempo_with_short_blocks = lambda: NewerTempo(cls.family)
        packs.TempoServer = lambda config: NewerTempo(cls.family, config=config)
        super().setUpClass()

    def test_zz_the_model_answered(self):
        """What it passed on to the Tempo behind it was not tested: a few patterns that Python cannot read."""
        tempo = self.tempo
        print(f"as {self.family}: {tempo.answered} searches answered, {len(tempo.refused)} refused, "
              f"{len(tempo.passed_on)} passed on", flush=True)
        self.assertGreater(tempo.answered, 50)
        self.assertLess(len(tempo.passed_on), tempo.answered // 5, tempo.passed_on[:3])


ARRAYS = {"http.method": (["x", "nil"], ["x"], ["", "xy"]), "http.status_code": ([1, 5], [200, 0]), "http.url": (["y", "x"],)}


def traces_with_arrays(rng, *where):
    """Every eighth trace has a span with an array that the key's column holds, and random ones may."""
    traces = random_traces(rng, *where, has_both=True, has_lists=True)
    for trace in traces[::8]:
        key = rng.choice(list(ARRAYS))
        rng.choice(trace.spans).attrs[key] = rng.choice(ARRAYS[key])
    return traces


def traces_without_arrays(rng, *where):
    return random_traces(rng, *where, has_both=True)


def has_array_in_column(trace):
    return any(is_lost(columns, key, value) for span in trace.spans
               for columns, its in zip(COLUMNS, (span.attrs, span.resource)) for key, value in its.items())


class RandomRules(Newer, rules.PropertyOnTempo):
    """Alone, so few traces are all read: that test is left to the full size."""
    LEAST_DECIDED = 0
    edges = ("cut", "dropped")  # the model has one value of each key
    random_traces = staticmethod(traces_without_arrays)
    test_c_rules_alone = None

    @classmethod
    def setUpClass(cls):
        rules.random_traces = cls.random_traces
        super().setUpClass()

    def test_a_arrays_in_columns(self):
        """Only where they are found."""
        has_some = any(map(has_array_in_column, self.traces))
        self.assertEqual(has_some, self.tempo.version.holds_arrays)


class RandomRulesOn210(RandomRules):
    family = "2.10"


class RandomRulesOn30(RandomRules):
    family = "3.0"


class RandomRulesOnVParquet5(RandomRules):
    """A projection of known traces decides nothing there: each may hold an array."""
    family = "3.0-vparquet5"
    LEAST_DECIDED = -1
    random_traces = staticmethod(traces_with_arrays)


del RandomRules  # is no test of its own


class PacksOn210(Newer, packs.PacksOnTempo):
    family = "2.10"


class PacksOn30(Newer, packs.PacksOnTempo):
    family = "3.0"


class PacksOnVParquet5(Newer, packs.PacksOnTempo):
    family = "3.0-vparquet5"


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
