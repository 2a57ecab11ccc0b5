#!/bin/sh
# Writes the parser anew from grammar.js, holds it to test/corpus, and notes what it was made of (src/made-of.txt), so that
# tests/editors/test_grammar.py sees a parser that is out of date without this tool. Needs tree-sitter 0.25.10 and Node:
#   cargo install tree-sitter-cli --version 0.25.10 --locked --no-default-features
set -eu
cd "$(dirname "$0")"
tree-sitter generate
tree-sitter test
{ tree-sitter --version; sha256sum grammar.js src/parser.c; } > src/made-of.txt
