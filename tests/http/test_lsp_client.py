"""`betrace lsp` with a language client of others (pygls). Its types come from Microsoft's model of LSP 3.17, so a member that is missing or of another
type fails here; every message is held to them again as it came."""
import asyncio
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_again_with  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "requirements_lsp.txt"))
from betrace_process import ROOT, binary, run_cli, sanitizer_environment  # noqa: E402
from lsprotocol import types  # noqa: E402
from pygls.exceptions import JsonRpcException  # noqa: E402
from pygls.lsp.client import LanguageClient  # noqa: E402

URI = "file:///rules/shop.betrace.yaml"
RULES = """rules:
- id: slow
  name: "é😀"
  dsl: |
    when { "é😀".where(span.duraton > 1s) }
    always { retry }
  tests:
  - {name: none, trace: [{span: a}], expect: not_applicable}
- id: other
  severity: bad
  dsl: 'trace.hass("a")'
"""
FINE = RULES.replace("  severity: bad\n", "")  # every field of it
EVERYTHING = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True)),
    text_document=types.TextDocumentClientCapabilities(
        code_action=types.CodeActionClientCapabilities(code_action_literal_support=types.ClientCodeActionLiteralOptions(
            code_action_kind=types.ClientCodeActionKindOptions(value_set=["quickfix"]))),
        hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
        document_symbol=types.DocumentSymbolClientCapabilities(hierarchical_document_symbol_support=True),
        publish_diagnostics=types.PublishDiagnosticsClientCapabilities(related_information=True)))
UTF8 = types.ClientCapabilities(general=types.GeneralClientCapabilities(position_encodings=["utf-32", "utf-8", "utf-16"]))


class Client(LanguageClient):
    def __init__(self):
        super().__init__("betrace-test", "1")
        self.published = asyncio.Queue()
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self.published.put_nowait(params))


def place(line, character):
    return types.Position(line=line, character=character)


def here(uri=URI):
    return types.TextDocumentIdentifier(uri=uri)


def apply(text, edit):
    """An edit whose places are UTF-16, as the client would apply it."""
    lines = [line.encode("utf-16-le") for line in text.split("\n")]

    def offset(position):
        return sum(len(line) + 2 for line in lines[:position.line]) + 2 * position.character

    whole = text.encode("utf-16-le")
    return (whole[:offset(edit.range.start)] + edit.new_text.encode("utf-16-le") + whole[offset(edit.range.end):]).decode("utf-16-le")


class ClientTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = Client()
        await self.client.start_io(binary(), "lsp", "--stdio", env=sanitizer_environment())
        self.addAsyncCleanup(self.stop)

    async def stop(self):
        """Of a test that failed the server still waits."""
        if self.client._server.returncode is None:
            self.client._server.kill()
        await self.client.stop()

    async def start(self, capabilities=EVERYTHING):
        answer = await self.client.initialize_async(types.InitializeParams(capabilities=capabilities))
        self.client.initialized(types.InitializedParams())
        return answer.capabilities

    async def open(self, text=RULES, uri=URI, language="yaml"):
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        return await self.next_diagnostics()

    async def next_diagnostics(self):
        return await asyncio.wait_for(self.client.published.get(), 60)

    async def change(self, version, *changes, uri=URI):
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(
            text_document=types.VersionedTextDocumentIdentifier(uri=uri, version=version), content_changes=list(changes)))
        return await self.next_diagnostics()

    async def complete(self, line, character, uri=URI):
        return await self.client.text_document_completion_async(types.CompletionParams(text_document=here(uri), position=place(line, character)))

    async def end(self):
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await asyncio.wait_for(self.client._server.wait(), 60)
        self.assertEqual(self.client._server.returncode, 0)

    async def test_diagnostics_are_those_of_check(self):
        await self.start()
        published = await self.open()
        found = [(item.range.start.line + 1, item.code, item.message) for item in published.diagnostics]
        path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"betrace-lsp-{os.getpid()}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(RULES)
        self.addCleanup(os.unlink, path)
        checked = [(item["line"], item["code"], item["message"]) for item in json.loads(run_cli("check", "--json", path).stdout)["diagnostics"]]
        self.assertEqual(sorted(found, key=str), sorted(((10 if "severity" in what else line, code, what) for line, code, what in checked), key=str))
        self.assertGreater(len(found), 2)
        self.assertEqual({item.source for item in published.diagnostics}, {"betrace"})
        self.assertEqual({item.code: item.severity for item in published.diagnostics}["W002"], types.DiagnosticSeverity.Warning)
        await self.end()

    async def test_places_are_utf16_by_default_and_utf8_where_it_is_offered(self):
        self.assertEqual((await self.start()).position_encoding, "utf-16")
        published = await self.open()
        first = published.diagnostics[0]
        self.assertEqual((first.code, first.range), ("W002", types.Range(place(4, 23), place(4, 35))))
        self.assertEqual(first.related_information[0].message, "in rule slow")
        self.assertEqual(first.related_information[0].location.range.start, place(1, 0))
        await self.end()

    async def test_utf8(self):
        self.assertEqual((await self.start(UTF8)).position_encoding, "utf-8")
        published = await self.open()
        self.assertEqual(published.diagnostics[0].range, types.Range(place(4, 26), place(4, 38)))  # é is 2 bytes, the face 4
        self.assertIsNone(published.diagnostics[0].related_information)
        found = await self.change(2, types.TextDocumentContentChangePartial(range=types.Range(place(4, 31), place(4, 38)), text="duration"))
        self.assertNotIn("W002", [item.code for item in found.diagnostics])
        await self.end()

    async def test_changes_by_range_and_as_a_whole(self):
        await self.start()
        await self.open()
        fixed = await self.change(2, types.TextDocumentContentChangePartial(range=types.Range(place(4, 28), place(4, 35)), text="x"),
                                  types.TextDocumentContentChangePartial(range=types.Range(place(4, 28), place(4, 29)), text="duration"))
        self.assertEqual((fixed.version, [item.range.start.line for item in fixed.diagnostics]), (2, [9, 10]))
        whole = await self.change(3, types.TextDocumentContentChangeWholeDocument(text="rules: []\n"))
        self.assertEqual((whole.version, len(whole.diagnostics)), (3, 0), "a list that is empty while somebody types is nothing wrong; `check` of it is status 2")
        self.assertEqual(run_cli("check", "-", stdin="rules: []\n").returncode, 2)
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(text_document=here()))
        closed = await self.next_diagnostics()
        self.assertEqual((closed.diagnostics, closed.version), ((), None))
        await self.end()

    async def test_a_file_that_is_no_yaml_is_said_to_be_so(self):
        await self.start()
        published = await self.open("rules:\n- id: a\n   dsl: x\n  b: [\n")
        self.assertEqual([item.range.start.line for item in published.diagnostics], [2])
        await self.end()

    async def test_other_yaml_is_left_alone(self):
        await self.start()
        self.assertEqual((await self.open("groups:\n- name: x\n  rules:\n  - alert: y\n", "file:///prometheus.yaml")).diagnostics, ())
        self.assertIsNone(await self.complete(2, 3, "file:///prometheus.yaml"))
        await self.end()

    async def test_completion(self):
        await self.start()
        await self.open()
        found = await self.complete(4, 28)
        item = next(item for item in found.items if item.label == "span.duration")
        self.assertEqual((item.kind, item.text_edit.range, item.detail), (types.CompletionItemKind.Field, types.Range(place(4, 23), place(4, 35)), "duration"))
        self.assertIn("span.duration > 1s", apply(RULES, item.text_edit))
        self.assertEqual(sorted(found.items, key=lambda item: item.sort_text), list(found.items))
        self.assertIsNone(await self.complete(1, 5))  # of the id
        await self.end()

    async def test_completion_in_a_file_that_is_half_written(self):
        await self.start()
        text = "rules:\n- id: a\n  dsl: |\n    when { checkout as c }\n    always { c. }\n  severity: [\n"
        await self.open(text)
        self.assertIn("c.span.duration", [item.label for item in (await self.complete(4, 15)).items])
        text = "rules:\n- dsl: |\n    when { a }\n    "
        await self.change(2, types.TextDocumentContentChangeWholeDocument(text=text))
        self.assertIn("always", [item.label.split(" ")[0] for item in (await self.complete(3, 4)).items])
        await self.end()

    async def test_hover(self):
        await self.start()
        await self.open()
        hover = await self.client.text_document_hover_async(types.HoverParams(text_document=here(), position=place(4, 6)))
        self.assertEqual((hover.contents.kind, hover.range), (types.MarkupKind.Markdown, types.Range(place(4, 4), place(4, 8))))
        self.assertIn("```betrace\nwhen { condition }\n```", hover.contents.value)
        self.assertIsNone(await self.client.text_document_hover_async(types.HoverParams(text_document=here(), position=place(0, 2))))
        await self.end()

    async def test_names_of_the_file_and_of_those_that_it_uses(self):
        """Offered where they may stand, explained where they do, and kept while the file cannot be read."""
        with tempfile.TemporaryDirectory(prefix="betrace-lsp-") as folder:
            with open(os.path.join(folder, "used.yaml"), "w", encoding="utf-8") as file:
                file.write("aliases: {tool.id: [call.id]}\nnames: {question: span(asks == 1)}\n")
            uri = "file://" + os.path.join(folder, "rules.yaml")
            head = "use: [used.yaml]\naliases: {tool.name: [name.of.tool]}\nnames: {tool_call: span(tool.name == \"x\")}\n"
            text = head + "rules:\n- id: r\n  dsl: question and count(tool_call.where(tool.id == 1)) > 2\n"
            await self.start()
            self.assertEqual((await self.open(text, uri)).diagnostics, ())

            async def items(character, line=5):
                return {item.label: (item.text_edit.new_text, item.detail) for item in (await self.complete(line, character, uri)).items}

            async def said(character):
                found = await self.client.text_document_hover_async(types.HoverParams(text_document=here(uri), position=place(5, character)))
                return (found.contents.value.split("\n")[1], (found.range.start.character, found.range.end.character)) if found else None

            self.assertEqual((await items(8))["question"], ("question", "span(asks == 1)"))
            self.assertEqual((await items(29))["tool_call"], ("tool_call", 'span(tool.name == "x")'))
            self.assertEqual((await items(45))["tool.name"], ("tool.name", "tool.name, name.of.tool"))
            self.assertNotIn("tool_call", await items(46))
            self.assertEqual(await said(9), ("question stands for: span(asks == 1)", (7, 15)))
            self.assertEqual(await said(28), ('tool_call stands for: span(tool.name == "x")', (26, 35)))
            self.assertEqual(await said(44), ("tool.id is the first that is there of: tool.id, call.id", (42, 49)))
            self.assertIsNone(await said(52))
            await self.change(2, types.TextDocumentContentChangeWholeDocument(text=text.replace("- id: r\n", "- id: [r\n")), uri=uri)
            self.assertEqual(await said(28), ('tool_call stands for: span(tool.name == "x")', (26, 35)))
            unused = await self.change(3, types.TextDocumentContentChangeWholeDocument(text=text.replace("tool_call.", "other_call.")), uri=uri)
            self.assertEqual([(item.code, item.range.start.line, item.severity) for item in unused.diagnostics if item.code == "W030"],
                             [("W030", 1, types.DiagnosticSeverity.Warning), ("W030", 2, types.DiagnosticSeverity.Warning)])
            await self.change(4, types.TextDocumentContentChangeWholeDocument(text=text.replace("names: {tool_call", "names: {call_of")), uri=uri)
            self.assertIsNone(await said(28))
            await self.end()

    async def test_quick_fixes_lead_to_a_text_without_the_problem(self):
        await self.start()
        published = await self.open()
        diagnostic = published.diagnostics[-1]
        actions = await self.client.text_document_code_action_async(types.CodeActionParams(
            text_document=here(), range=diagnostic.range, context=types.CodeActionContext(diagnostics=[diagnostic])))
        self.assertEqual([action.kind for action in actions], ["quickfix"])
        change = actions[0].edit.document_changes[0]
        self.assertEqual((change.text_document.version, actions[0].diagnostics, actions[0].title),
                         (1, (diagnostic,), "Replace `trace.hass` with `trace.has`"))
        self.assertIn("dsl: 'trace.has(\"a\")'", apply(RULES, change.edits[0]))
        only = types.CodeActionContext(diagnostics=[], only=["refactor"])
        self.assertEqual(await self.client.text_document_code_action_async(types.CodeActionParams(
            text_document=here(), range=diagnostic.range, context=only)), ())
        await self.end()

    async def test_formatting_is_that_of_fmt(self):
        await self.start()
        text = "# é😀\nrules:\n- id: a\n  dsl: |\n    when{a}always{b}\n- id: b\n  dsl: trace.has(x)\n"
        await self.open(text)
        ask = types.DocumentFormattingParams(text_document=here(), options=types.FormattingOptions(tab_size=8, insert_spaces=False))
        (edit,) = await self.client.text_document_formatting_async(ask)
        self.assertEqual(apply(text, edit), run_cli("fmt", "-", stdin=text).stdout)
        self.assertEqual((edit.range.start.line, edit.range.end.line), (4, 5))  # nothing else is touched
        await self.change(2, types.TextDocumentContentChangeWholeDocument(text=apply(text, edit)))
        self.assertEqual(await self.client.text_document_formatting_async(ask), ())
        await self.change(3, types.TextDocumentContentChangeWholeDocument(text="rules:\n- id: a\n  dsl: trace.has(\n"))
        with self.assertRaisesRegex(JsonRpcException, "the document stays as it is"):
            await self.client.text_document_formatting_async(ask)
        await self.end()

    async def test_symbols(self):
        await self.start()
        await self.open(FINE)
        rules = await self.client.text_document_document_symbol_async(types.DocumentSymbolParams(text_document=here()))
        self.assertEqual([(rule.name, rule.range.start.line, rule.range.end.line) for rule in rules], [("slow", 1, 7), ("other", 8, 9)])
        self.assertEqual([test.name for test in rules[0].children], ["none"])
        await self.end()

    async def test_a_client_that_can_little(self):
        await self.start(types.ClientCapabilities())
        published = await self.open(FINE)
        self.assertIsNone(published.diagnostics[0].related_information)
        flat = await self.client.text_document_document_symbol_async(types.DocumentSymbolParams(text_document=here()))
        self.assertEqual([(symbol.name, symbol.location.range.start.line) for symbol in flat], [("slow", 1), ("none", 7), ("other", 8)])
        hover = await self.client.text_document_hover_async(types.HoverParams(text_document=here(), position=place(4, 6)))
        self.assertEqual(hover.contents.kind, types.MarkupKind.PlainText)
        self.assertEqual(await self.client.text_document_code_action_async(types.CodeActionParams(
            text_document=here(), range=published.diagnostics[-1].range, context=types.CodeActionContext(diagnostics=[]))), ())
        await self.end()

    async def test_one_rule_as_a_text(self):
        uri = "file:///slow.betrace"
        await self.start()
        published = await self.open("when { é", uri, "betrace")
        self.assertTrue(published.diagnostics)
        await self.change(2, types.TextDocumentContentChangeWholeDocument(text="when{a}always{b}"), uri=uri)
        (edit,) = await self.client.text_document_formatting_async(types.DocumentFormattingParams(
            text_document=here(uri), options=types.FormattingOptions(tab_size=2, insert_spaces=True)))
        self.assertEqual(apply("when{a}always{b}", edit), run_cli("fmt", "-", stdin="when{a}always{b}").stdout)
        await self.end()

    async def test_the_packs_have_no_problem_and_every_rule_is_a_symbol(self):
        await self.start()
        packs = sorted((ROOT / "distribution").glob("packs/**/*.yaml"))
        self.assertGreater(len(packs), 3)
        for pack in packs:
            uri, text = pack.as_uri(), pack.read_text(encoding="utf-8")
            published = await self.open(text, uri)
            self.assertEqual([item.message for item in published.diagnostics if item.severity == types.DiagnosticSeverity.Error], [], pack)
            symbols = await self.client.text_document_document_symbol_async(types.DocumentSymbolParams(text_document=here(uri)))
            self.assertEqual(len(symbols), json.loads(run_cli("check", "--json", pack).stdout)["rules"], pack)
        await self.end()


if __name__ == "__main__":
    unittest.main(verbosity=1)
