"""Mistakes that new users made, and what the program must say of each: what is wrong, where, and how to mend it. One row is one command line:
its exit status, the words that have to be in the answer, and words that would lead astray. Nothing else reaches a terminal but this text."""
import os
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import run_cli  # noqa: E402

RULES = "rules:\n- id: slow-db\n  dsl: |\n    when { checkout } always { fraud-check }\n"
WRONG_KEY = RULES.replace("- id: slow-db\n", "- id: slow-db\n  sevirity: high\n")
NOWHERE = "http://127.0.0.1:1"
REPLAY = ("replay", "--rules", "{rules}", "--traces", "{traces}")


def dsl(text):
    return "check", "--dsl", text


# The command line; its exit status; what the answer must contain; what it must not.
OF_COMMANDS = [
    (("chekc",), 2, ['"chekc"', 'did you mean "check"?', "betrace --help"], ["\\n"]),
    (("replay", "--trace", "x"), 2, ["--trace", "did you mean --traces?"], []),
    (("check", "{wrong_key}"), 1, ["wrong_key.yaml:3:3", '"sevirity"', 'did you mean "severity"?'], []),
    (("serve", "--listen", "0.0.0.0:0", "--db", "{folder}/rules.db"), 2, ["0.0.0.0:0", "no tokens", "--tokens FILE", "--allow-anonymous"], []),
    (("serve", "--listen", "{busy}", "--memory-source", "--db", "{folder}/rules.db"), 3, ["{busy}", "--listen"], []),
    ((*REPLAY, "--since", "24"), 2, ["--since", '"24"', "24h", "24m", "24d"], []),
    ((*REPLAY, "--start", "2026-11-20"), 2, ["--start", '"2026-11-20"', "2026-11-20T00:00:00Z"], []),
    ((*REPLAY, "--rule", "slow-dbb"), 2, ['"slow-dbb"', 'did you mean "slow-db"?'], []),
    ((*REPLAY, "--rule", "nothing-like-it"), 2, ['"nothing-like-it"', "slow-db"], []),
    (("replay", "--rules", "{rules}", "--tempo", NOWHERE), 3, [NOWHERE, "refused the connection", "--tempo URL says it"], []),
    (("trace", "1", "--rules", "{rules}", "--tempo", NOWHERE), 3, [NOWHERE, "refused the connection", "--tempo"], []),
    (("record", "1", "--rules", "{rules}", "--tempo", NOWHERE), 3, [NOWHERE, "refused the connection", "--tempo"], []),
    (("sync", "{rules}", "--url", NOWHERE), 3, [NOWHERE, "refused the connection", "betrace serve", "--url"], []),
    (("health", "--url", NOWHERE), 3, [NOWHERE, "refused the connection", "betrace serve", "--url"], []),
    (("health", "--server", "http://user:secret@127.0.0.1:1"), 3, [NOWHERE], ["secret"]),
    (("check", "--output", "json", "{rules}"), 0, ['"valid": true'], []),
    (("check", "--output", "jsn", "{rules}"), 2, ["--output", "json", '"jsn"'], []),
    (("trace", "1", "--output", "xml"), 2, ["--output", "text or json", '"xml"'], []),
    (("version",), 0, ["betrace "], []),
    (("replay", "{traces}"), 2, ["say which rules", "--rules FILE", "--dsl TEXT"], ["is no flag"]),
    (("eval", "{traces}"), 2, ["say which rules", "--rules FILE", "--dsl TEXT"], ["is no flag"]),
    (("replay", "{rules}"), 2, ["say where the traces are", "--tempo URL", "--traces FILE"], []),
]
OF_INPUTS = [
    (("check", "{folder}/none.yaml"), ["none.yaml", "No such file"]),
    (("fmt", "{folder}/none.yaml"), ["none.yaml", "No such file"]),
    (("test", "{folder}/none.yaml"), ["none.yaml", "No such file"]),
    (("replay", "--rules", "{folder}/none.yaml", "--traces", "{traces}"), ["none.yaml", "No such file"]),
    (("replay", "--rules", "{rules}", "--traces", "{folder}/none.jsonl"), ["none.jsonl", "No such file"]),
    (("replay", "--rules", "{rules}", "--traces", "{empty_folder}"), ["{empty_folder}", "expected files of traces in this folder"]),
    (("eval", "--rules", "{rules}", "{folder}/none.jsonl"), ["none.jsonl", "No such file"]),
    (("eval", "--rules", "{rules}", "--", "{empty_folder}"), ["{empty_folder}", "expected files of traces in this folder"]),
    (("trace", "1", "--traces", "{folder}/none.jsonl"), ["none.jsonl", "No such file"]),
    (("explain", "{rules}", "--traces", "{folder}/none.jsonl"), ["none.jsonl", "No such file"]),
    (("vacuity", "--rules", "{rules}", "--traces", "{folder}/none.jsonl"), ["none.jsonl", "No such file"]),
    (("diff", "{rules}", "{rules}", "--traces", "{folder}/none.jsonl"), ["none.jsonl", "No such file"]),
    (("verify-report", "--chain-only", "{folder}/none.json"), ["none.json", "No such file"]),
    (("verify-report", "--chain-only", "{rules}"), ["rules.yaml", "expected a report"]),
    (("verify-report", "--chain-only", "{empty_object}"), ["object.json", "not a report", "entries"]),
]
OF_RULES = [
    (dsl("when { a } alway { b }"), 1, ["1:12", "write `always`"], []),
    (dsl("when { a } then { b }"), 1, ["1:12", "`then`", "write `always`"], []),
    (dsl("when { duration > 1s } always { b }"), 1, ["1:8", "of which span", "write `trace.has(duration > 1s)`"], []),
    (dsl("> 5"), 1, ["1:1", "what is compared before the operator", "count(checkout) > 5", "found `>`"], []),
    (dsl("trace.has(span.duration > 5sec)"), 1, ["1:27", "units", "write `5s`"], []),
    (dsl("trace.has(span.name == 'x')"), 1, ["1:24", "double quotes", 'write `"x"`'], []),
    (dsl("trace.has(a) AND trace.has(b)"), 1, ["1:14", "write `and`"], []),
    (dsl("trace.hass(a)"), 1, ["1:1", "did you mean trace.has", "write `trace.has`"], []),
    (dsl('{ name = "x" }'), 1, ["1:1", "TraceQL", 'write `trace.has(span.name = "x")`'], []),
    (dsl('trace.has(.http.method == "x")'), 1, ["1:11", "without a dot", "remove `.`"], []),
    (dsl('trace.has(span:name == "x")'), 1, ["1:11", "TraceQL", "write `span.name`"], []),
    (dsl("when { GET /cart } always { b }"), 1, ["1:8", 'write `"GET /cart"`'], []),
    (dsl("trace.has(rate(x) > 1)"), 1, ["1:11", "`rate`", "one trace", "count"], []),
    (dsl("when { a always { b }"), 1, ["1:10", "`}` for the `{` at 1:6"], []),
    (dsl("trace.has(x is null)"), 1, ["1:13", "write `not exists(x)`"], []),
    (dsl("x | avg(k) > 3"), 1, ["1:3", "avg(x, k)"], ["write `or`", "write or"]),
    (dsl("x | count() > 3"), 1, ["1:3", "count(…) > 3"], ["write `or`"]),
    (dsl("trace.has(a) | max(b, v) > 3"), 1, ["1:14", "write `or`"], []),
    (dsl("checkout > 3"), 1, ["1:1", "trace.has(checkout > 3)", "count(checkout) > 3"], []),
    (dsl('trace.has(link.k == "x")'), 0, ["1:1", "W004", "of 1000 traces it reads 1000, one request each", "name in `when`"], []),
]


class MistakesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-mistakes-")
        cls.addClassCleanup(folder.cleanup)
        cls.busy = socket.create_server(("127.0.0.1", 0))
        cls.addClassCleanup(cls.busy.close)
        cls.names = {"folder": folder.name, "busy": "127.0.0.1:%d" % cls.busy.getsockname()[1], "traces": os.path.join(folder.name, "traces.jsonl")}
        for key, name, text in (("rules", "rules.yaml", RULES), ("wrong_key", "wrong_key.yaml", WRONG_KEY), ("empty_object", "object.json", "{}")):
            cls.names[key] = os.path.join(folder.name, name)
            with open(cls.names[key], "w", encoding="utf-8") as file:
                file.write(text)
        cls.names["empty_folder"] = os.path.join(folder.name, "empty")
        os.mkdir(cls.names["empty_folder"])
        run_cli("generate", "--traces", "40", "--out", cls.names["traces"])

    def fill(self, text):
        for key, value in self.names.items():
            text = text.replace("{%s}" % key, value)
        return text

    def hold(self, arguments, status, needed, unwanted=()):
        with self.subTest(" ".join(arguments)):
            done = run_cli(*[self.fill(one) for one in arguments])
            said = done.stdout + done.stderr
            self.assertEqual(done.returncode, status, said)
            for word in needed:
                self.assertIn(self.fill(word), said)
            for word in unwanted:
                self.assertNotIn(word, said)

    def test_of_commands_and_flags(self):
        for arguments, status, needed, unwanted in OF_COMMANDS:
            self.hold(arguments, status, needed, unwanted)

    def test_an_input_that_cannot_be_read_is_status_2(self):
        for arguments, needed in OF_INPUTS:
            self.hold(arguments, 2, needed)

    def test_of_rules(self):
        for arguments, status, needed, unwanted in OF_RULES:
            self.hold(arguments, status, needed, unwanted)


if __name__ == "__main__":
    unittest.main()
