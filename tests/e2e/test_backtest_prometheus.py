"""What betrace backtest makes of rules and series, held against Debian's Prometheus on the same series. Random expressions go to its query API. Alerts
go to its rule manager (promtool test rules): when each is pending, fires and resolves, to the evaluation. --full: 20 rules over 30 days."""
import json
import math
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "tempo"), str(HERE.parent / "prometheus")]
import prometheus_binary  # noqa: E402
from betrace_process import _die_with_parent, binary  # noqa: E402
from random_promql import RandomExpression, random_series  # noqa: E402
from run_tempo import free_ports  # noqa: E402

FULL = "--full" in sys.argv
SEED = int(os.environ.get("BETRACE_BACKTEST_SEED", "20261130"))
MINUTE = 60_000
T0 = 1_700_000_040_000 // MINUTE * MINUTE  # where the series of expressions begin


def driver():
    return pathlib.Path(binary()).parents[1] / "tests" / "prometheus" / "backtest_series"


def write_series(path, series):
    """series: (labels, [(time_ms, value or "stale")])."""
    with open(path, "w", encoding="utf-8") as file:
        for labels, samples in series:
            file.write("\t".join(["S", *(text for pair in labels.items() for text in pair)]) + "\n")
            file.writelines(f"{at}\t{value if value == 'stale' else repr(float(value))}\n" for at, value in samples)


class Ours:
    """What the driver says: samples of what rules wrote, pages, refused evaluations, seconds."""

    def __init__(self, folder, series, start, end, what, *rules, interval=MINUTE):
        write_series(folder / "series.txt", series)
        done = subprocess.run([driver(), folder / "series.txt", str(start), str(end), str(interval), what, *map(str, rules)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.series, self.pages, self.failures = {}, [], {}
        samples = None
        for line in done.stdout.splitlines():
            first, *rest = line.split("\t")
            if first == "S":
                samples = self.series.setdefault(tuple(sorted(zip(rest[::2], rest[1::2]))), {})
            elif first == "P":
                self.pages.append(rest)
            elif first == "F":
                self.failures[rest[0]] = rest[2]
            elif first == "T":
                self.seconds = float(rest[1])
            else:
                samples[int(first)] = None if rest[0] == "stale" else float(rest[0])


def open_metrics(series):
    """Text for promtool tsdb create-blocks-from openmetrics: by metric, times in seconds."""
    lines, names = [], sorted({labels["__name__"] for labels, _ in series})
    for name in names:
        for labels, samples in series:
            if labels["__name__"] != name:
                continue
            inside = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items() if key != "__name__")
            lines += [f"{name}{{{inside}}} {repr(float(value)).replace('inf', 'Inf').replace('nan', 'NaN')} {at / 1000:.3f}" for at, value in samples]
    return "\n".join(lines) + "\n# EOF\n"


class Prometheus:
    """A server over blocks; it scrapes nothing."""

    def __init__(self, folder, series):
        (folder / "series.om").write_text(open_metrics(series), encoding="utf-8")
        made = subprocess.run([PROMETHEUS / "promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h", folder / "series.om",
                               folder / "data"], capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        (folder / "prometheus.yml").write_text("{}", encoding="utf-8")
        (self.port,) = free_ports(1)
        self.process = subprocess.Popen([PROMETHEUS / "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                         "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{self.port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)

    def __enter__(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("Prometheus does not get ready")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask_range(self, query, start, end):
        """{labels: {time: value}} of each minute."""
        asked = urllib.parse.urlencode({"query": query, "start": start / 1000, "end": end / 1000, "step": 60})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query_range?{asked}", timeout=30) as answer:
            return {tuple(sorted(one["metric"].items())): {int(at) * 1000: float(value) for at, value in one["values"]} for one in json.load(answer)["data"]["result"]}

    def reads(self, expression):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/format_query?{urllib.parse.urlencode({'query': expression})}", timeout=30).close()
            return True
        except urllib.error.HTTPError as error:
            assert error.code == 400, (expression, error.read())
            return False

    def ask(self, query, at_ms):
        """{labels: value}, or None where Prometheus refuses the question at that moment."""
        body = urllib.parse.urlencode({"query": query, "time": f"{at_ms / 1000:.3f}"}).encode()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query", body, timeout=30) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            assert error.code == 422, (query, error.read())
            return None
        if data["resultType"] == "scalar":
            return {(): float(data["result"][1])}
        return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in data["result"]}


def processor_seconds():
    """Of programs that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def are_close(a, b):
    if a is None or b is None or math.isnan(a) or math.isnan(b):
        return a is b or (a is not None and b is not None and math.isnan(a) and math.isnan(b))
    return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))  # sums are made in another order


class Expressions(unittest.TestCase):
    def test_random_expressions_are_what_prometheus_says(self):
        count, rng = 700 if FULL else 150, random.Random(SEED)
        series = random_series(rng, T0, 400)
        maker = RandomExpression(rng)
        expressions = [maker.make() for _ in range(count)]
        moments = [T0 + minute * MINUTE for minute in (0, 7, 61, 133, 240, 333, 401, 404, 409)]
        with tempfile.TemporaryDirectory(prefix="betrace-backtest-") as name, Prometheus(pathlib.Path(name), series) as prometheus:
            folder = pathlib.Path(name)
            refused = [one for one in expressions if not prometheus.reads(one)]
            for expression in refused:  # of two scalars without bool, or a modifier between others
                with self.assertRaises(AssertionError, msg=expression):
                    Ours(folder, [], T0, T0, "all", self.write_rules(folder, [expression]))
            expressions = [one for one in expressions if one not in refused]
            ours = Ours(folder, series, T0, T0 + 410 * MINUTE, "all", self.write_rules(folder, expressions))
            met = self.compare(expressions, moments, ours, prometheus)
        self.assertGreater(met["samples"], 4 * count, met)
        self.assertGreater(met["refused"], 0, met)
        print(f"{count} expressions, of which {len(refused)} are no PromQL, at {len(moments)} times: {met}; seed {SEED}", file=sys.stderr)

    def test_each_minute_of_what_alerts_are_made_of(self):
        """How far samples stand for what is beyond them hangs on seconds: that is met at many moments, and seldom at one."""
        series = random_series(random.Random(SEED), T0, 400)
        expressions = [f"{function}(betrace_violations_total[{window}])" for function in ("increase", "rate", "delta") for window in ("90s", "5m", "10m", "1h")]
        with tempfile.TemporaryDirectory(prefix="betrace-backtest-") as name, Prometheus(pathlib.Path(name), series) as prometheus:
            folder, end = pathlib.Path(name), T0 + 410 * MINUTE
            ours = Ours(folder, series, T0, end, "all", self.write_rules(folder, expressions))
            for number, expression in enumerate(expressions):
                mine = {tuple(pair for pair in labels if pair[0] != "__name__"): {at: value for at, value in samples.items() if value is not None}
                        for labels, samples in ours.series.items() if ("__name__", f"e{number}") in labels}
                theirs = prometheus.ask_range(expression, T0, end)
                self.assertEqual({labels: set(samples) for labels, samples in mine.items()}, {labels: set(samples) for labels, samples in theirs.items()}, expression)
                wrong = [(expression, labels, at, value, theirs[labels][at]) for labels, samples in mine.items() for at, value in samples.items()
                         if not are_close(value, theirs[labels][at])]
                self.assertEqual(wrong, [])

    def write_rules(self, folder, expressions):
        rules = [{"record": f"e{i}", "expr": expression} for i, expression in enumerate(expressions)]
        (folder / "rules.yaml").write_text(json.dumps({"groups": [{"name": "e", "rules": rules}]}), encoding="utf-8")
        return folder / "rules.yaml"

    def compare(self, expressions, moments, ours, prometheus):
        of_rule = {}
        for labels, samples in ours.series.items():
            of_rule.setdefault(dict(labels)["__name__"], []).append((tuple(pair for pair in labels if pair[0] != "__name__"), samples))
        met = {"samples": 0, "empty": 0, "refused": 0}
        for number, expression in enumerate(expressions):
            for at in moments:
                theirs = prometheus.ask(expression, at)
                mine = {labels: samples[at] for labels, samples in of_rule.get(f"e{number}", []) if samples.get(at) is not None}
                if theirs is None:
                    met["refused"] += 1
                    self.assertEqual(mine, {}, expression)
                    self.assertIn(f"e{number}", ours.failures, expression)
                    continue
                named = {}
                for labels, value in theirs.items():
                    named.setdefault(tuple(pair for pair in labels if pair[0] != "__name__"), []).append(value)
                if any(len(values) > 1 for values in named.values()):  # equal once the name is the rule's: refused by both
                    self.assertIn(f"e{number}", ours.failures, expression)
                    continue
                met["samples" if theirs else "empty"] += len(theirs) or 1
                self.assertEqual(set(mine), set(named), (expression, at))
                for labels, value in mine.items():
                    self.assertTrue(are_close(value, named[labels][0]), (expression, at, labels, value, named[labels]))
        return met


# Files and their groups: promtool takes groups in any order unless it is told, and evaluates each at every interval, whatever its own is.
GROUPS = {"slo": ["betrace-slo-recording", "betrace-slo"], "recording": ["betrace-recording"], "alerts": ["betrace-violations", "betrace-health"], "own": ["own", "second"]}
OWN = """
groups:
  - name: own
    interval: 1m
    rules:
      - record: own:violations:rate10m
        expr: sum by (rule_id) (rate(betrace_violations_total[10m]))
      - alert: Held
        expr: own:violations:rate10m * 600 > 3
        for: 7m
        labels: {severity: page, team: a}
      - alert: Kept
        expr: increase(betrace_violations_total{severity="high"}[5m]) > 0
        keep_firing_for: 20m
      - alert: HeldAndKept
        expr: sum by (severity) (increase(betrace_violations_total[15m])) > 8 unless on () (hour() < 2)
        for: 5m
        keep_firing_for: 11m
      - alert: Gone
        expr: absent(betrace_watch_lag_seconds{job="betrace"}) or betrace_watch_lag_seconds > 900
        for: 3m
      - alert: OfAlerts
        expr: count(ALERTS{alertstate="firing", alertname=~"Held|Kept"}) >= 2
  - name: second
    rules:
      - alert: Seldom
        expr: count without (rule_id) (betrace_violations_total offset 10m > 20) >= 3
        for: 10m
"""


def scraped(rng, steps, what):
    """A value for each step: None where nothing was scraped, "stale" where the target said that the series ended."""
    values, value, until, rate = [], 0, 0, rng.choice((0.0005, 0.002, 0.01))
    for step in range(steps + 1):
        if what == "counter":
            burst = rng.random() < rate
            value = 0 if rng.random() < 0.0004 else value + (rng.choice((1, 1, 2, 30)) if burst else 0)
        elif what == "busy":
            value = 0 if rng.random() < 0.0004 else value + rng.randint(0, 40)
        else:
            value = what(step, value)
        if step >= until and rng.random() < 0.0006:
            until = step + rng.choice((1, 3, 4, 5, 6, 30, 400))
            values.append("stale" if rng.random() < 0.5 else None)
        else:
            values.append(None if step < until else value)
    return values


def scene(rng, rules, steps, step_s):
    """What Prometheus scraped of a betrace with so many rules: its counters, and what says whether it is well."""
    made, job = [], {"job": "betrace", "instance": "a:8080"}
    for number in range(rules):
        of_rule = {**job, "rule_id": f"rule-{number}", "severity": ("high", "low", "critical", "medium")[number % 4]}
        first = rng.choice((0, 0, steps // 5))
        for name, what in (("betrace_violations_total", "counter"), ("betrace_exercised_total", "busy")):
            made.append(({"__name__": name, **of_rule}, [None] * first + scraped(rng, steps - first, what)))
    lag = scraped(rng, steps, lambda step, before: 1000 if rng.random() < 0.002 or (before == 1000 and rng.random() < 0.95) else 120)
    seen = scraped(rng, steps, lambda step, before: before if step and (rng.random() < 0.003 or (before < (step - 1) * step_s and rng.random() < 0.96)) else step * step_s)
    up = scraped(rng, steps, lambda step, before: 0 if rng.random() < 0.001 or (step and before == 0 and rng.random() < 0.9) else 1)
    for name, values in (("betrace_watch_lag_seconds", lag), ("betrace_watch_last_trace_timestamp_seconds", seen), ("up", up)):
        made.append(({"__name__": name, **job}, values))
    return made


def name_of(labels):
    return labels["__name__"] + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__") + "}"


class Alerts(unittest.TestCase):
    def test_alerts_fire_and_resolve_as_in_its_rule_manager(self):
        if FULL:
            self.hold(20, 30 * 1440, MINUTE, ("recording", "alerts", "own"))
            self.hold(20, 30 * 288, 5 * MINUTE, ("slo",))  # each of its evaluations reads three days of all counters: each minute is too much for promtool
        else:
            self.hold(6, 9 * 60, MINUTE, tuple(GROUPS))

    def hold(self, rules, steps, step_ms, names):
        made = scene(random.Random(SEED), rules, steps, step_ms // 1000)
        samples = [(labels, [(step * step_ms, value) for step, value in enumerate(values) if value is not None]) for labels, values in made]
        with tempfile.TemporaryDirectory(prefix="betrace-backtest-") as name:
            folder = pathlib.Path(name)
            files = self.write_rules(folder, names, step_ms)
            ours = Ours(folder, samples, 0, steps * step_ms, "alerts", *files, interval=step_ms)
            self.assertEqual(ours.failures, {})
            self.assertGreater(len(ours.pages), 10)
            moments, before = self.moments(ours, steps * step_ms, step_ms), processor_seconds()
            self.hold_against(folder, made, files, ours, moments, steps * step_ms, step_ms, [group for name in names for group in GROUPS[name]])
            print(f"{', '.join(names)}: {rules} rules, {steps} evaluations, one each {step_ms // MINUTE} min: {len(ours.pages)} pages, held against Prometheus at {len(moments)} "
                  f"times; ours took {ours.seconds} s, Prometheus {processor_seconds() - before:.1f} s of the processor; seed {SEED}", file=sys.stderr)

    def write_rules(self, folder, names, step_ms):
        """Groups name the interval that promtool evaluates them at."""
        files = [folder / f"{name}.yaml" for name in names]
        for name, path in zip(names, files):
            text = OWN if name == "own" else (ROOT / "distribution" / "prometheus" / f"betrace-{name}.yaml").read_text(encoding="utf-8")
            path.write_text(text.replace("interval: 1m\n", f"interval: {step_ms // MINUTE}m\n"), encoding="utf-8")
        return files

    def moments(self, ours, end_ms, step_ms):
        """Where a state begins or ends, and the evaluation before."""
        found = {end_ms}
        for samples in ours.series.values():
            times = sorted(samples)
            for before, at in zip([None, *times], times):
                if before is None or samples[at] is None or samples[before] is None or at - before > step_ms:
                    found |= {at, max(at - step_ms, 0)}
        return sorted(found)

    def hold_against(self, folder, made, files, ours, moments, end_ms, step_ms, groups):
        series = [{"series": name_of(labels), "values": " ".join("_" if value is None else str(value) for value in values)} for labels, values in made]
        step = f"{step_ms // MINUTE}m"
        tests = [{"expr": "ALERTS", "eval_time": f"{at // MINUTE}m", "exp_samples": self.alerts_at(ours, at, step_ms)} for at in moments]
        tests += self.counts(ours, end_ms, step_ms)
        test = {"rule_files": [str(one) for one in files], "evaluation_interval": step, "group_eval_order": groups, "tests": [{"interval": step, "input_series": series, "promql_expr_test": tests}]}
        (folder / "test.yaml").write_text(json.dumps(test), encoding="utf-8")
        done = subprocess.run([PROMETHEUS / "promtool", "test", "rules", folder / "test.yaml"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[:6000])

    def counts(self, ours, end_ms, step_ms):
        """How many samples each series has, piece by piece: a query of promtool loads 10,000 of them at most."""
        piece_ms, tests = min(4000 * step_ms, end_ms), []
        for end in (*range(piece_ms, end_ms, piece_ms), end_ms):
            for asked in ours.series:
                counts = []
                for labels, samples in ours.series.items():  # a selector also takes those with more labels
                    count = sum(value is not None and end - piece_ms < at <= end for at, value in samples.items()) if set(asked) <= set(labels) else 0
                    if count:
                        counts.append({"labels": name_of({key: value for key, value in labels if key != "__name__"} | {"__name__": ""}), "value": count})
                tests.append({"expr": f"count_over_time({name_of(dict(asked))}[{piece_ms // 1000 - 1}s])", "eval_time": f"{end // MINUTE}m", "exp_samples": counts})
        return tests

    def alerts_at(self, ours, time_ms, step_ms):
        """What a selector sees then: the last sample of five minutes, unless the series ended."""
        seen = []
        for labels, samples in ours.series.items():
            last = next((at for at in range(time_ms, time_ms - 5 * MINUTE - 1, -step_ms) if at in samples), None)
            if last is not None and samples[last] is not None:
                seen.append({"labels": name_of(dict(labels)), "value": 1})
        return seen


if __name__ == "__main__":
    PROMETHEUS = prometheus_binary.require()
    unittest.main(verbosity=1, argv=[one for one in sys.argv if one != "--full"])
