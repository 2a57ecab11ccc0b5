"""What goes along with violating, over the HTTP API and on the command line: populations as text cases with planted causes, numbers against Python's own,
wrong requests, and a Tempo that hangs."""
import glob
import json
import math
import os
import random
import socket
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import Betrace, run_cli  # noqa: E402
from trace_files import BEGIN, span, trace  # noqa: E402

CASES = os.path.join(HERE, "../cases/contrast/*.case")
RULE = {"id": "checked", "dsl": "when { payment } always { check }"}
START, END = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"


def read_case(path):
    """Blocks `== name` of a case: rule, traces (`count verdict marks…`, where marks are key=value on the payment span, resource:key=value, service=NAME,
    or +name for one more span), expect (lines of `key`, or `key value`)."""
    blocks, name = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line.startswith("== "):
                name = line[3:]
                blocks[name] = []
            elif name and line.strip() and not line.startswith("#"):
                blocks[name].append(line)
    return blocks


def plain_value(text):
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    return {"true": True, "false": False}.get(text, text)


def traces_of(lines):
    number, out = 0, []
    for line in lines:
        count, verdict, *marks = line.split()
        for _ in range(int(count)):
            number += 1
            payment, spans = span("payment", duration=10), []
            for mark in marks:
                mark = mark.replace("%n", str(number)).replace("%2", str(number % 2)).replace("%3", str(number % 3))
                if mark.startswith("+"):
                    spans.append(span(mark[1:], at=2))
                    continue
                key, value = mark.split("=", 1)
                if key == "service":
                    payment["service"] = value
                elif key.startswith("resource:"):
                    payment["resource"][key[9:]] = plain_value(value)
                else:
                    payment["attributes"][key] = plain_value(value)
            if verdict == "satisfies":
                spans.append(span("check", at=1, kind_of_check="full"))
            out.append(trace(number, payment, *spans, at=number * 100))
    return "".join(out)


def fisher(n1, n2, a, b):
    ways = {x: math.comb(n1, x) * math.comb(n2, a + b - x) for x in range(max(0, a + b - n2), min(n1, a + b) + 1)}
    return sum(w for w in ways.values() if w <= ways[a]) / math.comb(n1 + n2, a + b)


class Contrast(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="betrace-contrast-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.planted = cls.write("planted", ["40 violates version=2.4.1 region=eu-%2 order=o-%n amount=%3", "80 satisfies version=2.4.0 region=eu-%2 order=o-%n amount=%3"])

    @classmethod
    def write(cls, name, lines):
        path = os.path.join(cls.folder.name, name + ".jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(traces_of(lines))
        return path

    def cli(self, *arguments, rule=RULE["dsl"]):
        done = run_cli("contrast", "--dsl", rule, *arguments)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def answer(self, path, *arguments, rule=RULE["dsl"]):
        done = self.cli("--traces", path, "--json", *arguments, rule=rule)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return done.returncode, json.loads(done.stdout)

    # ---- text cases ----

    def test_cases(self):
        paths = sorted(glob.glob(CASES))
        self.assertGreater(len(paths), 5)
        for path in paths:
            with self.subTest(case=os.path.basename(path)):
                case = read_case(path)
                code, answer = self.answer(self.write("case", case["traces"]), *" ".join(case.get("flags", [])).split(), rule="\n".join(case["rule"]))
                found = [" ".join(str(p) for p in (f["kind"], f["key"], "above" if f["relation"] == "above" else None, f["value"], f["in_violating"]) if p is not None)
                         for f in answer["findings"]]
                expected = [line for line in case["expect"] if not line.startswith(("compared_with", "conclusion", "excluded", "exit"))]
                self.assertEqual(found[:len(expected)] if "flags" in case else found, expected, answer["explanation"])
                excluded = [f"excluded {e['kind']} {e['name']} {e['reason']}" for e in answer["excluded"]]
                for line in case["expect"]:
                    if line.startswith("conclusion"):
                        self.assertEqual(line, "conclusion " + answer["conclusion"], answer)
                    if line.startswith("compared_with"):
                        self.assertEqual(line, "compared_with " + answer["compared_with"])
                    if line.startswith("exit"):
                        self.assertEqual(line, f"exit {code}")
                    if line.startswith("excluded"):
                        self.assertIn(line, excluded)

    # ---- numbers ----

    def test_the_numbers_are_those_of_the_definition(self):
        """Random populations with a weak mark: p, its correction and the odds ratio, against Python's whole numbers."""
        chance = random.Random(3)
        lines = [f"1 {'violates' if chance.random() < 0.4 else 'satisfies'} weak={chance.random() < 0.5} w{chance.randrange(3)}=1" for _ in range(150)]
        lines += [f"1 {'violates' if v else 'satisfies'} strong={int(chance.random() < (0.9 if v else 0.3))}" for v in [0, 1] * 60]
        code, answer = self.answer(self.write("random", lines), "--sample", 500)
        self.assertEqual((code, answer["conclusion"]), (1, "separates"))
        n1, n2 = answer["violating"]["sampled"], answer["satisfying"]["sampled"]
        self.assertEqual(n1 + n2, 270)
        self.assertEqual((n1, n2), (answer["violating"]["total"], answer["satisfying"]["total"]))
        previous = 0
        for finding in answer["findings"]:
            a, b = finding["violating"]["traces"], finding["satisfying"]["traces"]
            self.assertEqual((finding["violating"]["of"], finding["satisfying"]["of"], finding["support"]), (n1, n2, a + b))
            self.assertEqual(len(set(finding["examples"])), min(a, 5))
            p = fisher(n1, n2, a, b)
            self.assertAlmostEqual(finding["p"] / p, 1, delta=0.01)
            self.assertAlmostEqual(finding["p_corrected"] / (p * answer["method"]["divisor"]), 1, delta=0.01)
            self.assertLessEqual(finding["p_corrected"], answer["method"]["level"])
            self.assertEqual(finding["in_violating"], "more_often" if a / n1 > b / n2 else "less_often")
            odds = (a + .5) * (n2 - b + .5) / ((n1 - a + .5) * (b + .5))
            half = 1.959963984540054 * math.sqrt(sum(1 / (x + .5) for x in (a, n1 - a, b, n2 - b)))
            for key, number in (("value", odds), ("low", odds / math.exp(half)), ("high", odds * math.exp(half))):
                self.assertAlmostEqual(finding["odds_ratio"][key] / number, 1, delta=0.01)
            self.assertGreaterEqual(p, previous * 0.99)
            previous = p

    def test_reads_are_bounded_and_follow_from_the_seed(self):
        path = self.write("many", ["200 violates a=%3", "600 satisfies a=%3"])
        answers = [self.answer(path, "--sample", 20, "--seed", seed)[1] for seed in (1, 1, 2)]
        for answer in answers:
            self.assertEqual([(answer[s]["sampled"], answer[s]["chosen"], answer[s]["total"], answer[s]["total_kind"]) for s in ("violating", "satisfying")],
                             [(20, 20, 200, "exact"), (20, 20, 600, "exact")])
            self.assertTrue(answer["coverage"]["complete"])
            del answer["duration_seconds"]
        self.assertEqual(answers[0], answers[1])
        self.assertNotEqual(answers[0], answers[2])

    # ---- the command line ----

    def test_the_table(self):
        done = self.cli("--traces", self.planted)
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = done.stdout.split("\n")
        self.assertEqual(lines[1:3], ["violating  40 of 40 traces read", "satisfying 80 of 80 traces read"])
        header = next(i for i, line in enumerate(lines) if "odds ratio" in line)
        self.assertRegex(lines[header + 1], r'^ +(40 of 40  100 %|0 of 40    0 %) +(0 of 80    0 %|80 of 80  100 %) .* version = "2\.4\.[01]"$')
        self.assertIn("this does not show that one of them is a cause", done.stdout)
        self.assertIn("left out, because the rule compares them: payment", done.stdout)
        self.assertIn("left out, because their values differ from trace to trace: order", done.stdout)
        self.assertNotRegex(done.stdout, r"caus(es|ed) ")

    def test_examples_violate_and_have_the_mark(self):
        """Of a value, of a bound, and of what violating traces have less often."""
        lines = ["40 violates version=2 amount=1%n", "10 violates version=1 amount=%n", "80 satisfies version=1 amount=%n"]
        _, answer = self.answer(self.write("examples", lines))
        marks = {(f["key"], f["relation"], f["value"]): f for f in answer["findings"]}
        number = lambda trace_id: int(trace_id, 16)
        for example in marks["version", "is", "2"]["examples"]:
            self.assertIn(number(example), range(1, 41))
        for example in marks["version", "is", "1"]["examples"]:
            self.assertIn(number(example), range(41, 51))
        self.assertIn("above", [relation for _, relation, _ in marks])
        for (key, relation, value), finding in marks.items():
            if relation == "above":
                for example in finding["examples"]:
                    amount = int(f"1{number(example)}") if number(example) <= 40 else number(example)
                    self.assertTrue(number(example) <= 50 and amount > float(value), (key, value, example))

    def test_control_characters_do_not_reach_the_terminal(self):
        path = os.path.join(self.folder.name, "hostile.jsonl")
        evil = "\x1b[31mred\r\n\u202e"
        with open(path, "w", encoding="utf-8") as file:
            for n in range(1, 61):
                spans = [span("payment", service=evil if n % 2 else "web", resource={evil: evil if n % 2 else "x"}, **({evil: 1} if n % 2 else {}))]
                file.write(trace(n, *spans, *([] if n % 2 else [span("check", at=1)]), at=n * 100))
        done = self.cli("--traces", path)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("\x1b", done.stdout)
        self.assertNotIn("\r", done.stdout)

    def test_wrong_flags(self):
        for flags in (("--sample", 501), ("--sample", 0), ("--limit", 201), ("--seed", 0), ("--seed", "x")):
            self.assertEqual(self.cli("--traces", self.planted, *flags).returncode, 2, flags)
        done = self.cli("--traces", "/no/such/file")
        self.assertEqual(done.returncode, 2)

    # ---- HTTP ----

    def test_http_says_what_the_command_line_says(self):
        with Betrace("--traces", self.planted) as server:
            server.post("/v1/rules", RULE)
            answer = server.get(f"/v1/rules/checked/contrast?start={START}&end={END}")
            self.assertEqual(answer.status, 200, answer)
            _, expected = self.answer(self.planted, "--start", START, "--end", END)
            got = answer.json()
            for document in (expected, got):
                del document["duration_seconds"], document["rule_id"]
            self.assertEqual(got, expected)
            few = server.get(f"/v1/rules/checked/contrast?start={START}&end={END}&sample=10&limit=1&seed=7").json()
            self.assertEqual((few["violating"]["sampled"], len(few["findings"]), few["findings_total"], few["seed"]), (10, 1, 2, 7))
            nothing = server.get("/v1/rules/checked/contrast?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z").json()
            self.assertEqual((nothing["status"], nothing["conclusion"]), ("incomplete", "too_few_traces"))
            self.assertIn("no_data", nothing["reason"])
            metrics = server.get("/metrics").body.decode()
            self.assertIn('betrace_evaluation_duration_seconds_count{kind="contrast"} 3', metrics)

    def test_wrong_requests(self):
        with Betrace("--traces", self.planted, "--max-range", "48h") as server:
            server.post("/v1/rules", RULE)
            self.assertEqual(server.get("/v1/rules/nosuch/contrast").status, 404)
            for query in ("start=soon", f"start={END}&end={START}", "timeout=0s", "timeout=2m", "sample=501", "sample=0", "limit=201", "limit=x", "seed=0", "since=24h", "start=now-50h"):
                with self.subTest(query=query):
                    answer = server.get("/v1/rules/checked/contrast?" + query)
                    self.assertEqual(answer.status, 400, answer)
                    self.assertEqual(answer.headers["content-type"], "application/problem+json")

    def test_past_its_time_it_says_so(self):
        with socket.create_server(("127.0.0.1", 0)) as listener, Betrace("--tempo", f"http://127.0.0.1:{listener.getsockname()[1]}") as server:
            server.post("/v1/rules", RULE)
            begun = time.monotonic()
            answer = server.get("/v1/rules/checked/contrast?timeout=1s").json()
            self.assertLess(time.monotonic() - begun, 30)
            self.assertEqual((answer["status"], answer["conclusion"], answer["findings"]), ("cancelled", "too_few_traces", []))
            self.assertFalse(answer["coverage"]["complete"])


if __name__ == "__main__":
    unittest.main()
