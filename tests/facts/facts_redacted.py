"""What `redact` of Tempo 3.0 and newer leaves behind. tempo/api/tempo_losses.c rests on it: no search, no read and no metadata of a block shows that a
trace was taken out; the backend scheduler's list of jobs does, without the trace, for work.prune_age. Here that is short; by default it is an hour."""
import glob
import json
import os
import time
import unittest

import tempo_case as facts
import variants
from redaction import jobs, redact
from run_tempo import config_text_of
from tempo_case import SECOND, TempoServer, otlp

KEPT = 40  # seconds that jobs are listed for
SCHEDULER = f"""
  maintenance_interval: 1s
  work: {{prune_age: {KEPT}s}}
  provider:
    compaction: {{measure_interval: 5s}}
    redaction: {{poll_interval: 1s, rescan_delay: 5s}}
"""
AGE = 300


class RedactedFacts(unittest.TestCase):
    def test_before_3_there_is_none(self):
        if variants.current().major > 2:
            self.skipTest("of Tempo 2 alone")
        with TempoServer("fast") as tempo:
            self.assertIsNone(jobs(tempo))

    def shown(self, tempo, tenant):
        now = int(time.time())
        return set(tempo.search("{}", now - 3600, now, tenant=tenant))

    def keys_of_blocks(self, tempo):
        found = []
        for path in glob.glob(os.path.join(tempo.folder, "blocks", "*", "*", "meta.json")):
            with open(path, encoding="utf-8") as file:
                found.append(sorted(json.load(file)))
        return found

    def test_the_list_of_jobs_alone_shows_it(self):
        if variants.current().major < 3:
            self.skipTest("a Tempo 2 has no redaction")
        text = config_text_of("settled").replace("backend_scheduler:\n", "backend_scheduler:" + SCHEDULER, 1)
        with TempoServer("settled", config_text=text, multitenant=True, closes_blocks=True) as tempo:
            ids = {tenant: [otlp.new_trace_id() for _ in range(3)] for tenant in ("a", "b")}
            at = (int(time.time()) - AGE) * SECOND
            for tenant, traces in ids.items():
                tempo.push([otlp.span(one, "work", at) for one in traces], tenant=tenant)
            tempo.wait_until(lambda: all(self.shown(tempo, tenant) == set(ids[tenant]) for tenant in ids), "all are found")
            tempo.settle()
            before = self.keys_of_blocks(tempo)
            self.assertEqual(jobs(tempo), [])
            tempo.wait_until(lambda: redact(tempo, ids["a"][:1], "a") is None, "the scheduler knows the blocks of the tenant", pause=1)
            self.assertTrue(jobs(tempo), "at once, waiting or running")
            self.check_is_gone(tempo, ids)
            self.assertEqual({tuple(keys) for keys in self.keys_of_blocks(tempo)}, {tuple(keys) for keys in before}, "no key of a block's metadata is new")
            self.check_is_listed(tempo, ids["a"][0])

    def check_is_gone(self, tempo, ids):
        tempo.wait_until(lambda: not tempo.trace(ids["a"][0], tenant="a"), "it is gone by id")
        tempo.wait_until(lambda: self.shown(tempo, "a") == set(ids["a"][1:]), "it is in no search, and the others are")
        self.assertEqual(tempo.trace_raw(ids["a"][0], tenant="a")[1], tempo.trace_raw(otlp.new_trace_id(), tenant="a")[1], "as of a trace that never was")
        self.assertEqual(self.shown(tempo, "b"), set(ids["b"]))

    def check_is_listed(self, tempo, trace_id):
        """Tenant, type, state and times; then it is forgotten."""
        listed = tempo.wait_until(lambda: [row for row in jobs(tempo) if "JOB_STATUS_SUCCEEDED" in row], "its jobs have ended")
        for row in listed:
            self.assertEqual((len(row), row[0], row[2]), (8, "a", "JOB_TYPE_REDACTION"), row)
            self.assertRegex(row[7], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$")
        body = tempo.get("/status/backendscheduler", accept="*/*")[2].decode()
        self.assertNotIn(trace_id, body.replace("-", ""))
        tempo.wait_until(lambda: jobs(tempo) == [], "the jobs are forgotten", seconds=KEPT + 60)


if __name__ == "__main__":
    facts.main()
