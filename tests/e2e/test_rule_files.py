"""`betrace check`, `fmt` and `test` on rule files: places in the file, canonical text in place, and tests that fail for the right reason."""
import gzip
import json
import os
import stat
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from betrace_process import run_cli  # noqa: E402

RULE = """\
# rules of the checkout
groups:
- name: checkout            # a group
  rules:
  - id: fraud
    dsl: |
      when {checkout.where(amount > 1000) as c and not cancelled}   # large
      always {fraud-check after c within 500ms}

    severity: high
    tests:
"""


def span(name, number, start=0, **attributes):
    begin = 1767225600000000000 + start
    values = [{"key": k, "value": {"intValue": str(v)}} for k, v in attributes.items()]
    return {"traceId": "ab" * 16, "spanId": f"{number:016x}", "name": name, "startTimeUnixNano": str(begin),
            "endTimeUnixNano": str(begin + 1000000), "attributes": values}


class RuleFilesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="betrace-rules-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def read(self, path):
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()

    def run_json(self, status, *arguments):
        done = run_cli(*arguments)
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    # ---- check ----

    def test_check_gives_places_of_the_file(self):
        path = self.write("r.yaml", "rules:\n- id: ä-is-no-id-part\n  dsl: a\n")
        answer = self.run_json(1, "check", "--json", path)
        self.assertEqual([(d["line"], d["column"], d["code"]) for d in answer["diagnostics"]], [(2, 7, None)])
        block = self.write("block.yaml", "rules:\n- id: a\n  dsl: |\n    when { \"é\" }\n    alway { b }\n- id: b\n  dsl: 'amount > 5'\n- id: c\n  dsl: x\n")
        answer = self.run_json(1, "check", "--format", "json", block)
        found = [(d["rule_id"], d["line"], d["column"], d["code"]) for d in answer["diagnostics"] if d["severity"] == "error"]
        self.assertEqual(found, [("a", 5, 5, "E010"), ("b", 7, 9, "E036")])
        self.assertEqual((answer["valid"], answer["files"], answer["rules"], answer["errors"]), (False, 1, 3, 2))
        done = run_cli("check", block)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{block}:5:5: error[E010]", done.stdout)
        self.assertIn("    alway { b }\n", done.stdout.replace("  alway", "    alway"))
        self.assertIn("3 rules checked: 2 errors", done.stdout)

    def test_check_of_folded_text_names_its_beginning(self):
        path = self.write("r.yaml", "rules:\n- id: a\n  dsl: >\n    when { a }\n    alway { b }\n")
        (found,) = self.run_json(1, "check", "--json", path)["diagnostics"]
        self.assertEqual((found["line"], found["column"], found["code"]), (3, 1, "E010"))

    def test_eval_prints_the_same_places(self):
        path = self.write("block.yaml", "rules:\n- id: a\n  dsl: |\n    when { a }\n    alway { b }\n")
        done = run_cli("eval", "--rules", path, path)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{path}:5:5: error[E010]", done.stderr)

    def test_check_of_ids_from_names_and_severities(self):
        path = self.write("r.json", {"rules": [{"name": "Same name", "dsl": "a"}, {"name": "same-name", "dsl": "b"},
                                               {"id": "s", "severity": "low", "dsl": "@severity(high) a"}]})
        messages = [d["message"] for d in self.run_json(1, "check", "--json", path)["diagnostics"]]
        self.assertTrue(any("id: expected each id once" in m for m in messages), messages)
        self.assertTrue(any("severity" in m for m in messages), messages)

    def test_check_says_all_that_is_wrong_with_a_file(self):
        path = self.write("r.yaml", "rules:\n- id: a\n  dls: x\n  severity: huge\n  settle: 5\n  dsl: trace.has(\n  tests:\n  - trace: [{spam: a}, {span: b, kind: big}]\n"
                                    "    expects: violated\n- id: b\n  dsl: when { a }\n- 5\n- id: b\n  dsl: a\n  shadow: maybe\n")
        done = run_cli("check", path)
        self.assertEqual(done.returncode, 1)
        places = [line.split(": ")[0][len(path) + 1:] for line in (done.stdout + done.stderr).splitlines() if line.startswith(path)]
        self.assertEqual(places, ["3:3", "4:13", "5:11", "8:14", "8:40", "9:5", "12:3", "15:11", "13:1", "6:18", "11:8"], done.stdout)
        found = self.run_json(1, "check", "--json", path)["diagnostics"]
        self.assertEqual([f"{one['line']}:{one['column']}" for one in found], places)
        self.assertEqual([one["rule_id"] for one in found if one["code"]], ["a", "b"])
        for command, status in ((("test", path), 1), (("eval", "--rules", path, "-"), 2), (("sync", path, "--server", "http://127.0.0.1:1"), 2)):
            done = run_cli(*command)
            said = [line.split(": ")[0][len(path) + 1:] for line in done.stderr.splitlines() if line.startswith(path)]
            self.assertEqual((done.returncode, said), (status, places), command)
        (broken,) = self.run_json(1, "test", "--json", path)["broken"]
        self.assertEqual(broken["message"].count(path), len(places))

    def test_check_exit_statuses(self):
        good = self.write("good.yaml", "rules:\n- id: a\n  dsl: x and not y\n")
        self.assertEqual(run_cli("check", good).returncode, 0)
        self.assertEqual(run_cli("check", "--dsl", "a", "--dsl", "when {").returncode, 1)
        self.assertEqual(run_cli("check", good, os.path.join(self.folder, "nosuch.yaml")).returncode, 2)
        self.assertEqual(run_cli("check").returncode, 2)
        self.assertEqual(run_cli("check", "--format", "pdf", good).returncode, 2)
        self.assertEqual(run_cli("check", "-", stdin=self.read(good)).returncode, 0)
        warned = run_cli("check", "--dsl", "not a")
        self.assertEqual(warned.returncode, 0)
        self.assertIn("warning[W004]", warned.stdout)

    # ---- fmt ----

    def test_fmt_leaves_files_with_other_line_breaks_alone(self):
        """YAML ends lines at U+2028 and others too: a text that is rewritten by lines would come to lie in a wrong place."""
        for odd in ("\u2028", "\u2029", "\u0085", "\r"):
            path = self.write("odd.yaml", f"rules:\n- id: a\n  dsl: |{odd}     x and  y\n# end\n")
            before = self.read(path)
            refused = run_cli("fmt", "-w", path)
            self.assertEqual((refused.returncode, self.read(path)), (1, before), odd)
            self.assertIn("odd.yaml:3: error: expected lines that end in a line feed", refused.stderr + refused.stdout)

    def test_fmt_changes_blocks_alone(self):
        path = self.write("r.yaml", RULE + "    - {trace: [{span: a}], expect: not_applicable}\n  - id: one-line\n    dsl: a.x > 1 and not b\n")
        before = self.read(path)
        os.chmod(path, 0o640)
        self.assertEqual(run_cli("fmt", "--check", path).returncode, 1)
        self.assertEqual(self.read(path), before)
        printed = run_cli("fmt", path)
        self.assertEqual(printed.returncode, 0)
        self.assertEqual(run_cli("fmt", "-w", path).returncode, 0)
        after = self.read(path)
        self.assertEqual(after, printed.stdout)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        self.assertEqual(os.listdir(self.folder), ["r.yaml"])
        changed = [(a, b) for a, b in zip(before.split("\n"), after.split("\n")) if a != b]
        self.assertEqual([a.strip()[:6] for a, _ in changed], ["when {", "always"])
        self.assertEqual(len(before.split("\n")), len(after.split("\n")))
        self.assertIn("# large", after)
        self.assertEqual(run_cli("fmt", "--check", path).returncode, 0)

    def test_fmt_of_several_blocks_that_grow_and_shrink(self):
        rules = "".join(f"- id: r{i}\n  dsl: |{mark}\n      when {{a{i}}} always\n      {{b}}\n{end}  name: N{i}\n"
                        for i, (mark, end) in enumerate([("", ""), ("-", ""), ("+", "\n\n"), ("", "\n")]))
        for breaks in ("\n", "\r\n"):
            path = self.write("r.yaml", ("rules:\n" + rules).replace("\n", breaks))
            self.assertEqual(run_cli("fmt", "-w", path).returncode, 0)
            expected = "rules:\n" + rules
            for i in range(4):
                expected = expected.replace(f"when {{a{i}}} always\n      {{b}}\n", f"when {{ a{i} }}\n      always {{ b }}\n")
            self.assertEqual(self.read(path), expected.replace("\n", breaks))

    def test_fmt_of_texts_in_no_block(self):
        """One line stays one line where it can be one; more become a block; what stands among other things is quoted."""
        path = self.write("r.yaml", "rules:\n- id: a\n  dsl: 'when {a} always {b}'   # why\n  severity: high\n- dsl: a.where( k==1 )\n  id: b\n"
                                    "- {id: c, dsl: a.where( k==1 ), severity: low}\n- id: d\n  dsl: \"a.where( k == \\\"x\\\" )\"\n- id: e\n  dsl: 'a  and b'\n")
        self.assertEqual(run_cli("fmt", "-w", path).returncode, 0)
        self.assertEqual(self.read(path), "rules:\n- id: a\n  dsl: |   # why\n    when { a }\n    always { b }\n  severity: high\n- dsl: a.where(k == 1)\n"
                                          "  id: b\n- {id: c, dsl: \"a.where(k == 1)\", severity: low}\n- id: d\n  dsl: |\n    a.where(k == \"x\")\n"
                                          "- id: e\n  dsl: 'a and b'\n")
        self.assertEqual(run_cli("fmt", "--check", path).returncode, 0)
        path = self.write("r.json", '{"rules": [{"id": "a", "dsl": "when {a} always {b}"}, {"id": "b", "dsl": "a.where( k==\\"x\\" )"}]}')
        self.assertEqual(run_cli("fmt", "-w", path).returncode, 0)
        self.assertEqual(json.loads(self.read(path)), {"rules": [{"id": "a", "dsl": "when { a }\nalways { b }"}, {"id": "b", "dsl": "a.where(k == \"x\")"}]})

    def test_fmt_refuses_folded_texts(self):
        path = self.write("r.yaml", "rules:\n- id: a\n  dsl: >\n    when {a}\n    always {b}\n- id: b\n  dsl: a  and\n    b\n")
        before = self.read(path)
        done = run_cli("fmt", "-w", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"r\.yaml:3:1: error: rule a is not in canonical form\. It is folded \(>\)")
        self.assertRegex(done.stderr, r"r\.yaml:7:1: error: rule b is not .* written over several lines without quotes")
        self.assertEqual(self.read(path), before)
        broken = self.write("b.yaml", "rules:\n- id: a\n  dsl: |\n    when {\n")
        done = run_cli("fmt", broken)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"{broken}:4:11: error[E010]", done.stderr)

    def test_fmt_of_one_text(self):
        done = run_cli("fmt", "-", stdin="when{a}always{b}")
        self.assertEqual((done.returncode, done.stdout), (0, "when { a }\nalways { b }\n"))
        self.assertEqual(run_cli("fmt", "--check", "-", stdin="when{a}always{b}").returncode, 1)
        self.assertEqual(run_cli("fmt", "--check", "-", stdin=done.stdout).returncode, 0)
        self.assertEqual(run_cli("fmt", "-", stdin="when {").returncode, 1)
        self.assertEqual(run_cli("fmt", "-w", "-", stdin="a").returncode, 2)
        self.assertEqual(run_cli("fmt", "nosuch.yaml").returncode, 2)

    # ---- test ----

    def results(self, status, tests, more=""):
        path = self.write("r.yaml", RULE + "".join(f"    - {t}\n" for t in tests) + more)
        answer = self.run_json(status, "test", "--json", path)
        return answer, {t["test"]: t for t in answer["tests"]}

    def test_verdicts_and_why(self):
        big = "{span: checkout, id: c1, service: web, attributes: {amount: 2000}}"
        answer, tests = self.results(1, [
            f"{{name: violated, trace: [{big}], expect: violated, witness: {{c: c1}}}}",
            f"{{name: in time, trace: [{big}, {{span: fraud-check, at: 500ms}}], expect: satisfied}}",
            f"{{name: too late, trace: [{big}, {{span: fraud-check, at: 501ms}}], expect: satisfied}}",
            "{name: small, trace: [{span: checkout, attributes: {amount: 5}}], expect: violated}",
            f"{{name: cancelled, trace: [{big}, {{span: cancelled}}], expect: satisfied}}",
            f"{{name: incomplete, complete: false, trace: [{big}], expect: violated}}",
            f"{{name: skew, clock_skew: 5ms, trace: [{big}, {{span: fraud-check, parent: '', service: f, at: 1ms}}], expect: inconclusive}}",
            f"{{name: other witness, trace: [{big}, {{span: checkout, id: c2, attributes: {{amount: 1}}}}], expect: violated, witness: {{c: c2}}}}",
            f"{{name: no binding, trace: [{big}], expect: violated, witness: {{x: c1}}}}",
            "{name: no file, trace_file: nosuch.json, expect: violated}",
            f"{{name: no rule, trace: [{big}], expect: {{nosuch: violated}}}}",
        ])
        outcomes = {name: test["outcome"] for name, test in tests.items()}
        self.assertEqual(outcomes, {"violated": "passed", "in time": "passed", "too late": "failed", "small": "failed", "cancelled": "failed",
                                    "incomplete": "failed", "skew": "passed", "other witness": "failed", "no binding": "error",
                                    "no file": "error", "no rule": "error"})
        self.assertEqual(answer["summary"], {"tests": 11, "passed": 3, "failed": 5, "errors": 3})
        late = tests["too late"]
        self.assertEqual(late["explanation"], ["expected satisfied, got violated", "line 8: no fraud-check after c within 500ms",
                                               "  c = checkout (id c1) of web: amount=2000"])
        self.assertEqual([w["binding"] for w in late["violation"]["witnesses"]], ["c"])
        self.assertIn("line 7 does not hold: checkout.where(amount > 1000) as c", tests["small"]["explanation"])
        self.assertIn("line 7 does not hold, with what stands before it: not cancelled", tests["cancelled"]["explanation"])
        self.assertEqual(tests["incomplete"]["reason"], "incomplete")
        self.assertIn("expected a violating choice with c = c2, got none", tests["other witness"]["explanation"][0])
        self.assertIn('"x"', tests["no binding"]["explanation"][0])

    def test_text_and_junit_say_the_same(self):
        path = self.write("r.yaml", RULE + "    - {name: 'a < b & \"c\"', trace: [{span: checkout, attributes: {amount: 2000}}], expect: satisfied}\n"
                          "    - {name: fine, trace: [{span: a}], expect: not_applicable}\n")
        text = run_cli("test", path)
        self.assertEqual(text.returncode, 1)
        self.assertIn(f"FAIL  {path}:12: fraud: a < b & \"c\"", text.stdout)
        self.assertNotIn("fine", text.stdout)
        self.assertIn("ok    ", run_cli("test", "--all", path).stdout)
        root = xml.fromstring(run_cli("test", "--format", "junit", path).stdout)
        self.assertEqual((root.get("tests"), root.get("failures"), root.get("errors")), ("2", "1", "0"))
        cases = list(root.iter("testcase"))
        self.assertEqual([(c.get("classname"), c.get("name"), c.find("failure") is not None) for c in cases],
                         [("fraud", 'a < b & "c"', True), ("fraud", "fine", False)])
        self.assertIn("fraud-check after c", cases[0].find("failure").text)

    def test_trace_files_start_from_the_folder_of_the_rules(self):
        bad = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span("checkout", 1, amount=2000)]}]}]}
        good = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span("checkout", 1, amount=2000), span("fraud-check", 2, 5)]}]}]}
        self.write("sub/traces/bad.json", bad)
        with gzip.open(os.path.join(self.folder, "sub/traces/good.json.gz"), "wt", encoding="utf-8") as file:
            json.dump(good, file)
        path = self.write("sub/r.yaml", RULE + "    - {trace_file: traces/bad.json, expect: violated, witness: {c: '1'}}\n"
                          "    - {trace_file: traces/bad.json, expect: violated, witness: {c: '2'}}\n"
                          "    - {trace_file: traces/good.json.gz, expect: satisfied}\n")
        answer = self.run_json(1, "test", "--json", path)
        self.assertEqual([t["outcome"] for t in answer["tests"]], ["passed", "failed", "passed"])

    def test_an_id_that_stands_twice(self):
        """Two kinds are the halves of a call, which are siblings; of one kind either record may be right."""
        halves = [{"span": "root", "id": "r"}, {"span": "client", "id": "a", "kind": "client"}, {"span": "server", "id": "a", "kind": "server"},
                  {"span": "work", "id": "b", "parent": "a"}]
        copies = [dict(one, kind="client") if one["span"] == "server" else one for one in halves]
        behind = [{"span": "x", "id": "a"}, {"span": "x", "id": "a"}, {"span": "client", "id": "c", "kind": "client"}]
        path = self.write("twice.json", {"rules": [{
            "id": "halves", "dsl": "when { client.where(span.kind == client) as c } always { server sibling of c and work child of c }",
            "tests": [{"trace": halves, "expect": "satisfied"}, {"trace": copies, "expect": "inconclusive"},
                      {"trace": halves[1:], "expect": "violated"}, {"trace": behind, "expect": "violated", "witness": {"c": "c"}}]}]})
        done = run_cli("test", path)
        self.assertEqual((done.returncode, done.stdout), (0, "4 tests: 4 passed, 0 failed, 0 errors\n"))

    def test_witness_beyond_the_reported_choices(self):
        spans = ", ".join(f"{{span: checkout, id: c{i}, attributes: {{amount: 2000}}}}" for i in range(40))
        _, tests = self.results(0, [f"{{name: last, trace: [{spans}], expect: violated, witness: {{c: c39}}}}"])
        self.assertEqual(tests["last"]["outcome"], "passed")

    def test_links(self):
        """To a span of the test by its id, whatever that is made into, and to another trace by digits."""
        found, missing = "00000000000000cd", "be00000000000001"
        path = self.write("links.yaml", f"""rules:
- id: own
  dsl: 'when {{ publish as p }} always {{ process.where(link.span_id == p.span.id) }}'
  tests:
  - {{expect: satisfied, trace: [{{span: publish, id: a}}, {{span: process, links: [{{trace: own, span: b}}, {{trace: own, span: a}}]}}, {{span: x, id: b}}]}}
  - {{expect: violated, trace: [{{span: publish, id: a}}, {{span: process, id: b, links: [{{trace: own, span: b}}]}}]}}
  - {{expect: violated, trace: [{{span: publish, id: a}}, {{span: process, links: [{{trace: own, span: {missing}}}]}}]}}
- id: other
  dsl: 'never {{ process.where(link.where(link.trace_id == "{"0" * 30}ab" and link.span_id == "{found}" and link.rel == "retry")) }}'
  tests:
  - {{expect: violated, trace: [{{span: process, links: [{{trace: {"0" * 30}AB, span: {found}, attributes: {{rel: retry}}}}]}}]}}
  - {{expect: satisfied, trace: [{{span: process, links: [{{trace: {"0" * 30}ab, span: {found}}}, {{trace: own, span: {found}, attributes: {{rel: retry}}}}]}}]}}
  - {{expect: satisfied, trace: [{{span: process}}]}}
""")
        done = run_cli("test", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("6 passed, 0 failed", done.stdout)

    def test_several_rules_and_ids_from_names(self):
        more = "  - name: Second rule\n    enabled: false\n    dsl: checkout.amount > 1\n"
        _, tests = self.results(0, ["{name: both, trace: [{span: checkout, attributes: {amount: 2}}], expect: {fraud: not_applicable, second-rule: violated}}"], more)
        self.assertEqual(len(tests), 1)

    def test_wrong_rules_fail_the_run(self):
        path = self.write("r.yaml", "rules:\n- id: a\n  dsl: when {\n- id: b\n  dsl: x\n  tests: [{trace: [{span: x}], expect: violated}]\n")
        done = run_cli("test", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 test: 1 passed", done.stdout)
        self.assertIn("error[E010]", done.stderr)
        no_file = self.write("no.yaml", "rules: 7\n")
        root = xml.fromstring(run_cli("test", "--format", "junit", no_file).stdout)
        self.assertEqual(root.get("errors"), "1")

    def test_exit_statuses(self):
        empty = self.write("e.yaml", "rules:\n- id: a\n  dsl: x\n")
        done = run_cli("test", empty)
        self.assertEqual(done.returncode, 0, "nothing failed; that nothing was tried is said")
        self.assertIn("no test", done.stderr)
        self.assertEqual(run_cli("test", os.path.join(self.folder, "nosuch.yaml")).returncode, 2)
        self.assertEqual(run_cli("test").returncode, 2)
        self.assertEqual(run_cli("test", "--format", "tap", empty).returncode, 2)

    def test_ten_thousand_rules_on_one_line(self):
        """JSON as programs write it. What took time in proportion to the square of the file would not end within the timeout."""
        rules = [{"id": f"r{i}", "dsl": f"when {{ checkout-{i}.where(amount > {i}) as c }} always {{ fraud-check after c }}",
                  "tests": [{"trace": [{"span": f"checkout-{i}", "attributes": {"amount": 20000}}, {"span": "fraud-check"}], "expect": "satisfied"}]}
                 for i in range(10000)]
        path = self.write("big.json", {"rules": rules})
        done = run_cli("test", path, timeout=100)
        self.assertEqual((done.returncode, done.stdout), (0, "10000 tests: 10000 passed, 0 failed, 0 errors\n"), done.stderr)

    def test_ten_thousand_rules_in_yaml(self):
        rules = "".join(f"  - id: r{i}\n    dsl: |\n      when {{ checkout-{i}.where(amount > {i}) as c }}\n      always {{ fraud-check after c }}\n"
                        f"    tests:\n    - trace:\n      - {{span: checkout-{i}, attributes: {{amount: 20000}}}}\n      - {{span: fraud-check}}\n"
                        "      expect: satisfied\n" for i in range(10000))
        path = self.write("big.yaml", f"groups:\n- name: big\n  rules:\n{rules}")
        done = run_cli("test", path, timeout=100)
        self.assertEqual((done.returncode, done.stdout), (0, "10000 tests: 10000 passed, 0 failed, 0 errors\n"), done.stderr)

    # ---- folders ----

    def test_a_folder_stands_for_its_rule_files(self):
        rule = "rules:\n- id: {0}\n  dsl: {0}\n  tests: [{{trace: [{{span: {0}}}], expect: violated}}]\n"
        for name in ("b.yaml", "a.yml", "deep/er/c.yaml", ".hidden/d.yaml", ".e.yaml", "notes.txt"):
            self.write(os.path.join("rules", name), rule.format(os.path.splitext(name)[0][-1]))
        self.write("rules/f.json", {"rules": [{"id": "f", "dsl": "f", "tests": [{"trace": [{"span": "f"}], "expect": "violated"}]}]})
        self.write("rules/fixtures/real.otlp.json", {"resourceSpans": []})
        folder = os.path.join(self.folder, "rules")
        os.symlink(folder, os.path.join(folder, "deep", "back"))
        os.symlink(os.path.join(folder, "b.yaml"), os.path.join(folder, "deep", "linked.yaml"))
        answer = self.run_json(0, "test", "--json", folder + "/")
        found = [os.path.relpath(test["file"], folder) for test in answer["tests"]]
        self.assertEqual(found, ["a.yml", "b.yaml", "deep/er/c.yaml", "deep/linked.yaml", "f.json"])
        self.assertEqual(self.run_json(0, "check", "--json", folder)["files"], 5)
        self.assertEqual(run_cli("fmt", "--check", folder).returncode, 0)

    def test_a_folder_without_a_rule_file_is_an_error(self):
        os.mkdir(os.path.join(self.folder, "empty"))
        for command in ("test", "check", "fmt"):
            done = run_cli(command, os.path.join(self.folder, "empty"))
            self.assertEqual(done.returncode, 2, command)
            self.assertIn("expected rule files (*.yaml, *.yml, *.json) in this folder, and there are none", done.stderr)
        deep = os.path.join(self.folder, *(["x"] * 40))
        os.makedirs(deep)
        done = run_cli("test", os.path.join(self.folder, "x"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("at most 32 deep", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
