/* Any bytes as a rule's text, lexer and parser alone: both end, tokens are in the order of the text, and every place of
 * the tree is in the text. What the checker and the formatter make of it is fuzz_rule's, which is ten times slower. */
#include <stdint.h>
#include <stdlib.h>

#include "dsl/syntax/lexer.h"
#include "dsl/syntax/parser.h"

enum { ARENA_BYTES = 32 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(bt_range range, bt_str text) {
  if (range.start > range.end || range.end > text.len) abort();
}

static void check_tokens(const bt_tokens *tokens, bt_str text) {
  size_t before = 0;
  if (!tokens->count || tokens->items[tokens->count - 1].kind != BT_TOKEN_END) abort();
  for (size_t i = 0; i < tokens->count; i++) {
    check_range(tokens->items[i].range, text);
    if (tokens->items[i].range.start < before) abort();
    before = tokens->items[i].range.end;
  }
  for (size_t i = 0; i < tokens->comment_count; i++) check_range(tokens->comments[i].range, text);
}

static void check_node(const bt_ast *node, bt_str text);

static void check_part(const bt_ast_part *part, bt_str text) {
  check_range(part->range, text);
  if (part->kind == BT_PART_WHERE) check_node(part->predicate, text);
  if (part->kind == BT_PART_RELATION) {
    if (part->first.ref) check_node(part->first.ref, text);
    if (part->second.ref) check_node(part->second.ref, text);
  }
}

/* As deep as the parser lets a text nest. */
static void check_node(const bt_ast *node, bt_str text) {
  if (!node) abort();
  check_range(node->range, text);
  check_range(node->outer, text);
  for (uint32_t i = 0; i < node->item_count; i++) check_node(node->items[i], text);
  for (uint32_t i = 0; i < node->part_count; i++) check_part(&node->parts[i], text);
}

static void check_tree(const bt_ast_rule *tree, bt_str text) {
  for (uint32_t i = 0; i < tree->annotation_count; i++) check_range(tree->annotations[i].range, text);
  for (uint32_t i = 0; i < tree->clause_count; i++) {
    check_range(tree->clauses[i].range, text);
    check_node(tree->clauses[i].condition, text);
  }
  if (tree->condition) check_node(tree->condition, text);
}

static void parse(bt_str text, const bt_tokens *tokens, bt_arena *arena, bt_diagnostics *diagnostics) {
  static bt_ast_rule tree; /* too large for a frame that ASan watches */
  bt_error error = {0};
  tree = (bt_ast_rule){0};
  if (bt_parser_run(text, tokens, arena, diagnostics, &tree, &error) != BT_OK) abort();
  if (!tree.is_incomplete) check_tree(&tree, text);
  if (tree.is_incomplete && !diagnostics->error_count) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str text = {(const char *)data, size};
  bt_arena arena;
  bt_diagnostics diagnostics;
  bt_tokens tokens = {0};
  bt_error error = {0};
  bt_arena_init(&arena, ARENA_BYTES);
  bt_diagnostics_init(&diagnostics);
  if (bt_lexer_run(text, &arena, &diagnostics, &tokens, &error) != BT_OK) abort();
  check_tokens(&tokens, text);
  parse(text, &tokens, &arena, &diagnostics);
  bt_tokens_dispose(&tokens);
  bt_diagnostics_dispose(&diagnostics);
  bt_arena_dispose(&arena);
  return 0;
}
