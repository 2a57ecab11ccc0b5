"""Texts of attributes that may have lost their end, in files: those of 2,048 bytes, where Tempo cuts. What their beginning decides is decided; else eval,
replay and first say that they do not know, with a note."""
import json
import os
import subprocess
import tempfile
import unittest

BETRACE = os.environ["BETRACE_BIN"]
START_NS = 1772000000 * 10**9
CUT = "u" * 2047 + "v"


def document(text, other="u"):
    spans = [{"traceId": "91".rjust(32, "0"), "spanId": span_id.rjust(16, "0"), "name": name, "startTimeUnixNano": str(START_NS + at * 10**6),
              "endTimeUnixNano": str(START_NS + (at + 1) * 10**6), "attributes": [{"key": "sql", "value": {"stringValue": value}}],
              "events": [{"name": "e", "timeUnixNano": str(START_NS), "attributes": [{"key": "sql", "value": {"stringValue": value}}]}]}
             for name, span_id, at, value in (("query", "1", 0, text), ("other", "2", 2, other))]
    resource = {"attributes": [{"key": "sql.of.resource", "value": {"stringValue": text}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"attributes": [{"key": "sql", "value": {"stringValue": text}}]}, "spans": spans}]}]}


# (test of the attribute, what is said of the cut text: True, False, None for unknown)
TESTS = [(f'== "{CUT}"', None), (f'== "{CUT}w"', None), ('== "u"', False), (f'== "{CUT[:-1]}"', False), (f'== "w{CUT[1:]}"', False), ('!= "u"', True), (f'!= "{CUT}"', None),
         (f'in ["u", "{CUT}"]', None), ("in [u, v]", False), ("not in [u, v]", True), (f'not in ["{CUT}"]', None),
         ('contains "uv"', True), ('contains "w"', None), ('contains ""', True), ('starts_with "uu"', True), ('starts_with "v"', False), (f'starts_with "{CUT}w"', None),
         (f'starts_with "{CUT}"', True), ('ends_with "v"', None), ('ends_with "w"', None), ('ends_with ""', True),
         ('matches "u+v"', True), ('matches "w"', None), ('matches "v$"', None), (r'matches "v\\b"', None), ('matches "^v"', None),
         ('=~ "u+v"', None), ('=~ "u.*"', True), ('=~ "u|v"', False), ('=~ "w.*"', None), ('=~ "u.*|v.*"', None), ('!~ "u|v"', True), ('!~ "u+v"', None), ('!~ "u.*"', False),
         ('< "v"', True), ('> "v"', False), (f'>= "{CUT}"', True), (f'< "{CUT}"', False), (f'<= "{CUT}"', None), (f'> "{CUT}"', None), (f'> "{CUT}w"', None), ("> 5", False), ("== true", False)]
FIELDS = ("sql", "span.sql", "resource.attributes[\"sql.of.resource\"]", "scope.attributes[\"sql\"]", "event.sql")


class CutTextsTest(unittest.TestCase):
    def run_on(self, command, data, rule, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "traces.jsonl")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(data, file)
            return subprocess.run([BETRACE, command, "--dsl", rule, *options, path], capture_output=True, text=True, timeout=60)

    def verdict(self, data, condition):
        """True, False or None: what is known of the condition, by a rule that it violates."""
        run = self.run_on("eval", data, f"when {{ query }} never {{ {condition} }}", "--json", "--all")
        self.assertIn(run.returncode, (0, 1, 3), run.stderr)
        told = json.loads(run.stdout.splitlines()[0])
        if told["verdict"] == "inconclusive":
            self.assertEqual(told["reason"], "dropped")
        return {"violated": True, "satisfied": False, "inconclusive": None}[told["verdict"]]

    def test_what_is_there_decides_what_it_can(self):
        for test, expected in TESTS:
            with self.subTest(test=test[:40]):
                self.assertIs(self.verdict(document(CUT), f"query.where(sql {test})"), expected)

    def test_in_every_scope_and_not_elsewhere(self):
        for field in FIELDS:
            with self.subTest(field=field):
                self.assertIs(self.verdict(document(CUT), f'query.where({field} contains "w")'), None)
                for length in (2047, 2049):
                    self.assertIs(self.verdict(document("u" * length), f'query.where({field} contains "w")'), False)

    def test_one_that_was_cut_in_the_midst_of_a_character(self):
        """Each byte of half a character is U+FFFD here, which is no part of what is known."""
        for halves in (1, 2, 3):
            text = "u" * (2048 - halves) + "\ufffd" * halves
            for test, expected in (('contains "w"', None), ('ends_with "w"', None), ('contains "\ufffd"', None), (f'== "{text}"', None), ('starts_with "uu"', True),
                                   ('matches "u$"', None), ('=~ "u+"', None), ('< "v"', True), ("== u", False), (f'>= "{text[:2048 - halves]}"', True)):
                with self.subTest(halves=halves, test=test[:40]):
                    self.assertIs(self.verdict(document(text), f"query.where(sql {test})"), expected)
            for other in (text + "u", text[1:], "u" * 2049 + "\ufffd" * halves):
                self.assertIs(self.verdict(document(other), 'query.where(sql contains "w")'), False)

    def test_two_that_begin_alike(self):
        for other, expected in ((CUT, None), (CUT + "w", None), ("w" + CUT[1:], False), ("u", False)):
            with self.subTest(other=other[:9]):
                self.assertIs(self.verdict(document(CUT, other), "query as q and other.where(sql == q.sql)"), expected)

    def test_replay_and_first_do_not_know(self):
        rule = 'never { query.where(sql contains "w") }'
        for command in ("replay", "first"):
            with self.subTest(command=command):
                run = self.run_on(command, document(CUT), rule)
                self.assertIn("inconclusive" if command == "replay" else "UNKNOWN", run.stdout)
                self.assertEqual(run.returncode, 3)

    def test_a_note_says_so(self):
        for command in ("eval", "replay"):
            with self.subTest(command=command):
                run = self.run_on(command, document(CUT), 'never { query.where(sql contains "w") }')
                self.assertIn("`sql` was a text of 2,048 bytes in 1 of 1 spans, which is where stores cut", " ".join((run.stdout + run.stderr).split()))


if __name__ == "__main__":
    unittest.main()
