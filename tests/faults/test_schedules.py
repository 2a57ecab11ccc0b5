"""Random schedules of faults between betrace and a real Tempo. Whatever happens on the way:
  - what is reported as violated is violated (a subset of the truth);
  - `completed` is said only with the whole truth; what is missing is named in the coverage;
  - it ends within its time, in bounded memory, with an exit status of its own.
For answers that lie (bits that flip without a checksum) only the last holds, and the answer is still one.

FAULT_SCHEDULES=300 says how many (default 300, with --short 48), FAULT_SEED which; both are printed, and a failure names
its seed. What a request may take follows from how long replays take on this machine without faults: with a fixed time a
busy one answers nothing in time, and faults that are got over are never seen. --short begins no schedule after
FAULT_SECONDS (default 120) of a test; those that were not run are named, and the test counts as skipped.
"""
import concurrent.futures
import datetime
import json
import os
import random
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "tempo")]
from betrace_process import run_cli  # noqa: E402
import otlp  # noqa: E402
from measured_process import run_measured  # noqa: E402
from proxy import ALL, HONEST, LYING, NOTICEABLE, FaultProxy  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from seed_rules import INCIDENT, PII_AUDIT, SLOW_DB, TRUTH  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

SHORT = "--short" in sys.argv
SCHEDULES = int(os.environ.get("FAULT_SCHEDULES", "48" if SHORT else "300"))
SEED = int(os.environ.get("FAULT_SEED", random.randrange(1 << 32)))
TRACES, VIOLATIONS, AT_ONCE = 240, 12, 6
REQUEST_TIMEOUT_S, DEADLINE_S = 2, 120  # on a machine that is quick
LONGEST_TIMEOUT_S = 10  # what hangs does so for 20 s at most (proxy.LONG_S)
BUDGET_S = float(os.environ.get("FAULT_SECONDS", "120" if SHORT else "inf"))
MEMORY_KIB = 512 * 1024  # one answer of at most 128 MiB, its decoding, and the program itself
# A fifth of the messages have no consumer, two fifths an error behind them. The bound is over before what is settled ends.
LINKED = {"id": "linked", "dsl": 'when { "orders publish" as p } always { "orders process" linked to p within 30s }'}
# Two hops to what is charged, which stands under a span that links to the consumer, and back along the links.
DOWNSTREAM = {"id": "downstream", "dsl": 'when { "orders publish" as p } never { span(span.status == error) downstream of p within 30s over 2 links }'}
LINKED_FROM = {"id": "linked-from", "dsl": 'when { "orders charge" as c } always { "orders process".where(span.status == error) linked from c within 30s }'}
OVER_LINKS = (LINKED, DOWNSTREAM, LINKED_FROM)
MESSAGES = 30
RULES = (SLOW_DB, INCIDENT, PII_AUDIT, *OVER_LINKS)
SANITIZED = "asan" in os.environ.get("BETRACE_BIN", "")


class Data:
    """One Tempo with a small data set, and what is true of it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-faults-")
        self.tempo = TempoServer(config="fast").start()
        end = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=3)).replace(microsecond=0)
        start = end - datetime.timedelta(hours=2)
        self.bounds = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (start, end)]
        truth = os.path.join(self.folder.name, "truth.json")
        pushed = run_cli("generate", "--traces", TRACES, "--violations", VIOLATIONS, "--end", self.bounds[1], "--since", "2h", "--otlp",
                         self.tempo.otlp_url, "--truth", truth)
        assert pushed.returncode == 0, pushed.stderr
        with open(truth, encoding="utf-8") as file:
            content = json.load(file)
        self.truth = {rule["id"]: set(content[TRUTH[rule["id"]]]) for rule in RULES if rule not in OVER_LINKS}
        self.traces = TRACES + self.push_messages(int(start.timestamp()))
        seconds = (int(start.timestamp()) - 900, int(end.timestamp()) + 900)
        self.tempo.wait_until(lambda: len(self.tempo.search("{}", *seconds, limit=10000, spss=1)) >= self.traces, "searchable")
        self.timeout_s = self.measure_timeout()
        self.deadline_s = DEADLINE_S * self.timeout_s // REQUEST_TIMEOUT_S

    def push_messages(self, start_s):
        """One each three minutes, its consumer two seconds later and what is charged for that. Returns how many traces these are."""
        lost, failed, uncaused = (self.truth.setdefault(rule["id"], set()) for rule in OVER_LINKS)
        traces = 0
        for number in range(MESSAGES):
            at_ns, spans = (start_s + number * 180) * 10**9, []

            def add(name, after_s, of=None, parent="", trace_id=None, status="unset"):
                links = [(of["traceId"], of["spanId"], {})] if of else []
                spans.append(otlp.span(trace_id or otlp.new_trace_id(), name, at_ns + after_s * 10**9, parent=parent, links=links, status=status))
                return spans[-1]
            sent = add("orders publish", 0)
            if number % 5:
                consumer = add("orders process", 2, sent, status="error" if number % 5 == 1 else "unset")
                charge = add("orders charge", 4, consumer)
                add("orders book", 5, parent=charge["spanId"], trace_id=charge["traceId"], status="error" if number % 5 == 2 else "unset")
            if number % 5 == 0:
                lost.add(sent["traceId"])
            if number % 5 in (1, 2):
                failed.add(sent["traceId"])
            if number % 5 > 1:
                uncaused.add(charge["traceId"])
            traces += len({span["traceId"] for span in spans})
            self.tempo.push(spans, service="queue")
        return traces

    def measure_timeout(self):
        """As long as the longest of some replays that are under way at once and meet no fault: no request of theirs takes longer."""
        def plain(rule):
            with FaultProxy(self.tempo.url, []) as proxy:
                return replay(self, rule, proxy, timeout_s=100).seconds
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            longest = max(pool.map(plain, (SLOW_DB, INCIDENT, PII_AUDIT) * (AT_ONCE // 3)))
        timeout_s = int(min(LONGEST_TIMEOUT_S, max(REQUEST_TIMEOUT_S, longest + 1)))
        print(f"the longest of {AT_ONCE} replays without faults took {longest:.1f} s: a request may take {timeout_s} s")
        return timeout_s

    def close(self):
        self.tempo.stop()
        self.folder.cleanup()


def replay(data, rule, proxy, *more, timeout_s=None):
    timeout_s = timeout_s or data.timeout_s
    arguments = ["replay", "--dsl", rule["dsl"], "--tempo", proxy.url, "--start", data.bounds[0], "--end", data.bounds[1], "--json",
                 "--tempo-timeout", f"{timeout_s}s", *more]
    return run_measured(arguments, timeout=DEADLINE_S * timeout_s // REQUEST_TIMEOUT_S)


def gaps(answer):
    """What the answer names as not known."""
    coverage = answer["coverage"]
    return coverage["windows_failed"] or coverage["windows_empty"] or coverage["unsettled"] or answer.get("inconclusive") or answer.get("error")


class Schedules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"FAULT_SEED={SEED} FAULT_SCHEDULES={SCHEDULES}")
        cls.data = Data()
        cls.addClassCleanup(cls.data.close)

    def check_end(self, done, label):
        """It ended by itself, in time and memory; returns its answer."""
        self.assertIsNotNone(done.returncode, f"{label}: it did not end within {self.data.deadline_s} s")
        self.assertIn(done.returncode, (0, 1, 3), f"{label}: {done.stderr[-2000:]}")
        self.assertNotRegex(done.stderr, r"Sanitizer|runtime error", label)
        if not SANITIZED:
            self.assertLess(done.peak_kib, MEMORY_KIB, label)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def check_answer(self, done, rule, label):
        answer = self.check_end(done, label)
        if answer is None:  # nothing could be asked at all: it says so and counts for nothing
            self.assertEqual(done.returncode, 3, f"{label}: {done.stderr[-500:]}")
            self.assertTrue(done.stderr, label)
            return None
        truth, found = self.data.truth[rule["id"]], {one["trace_id"] for one in answer["violations"]}
        text = f"{label}: {json.dumps(answer)[:3000]}"
        self.assertLessEqual(found, truth, text)
        if answer["status"] == "completed":  # a trace that Tempo itself calls PARTIAL is read, and inconclusive
            self.assertLessEqual(len(truth - found), answer["inconclusive"], text)
            self.assertTrue(answer["coverage"]["complete"], text)
            # Where the way to Tempo's configuration failed, late spans are waited for, and the newest traces are not settled.
            young = answer["coverage"]["unsettled"] if "late_until" in answer["coverage"] else 0
            self.assertEqual(answer["traces_evaluated"] + young, self.data.traces, text)
        else:
            self.assertFalse(answer["coverage"]["complete"], text)
            self.assertTrue(gaps(answer), text)
        if answer["traces_evaluated_kind"] == "exact":
            self.assertLessEqual(answer["traces_evaluated"], self.data.traces, text)
        return answer

    def run_schedule(self, seed, names, check, after="plain"):
        rng = random.Random(seed)
        rule = rng.choice(RULES)
        schedule = [rng.choice(names) if rng.random() < 0.6 else "plain" for _ in range(rng.randint(1, 10))]
        as_protobuf = rng.random() < 0.5
        more = ["--count", rng.choice(["auto", "at_least"])]
        with FaultProxy(self.data.tempo.url, schedule, after=after, seed=seed, as_protobuf=as_protobuf) as proxy:
            done = replay(self.data, rule, proxy, *more)
            label = f"FAULT_SEED={SEED}, schedule {seed}: {rule['id']} {' '.join(more)} {'protobuf' if as_protobuf else 'json'} {proxy.done}"
        return check(done, rule, label) if more[1] == "auto" or check != self.check_answer else self.check_at_least(done, rule, label)

    def check_at_least(self, done, rule, label):
        """Without the listing of all traces their number is not known."""
        answer = self.check_end(done, label)
        if answer is None:
            return None
        truth, found = self.data.truth[rule["id"]], {one["trace_id"] for one in answer["violations"]}
        self.assertLessEqual(found, truth, label)
        if answer["status"] == "completed":
            self.assertLessEqual(len(truth - found), answer["inconclusive"], f"{label}: {json.dumps(answer)[:3000]}")
        return answer

    def run_many(self, count, names, check, offset=0):
        """Several at a time: most of a run is waiting. Returns the answers of those that were run, and names the others."""
        until, left = time.monotonic() + BUDGET_S, []

        def run(seed):
            if time.monotonic() < until:
                return [self.run_schedule(seed, names, check)]
            left.append(seed)
            return []
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            answers = sum(pool.map(run, [SEED + offset + i for i in range(count)]), [])
        self.not_run = f"{len(left)} of {count} schedules were not run within {BUDGET_S:.0f} s, seeds {left}" if left else ""
        print(f"{len(answers)} of {count} schedules were run. {self.not_run}")
        return answers

    def tell_what_was_not_run(self):
        if self.not_run:
            self.skipTest(self.not_run)

    def test_noticeable_faults(self):
        answers = self.run_many(SCHEDULES, sorted(NOTICEABLE) + sorted(HONEST), self.check_answer)
        said = [answer["status"] for answer in answers if answer]
        print(f"{len(answers)} schedules: {said.count('completed')} completed, {said.count('incomplete')} incomplete, "
              f"{len(answers) - said.count('completed') - said.count('incomplete')} others")
        self.assertGreater(said.count("completed"), 0, "nothing was ever completed: the faults hide what is to be tested")
        self.assertGreater(len(answers) - said.count("completed"), 0, "every fault was got over: the schedules are too kind")
        self.tell_what_was_not_run()

    def test_answers_that_lie(self):
        def check(done, _rule, label):
            return self.check_end(done, label)
        self.assertTrue(self.run_many(SCHEDULES // 4, sorted(LYING), check, offset=1 << 20), "nothing was run")
        self.tell_what_was_not_run()


class EachFault(unittest.TestCase):
    """Every behaviour once for all requests, so that none is left to chance."""

    @classmethod
    def setUpClass(cls):
        cls.data = Data()
        cls.addClassCleanup(cls.data.close)

    check_end = Schedules.check_end
    check_answer = Schedules.check_answer

    def run_constant(self, name, rule=SLOW_DB):
        with FaultProxy(self.data.tempo.url, after=name, seed=1) as proxy:
            started = time.monotonic()
            # What is honest has to complete, however busy the machine is.
            done = replay(self.data, rule, proxy, timeout_s=100 if name in HONEST else None)
            seconds = time.monotonic() - started
        return name, done, seconds

    def test_each(self):
        self.hold_each(SLOW_DB)

    def test_each_of_a_rule_over_links(self):
        self.hold_each(LINKED)

    def hold_each(self, rule):
        statuses = {}
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for name, done, seconds in pool.map(lambda name: self.run_constant(name, rule), sorted(ALL)):
                if name in LYING:
                    answer = self.check_end(done, name)
                else:
                    answer = self.check_answer(done, rule, name)
                statuses[name] = answer["status"] if answer else "refused"
                print(f"  {name:16s} {statuses[name]:11s} {seconds:5.1f} s {done.peak_kib // 1024:4d} MiB")
        for name in HONEST:
            self.assertEqual(statuses[name], "completed", name)
        # What every request meets and what is final is never got over.
        for name in ("refused", "hung", "cut", "bomb", "endless", "html", "html_as_answer", "nothing", "not_http", "401", "404", "500", "503", "429", "gzip_without_end"):
            self.assertNotEqual(statuses[name], "completed", name)

    def test_reasons_name_no_addresses(self):
        for name in ("refused", "html", "500"):
            _, done, _ = self.run_constant(name)
            self.assertNotRegex(done.stdout + done.stderr, r"127\.0\.0\.1:\d+/api", name)
            self.assertTrue(re.search(r"reason|refused|cut off|neither|500", done.stdout + done.stderr), name)


if __name__ == "__main__":
    require_tempo()
    if SHORT:
        sys.argv.remove("--short")
    unittest.main()
