"""The Model Context Protocol at POST /mcp, as the official Python SDK sees it, and clients that should not exist. The tokens and tenants of the API hold
for each tool. Who hangs up frees what was held for him. A lane that is full refuses with what to do."""
import asyncio
import base64
import json
import os
import socket
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
from betrace_process import Betrace  # noqa: E402
from python_packages import run_again_with  # noqa: E402
from slow_tempo import SlowTempo  # noqa: E402

if __name__ == "__main__":
    run_again_with(os.path.join(HERE, "..", "mcp", "requirements.txt"))
import jsonschema  # noqa: E402
from mcp import Client, ClientSession  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402
from test_access import bearer, make_token  # noqa: E402
from test_mcp import INITIALIZE, META, MODERN, ORDER, PACKS, SLOW_REPLAY, TOOLS, check_schema, modern, otlp  # noqa: E402

RULE = {"id": "charged-and-audited", "dsl": 'when { trace.has(span.name = "charge") } always { trace.has(span.name = "audit") }'}
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


def calling(name, arguments, progress=None):
    meta = {} if progress is None else {"_meta": {"progressToken": progress}}
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": name, "arguments": arguments, **meta}}


def messages_of(answer):
    """The messages of an answer, be it JSON or a stream of events."""
    if answer.headers.get("content-type") == "application/json":
        return [answer.json()]
    assert answer.headers["content-type"] == "text/event-stream", answer
    return [json.loads(line[6:]) for line in answer.body.decode().split("\n") if line.startswith("data: ")]


def ask(service, message, headers=None):
    """The last message of the answer; each has the form that the SDK has for it."""
    answer = service.post("/mcp", message, headers={**JSON, **(headers or {})})
    assert answer.status == 200, answer
    came = messages_of(answer)
    check_schema([{"id": INITIALIZE["id"], "jsonrpc": "2.0", "result": {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}},
                  *came], [INITIALIZE, message])
    return came[-1]


def of(service, name, arguments, headers=None):
    return ask(service, calling(name, arguments), headers)["result"]["structuredContent"]


def running(service, lane="assistant"):
    text = service.get("/metrics").body.decode()
    return next(int(float(line.split()[-1])) for line in text.split("\n") if line.startswith(f'betrace_lane_running{{lane="{lane}"}}'))


def wait_until(holds, what):
    give_up = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def open_call(service, message):
    """A connection on which the call was sent; nothing is read yet."""
    body = json.dumps(message).encode()
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=60)
    head = "".join(f"{name}: {value}\r\n" for name, value in {**JSON, "Host": "127.0.0.1", "Content-Length": len(body)}.items())
    connection.sendall(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)
    return connection


class McpHttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.traces = os.path.join(cls.folder.name, "traces.jsonl")
        at_ns = time.time_ns() - 1800 * 10**9
        with open(cls.traces, "w", encoding="utf-8") as file:
            file.write(otlp("a" * 32, [ORDER, "charge"], at_ns) + "\n" + otlp("b" * 32, ["order", "charge", "audit"], at_ns) + "\n")
        cls.service = cls.enterClassContext(Betrace("--traces", cls.traces))
        assert cls.service.post("/v1/rules", RULE).status == 201

    def test_official_client_lists_and_calls_each_tool(self):
        asyncio.run(self.use_official_client())

    async def use_official_client(self):
        given = {"check_rule": {"dsl": "always { a }"}, "write_rule_file": {"id": "x", "dsl": "always { a }"}, "list_rules": {}, "violations": {},
                 "trace_verdicts": {"trace_id": "a" * 32}, "suggest_rules": {"min_traces": 1}, "what_changed": {"around": "now-1h"}, "what_is_broken": {}}
        async with (streamable_http_client(f"http://127.0.0.1:{self.service.port}/mcp") as streams, ClientSession(streams[0], streams[1]) as client):
            await client.initialize()
            listed = (await client.list_tools()).model_dump(mode="json", by_alias=True)["tools"]
            self.assertEqual({tool["name"] for tool in listed}, TOOLS)
            for tool in listed:
                answer = await client.call_tool(tool["name"], given.get(tool["name"], {"rule_id": RULE["id"]}))
                answer = answer.model_dump(mode="json", by_alias=True)
                self.assertFalse(answer["isError"], answer)
                jsonschema.validate(answer["structuredContent"], tool["outputSchema"])
                self.assertEqual(answer["content"][0]["text"], answer["structuredContent"]["means"])
            self.assertIn(RULE["id"], (await client.read_resource("betrace://rules")).contents[0].text)
            for name, text in PACKS.items():
                self.assertEqual((await client.read_resource(f"betrace://packs/{name}")).contents[0].text, text)
            self.assertEqual(len((await client.list_prompts()).prompts), 2)

    def test_long_replay_says_how_far_it_is(self):
        asyncio.run(self.watch_progress())

    async def watch_progress(self):
        told = []
        with SlowTempo(3, 2) as tempo, Betrace("--tempo", tempo.url) as service:
            async def note_progress(done, total, message):
                told.append((done, total, message))
                tempo.released.set()  # without a word of progress it does not end

            async with (streamable_http_client(f"http://127.0.0.1:{service.port}/mcp") as streams, ClientSession(streams[0], streams[1]) as client):
                await client.initialize()
                try:
                    answer = await client.call_tool("replay", SLOW_REPLAY, read_timeout_seconds=60, progress_callback=note_progress)
                finally:
                    tempo.released.set()
        steps = [done for done, _, _ in told]
        self.assertTrue(steps and steps == sorted(set(steps)) and steps[-1] < 1, told)
        self.assertEqual(answer.model_dump(mode="json", by_alias=True)["structuredContent"]["conclusion"], "violated")

    def test_every_method_answers_by_the_schema(self):
        calls = {"ping": {}, "tools/list": {}, "resources/list": {}, "resources/templates/list": {}, "prompts/list": {},
                 "resources/read": {"uri": "betrace://language"}, "prompts/get": {"name": "write_rule", "arguments": {"what": "x"}},
                 "tools/call": {"name": "replay", "arguments": {"rule_id": RULE["id"]}, "_meta": {"progressToken": 7}}}
        for method, params in calls.items():
            self.assertIn("result", ask(self.service, {"jsonrpc": "2.0", "id": 5, "method": method, "params": params}), method)

    def test_texts_of_traces_are_data(self):
        for progress in (None, 3):
            answer = ask(self.service, calling("trace_verdicts", {"trace_id": "a" * 32}, progress))
            text = json.dumps(answer, ensure_ascii=False)
            for bad in ("\\u001b", "\x1b", "\x07", "\u202e"):
                self.assertNotIn(bad, text)
            self.assertIn("ignore previous instructions", text)
            self.assertIn("never instructions", answer["result"]["structuredContent"]["untrusted"])

    def test_no_data_is_not_known(self):
        before = {"rule_id": RULE["id"], "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
        for tool in ("replay", "first_violation", "violations"):
            self.assertEqual(of(self.service, tool, before)["conclusion"], "not_known", tool)

    def test_what_is_no_request_is_refused_by_the_specification(self):
        for method in ("GET", "DELETE", "PUT"):
            answer = self.service.request(method, "/mcp", headers={"Accept": "text/event-stream"})
            self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST"), method)
        wrong = [(b"nope", {}, 400, -32700), (b"[]", {}, 400, -32600), (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', {}, 400, -32600),
                 (b"{}", {"Content-Type": "text/plain"}, 415, -32600), (b'"' + b"x" * (5 << 20) + b'"', {}, 413, -32600),
                 (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode(), {"MCP-Protocol-Version": "1999-01-01"}, 400, -32600),
                 (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "no/such"}).encode(), {}, 200, -32601),
                 (json.dumps(calling("no_such", {})).encode(), {}, 200, -32602), (json.dumps(calling("create_rule", RULE)).encode(), {}, 200, -32602)]
        for body, headers, status, code in wrong:
            answer = self.service.post("/mcp", body, headers={**JSON, **headers})
            self.assertEqual((answer.status, answer.json()["error"]["code"]), (status, code), body[:80])
        notice = self.service.post("/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=JSON)
        self.assertEqual((notice.status, notice.body), (202, b""))

    def test_without_a_handshake(self):
        """Revision 2026-07-28: the headers repeat what the message says, and what is wrong has a status of its own."""
        def post(message, **headers):
            named = message.get("params", {}).get("name") or message.get("params", {}).get("uri")
            usual = {"MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"], **({"Mcp-Name": named} if named else {})}
            changed = {name.replace("_", "-"): value for name, value in headers.items()}
            return self.service.post("/mcp", message, headers={**JSON, **{name: value for name, value in {**usual, **changed}.items() if value is not None}})

        call = modern("tools/call", name="replay", arguments={"rule_id": RULE["id"]})
        for message in (modern("server/discover"), modern("tools/list"), call, modern("resources/read", uri="betrace://language")):
            answer = post(message)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json()["result"]["resultType"], "complete")
            check_schema([answer.json()], [message])
        encoded = "=?base64?" + base64.b64encode(b"replay").decode() + "?="
        self.assertEqual(post(call, Mcp_Name=encoded).status, 200)
        odd = modern("tools/call", name="r\u00e9p", arguments={})
        self.assertEqual(post(odd, Mcp_Name="=?base64?" + base64.b64encode("r\u00e9p".encode()).decode() + "?=").json()["error"]["code"], -32602)
        mismatches = [{"Mcp_Method": "tools/list"}, {"Mcp_Method": None}, {"Mcp_Name": None}, {"Mcp_Name": "violations"}, {"Mcp_Name": "=?base64?!!!?="},
                      {"Mcp_Name": "=?base64??="}, {"MCP_Protocol_Version": None}, {"MCP_Protocol_Version": "2025-11-25"}]
        for headers in mismatches:
            answer = post(call, **headers)
            self.assertEqual((answer.status, answer.json()["error"]["code"], answer.json()["id"]), (400, -32020, 1), headers)
        other = {**modern("tools/list"), "params": {"_meta": {**META, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}}}
        bare = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for message, version, status, code in ((other, "2031-01-01", 400, -32022), (bare, MODERN, 400, -32602), (modern("ping"), MODERN, 404, -32601),
                                               (modern("subscriptions/listen"), MODERN, 404, -32601)):
            answer = post(message, MCP_Protocol_Version=version)
            self.assertEqual((answer.status, answer.json()["error"]["code"]), (status, code), message)

    def test_one_version_has_batches(self):
        ping, notice = {"jsonrpc": "2.0", "id": 7, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/initialized"}
        first = {"jsonrpc": "2.0", "id": 9, "method": "initialize", "params": {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {}}}
        for headers in ({"MCP-Protocol-Version": "2025-03-26"}, {"MCP-Protocol-Version": ""}):
            answer = self.service.post("/mcp", [ping, notice, calling("replay", {"rule_id": RULE["id"]}), first, 5], headers={**JSON, **headers})
            self.assertEqual(answer.status, 200, answer)
            by_id = {one["id"]: one for one in answer.json()}
            self.assertEqual((len(answer.json()), by_id[7]["result"], by_id[9]["error"]["code"], by_id[None]["error"]["code"]), (4, {}, -32600, -32600))
            self.assertEqual(by_id[2]["result"]["structuredContent"]["conclusion"], "violated")
            self.assertEqual(self.service.post("/mcp", [notice], headers={**JSON, **headers}).status, 202)
            self.assertEqual(self.service.post("/mcp", [ping] * 33, headers={**JSON, **headers}).status, 400)
        for version in ("2025-06-18", "2025-11-25", MODERN):
            self.assertEqual(self.service.post("/mcp", [ping], headers={**JSON, "MCP-Protocol-Version": version}).status, 400, version)

    def test_official_client_chooses_the_newest_version(self):
        asyncio.run(self.choose_version())

    async def choose_version(self):
        for mode, version in (("auto", MODERN), ("legacy", "2025-11-25")):
            async with Client(f"http://127.0.0.1:{self.service.port}/mcp", mode=mode) as client:
                self.assertEqual(client.protocol_version, version)
                self.assertEqual({tool.name for tool in (await client.list_tools()).tools}, TOOLS)
                answer = await client.call_tool("replay", {"rule_id": RULE["id"]})
                self.assertEqual(answer.structured_content["conclusion"], "violated")

    def test_what_no_handler_sees_is_refused_as_json_rpc_too(self):
        """A client reads nothing else: the problem document is the error's data."""
        for path, body, headers, status, kind in (("/mcp", b'"' + b"x" * (11 << 20) + b'"', {}, 413, "too-large"),
                                                  ("/mcp?nosuch=1", b"{}", {}, 400, "unknown-parameter"),
                                                  ("/mcp", b"{}", {"Betrace-Timeout": "soon"}, 400, "invalid-header"),
                                                  ("/mcp", b"{}", {"Host": "evil.example"}, 421, None)):
            answer = self.service.post(path, body, headers={**JSON, **headers})
            self.assertEqual((answer.status, answer.headers["content-type"]), (status, "application/json"), answer)
            error = answer.json()["error"]
            self.assertEqual((answer.json()["jsonrpc"], answer.json()["id"], error["code"]), ("2.0", None, -32600))
            self.assertEqual((error["data"]["status"], error["data"]["detail"]), (status, error["message"]))
            if kind:
                self.assertEqual(error["data"]["type"], f"urn:betrace:problem:{kind}")
        self.assertEqual(self.service.get("/v1/rules?nosuch=1").headers["content-type"], "application/problem+json")

    def test_pages_of_others_are_kept_out(self):
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        self.assertEqual(self.service.post("/mcp", message, headers={**JSON, "Origin": "https://evil.example"}).status, 403)
        self.assertEqual(self.service.post("/mcp", message, headers={**JSON, "Host": "evil.example"}).status, 421)


class McpAccessTest(unittest.TestCase):
    def test_tokens_and_tenants_hold_for_tools(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens, log = os.path.join(folder, "tokens"), os.path.join(folder, "audit.log")
            one = make_token(tokens, "one", "--role", "editor", "--tenants", "one")
            two = make_token(tokens, "two", "--role", "editor", "--tenants", "two")
            viewer = make_token(tokens, "looker", "--role", "viewer", "--tenants", "one")
            for flags in ([], ["--mcp-writes"]):
                with self.subTest(flags=flags), Betrace("--memory-source", "--tokens", tokens, "--audit-log", log, *flags) as service:
                    self.check_access(service, bearer(one), bearer(two), bearer(viewer), bool(flags))
            with open(log, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
        made = [line for line in lines if line["path"] == "/v1/rules" and line.get("status") == 201]
        self.assertEqual([(line["user"], line["tenant"]) for line in made], [("one", "one")])
        self.assertTrue(all(line["from"].startswith("127.0.0.1:") for line in made), made)

    def check_access(self, service, one, two, viewer, has_flag):
        self.assertEqual(service.post("/mcp", calling("list_rules", {}), headers=JSON).status, 401)
        create = calling("create_rule", RULE)
        if not has_flag:
            self.assertEqual(ask(service, create, one)["error"]["code"], -32602)
            return
        self.assertEqual(ask(service, create, viewer)["error"]["code"], -32602)
        names = {who: {tool["name"] for tool in ask(service, {"jsonrpc": "2.0", "id": 3, "method": "tools/list"}, headers)["result"]["tools"]}
                 for who, headers in (("viewer", viewer), ("one", one))}
        self.assertEqual(names, {"viewer": TOOLS, "one": TOOLS | {"create_rule"}})
        self.assertFalse(ask(service, create, one)["result"]["isError"])
        self.assertIn(RULE["id"], json.dumps(of(service, "list_rules", {}, viewer)))
        self.assertNotIn(RULE["id"], json.dumps(of(service, "list_rules", {}, two)))
        for headers, why in ((two, "404"), (viewer, "403")):  # a replay needs an editor, over HTTP too
            answer = ask(service, calling("replay", {"rule_id": RULE["id"]}, 1), headers)["result"]
            self.assertTrue(answer["isError"], why)
            self.assertEqual(answer["structuredContent"]["conclusion"], "not_known")


    def test_a_token_that_is_taken_back_ends_what_goes_on(self):
        """A call asks the service in the name of its sender at each step: from the reload on it may not."""
        with tempfile.TemporaryDirectory() as folder, SlowTempo(3, 2) as tempo:
            tokens = os.path.join(folder, "tokens")
            old = make_token(tokens, "old", "--role", "editor")
            with Betrace("--tempo", tempo.url, "--tokens", tokens) as service:
                answers = []
                thread = threading.Thread(target=lambda: answers.append(service.post("/mcp", calling("replay", SLOW_REPLAY), headers={**JSON, **bearer(old)})))
                thread.start()
                try:
                    wait_until(lambda: tempo.held, "a search is held")
                    os.unlink(tokens)
                    make_token(tokens, "fresh", "--role", "editor")
                    service.reload("reloaded")
                    thread.join(60)
                    self.assertTrue(answers, "it ends though the Tempo has not answered")
                finally:
                    tempo.released.set()
                    thread.join()
                self.assertEqual(service.post("/mcp", calling("list_rules", {}), headers={**JSON, **bearer(old)}).status, 401)
        result = answers[0].json()["result"]
        self.assertTrue(result["isError"])
        self.assertEqual(result["structuredContent"]["conclusion"], "not_known")


class McpEndTest(unittest.TestCase):
    def test_a_call_ends_when_its_time_is_over(self):
        with SlowTempo(3, 2) as tempo, Betrace("--tempo", tempo.url, "--call-timeout", "2s") as service:
            try:
                answer = service.post("/mcp", calling("replay", SLOW_REPLAY), headers=JSON)
                told = answer.json()
                self.assertTrue("error" in told or told["result"]["structuredContent"]["conclusion"] == "not_known", told)
                self.assertNotIn('"none"', answer.body.decode())
                wait_until(lambda: all(one["status"] == "cancelled" for one in service.get("/v1/replays").json()["replays"]), "nobody waits for it any more")
            finally:
                tempo.released.set()

    def test_who_hangs_up_frees_what_was_held(self):
        with SlowTempo(3, 2) as tempo, Betrace("--tempo", tempo.url) as service:
            try:
                for progress in (None, 1):
                    before = tempo.held
                    connection = open_call(service, calling("replay", SLOW_REPLAY, progress))
                    wait_until(lambda: tempo.held > before, "a search is held")  # pylint: disable=cell-var-from-loop
                    self.assertEqual(running(service), 1)
                    connection.close()
                    wait_until(lambda: not running(service), "the thread is free, though the Tempo has not answered")
                    wait_until(lambda: all(one["status"] == "cancelled" for one in service.get("/v1/replays").json()["replays"]), "the replay was cancelled")
            finally:
                tempo.released.set()

    def test_service_stops_while_a_call_goes_on(self):
        with SlowTempo(3, 2) as tempo:
            with Betrace("--tempo", tempo.url) as service:
                connections = [open_call(service, calling("replay", SLOW_REPLAY, progress)) for progress in (None, 1)]
                wait_until(lambda: running(service) == 2, "both go on")
            for connection in connections:
                connection.close()
            tempo.released.set()

    def test_full_lane_refuses_with_what_to_do(self):
        with SlowTempo(3, 2) as tempo, Betrace("--tempo", tempo.url, "--lane-places", "assistant=1") as service:
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(service.post("/mcp", calling("replay", SLOW_REPLAY), headers=JSON))) for _ in range(20)]
            try:
                for thread in threads:
                    thread.start()
                wait_until(lambda: answers, "some are refused at once")
                self.assertEqual(service.get("/v1/rules").status, 200)
            finally:
                tempo.released.set()
                for thread in threads:
                    thread.join()
        refused = [answer for answer in answers if answer.status == 503]
        self.assertTrue(refused and all("retry-after" in answer.headers and "try again" in answer.json()["error"]["message"] for answer in refused), answers)
        self.assertEqual({answer.json()["result"]["structuredContent"]["conclusion"] for answer in answers if answer.status == 200}, {"violated"})


if __name__ == "__main__":
    unittest.main()
