"""What a real Tempo takes away: of a range that begins before its retention, and of one of which traces were redacted, "none" is never said without it."""
import json
import os
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
import otlp  # noqa: E402
import variants  # noqa: E402
from betrace_process import run_cli  # noqa: E402
from redaction import redact  # noqa: E402
from run_tempo import TempoServer, config_text_of  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

RULE = "never { audit }"
AGE_S = 300  # what is so old a live store lets go of soon
PAST = ("--start", "now-60m", "--end", "now-8m")


def kept_for(retention, more=""):
    """The config of tests with this block_retention."""
    text, count = re.subn(r"block_retention: \w+", f"block_retention: {retention}", config_text_of("fast"))
    if count != 1:
        raise AssertionError("expected one block_retention in the config of tests")
    return text.replace("overrides:\n", "overrides:\n" + more)


def push_work(tempo, tenant=None, youngest_s=30):
    """Traces of an hour, none of which breaks the rule: so that the range of an hour shows data at both ends."""
    now = int(time.time())
    ids = [otlp.new_trace_id() for _ in range(60)]
    for minute, trace_id in enumerate(ids):
        tempo.push([otlp.span(trace_id, "work", (now - minute * 60 - youngest_s) * 10**9)], tenant=tenant)
    tempo.wait_until(lambda: len(tempo.search("{}", now - 4000, now + 1, tenant=tenant)) == len(ids), "searchable")
    return ids


def ask(tempo, command, *arguments):
    """(exit status, JSON) of a question about settled data."""
    done = run_cli(command, "--dsl", RULE, "--tempo", tempo.url, "--settle", "0s", "--lateness", "0s", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)


class RetentionTest(unittest.TestCase):
    def test_older_than_the_retention_is_no_none(self):
        with TempoServer(config_text=kept_for("40m")) as tempo:
            push_work(tempo)
            for command in ("replay", "first"):
                with self.subTest(command):
                    status, answer = ask(tempo, command, "--since", "58m")
                    self.assertEqual((status, answer["status"], answer["coverage"]["complete"]), (3, "incomplete", False), answer)
                    self.assertIn("partial_data: retention may have deleted traces", answer["reason"])
                    kept_s = time.time() - time.mktime(time.strptime(answer["coverage"]["kept_from"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone
                    self.assertGreaterEqual(kept_s, 40 * 60)
                    status, answer = ask(tempo, command, "--since", "40m")
                    self.assertEqual((status, answer["status"]), (0, "completed"), answer)
                    self.assertNotIn("kept_from", answer["coverage"])

    def test_an_alert_on_what_may_be_deleted_is_not_known(self):
        with TempoServer(config_text=kept_for("40m")) as tempo, tempfile.TemporaryDirectory(prefix="betrace-losses-") as folder:
            push_work(tempo)
            rules, alerts = os.path.join(folder, "rules.yaml"), os.path.join(folder, "alerts.yaml")
            for path, text in ((rules, {"rules": [{"id": "a", "dsl": RULE}]}),
                               (alerts, {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "increase(betrace_violations_total[5m]) > 0"}]}]})):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(text, file)
            for since, expected in (("58m", 3), ("39m", 0)):
                done = run_cli("backtest", rules, "--alerts", alerts, "--tempo", tempo.url, "--settle", "0s", "--lateness", "0s", "--since", since, "--json")
                answer = json.loads(done.stdout)
                self.assertEqual((done.returncode, answer["status"]), (expected, "unknown" if expected else "seldom"), answer)
                self.assertEqual("retention may have deleted" in (answer["not_counted"] or ""), expected == 3, answer)
                self.assertEqual(bool(answer["alerts"][0]["unknown"]), expected == 3)

    def test_what_was_found_is_found(self):
        with TempoServer(config_text=kept_for("40m")) as tempo:
            push_work(tempo)
            done = run_cli("first", "--dsl", "never { work }", "--tempo", tempo.url, "--settle", "0s", "--lateness", "0s", "--since", "58m", "--json")
            answer = json.loads(done.stdout)
            self.assertEqual((done.returncode, answer["found"], answer["proven"]), (1, True, False), answer)
            self.assertIn("kept_from", answer["coverage"])

    def test_a_tenant_has_its_own(self):
        with tempfile.TemporaryDirectory(prefix="betrace-overrides-") as folder:
            path = os.path.join(folder, "overrides.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("overrides:\n  short:\n    compaction: {block_retention: 40m}\n    global: {max_bytes_per_trace: 200000000}\n"
                           "    ingestion: {rate_limit_bytes: 1000000000, burst_size_bytes: 1000000000, max_traces_per_user: 0}\n"
                           "    read: {max_search_duration: 8760h}\n")
            with TempoServer(config_text=kept_for("87600h", f"  per_tenant_override_config: {path}\n"), multitenant=True) as tempo:
                for tenant, expected in (("short", 3), ("long", 0)):
                    push_work(tempo, tenant)
                    status, answer = ask(tempo, "replay", "--since", "58m", "--tenant", tenant)
                    self.assertEqual(status, expected, answer)
                    self.assertEqual("kept_from" in answer["coverage"], expected == 3, answer)


class RedactionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if variants.current().major < 3:
            raise unittest.SkipTest("a Tempo 2 has no redaction")

    def test_redacted_is_no_none(self):
        """It is said of its tenant alone, whether or not the trace is gone yet."""
        with TempoServer("settled", multitenant=True, closes_blocks=True) as tempo:
            ids = {tenant: push_work(tempo, tenant, AGE_S) for tenant in ("a", "b")}
            tempo.settle()
            self.assertEqual(ask(tempo, "replay", *PAST, "--tenant", "a")[0], 0)
            tempo.wait_until(lambda: redact(tempo, ids["a"][:1], "a") is None, "the scheduler knows the blocks", pause=1)
            for command in ("replay", "first"):
                status, answer = ask(tempo, command, *PAST, "--tenant", "a")
                self.assertEqual((status, answer["status"]), (3, "incomplete"), answer)
                self.assertIn("partial_data: some traces were redacted, last at 20", answer["reason"])
                self.assertIn("redacted_at", answer["coverage"])
            self.assertEqual(ask(tempo, "replay", *PAST, "--tenant", "b")[0], 0)
            tempo.wait_until(lambda: not tempo.trace(ids["a"][0], tenant="a"), "it is gone")
            self.assertEqual(ask(tempo, "replay", *PAST, "--tenant", "a")[0], 3)


if __name__ == "__main__":
    require_tempo()
    unittest.main(verbosity=1)
