// What the extension starts, talked to by the library that VS Code's client stands on. $BETRACE_BIN names the program. VS Code itself is not here.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const protocol = require("vscode-languageserver-protocol/node");
const { serverCommand, documentSelector } = require("../src/server.js");

const URI = "file:///shop.betrace.yaml";
const RULES = 'rules:\n- id: a\n  dsl: |\n    when { "é😀".where(span.duraton > 1s) } always { retry }\n';

async function start() {
  const { command, args } = serverCommand(process.env.BETRACE_BIN);
  const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const connection = protocol.createProtocolConnection(new protocol.StreamMessageReader(server.stdout), new protocol.StreamMessageWriter(server.stdin));
  connection.listen();
  const textDocument = { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix"] } } } };
  const answer = await connection.sendRequest(protocol.InitializeRequest.type, { processId: process.pid, rootUri: null, capabilities: { textDocument } });
  await connection.sendNotification(protocol.InitializedNotification.type, {});
  return { server, connection, answer };
}

async function end({ server, connection }) {
  await connection.sendRequest(protocol.ShutdownRequest.type);
  const ended = once(server, "exit");
  await connection.sendNotification(protocol.ExitNotification.type);
  assert.deepEqual(await ended, [0, null]);
  connection.dispose();
}

test("problems, completion and a fix for a rule file", async () => {
  const session = await start();
  const { connection } = session;
  assert.equal(session.answer.serverInfo.name, "betrace");
  const published = new Promise((resolve) => connection.onNotification(protocol.PublishDiagnosticsNotification.type, resolve));
  await connection.sendNotification(protocol.DidOpenTextDocumentNotification.type, { textDocument: { uri: URI, languageId: "yaml", version: 1, text: RULES } });
  const { diagnostics } = await published;
  assert.deepEqual(diagnostics[0].range, { start: { line: 3, character: 23 }, end: { line: 3, character: 35 } });
  const textDocument = { uri: URI };
  const found = await connection.sendRequest(protocol.CompletionRequest.type, { textDocument, position: { line: 3, character: 28 } });
  assert.ok(found.items.some(({ label }) => label === "span.duration"));
  const actions = await connection.sendRequest(protocol.CodeActionRequest.type, { textDocument, range: diagnostics[0].range, context: { diagnostics } });
  assert.ok(Array.isArray(actions));
  await assert.rejects(connection.sendRequest("textDocument/rename", {}), { code: -32601 });
  await end(session);
});

test("the program's name", () => {
  assert.deepEqual(serverCommand("  "), { command: "betrace", args: ["lsp", "--stdio"] });
  assert.equal(serverCommand("/opt/betrace").command, "/opt/betrace");
  assert.deepEqual([...new Set(documentSelector.map(({ language }) => language))], ["betrace", "yaml", "json"]);
});
