"""`betrace sampler`: which policies a rule becomes, letter by letter, what it says of rules that conditions cannot say, and its exit statuses. What the Collector
makes of them is held by tests/e2e/test_sampler_collector.py."""
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402
from trace_files import span, trace  # noqa: E402

NUMBER = r'"\\A-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?\\z"'
LONG = '"[eE][-+]?[0-9]{3}|.{99}"'
ENDED = " and span.end_time_unix_nano != 0"
N, R = 'span.attributes["n"]', 'resource.attributes["n"]'
SCALAR = f'({N} >= "" or {N} <= 1.0e308 or {N} >= false or IsDouble({N}))'


def text_number(path, compared, is_over=True):
    """A text that reads as a number."""
    many = f"IsMatch({path}, {LONG})"
    return f'({path} >= "" and IsMatch({path}, {NUMBER}) and ' + (f"({many} or Double({path}) {compared}))" if is_over else f"not {many} and Double({path}) {compared})")


def other_number(path, compared):
    return f"{text_number(path, compared)} or IsList({path})"


# What is asked of one span, and the conditions of which one is enough: where it has to be there, and where it must not be. The second may say less.
CONDITIONS = (
    ('span.name == "a"', ['span.name == "a"'], ['span.name == "a"']),
    ("a", ['span.name == "a"', 'resource.attributes["service.name"] == "a"'], ['span.name == "a"', 'resource.attributes["service.name"] == "a"']),
    (r'span.name == "${A} \"q\" it\u0027s \\ ü 😀"', [r'span.name == "\u0024{A} \"q\" it\u0027s \\ \u00fc \U0001f600"'], None),
    ('span.name starts_with "a.b"', [r'IsMatch(span.name, "\\Aa\\.b")'], None),
    ('span.name ends_with "a$"', [r'IsMatch(span.name, "a\\\u0024\\z")'], None),
    ('span.name =~ "a.*|b"', [r'IsMatch(span.name, "\\A(?s:a.*|b)\\z")'], None),
    ('span.name matches "\\\\pL"', [], []),
    ('span.name !~ "a"', [r'not IsMatch(span.name, "\\A(?s:a)\\z")'], None),
    ("span.kind == server", ["span.kind == SPAN_KIND_SERVER"], None),
    ("span.kind == unspecified", ["not (span.kind >= 1 and span.kind <= 5)"], None),
    ("span.status != unset", ["(span.status.code >= 1 and span.status.code <= 2)"], None),
    ("span.duration > 1s", ["span.end_time_unix_nano - span.start_time_unix_nano > 1000000000"],
     ["(span.end_time_unix_nano - span.start_time_unix_nano > 1000000000 and span.start_time_unix_nano != 0 and span.end_time_unix_nano != 0)"]),
    ("span.duration == 0s", ["span.end_time_unix_nano - span.start_time_unix_nano <= 0"], False),
    ('span.n == "x"', [f'({N} != nil and ({N} == "x" or IsList({N})))'], [f'({N} == "x")']),
    ('span.n == "5"', [f'({N} != nil and ({N} == "5" or {N} == 5 or IsList({N})))'], [f'({N} == "5" or {N} == 5)']),
    ("span.n >= 1.5", [f"({N} != nil and (not {N} < 1.5 and ({N} >= 1.5 or {other_number(N, '>= 1.5')})))"], [f"({N} >= 1.5 or {text_number(N, '>= 1.5', False)})"]),
    ("span.n == 3", [f"({N} != nil and ({N} == 3 or (not {N} <= 1.0e308 and ({other_number(N, '== 3')}))))"], [f"({N} == 3 or {text_number(N, '== 3', False)})"]),
    ("span.n > 9007199254740993",
     [f"({N} != nil and (not {N} < 9007199254740992.0 and ({N} >= 9007199254740992.0 or {other_number(N, '>= 9007199254740992.0')})))"],
     [f"({N} > 9007199254740992.0 or {text_number(N, '> 9007199254740992.0', False)})"]),
    ("span.n == true", [rf'({N} != nil and ({N} == true or (not {N} >= false and (({N} >= "" and IsMatch({N}, "\\A[Tt][Rr][Uu][Ee]\\z")) or IsList({N})))))'], False),
    ("resource.n == 5", [f"({R} != nil and ({R} == 5 or (not {R} <= 1.0e308 and ({other_number(R, '== 5')}))))"], False),
    ('n == "x"', [f'({N} != nil or {R} != nil) and ({N} == "x" or (not {N} >= "" and (({R} != nil and ({R} == "x" or IsList({R}))) and not (({N} != nil and {SCALAR})) or IsList({N}))))'],
     [f'({N} == "x" or (not {N} >= "" and (({R} == "x") and not (({N} != nil and not IsMap({N}))))))']),
    ("n > 5", [f"({N} != nil or {R} != nil) and (not {N} <= 5 and ({N} > 5 or ({R} != nil and (not {R} <= 5 and ({R} > 5 or {other_number(R, '> 5')}))) "
               f"and not (({N} != nil and {SCALAR})) or {other_number(N, '> 5')}))"], False),
    # Of a span that has the name the value is asked first.
    ('span.name == "a" and span.n > 5', [f'span.name == "a" and (not {N} <= 5 and ({N} > 5 or {N} != nil and ({other_number(N, "> 5")})))'], False),
    ('span.name == "a" and n > 5', [f'span.name == "a" and ({N} > 5 or (not {N} <= 1.0e308 and (({R} != nil and (not {R} <= 5 and ({R} > 5 or {other_number(R, "> 5")}))) '
                                    f'and not (({N} != nil and {SCALAR})) or {N} != nil and ({other_number(N, "> 5")}))))'], False),
    ('span.kind == server and span.n == "x"', [f'span.kind == SPAN_KIND_SERVER and ({N} != nil and ({N} == "x" or IsList({N})))'], False),
    # The resource is not asked for a value instead.
    ('span.n == "x" or (not exists(span.n) and span.name == "a")',
     [f'{N} == "x" or (not {N} >= "" and (span.name == "a" and not (({N} != nil and {SCALAR})) or IsList({N})))'], False),
    ('span.n contains "x"', [f'({N} != nil and (({N} >= "" and IsMatch({N}, "x")) or IsList({N})))'], [f'(({N} >= "" and IsMatch({N}, "x")))']),
    ('span.n != "x"', [f'(({N} != nil and not IsMap({N})) and not ({N} == "x"))'],
     [f'(({N} != nil and ({N} >= "" or {N} <= 1.0e308 or {N} >= false)) and not ({N} == "x" or IsList({N})))']),
    ('not (span.n == "x")', [f'not (({N} == "x"))'], [f'not (({N} != nil and ({N} == "x" or IsList({N}))))']),
    ("exists(span.n)", [f"({N} != nil and not IsMap({N}))"], [f"({N} != nil and {SCALAR})"]),
    ("not exists(span.n)", [f"not (({N} != nil and {SCALAR}))"], [f"not (({N} != nil and not IsMap({N})))"]),
    ('span.service != "s"', ['(resource.attributes["service.name"] > "" and resource.attributes["service.name"] != "s")'], None),
    ('scope.name == "lib"', ['instrumentation_scope.name == "lib"'], None),
    ('event.name == "e"', ['spanevent.name == "e"'], ['spanevent.name == "e"']),
    ("span.start > span.end", [], []),
)


def conditions_of(yaml, kind):
    """The conditions behind `- '`, of policies that ask that something is there, or (not) that it is not."""
    found = {"there": [], "not": []}
    where = "there"
    for line in yaml.splitlines():
        where = "not" if re.fullmatch(r" *type: not", line) else "there" if re.fullmatch(r" *- name: .*", line) else where
        if match := re.fullmatch(r" *- '(.*)'", line):
            found[where].append(match.group(1))
    return found[kind]


def json_of(yaml):
    """What `betrace sampler` writes, as JSON has it: blocks by their indents."""
    lines = [line for line in yaml.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    def value(text):
        return text[1:-1] if text.startswith("'") else dict(part.split(": ") for part in text[1:-1].split(", ")) if text.startswith("{") else text

    def block(indent):
        made = None
        while lines and len(lines[0]) - len(lines[0].lstrip()) == indent:
            line = lines[0].strip()
            if line.startswith("- "):
                made = [] if made is None else made
                if line.startswith("- '"):
                    made.append(value(lines.pop(0).strip()[2:]))
                else:
                    lines[0] = " " * (indent + 2) + line[2:]
                    made.append(block(indent + 2))
                continue
            made = {} if made is None else made
            key, text = re.fullmatch(r"([^:]+):(?: (.*))?", lines.pop(0).strip()).groups()
            inner = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
            made[key] = value(text) if text else block(inner)
        return made
    return block(0)


def sampler(dsl, *options):
    return run_cli("sampler", "--dsl", dsl, *options)


class SamplerTest(unittest.TestCase):
    def test_conditions_of_what_has_to_be_there(self):
        for asked, over, _ in CONDITIONS:
            with self.subTest(asked):
                done = sampler(f"{asked} and true" if asked == "a" else f"trace.has({asked})")
                self.assertEqual(conditions_of(done.stdout, "there"), over, done.stdout + done.stderr)
                self.assertEqual(done.returncode, 0 if over else 1)

    def test_conditions_of_what_must_not_be_there(self):
        """Nothing weaker than what is meant stands in a `not`: lists, unknown durations and long numbers are left out."""
        for asked, over, under in CONDITIONS:
            if under is False:
                continue
            with self.subTest(asked):
                done = sampler(f"z and not {asked if asked == 'a' else f'trace.has({asked})'}")
                parts = over if under is None else under
                one = f"({' or '.join(parts)})" if len(parts) > 1 else "".join(parts)
                self.assertEqual(conditions_of(done.stdout, "not"), [one + ENDED] if one else [], done.stdout + done.stderr)

    def test_two_parts_of_one_rule(self):
        """One policy has `and`, has and has-not; alternatives are policies of their own, whose names differ behind the hash."""
        done = sampler("when { a } always { b and c }")
        names = re.findall(r"^    - name: (\S+)$", done.stdout, re.M)
        self.assertEqual(len(names), 2)
        self.assertRegex(names[0], r"^betrace/\S+/[0-9a-f]{12}$")
        self.assertEqual(names[1], names[0] + "/2")
        self.assertEqual(re.findall(r"^        - name: (\S+)$", done.stdout, re.M), ["has-1", "has-not"] * 2)

    def test_the_hash_is_that_of_the_condition(self):
        """Another name of a rule changes nothing, another condition does."""
        def name(dsl):
            return re.search(r"betrace/\S+/([0-9a-f]{12})", sampler(dsl).stdout).group(1)
        self.assertEqual(name("a and not b"), name("a   and not b # the same"))
        self.assertNotEqual(name("a and not b"), name("a and not c"))

    def test_what_conditions_cannot_say_is_said(self):
        for dsl, said in (("when { a as p } always { b after p }", "order and time between spans"), ("count(a) > 3", "counts and other aggregates"),
                          ("when { a as p } always { b under p }", "who is whose parent"), ("when { a as p } always { b linked to p within 1m }", "linked traces"),
                          ("when { a as p } always { b.where(k == p.k) }", "values of bound spans"), ("a and trace.duration > 1s", "values of the whole trace"),
                          ('trace.has(event.where(k == 1 and name == "x"))', "several tests of events on one span"),
                          ('trace.has(not (event.name == "x"))', "that a span has no such event")):
            with self.subTest(dsl):
                done = sampler(dsl)
                self.assertIn(said, done.stderr)
                self.assertIn(said, done.stdout)
        self.assertEqual(sampler("a and not b").stderr, "")

    def test_a_rule_that_keeps_every_trace(self):
        done = sampler("never { span(span.start > span.end) }")
        self.assertEqual(done.returncode, 1)
        self.assertIn("type: always_sample", done.stdout)
        self.assertIn("keeps every trace", done.stderr)

    def test_many_alternatives(self):
        """Up to 64 have a policy each. Of more the candidates are kept, by one, and that is said."""
        def ask(count):
            done = sampler(" or ".join(f"(a{number} and not b{number})" for number in range(count)))
            return done.returncode, len(re.findall("^    - name", done.stdout, re.M)), done.stdout.count("type: not"), "so many alternatives" in done.stderr
        self.assertEqual(ask(64), (0, 64, 64, False))
        self.assertEqual(ask(65), (0, 1, 0, True))
        done = sampler(" and ".join(f"(not a{number} or not b{number})" for number in range(7)) + " and c")
        self.assertEqual((done.returncode, "so many alternatives" in done.stderr), (0, True))
        self.assertEqual(conditions_of(done.stdout, "there"), ['span.name == "c"', 'resource.attributes["service.name"] == "c"'])

    def test_absence_alone(self):
        done = sampler("always { b }")
        self.assertEqual(done.returncode, 0)
        self.assertIn("      type: not\n", done.stdout)

    def test_keep(self):
        self.assertNotIn("probabilistic", sampler("a").stdout)
        done = sampler("a", "--keep", "5%")
        self.assertIn("    - name: betrace/keep\n      type: probabilistic\n      probabilistic:\n        sampling_percentage: 5\n", done.stdout)
        self.assertIn("usetracestate", done.stdout)
        for wrong in ("0", "101%", "x", "5 %"):
            self.assertEqual(sampler("a", "--keep", wrong).returncode, 2, wrong)

    def test_files_and_one_of_their_rules(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("rules:\n- {id: one, dsl: a}\n- {id: two, dsl: b}\n")
            file.flush()
            self.assertEqual(re.findall(r"name: betrace/(\w+)/", run_cli("sampler", file.name).stdout), ["one", "two"])
            self.assertEqual(re.findall(r"name: betrace/(\w+)/", run_cli("sampler", file.name, "--rule", "two").stdout), ["two"])
        self.assertEqual(run_cli("sampler").returncode, 2)

    def test_check(self):
        """A Collector's file has the policies of the rules as they are now; what is in comments does not count."""
        now, before = "rules:\n- {id: one, dsl: 'always { a and b }'}\n- {id: two, dsl: c}\n", "rules:\n- {id: one, dsl: 'always { a and x }'}\n- {id: three, dsl: c}\n"
        with tempfile.TemporaryDirectory() as folder:
            def written(name, text):
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                return path
            rules = written("now.yaml", now)
            policies = run_cli("sampler", rules, "--keep", "1").stdout
            old = run_cli("sampler", written("before.yaml", before)).stdout
            one, two = re.findall(r"name: (betrace/(?:one|two)/\w+)$", policies, re.M)

            def check(text):
                done = run_cli("sampler", rules, "--check", written("collector.yaml", text))
                return done.returncode, done.stdout.splitlines()[:-1]
            self.assertEqual(check(policies), (0, []))
            self.assertEqual(check("{policies: [" + ", ".join(f"{{name: '{name}'}}" for name in (one, one + "/2", two)) + "]}")[1],
                             [f"edited {name}: it keeps something else than the rule needs" for name in (one, one + "/2", two)])
            self.assertEqual(check(""), (1, [f"missing {name}" for name in (one, one + "/2", two)]))
            self.assertEqual(check(policies.replace(f"- name: {two}", f"- name: x # {two}")), (1, [f"missing {two}"]))
            self.assertEqual(check(policies.replace(two, two + "0")), (1, [f"missing {two}"]))
            self.assertEqual(check(policies.replace(one + "/2", "x")), (1, [f"missing {one}/2"]))
            status, lines = check(old + policies)
            self.assertEqual((status, [re.sub("/[0-9a-f]{12}", "/H", line).split(":")[0] for line in lines]),
                             (1, ["stale betrace/one/H", "stale betrace/one/H/2", "left over betrace/three/H", "not compared"]))
            more = policies + re.sub("(?s)^.*policies:\n", "", re.sub("one|two", "four", policies)).replace("betrace/keep", "betrace/other")
            self.assertEqual(check(more)[0], 0, "left over alone is no finding")
            self.assertEqual(run_cli("sampler", rules, "--check", os.path.join(folder, "none")).returncode, 2)

    def test_check_compares_what_policies_keep(self):
        """Names alone are not enough: what stands under one may have been edited. Layout, order of keys and names of parts are nothing."""
        with tempfile.TemporaryDirectory() as folder:
            def written(name, text):
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                return path
            rules = written("rules.yaml", "rules:\n- {id: one, dsl: 'a.where(n > 1) and not b'}\n- {id: two, dsl: c}\n")
            yaml = run_cli("sampler", rules, "--keep", "5").stdout
            name = re.search("betrace/one/[0-9a-f]{12}", yaml).group(0)

            def check(text, *options):
                done = run_cli("sampler", rules, "--check", written("collector.yaml", text), "--json", *options)
                said = json.loads(done.stdout)
                return done.returncode, {key: value for key, value in said.items() if value and key not in ("file", "in_step")}
            fine = (0, {})
            section = json.dumps(json_of(yaml))
            for text in (yaml, section, section.replace('"has-1"', '"mine"'), json.dumps(json_of(yaml), sort_keys=True), yaml.replace("tail_sampling:", "tail_sampling/1:")):
                self.assertEqual(check(text), fine)
            for wrong in (yaml.replace("> 1 ", "> 2 ", 1), yaml.replace("> 1 ", ">= 1 ", 1), yaml.replace("error_mode: ignore", "error_mode: propagate", 1),
                          yaml.replace("      type: and\n      and:\n        and_sub_policy", "      type: and\n      invert: true\n      and:\n        and_sub_policy", 1),
                          yaml.replace('(span.name == "b"', '(span.name != "b"', 1), yaml + yaml.replace("processors", "others").replace("> 1 ", "> 2 ", 1)):
                self.assertNotEqual(wrong, yaml)
                self.assertEqual(check(wrong), (1, {"edited": [name]}), wrong)
            self.assertEqual(check(yaml, "--keep", "5"), fine)
            self.assertEqual(check(yaml, "--keep", "4"), (1, {"edited": ["betrace/keep"]}))
            self.assertEqual(check(yaml.replace("betrace/keep", "keep"), "--keep", "5"), (1, {"missing": ["betrace/keep"]}))
            moved = json_of(yaml)
            policies = moved["processors"]["tail_sampling"]["policies"]
            policies[0] = {"name": "c", "type": "composite", "composite": {"composite_sub_policy": [policies[0]]}}
            self.assertEqual(check(json.dumps(moved)), (1, {"missing": [name]}), "a part of another policy keeps less")
            moved["processors"]["tail_sampling"]["policies"][0] = {"name": "no health", "type": "drop"}
            self.assertEqual(check(json.dumps(moved)), (1, {"missing": [name], "dropped_before": "no health"}))
            status, said = check("x: &a 1\ny: *a\n" + yaml)
            self.assertEqual((status, list(said)), (3, ["not_compared"]), "names are right, and nobody knows the rest")
            self.assertEqual(check("x: &a 1\ny: *a\n" + yaml.replace(name, "x"))[0], 1)

    def test_share(self):
        """Of 40 traces 10 may violate the first rule, and 20 have what the second is about; two are of both."""
        rules = "rules:\n- {id: one, dsl: 'a and not b'}\n- {id: two, dsl: 'when { c as p } always { d after p }'}\n"
        names = [["a"]] * 10 + [["a", "b"]] * 10 + [["c"]] * 18 + [["x"]] * 2
        with tempfile.TemporaryDirectory() as folder:
            def measured(*options, change=lambda number, request: None, status=0):
                paths = [os.path.join(folder, name) for name in ("rules.yaml", "traces.jsonl")]
                with open(paths[0], "w", encoding="utf-8") as file:
                    file.write(rules)
                with open(paths[1], "w", encoding="utf-8") as file:
                    for number, spans in enumerate(names):
                        request = json.loads(trace(number + 1, *map(span, spans), *([span("c")] if number < 2 else [])))
                        for resource in request["resourceSpans"]:
                            change(number, resource["scopeSpans"][0]["spans"][0])
                        file.write(json.dumps(request) + "\n")
                done = run_cli("sampler", paths[0], "--traces", paths[1], *options)
                self.assertEqual(done.returncode, status, done.stderr)
                return done
            plain = measured("--keep", "10")
            self.assertIn("    # one: keeps what may violate it\n    #   keeps 25 % of kept traces (95 %: 14.2 to 40.2 %): 10 of 40 read, ", plain.stdout)
            for said in (r"25 %  \(95 %: 14.2 to 40.2 %\)  one", r"50 %  \(95 %: 35.2 to 64.8 %\)  two", r"70 %  \(.*\)  all of them\n", r"73 %  \(.*\)  all of them, with --keep", "sampling not declared"):
                self.assertRegex(plain.stderr, said)
            self.assertIn("keeps 25 % of all traces", measured("--sampling", "none").stdout)
            self.assertIn("keeps 25 % of all traces", measured("--sampling", "declared=10%").stdout)
            self.assertIn("keeps 25 % of kept traces", measured("--sampling", "declared=10%", change=lambda number, of: of.update(traceState="ot=th:8;rv:" + "f" * 14) if number % 2 else None).stdout)
            said = json.loads(measured("--json", "--keep", "10").stdout)
            self.assertEqual(([rule["share"]["kept"] for rule in said["rules"]], said["measured"]["all_rules"]["kept"], round(said["measured"]["with_keep"], 9)), ([10, 20], 28, 0.73))
            self.assertEqual([re.fullmatch("betrace/(.*)/[0-9a-f]{12}", rule["policies"][0]).group(1) for rule in said["rules"]], ["one", "two"])
            nothing = measured("--start", "2001-01-01T00:00:00Z", "--end", "2001-01-02T00:00:00Z", status=3)
            self.assertIn("no trace was read from 2001-01-01T00:00:00Z", nothing.stderr)
            self.assertNotIn("% of", nothing.stdout)
            self.assertEqual(json.loads(measured("--json", "--start", "2001-01-01T00:00:00Z", "--end", "2001-01-02T00:00:00Z", status=3).stdout)["rules"][0]["share"], None)
            measured("--check", "x", status=2)
            measured("--sample", "0", status=2)

    def test_what_a_source_lost_is_no_share(self):
        """Bytes and a map are one to BeTrace, and to a condition they are not."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            request = json.loads(trace(1, span("a")))
            request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].append({"key": "k", "value": {"bytesValue": "MQ=="}})
            file.write(json.dumps(request) + "\n" + trace(2, span("a", k=1)) + trace(3, span("b")))
            file.flush()
            done = sampler("trace.has(exists(span.k))", "--traces", file.name, "--json")
            share = json.loads(done.stdout)["rules"][0]["share"]
            self.assertEqual((share["kept"], share["unknown"]), (1, 1))
            self.assertGreater(share["high"], 0.9)


if __name__ == "__main__":
    unittest.main(verbosity=1)
