"""Spans that come late, more than ingestion_time_range_slack after their time, on a Tempo whose settings have the proportions of its defaults. By id they
are there at once. Searches show them, hide them, and show them again, until query_backend_after is over. Decisions on it: what an answer that decides
calls settled (tempo/api/tempo_late.c), how far a window of a search goes on beyond its end (tempo/api/search.c).

A block holds them that is dated by their arrival. Tempo asks ingesters (3.x: live stores) for the newest query_backend_after, in ingester_shards windows
of a minute at least. Each shows of a trace only what overlaps it, out of blocks that overlap it. What is older it asks of blocks that overlap the older time.

Three Tempos are read at the same time, for somewhat longer than query_backend_after. One is as by default, one has one window, and one has a slack that is
longer than anything is late.
"""
import threading
import time

import tempo_case as facts
from run_tempo import config_text_of
from tempo_case import SECOND, otlp

BACKEND_AFTER, SLACK = 120, 10  # 15 min and 2 min by default
# The ages of the spans on arrival. At the default of three windows of a third each, here two of a minute: one of either, and one on time.
NEAR, FAR, FRESH = 30, 85, 1
KNOWN = 30  # cutting, closing, writing and polling a block, with the times of the stock config
READING_PAUSE = 2


def config(shards, slack):
    """The stock config with these, and a query_backend_after that a window of a minute fits in twice."""
    text = config_text_of("stock")
    lines = []
    for line in text.splitlines():
        name = line.strip().split(":")[0]
        indent = line[:len(line) - len(line.lstrip())]
        if name == "query_backend_after":
            line = f"{indent}query_backend_after: {BACKEND_AFTER}s\n{indent}ingester_shards: {shards}"
        if name == "query_ingesters_until":
            line = f"{indent}query_ingesters_until: {BACKEND_AFTER}s"  # 3.x has the one setting
        if name == "complete_block_timeout":
            line = f"{indent}complete_block_timeout: {2 * BACKEND_AFTER}s"
        if name == "path" and ("/wal" in line or "/live-store" in line):
            line = f"{line}\n{indent}ingestion_time_range_slack: {slack}s"
        lines.append(line)
    return "\n".join(lines) + "\n"


class Reader(threading.Thread):
    """One Tempo: pushes, and reads until everything must be there. readings: name → [(seconds since the push, is it found, is it there by id)]."""

    def __init__(self, shards, slack):
        super().__init__()
        self.text = config(shards, slack)
        self.readings = {"near": [], "far": [], "fresh": []}
        self.failure = None

    def run(self):
        try:
            with facts.TempoServer(config_text=self.text) as tempo:
                self.read(tempo)
        except Exception as error:  # noqa: BLE001  (the test that looks at it fails with it)
            self.failure = error

    def read(self, tempo):
        pushed = time.time()
        ids = {name: otlp.new_trace_id() for name in self.readings}
        ages = {"near": NEAR, "far": FAR, "fresh": FRESH}
        for name, trace_id in ids.items():
            tempo.push([otlp.span(trace_id, name, int((pushed - ages[name]) * SECOND))])
        while time.time() < pushed + BACKEND_AFTER + KNOWN + 10:
            now = time.time()
            found = tempo.search("{}", start=int(pushed) - 400, end=int(now) + 1)
            for name, trace_id in ids.items():
                self.readings[name].append((now - pushed, trace_id in found, bool(tempo.trace(trace_id))))
            time.sleep(READING_PAUSE)

    def shown(self, name):
        return [age for age, is_found, _ in self.readings[name] if is_found]

    def hidden(self, name, after=KNOWN, before=10 ** 6):
        """From when on it must be in a block, so that nothing but its date hides it."""
        return [age for age, is_found, _ in self.readings[name] if not is_found and after < age < before]


class Late(facts.TempoCase):
    config = "stock"

    @classmethod
    def setUpClass(cls):
        cls.stock, cls.uncut, cls.dated = Reader(3, SLACK), Reader(1, SLACK), Reader(3, 3600)
        readers = (cls.stock, cls.uncut, cls.dated)
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        for reader in readers:
            if reader.failure:
                raise reader.failure
        for name, reader in (("as by default", cls.stock), ("ingester_shards: 1", cls.uncut), ("slack 1h", cls.dated)):
            print(f"{name}: hidden " + "; ".join(f"{what} at {', '.join(f'{age:.0f}' for age in reader.hidden(what, 8)) or 'no reading'}"
                                                 for what in reader.readings))

    def test_by_id_they_are_there_all_the_while(self):
        for reader in (self.stock, self.uncut, self.dated):
            for name, readings in reader.readings.items():
                gone = [age for age, _, is_there in readings if not is_there and age > 5]
                self.assertLess(len(gone), 2, f"{name} at {gone}: once may be the moment in which it is written down")

    def test_searches_show_a_late_span_and_hide_it_again(self):
        """NEAR and its block lie in one window until it is a minute old."""
        shown, hidden = self.stock.shown("near"), self.stock.hidden("near", 60 - NEAR + 2, 60 - SLACK - 8)
        self.assertTrue([age for age in shown if age < 60 - NEAR])
        self.assertTrue(hidden)
        self.assertTrue([age for age in shown if age > hidden[-1]])

    def test_one_that_is_later_than_a_window_is_long_is_hidden_until_blocks_answer(self):
        self.assertEqual([age for age in self.stock.shown("far") if age < BACKEND_AFTER - SLACK - KNOWN], [])
        self.assertTrue(self.stock.hidden("far", 40, 100))

    def test_all_are_there_once_their_blocks_are_older_than_query_backend_after(self):
        for name in ("near", "far", "fresh"):
            self.assertEqual(self.stock.hidden(name, BACKEND_AFTER + KNOWN), [])
            self.assertEqual(self.uncut.hidden(name, BACKEND_AFTER + KNOWN), [])

    def test_with_one_window_a_late_span_is_shown_as_long_as_it_is_itself_young_enough(self):
        for name, age in (("near", NEAR), ("far", FAR)):
            self.assertEqual(self.uncut.hidden(name, 20, BACKEND_AFTER - age - 4), [])

    def test_with_one_window_it_is_hidden_from_then_on_until_blocks_answer(self):
        """So ingester_shards: 1 alone makes no wait shorter."""
        self.assertTrue(self.uncut.hidden("far", BACKEND_AFTER - FAR + 4, BACKEND_AFTER - SLACK - 4))

    def test_what_is_dated_by_itself_is_hidden_at_most_until_its_block_is_known(self):
        for name in ("near", "far", "fresh"):
            self.assertEqual(self.dated.hidden(name, KNOWN), [])

    def test_what_comes_in_time_is_always_shown(self):
        for reader in (self.stock, self.uncut, self.dated):
            self.assertEqual(reader.hidden("fresh"), [])


if __name__ == "__main__":
    facts.main()
