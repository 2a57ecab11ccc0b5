"""`betrace lsp` byte by byte: framing, JSON-RPC errors, the order of its life, limits. What editors see of it is in test_lsp_client.py."""
import json
import os
import pty
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402

INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}
SHUTDOWN = {"jsonrpc": "2.0", "id": 99, "method": "shutdown"}
EXIT = {"jsonrpc": "2.0", "method": "exit"}


def frame(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def messages(stream):
    while stream:
        header, _, rest = stream.partition(b"\r\n\r\n")
        length = int(header.removeprefix(b"Content-Length: "))
        yield json.loads(rest[:length])
        stream = rest[length:]


def talk(*sent, arguments=()):
    """Sends all at once; returns the exit status, what came back, and stderr."""
    stream = b"".join(part if isinstance(part, bytes) else frame(part) for part in sent)
    done = subprocess.run([binary(), "lsp", *arguments], input=stream, capture_output=True, timeout=120, env=sanitizer_environment(), check=False)
    return done.returncode, list(messages(done.stdout)), done.stderr.decode()


def request(number, method, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def opened(text, uri="file:///a.betrace.yaml"):
    return {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"uri": uri, "languageId": "", "version": 1, "text": text}}}


class LifeTest(unittest.TestCase):
    def test_shutdown_and_exit_is_status_0(self):
        for arguments in ((), ("--stdio",)):
            status, answers, said = talk(INITIALIZE, SHUTDOWN, EXIT, arguments=arguments)
            self.assertEqual((status, said), (0, ""))
            self.assertEqual([answer["id"] for answer in answers], [0, 99])
            self.assertIsNone(answers[1]["result"])

    def test_an_end_without_shutdown_is_status_1(self):
        self.assertEqual(talk(INITIALIZE, EXIT)[0], 1)
        self.assertEqual(talk(INITIALIZE)[0], 1)
        self.assertEqual(talk()[0], 1)
        self.assertEqual(talk(INITIALIZE, SHUTDOWN)[0], 0)  # stdin ended in place of exit

    def test_nothing_goes_before_initialize(self):
        _, answers, _ = talk(request(1, "textDocument/hover"), opened("x"), INITIALIZE, INITIALIZE, SHUTDOWN, request(2, "textDocument/hover"), EXIT)
        self.assertEqual([answer.get("error", {}).get("code") for answer in answers], [-32002, None, -32600, None, -32600])

    def test_it_says_what_it_can(self):
        _, answers, _ = talk(INITIALIZE, SHUTDOWN, EXIT)
        result = answers[0]["result"]
        self.assertEqual(result["capabilities"]["positionEncoding"], "utf-16")
        self.assertEqual(result["serverInfo"]["version"], json.loads(run_cli("version", "--json").stdout)["version"])

    def test_a_terminal_and_files_are_refused(self):
        done = run_cli("lsp", "rules.yaml")
        self.assertEqual((done.returncode, "it takes no files" in done.stderr), (2, True))
        ours, theirs = pty.openpty()
        done = subprocess.run([binary(), "lsp"], stdin=theirs, capture_output=True, text=True, timeout=60, check=False, env=sanitizer_environment())
        os.close(ours)
        os.close(theirs)
        self.assertEqual((done.returncode, "stdin is a terminal" in done.stderr), (2, True))


class WrongMessagesTest(unittest.TestCase):
    def error_of(self, message):
        """The error, after which the server answers on."""
        status, answers, _ = talk(INITIALIZE, frame(message), SHUTDOWN, EXIT)
        self.assertEqual((status, len(answers), answers[-1]["id"]), (0, 3, 99), answers)
        return answers[1]["id"], answers[1]["error"]["code"]

    def test_what_is_no_message(self):
        self.assertEqual(self.error_of(b"{"), (None, -32700))
        self.assertEqual(self.error_of(b"\xff"), (None, -32700))
        self.assertEqual(self.error_of(b'{"id": "\\ud800"}'), (None, -32700))
        self.assertEqual(self.error_of(b"[" * 5000), (None, -32700))
        self.assertEqual(self.error_of(b"7"), (None, -32600))
        self.assertEqual(self.error_of([SHUTDOWN]), (None, -32600))
        self.assertEqual(self.error_of({"id": 5, "method": "shutdown"}), (5, -32600))
        self.assertEqual(self.error_of({"jsonrpc": "2.0", "id": 5.5, "method": "shutdown"}), (None, -32600))
        self.assertEqual(self.error_of({"jsonrpc": "2.0", "id": "a", "method": 1}), ("a", -32600))
        self.assertEqual(self.error_of({"jsonrpc": "2.0", "id": "a", "method": "shutdown", "params": 1}), ("a", -32600))

    def test_unknown_methods(self):
        self.assertEqual(self.error_of(request(7, "textDocument/rename")), (7, -32601))
        self.assertEqual(self.error_of(request(7, "$/something")), (7, -32601))
        self.assertEqual(self.error_of(request(7, "initialized")), (7, -32601))

    def test_wrong_params(self):
        document = {"uri": "file:///nobody.yaml"}
        for params in ({}, {"textDocument": 1}, {"textDocument": document, "position": {"line": 0, "character": 0}}):
            self.assertEqual(self.error_of(request(7, "textDocument/hover", **params)), (7, -32602))
        for position in (None, {}, {"line": -1, "character": 0}, {"line": 1.5, "character": 0}, {"line": 0, "character": 1 << 60}):
            ask = request(7, "textDocument/hover", textDocument={"uri": "file:///a.betrace.yaml"}, position=position)
            _, answers, _ = talk(INITIALIZE, opened("rules: []"), ask, SHUTDOWN, EXIT)
            self.assertEqual([answer["error"]["code"] for answer in answers if answer.get("id") == 7], [-32602], position)

    def test_hover_of_a_clause_has_examples(self):
        text = "when { a } always { b }"
        for position, has_them in ((0, True), (12, True), (7, False)):
            ask = request(7, "textDocument/hover", textDocument={"uri": "file:///a.betrace"}, position={"line": 0, "character": position})
            _, answers, _ = talk(INITIALIZE, opened(text, "file:///a.betrace"), ask, SHUTDOWN, EXIT)
            told = json.dumps([answer["result"] for answer in answers if answer.get("id") == 7])
            self.assertEqual("This trace violates the rule:\\n" in told and "b  1ms + 1ms" in told, has_them, told)

    def test_notifications_have_no_answer(self):
        """Unknown ones, cancellations and answers to nothing are passed over; one with wrong params is in the log."""
        for message in ({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 0}}, {"jsonrpc": "2.0", "method": "what/ever"},
                        {"jsonrpc": "2.0", "id": 4, "result": None}):
            _, answers, _ = talk(INITIALIZE, message, SHUTDOWN, EXIT)
            self.assertEqual([answer["id"] for answer in answers], [0, 99], message)
        _, answers, _ = talk(INITIALIZE, {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {}}}, SHUTDOWN, EXIT)
        self.assertEqual(answers[1]["method"], "window/logMessage")

    def test_wrong_headers_end_it(self):
        """Nobody knows where the next message begins."""
        for header in (b"Content-Length: x\r\n\r\n", b"Hello\r\n\r\n", b"Content-Type: a\r\n\r\n", b"x" * 5000):
            status, answers, said = talk(INITIALIZE, header, SHUTDOWN, EXIT)
            self.assertEqual((status, answers[-1]["id"], answers[-1]["error"]["code"]), (1, None, -32600), header)
            self.assertIn("betrace lsp: ", said)

    def test_a_message_that_is_too_large_is_passed_over(self):
        size = 32 * 1024 * 1024 + 1
        status, answers, _ = talk(INITIALIZE, b"Content-Length: %d\r\n\r\n" % size + b" " * size, SHUTDOWN, EXIT)
        self.assertEqual((status, [answer["id"] for answer in answers]), (0, [0, None, 99]))
        self.assertIn("at most 33554432 bytes", answers[1]["error"]["message"])

    def test_documents_are_limited(self):
        many = [opened("rules: []", f"file:///{i}.betrace.yaml") for i in range(1001)]
        _, answers, _ = talk(INITIALIZE, *many, SHUTDOWN, EXIT)
        self.assertEqual([a["params"]["message"] for a in answers if a.get("method") == "window/logMessage"],
                         ["expected at most 1000 open documents, got one more: it is not checked"])
        _, answers, _ = talk(INITIALIZE, opened("#" * (10 * 1024 * 1024 + 1)), request(7, "textDocument/formatting", textDocument={"uri": "file:///a.betrace.yaml"}),
                             request(8, "textDocument/documentSymbol", textDocument={"uri": "file:///a.betrace.yaml"}), SHUTDOWN, EXIT)
        published = [a["params"] for a in answers if a.get("method") == "textDocument/publishDiagnostics"]
        self.assertIn("expected a text of at most 10 MiB", published[0]["diagnostics"][0]["message"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
