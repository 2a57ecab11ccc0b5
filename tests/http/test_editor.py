"""/v1/dsl: language, completion, hover and format on a real server; and that what is published about the language is what it is."""
import glob
import http.server
import json
import os
import re
import socket
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import doc_pages  # noqa: E402
from betrace_process import Betrace, run_cli  # noqa: E402

CURSOR = "‸"


def rule_texts():
    """Every rule of the pages that has to compile, and every example of the parser's cases."""
    for page in doc_pages.pages():
        for block in re.findall(r"^```betrace\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
            yield from re.split(r"\n{2,}", block.strip())
    for path in glob.glob(os.path.join(ROOT, "tests/cases/parse/*.case")):
        with open(path, encoding="utf-8") as file:
            for case in file.read().split("\n\n"):
                fields = re.findall(r"^(\w+) +(.*(?:\n[ \t].*)*)", case, re.M)
                yield from (text.replace("\n       ", "\n") for key, text in fields if key == "text")


class EditorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="betrace-editor-")
        cls.addClassCleanup(folder.cleanup)
        traces = os.path.join(folder.name, "traces.jsonl")
        assert run_cli("generate", "--traces", 100, "--violations", 2, "--out", traces).returncode == 0
        cls.server = Betrace("--traces", traces)
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    def complete(self, text, server=None, **place):
        if CURSOR in text:
            place = {"offset": len(text[:text.index(CURSOR)].encode())}
        answer = (server or self.server).post("/v1/dsl/complete", {"dsl": text.replace(CURSOR, ""), **place})
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def labels(self, text):
        return [item["label"] for item in self.complete(text)["items"]]

    def take(self, text, label):
        """The text when that item was taken."""
        answer = self.complete(text)
        insert = next(item["insert"] for item in answer["items"] if item["label"] == label)
        plain = text.replace(CURSOR, "").encode()
        return (plain[:answer["range"]["start"]] + insert.encode() + plain[answer["range"]["end"]:]).decode()

    def valid(self, text):
        return self.server.post("/v1/rules/validate", {"dsl": text}).json()["valid"]

    # ---- the language ----

    def test_language_has_what_the_compiler_knows(self):
        language = self.server.get("/v1/dsl/language").json()
        words = {word["name"]: word for word in language["words"]}
        self.assertEqual(len(words), len(language["words"]))
        self.assertTrue(all(word["doc"] and word["signature"] for word in words.values()))
        for name, kind in (("when", "clause"), ("and", "logic"), ("not", "logic"), ("contains", "operator"), ("not in", "operator"), ("child of", "relation"),
                           ("trace.has_before", "function"), ("span.status_message", "field"), ("trace.root.name", "field"), ("true", "constant"), ("as", "part")):
            self.assertEqual(words[name]["class"], kind, name)
        self.assertEqual(words["span.duration"]["signature"], "duration")
        self.assertEqual(language["values"]["span.status"], ["unset", "ok", "error"])
        self.assertEqual(language["limits"]["bytes"], 65536)

    def test_words_mean_what_is_said(self):
        """A field of its type compiles against a value of that type, a function as its signature says, a reserved word never names a binding."""
        language = self.server.get("/v1/dsl/language").json()
        value = {"string": '== "x"', "duration": "> 5ms", "number": "> 5", "time": "> {0} - 5ms"}
        for word in language["words"]:
            name, shape = word["name"], word["signature"]
            with self.subTest(word=name):
                if word["class"] == "field":
                    is_key = name.endswith(".attributes") or name == "span.trace_state"
                    right = '["k"] == "x"' if is_key else value[shape].format(name)
                    if name in ("link.trace_id", "link.span_id", "span.trace_id", "trace.id"):  # another length could be no id's
                        right = f'== "{"0a" * (8 if name == "link.span_id" else 16)}"'
                    if name in ("span.kind", "span.status"):
                        right = f"== {language['values'][name][0]}"
                    if shape == "time":
                        right = "- 5ms < trace.end" if not name.startswith("span") else "- 5ms < span.end"
                    blank = "" if is_key else " "
                    test = f"{name}{blank}{right}"
                    self.assertTrue(self.valid(test if name.startswith("trace.") else f"trace.has({test})"), test)
                elif word["class"] == "function":
                    call = shape.replace("test", "a == 1").replace("(spans", "(x").replace(", spans", ", y").replace("field", "k")
                    numeric = re.match(r"(trace\.)?(count|count_distinct|sum|min|max|avg)\(", call)
                    text = f"{call} > 1" if numeric else f"trace.has({call})" if name in ("exists", "event.where", "link.where") else call
                    if name in ("event.count", "link.count"):
                        text = f"trace.has({call} > 1)"
                    self.assertTrue(self.valid(text), text)
                elif word["class"] == "relation":
                    over_links = f"when {{ y as b }} always {{ x {name} b within 5ms }}"
                    text = {"within": "x within 5ms of y", "between": "x between y and z", "linked to": over_links, "linked from": over_links,
                            "downstream of": over_links}.get(name, f"x {name} y")
                    self.assertTrue(self.valid(text), text)
        for name in language["reserved"]:
            self.assertFalse(self.valid(f"x as {name}"), name)
        for unit in language["units"]:
            self.assertTrue(self.valid(f"trace.duration > 5{unit}"), unit)

    def test_token_patterns_divide_every_rule(self):
        """Cut at the patterns and put together with single blanks, every rule means what it meant."""
        language = self.server.get("/v1/dsl/language").json()
        pattern = re.compile("|".join(f"(?P<{row['class']}>{row['pattern']})" for row in language["tokens"]))
        count = 0
        for text in rule_texts():
            before = self.server.post("/v1/rules/validate", {"dsl": text}).json()
            if not before["valid"]:
                continue
            pieces, at = [], 0
            for match in pattern.finditer(text):
                self.assertEqual(text[at:match.start()].strip(" \t\r\n"), "", text)
                at = match.end()
                if match.lastgroup != "comment":
                    pieces.append(match.group())
            self.assertEqual(text[at:].strip(), "", text)
            after = self.server.post("/v1/rules/validate", {"dsl": " ".join(pieces)}).json()
            self.assertEqual(after["condition_hash"], before["condition_hash"], f"{text}\n{' '.join(pieces)}")
            count += 1
        self.assertGreater(count, 200)

    # ---- completion ----

    def test_a_rule_is_written_with_it(self):
        self.assertEqual(self.labels(CURSOR)[:3], ["always", "never", "when"])
        text = self.take("wh" + CURSOR, "when")
        text = self.take(text + "che" + CURSOR, "checkout")
        text = self.take(text + "." + CURSOR, "checkout.where")
        text = self.take(text + "am" + CURSOR, "amount") + " > 1000) as c }\n"
        text = self.take(text + "al" + CURSOR, "always")
        text = self.take(text + "fra" + CURSOR, "fraud-check") + " "
        text = self.take(text + "aft" + CURSOR, "after") + " "
        text = self.take(text + CURSOR, "c") + " }"
        self.assertEqual(text, "when { checkout.where(amount > 1000) as c }\nalways { fraud-check after c }")
        self.assertTrue(self.valid(text))

    def test_names_and_values_of_the_traces(self):
        self.assertIn("payment-service", self.labels(f'trace.has(span.service == "{CURSOR}")'))
        self.assertIn("eu-west-1", self.labels(f'a.where(user.region == "{CURSOR}'))
        self.assertEqual(self.take(f"a.where(user.region == eu-w{CURSOR})", "eu-west-1"), 'a.where(user.region == "eu-west-1")')
        self.assertEqual(self.take(f'trace.has(span.attributes["user{CURSOR}"] == 1)', "user.region"), 'trace.has(span.attributes["user.region"] == 1)')
        self.assertEqual(self.take(f"when {{ POST{CURSOR} }}", "POST /checkout"), 'when { "POST /checkout" }')
        answer = self.complete(f"when {{ {CURSOR} }}")
        self.assertEqual((answer["tags"], answer["tags_problem"], answer["complete"]), ("ok", None, True))
        self.assertEqual(self.complete(f"when {{ a }} {CURSOR}")["tags"], "not_needed")

    def test_ranges_in_bytes_and_in_utf_16(self):
        text = f'# é😀\nwhen {{ a.where("é😀" == cur{CURSOR}) }}'
        self.assertEqual(self.complete(text)["range"], {"start": 36, "end": 39, "start_line": 2, "start_column": 25, "end_line": 2, "end_column": 28})
        plain = text.replace(CURSOR, "")
        self.assertEqual(self.complete(plain, line=2, column=28), self.complete(text))
        for place in ({}, {"offset": 1, "line": 1, "column": 1}, {"line": 1}, {"offset": -1}, {"offset": 999}, {"offset": "3"}, {"line": 3, "column": 1}, {"line": 2, "column": 99}, {"line": 0, "column": 1}, {"ofset": 1}):
            with self.subTest(place=place):
                self.assertEqual(self.server.post("/v1/dsl/complete", {"dsl": plain, **place}).status, 400)
        self.assertEqual(self.server.post("/v1/dsl/complete", {"dsl": "x" * 65537, "offset": 0}).status, 400)
        self.assertEqual(self.server.post("/v1/dsl/complete", {"dsl": 3, "offset": 0}).status, 400)

    def test_without_a_source_that_answers(self):
        """A Tempo that refuses, and one that never says a word: the language is offered all the same, and what lacks is named."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            for url in ("http://127.0.0.1:9", f"http://127.0.0.1:{silent.getsockname()[1]}"):
                with self.subTest(url=url), Betrace("--tempo", url) as server:
                    for _ in range(2):  # the second from what is kept
                        answer = self.complete(f"when {{ {CURSOR}", server)
                        self.assertEqual((answer["tags"], answer["complete"]), ("unavailable", False))
                        self.assertTrue(answer["tags_problem"])
                        self.assertIn("trace.has", [item["label"] for item in answer["items"]])

    def test_tags_are_kept_for_some_seconds_and_per_tenant(self):
        asked = []

        class Tempo(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                asked.append((self.path.split("?")[0], self.headers.get("X-Scope-OrgID")))
                body = json.dumps({"tagValues": [{"type": "string", "value": "from-tempo"}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        tempo = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tempo)
        threading.Thread(target=tempo.serve_forever, daemon=True).start()
        self.addCleanup(tempo.server_close)
        self.addCleanup(tempo.shutdown)
        with Betrace("--tempo", f"http://127.0.0.1:{tempo.server_port}") as server:
            for typed in ("", "f", "fr", "fro"):
                labels = [item["label"] for item in self.complete(f'trace.has(span.service == "{typed}{CURSOR}', server)["items"]]
                self.assertEqual(labels, ["from-tempo"])
        about_values = [path for path, _ in asked if "values" in path]
        self.assertEqual(len(about_values), 1, asked)

    # ---- hover and format ----

    def test_hover(self):
        for offset in (7, 8, 12):
            answer = self.server.post("/v1/dsl/hover", {"dsl": "when { count(a) > 3 }", "offset": offset}).json()
            self.assertEqual((answer["name"], answer["class"], answer["range"]["start"], answer["range"]["end"]), ("count", "function", 7, 12))
            self.assertTrue(answer["doc"])
        self.assertEqual(self.server.post("/v1/dsl/hover", {"dsl": "a child of b", "offset": 4}).json()["name"], "child of")
        for text, offset in (("checkout", 3), ('"count"', 3), ("# count", 3), ("", 0)):
            self.assertIsNone(self.server.post("/v1/dsl/hover", {"dsl": text, "offset": offset}).json()["name"])

    def test_hover_of_names_that_the_text_gives(self):
        text = '@name(tool_call = "span(k == 1)") @alias(k, m) when { tool_call.where(c.k == 1) } always { "tool_call" and other.k > 1 }'

        def said(offset):
            answer = self.server.post("/v1/dsl/hover", {"dsl": text, "offset": offset}).json()
            return answer["name"] and (answer["class"], answer["name"], answer["signature"], text[answer["range"]["start"]:answer["range"]["end"]])
        self.assertEqual(said(text.index("tool_call.")), ("name", "tool_call", "tool_call stands for: span(k == 1)", "tool_call"))
        self.assertEqual(said(text.index("c.k")), ("alias", "k", "k is the first that is there of: k, m", "c.k"))
        self.assertEqual(said(text.index("other.k")), ("alias", "k", "k is the first that is there of: k, m", "other.k"))
        self.assertIsNone(said(text.index('tool_call"')))
        offered = {item["label"]: item["detail"] for item in self.complete(text.replace("other", CURSOR + "other"))["items"]}
        self.assertEqual(offered["tool_call"], "span(k == 1)")

    def test_format(self):
        answer = self.server.post("/v1/dsl/format", {"dsl": "when{a}always{b}# why"})
        self.assertEqual((answer.status, answer.json()), (200, {"formatted": "when { a }\nalways { b } # why\n", "changed": True}))
        again = self.server.post("/v1/dsl/format", {"dsl": answer.json()["formatted"]}).json()
        self.assertFalse(again["changed"])
        bad = self.server.post("/v1/dsl/format", {"dsl": "when { 😀é < }"})
        self.assertEqual(bad.status, 422)
        first = bad.json()["errors"][0]
        self.assertEqual((first["range"], first["position"]), ({"start": 7, "end": 13}, {"start_line": 1, "start_column": 8, "end_line": 1, "end_column": 11}))
        for body in ({}, {"dsl": 1}, {"dsl": "a", "offset": 1}):
            self.assertEqual(self.server.post("/v1/dsl/format", body).status, 400)
        self.assertEqual(self.server.post("/v1/dsl/format", {"dsl": "a or " * 20000 + "a"}).status, 422)

    def test_validate_and_create_say_positions_too(self):
        refused = self.server.post("/v1/rules", {"id": "x", "dsl": "# 😀\ntrace.has(span.duration > 5)"})
        self.assertEqual((refused.status, refused.json()["errors"][0]["position"]["start_column"]), (422, 27))
        answer = self.server.post("/v1/rules/validate", {"dsl": "# é\ntrace.has(span.duration > 5)"}).json()
        self.assertEqual(answer["diagnostics"][0]["position"], {"start_line": 2, "start_column": 27, "end_line": 2, "end_column": 28})


if __name__ == "__main__":
    unittest.main()
