/* Names and paths of the tree. See ast.h. */
#include "dsl/syntax/ast.h"

#include <string.h>

#include "dsl/syntax/lexer.h"

bt_str bt_path_head(bt_str path) {
  const char *dot = path.len ? memchr(path.ptr, '.', path.len) : NULL;
  return dot ? (bt_str){path.ptr, (size_t)(dot - path.ptr)} : path;
}

bt_str bt_path_rest(bt_str path) {
  size_t head = bt_path_head(path).len;
  return head == path.len ? (bt_str){path.ptr + path.len, 0} : (bt_str){path.ptr + head + 1, path.len - head - 1};
}

bt_str bt_path_last(bt_str path) {
  const char *dot = path.len ? memrchr(path.ptr, '.', path.len) : NULL;
  return dot ? (bt_str){dot + 1, path.len - (size_t)(dot + 1 - path.ptr)} : path;
}

bt_str bt_path_front(bt_str path) {
  size_t last = bt_path_last(path).len;
  return last == path.len ? (bt_str){path.ptr, 0} : (bt_str){path.ptr, path.len - last - 1};
}

bool bt_path_is_valid(bt_str text) {
  bool at_start = true;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
    if (at_start ? !bt_is_identifier_start(c) : !bt_is_identifier_part(c)) {
      bool joins = !at_start && (c == '.' || (c == '-' && bt_is_identifier_part(next)));
      if (!joins) return false;
    }
    at_start = c == '.';
  }
  return !at_start;
}

bool bt_ast_is_literal(const bt_ast *node) {
  return node->kind == BT_AST_INTEGER || node->kind == BT_AST_DECIMAL || node->kind == BT_AST_DURATION ||
         node->kind == BT_AST_BOOLEAN;
}

bool bt_ast_is_arithmetic(const bt_ast *node) {
  return node->kind == BT_AST_ADD || node->kind == BT_AST_SUBTRACT || node->kind == BT_AST_MULTIPLY ||
         node->kind == BT_AST_DIVIDE || node->kind == BT_AST_NEGATE;
}

const char *bt_operator_name(bt_comparison_operator op) {
  switch (op) {
  case BT_EQUAL: return "==";
  case BT_NOT_EQUAL: return "!=";
  case BT_LESS: return "<";
  case BT_LESS_EQUAL: return "<=";
  case BT_GREATER: return ">";
  case BT_GREATER_EQUAL: return ">=";
  case BT_CONTAINS: return "contains";
  case BT_STARTS_WITH: return "starts_with";
  case BT_ENDS_WITH: return "ends_with";
  case BT_MATCHES: return "matches";
  case BT_MATCHES_WHOLE: return "=~";
  case BT_NOT_MATCHES_WHOLE: return "!~";
  case BT_IN: return "in";
  case BT_NOT_IN: return "not in";
  }
  return "";
}

const char *bt_clause_name(bt_clause_kind kind) {
  switch (kind) {
  case BT_CLAUSE_WHEN: return "when";
  case BT_CLAUSE_ALWAYS: return "always";
  case BT_CLAUSE_NEVER: return "never";
  }
  return "";
}
