"""Watch on a Tempo whose settings have the proportions of its defaults (tests/facts/facts_late.py). Its --lookback is much shorter than the time for which
Tempo hides late spans. Watch finds every violation that came as late as --lateness says, and takes back what a late span undoes. Until it has looked again
it says that what it counted is provisional."""
import datetime
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("support", "tempo", "facts")]
import facts_late  # noqa: E402
import otlp  # noqa: E402
from betrace_process import Betrace  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from test_watch_tempo import taken_back_in, violations_in  # noqa: E402

SECOND = 1_000_000_000
LATENESS = 60
AGES = (8, 16, 20, 25, 30, 35, 40, 45, 50, 55)
RULE = {"id": "no-audit", "name": "no audit", "dsl": "when { work } always { audit }", "severity": "high"}
FLAGS = ("--watch", "--interval", "500ms", "--settle", "5s", "--sweep", "10s", "--lookback", "20s", "--lateness", f"{LATENESS}s")
PATIENCE = 300


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class WatchFindsLateViolations(unittest.TestCase):
    def push_traffic(self, until):
        """A trace a second that keeps the rule, so that there is always something to look at."""
        while time.time() < until:
            trace_id, at = otlp.new_trace_id(), time.time_ns()
            self.tempo.push([otlp.span(trace_id, "work", at), otlp.span(trace_id, "audit", at + 1000)])
            time.sleep(1)

    def push_late(self, pushed):
        """Violators of the last minute, all in one push, and the audit of a trace that was sent as one."""
        planted, spans = {}, []
        for age in AGES:
            trace_id = otlp.new_trace_id()
            planted[trace_id] = pushed - age
            spans.append(otlp.span(trace_id, "work", int((pushed - age) * SECOND)))
        self.tempo.push([*spans, otlp.span(self.undone, "audit", self.undone_at + 1000)])
        return planted

    def provisional_from(self, server):
        part = server.get("/ready").json()["parts"]["watch"]
        return part["ready"] and moment(part["provisional_from"])

    def test_every_one_is_found(self):
        with TempoServer(config_text=facts_late.config(3, facts_late.SLACK)) as self.tempo, \
                Betrace("--tempo", self.tempo.url, "--otlp", self.tempo.otlp_url, *FLAGS) as server:
            begin = time.time()
            self.assertEqual(server.post("/v1/rules", RULE).status, 201)
            self.push_traffic(begin + 5)
            self.undone, self.undone_at = otlp.new_trace_id(), time.time_ns()
            self.tempo.push([otlp.span(self.undone, "work", self.undone_at)])
            self.push_traffic(begin + LATENESS)
            pushed = time.time()
            planted = self.push_late(pushed)
            found, sure, shown = {}, 0, []
            while time.time() < pushed + PATIENCE and not (set(found) >= set(planted) and sure > pushed):
                sure = self.provisional_from(server)
                self.push_traffic(time.time() + 5)  # what was sent just before is in searches after that
                opened = violations_in(self.tempo, int(begin))
                found = {trace: time.time() - pushed for (_, trace) in opened} | found
                shown.append((round(time.time() - pushed), len(set(found) & set(planted)), round(sure - pushed)))
                lacking = [trace for trace, at in planted.items() if at < sure and trace not in found]
                self.assertFalse(lacking, f"what it calls certain lacks {len(lacking)}: {shown}")
            self.assertLessEqual(set(planted), set(found), shown)
            self.assertEqual(set(found) - set(planted), {self.undone}, "who kept the rule, late or not, is not sent")
            self.assertEqual(taken_back_in(opened), {self.undone})
            self.assertGreater(sure, pushed, shown)
            print("(seconds, found, certain before):", shown, file=sys.stderr)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
