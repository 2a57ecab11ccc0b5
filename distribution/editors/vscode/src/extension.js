// Starts `betrace lsp` and gives VS Code what it says. Ends it with the window.
"use strict";
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { serverCommand, documentSelector } = require("./server");

let client;

async function activate() {
  const path = vscode.workspace.getConfiguration("betrace").get("path", "betrace");
  client = new LanguageClient("betrace", "BeTrace", serverCommand(path), { documentSelector });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    vscode.window.showErrorMessage(`BeTrace: "${path} lsp" cannot be started (${error.message}). Install betrace, or set betrace.path.`);
  }
}

async function deactivate() {
  await client?.stop();
}

module.exports = { activate, deactivate };
