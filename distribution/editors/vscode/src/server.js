// What is started, and for which documents. Apart from extension.js, so that tests use it without VS Code.
"use strict";

/** @param {string} path the setting betrace.path */
function serverCommand(path) {
  return { command: path.trim() || "betrace", args: ["lsp", "--stdio"] };
}

// The server looks at YAML and JSON only where they are rule files.
const documentSelector = ["betrace", "yaml", "json"].flatMap((language) => ["file", "untitled"].map((scheme) => ({ scheme, language })));

module.exports = { serverCommand, documentSelector };
