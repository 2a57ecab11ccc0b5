// The TextMate grammars as VS Code reads them: with its own library and its regular expressions. YAML's own grammar is part of VS Code and not of a
// package, so an empty one stands for it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { createOnigScanner, createOnigString, loadWASM } = require("vscode-oniguruma");
const textmate = require("vscode-textmate");
const here = new URL("..", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", here), "utf8"));
const grammars = Object.fromEntries(manifest.contributes.grammars.map(({ scopeName, path }) => [scopeName, path]));

await loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
const registry = new textmate.Registry({
  onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
  getInjections: (scope) => manifest.contributes.grammars.filter(({ injectTo }) => injectTo?.includes(scope)).map(({ scopeName }) => scopeName),
  loadGrammar: async (scope) => (scope === "source.yaml" ? { scopeName: scope, patterns: [], repository: {} }
    : textmate.parseRawGrammar(readFileSync(new URL(grammars[scope], here), "utf8"), grammars[scope])),
});

/** [text, innermost scope] of each token that has a scope of its own. */
async function tokens(scope, text) {
  const grammar = await registry.loadGrammar(scope);
  let state = textmate.INITIAL;
  const found = [];
  for (const line of text.split("\n")) {
    const read = grammar.tokenizeLine(line, state);
    state = read.ruleStack;
    for (const { startIndex, endIndex, scopes } of read.tokens) {
      if (scopes.length > 1 && line.slice(startIndex, endIndex).trim()) found.push([line.slice(startIndex, endIndex), scopes.at(-1), scopes]);
    }
  }
  return found;
}

const scopeOf = (found, text) => found.find(([token]) => token === text)?.[1];

test("a rule", async () => {
  const found = await tokens("source.betrace", 'when { db.query.where(span.duration >= 1.5s) as c } always { count("é") not in [1] } // end');
  assert.equal(scopeOf(found, "when"), "keyword.control.clause.betrace");
  assert.equal(scopeOf(found, "where"), "keyword.other.filter.betrace");
  assert.equal(scopeOf(found, "span.duration"), "variable.language.betrace");
  assert.equal(scopeOf(found, ">="), "keyword.operator.betrace");
  assert.equal(scopeOf(found, "1.5s"), "constant.numeric.duration.betrace");
  assert.equal(scopeOf(found, "count"), "support.function.betrace");
  assert.equal(scopeOf(found, '"é"'), "string.quoted.double.betrace");
  assert.equal(scopeOf(found, "not"), "keyword.operator.word.betrace");
  assert.equal(scopeOf(found, "// end"), "comment.line.betrace");
});

test("names that look like words", async () => {
  const found = await tokens("source.betrace", "and-then and count and x.where.before and never");
  assert.equal(scopeOf(found, "and-then"), "variable.other.betrace");
  assert.equal(scopeOf(found, "count"), "variable.other.betrace");
  assert.equal(scopeOf(found, "never"), "variable.other.betrace");
});

test("the block of a rule file, and where it ends", async () => {
  const yaml = ["rules:", "- id: a", "  dsl: |", "    when { a }", "", "    always { b }", "  severity: when {", "- dsl: |  # x", "    never { c }", "  id: never {", "always {"];
  const inside = (await tokens("source.yaml", yaml.join("\n"))).filter(([, , scopes]) => scopes.includes("meta.embedded.block.betrace"));
  assert.deepEqual(inside.filter(([, scope]) => scope === "keyword.control.clause.betrace").map(([text]) => text), ["when", "always", "never"]);
});

test("every function and relation of the language has its colour", async () => {
  const grammar = JSON.stringify(JSON.parse(readFileSync(new URL("../tree-sitter-betrace/src/grammar.json", here), "utf8")).externals);
  const words = [...grammar.matchAll(/"_(or|and|not|as|in|of|before|after|within|between|under|above|child|parent|sibling|contains|starts_with|ends_with|matches)"/g)].map(([, word]) => word);
  assert.ok(words.length > 15);
  for (const word of words) assert.equal(scopeOf(await tokens("source.betrace", `a ${word} b`), word), "keyword.operator.word.betrace", word);
});
