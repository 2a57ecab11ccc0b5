/* Layout of a whole rule, with or without its comments and annotations. See format.h. */
#include "dsl/syntax/format.h"

#include <string.h>

typedef struct printer {
  bt_buffer *out;
  bt_str text;
  const bt_comment *comments; /* those not yet printed */
  size_t comment_count;
  bool opens; /* calls and filters of long items */
} printer;

/* Bytes from the last line break on. */
static size_t line_length(const bt_buffer *out) {
  size_t length = 0;
  while (length < out->len && out->ptr[out->len - 1 - length] != '\n') length++;
  return length;
}

static void print_comment(printer *p) {
  bt_str comment = {p->text.ptr + p->comments->range.start, p->comments->range.end - p->comments->range.start};
  while (comment.len && (comment.ptr[comment.len - 1] == '\r' || comment.ptr[comment.len - 1] == ' ' ||
                         comment.ptr[comment.len - 1] == '\t'))
    comment.len--;
  bt_buffer_append(p->out, comment);
  p->comments++;
  p->comment_count--;
}

/* Comments that begin before `end`, each on a line of its own. */
static void print_comments_before(printer *p, uint32_t end, const char *indent) {
  while (p->comment_count && p->comments->range.start < end) {
    if (line_length(p->out)) bt_buffer_append_char(p->out, '\n');
    bt_buffer_append(p->out, bt_str_from(indent));
    print_comment(p);
    bt_buffer_append_char(p->out, '\n');
  }
}

/* The comment behind an item on its line, if the next thing begins at `next`. */
static void print_trailing_comment(printer *p, uint32_t next) {
  if (!p->comment_count || p->comments->range.start >= next || !p->comments->trails) return;
  bt_buffer_append_char(p->out, ' ');
  print_comment(p);
}

static bool has_comment_in(const printer *p, uint32_t start, uint32_t end) {
  for (size_t i = 0; i < p->comment_count; i++)
    if (p->comments[i].range.start >= start && p->comments[i].range.start < end) return true;
  return false;
}

/* One item of a broken condition; parentheses as bt_format_condition would put them. */
static void print_item(printer *p, const bt_ast *item, const char *word, const char *indent) {
  if (p->opens) {
    bt_buffer_printf(p->out, "%s%s", indent, word);
    bt_format_wide(item, (unsigned)strlen(indent), p->out);
    return;
  }
  bool wrap = item->kind == BT_AST_AND || item->kind == BT_AST_OR;
  bt_buffer_printf(p->out, "%s%s%s", indent, word, wrap ? "(" : "");
  bt_format_condition(item, p->out);
  if (wrap) bt_buffer_append_char(p->out, ')');
}

/* A condition over several lines, one item of its outermost and/or each. `end` is where it ends, with what closes it.
 */
static void print_broken(printer *p, const bt_ast *node, const char *indent, uint32_t end) {
  bool joined = node->kind == BT_AST_AND || node->kind == BT_AST_OR;
  uint32_t count = joined ? node->item_count : 1;
  for (uint32_t i = 0; i < count; i++) {
    const bt_ast *item = joined ? node->items[i] : node;
    print_comments_before(p, item->outer.end, indent);
    if (line_length(p->out)) bt_buffer_append_char(p->out, '\n');
    print_item(p, item, !i ? "" : node->kind == BT_AST_AND ? "and " : "or ", indent);
    print_trailing_comment(p, i + 1 < count ? node->items[i + 1]->outer.start : end);
  }
  print_comments_before(p, end, indent);
}

/* A condition between two pieces of text on one line. False, and nothing printed, when it has to be broken: it is long
 * and can be. */
static bool print_on_line(printer *p, const char *before, const bt_ast *condition, const char *after) {
  size_t start = p->out->len;
  bt_buffer_append(p->out, bt_str_from(before));
  bt_format_condition(condition, p->out);
  bt_buffer_append(p->out, bt_str_from(after));
  bool can_break =
      condition->kind == BT_AST_AND || condition->kind == BT_AST_OR || (p->opens && bt_format_can_open(condition));
  if (!can_break || p->out->failed || line_length(p->out) <= BT_FORMAT_COLUMNS) return true;
  p->out->len = start;
  p->out->ptr[start] = '\0';
  return false;
}

static void print_clause(printer *p, const bt_ast_clause *clause, uint32_t next) {
  print_comments_before(p, clause->range.start, "");
  if (line_length(p->out)) bt_buffer_append_char(p->out, '\n');
  bt_buffer_printf(p->out, "%s {", bt_clause_name(clause->kind));
  bool commented = has_comment_in(p, clause->range.start, clause->range.end);
  if (commented || !print_on_line(p, " ", clause->condition, " }")) {
    bt_buffer_append_char(p->out, '\n');
    print_broken(p, clause->condition, "  ", clause->range.end);
    if (line_length(p->out)) bt_buffer_append_char(p->out, '\n');
    bt_buffer_append_char(p->out, '}');
  }
  print_trailing_comment(p, next);
}

static void print_bare(printer *p, const bt_ast *condition) {
  uint32_t end = UINT32_MAX;
  bool can_break = condition->kind == BT_AST_AND || condition->kind == BT_AST_OR;
  /* A comment inside the first item goes before all of it. */
  uint32_t last = can_break ? condition->items[condition->item_count - 1]->outer.end : 0;
  bool commented = can_break && has_comment_in(p, condition->items[0]->outer.end, last);
  print_comments_before(p, can_break ? condition->items[0]->outer.end : condition->outer.end, "");
  if (line_length(p->out)) bt_buffer_append_char(p->out, '\n');
  if (!commented && print_on_line(p, "", condition, ""))
    print_trailing_comment(p, end);
  else
    print_broken(p, condition, "", end);
}

static void print_annotation_item(printer *p, const bt_ast_item *item) {
  if (item->quoted)
    bt_format_string(item->text, p->out);
  else
    bt_buffer_append(p->out, item->text);
}

static void print_argument(printer *p, const bt_ast_argument *argument) {
  if (argument->name.len) bt_buffer_printf(p->out, "%.*s = ", BT_FMT(argument->name));
  if (argument->is_list) bt_buffer_append_char(p->out, '{');
  for (uint32_t i = 0; i < argument->item_count; i++) {
    if (i) bt_buffer_append(p->out, BT_STR(", "));
    print_annotation_item(p, &argument->items[i]);
  }
  if (argument->is_list) bt_buffer_append_char(p->out, '}');
}

/* A parenthesis behind the name of an annotation begins its arguments. */
static bool begins_with_parenthesis(const bt_ast_rule *tree, bt_buffer *out) {
  bt_buffer text = {0};
  if (!tree->condition) return false;
  bt_format_condition(tree->condition, &text);
  bool begins = text.len && text.ptr[0] == '(';
  if (text.failed) out->failed = true;
  bt_buffer_dispose(&text);
  return begins;
}

/* `is_closed`: its end has to be shown also when it has no arguments. */
static void print_annotation(printer *p, const bt_ast_annotation *annotation, bool is_closed, uint32_t next) {
  print_comments_before(p, annotation->range.end, "");
  if (line_length(p->out)) bt_buffer_append_char(p->out, '\n');
  bt_buffer_printf(p->out, "@%.*s", BT_FMT(annotation->name));
  bool has_parentheses = annotation->argument_count || is_closed;
  if (has_parentheses) bt_buffer_append_char(p->out, '(');
  for (uint32_t i = 0; i < annotation->argument_count; i++) {
    if (i) bt_buffer_append(p->out, BT_STR(", "));
    print_argument(p, &annotation->arguments[i]);
  }
  if (has_parentheses) bt_buffer_append_char(p->out, ')');
  print_trailing_comment(p, next);
}

/* Where the rule itself begins, behind its annotations. */
static uint32_t body_start(const bt_ast_rule *tree) {
  return tree->condition ? tree->condition->outer.start : tree->clauses[0].range.start;
}

static void print_body(printer *p, const bt_ast_rule *tree) {
  for (uint32_t i = 0; i < tree->clause_count; i++)
    print_clause(p, &tree->clauses[i], i + 1 < tree->clause_count ? tree->clauses[i + 1].range.start : UINT32_MAX);
  if (tree->condition) print_bare(p, tree->condition);
}

void bt_format_canonical(const bt_ast_rule *tree, bt_buffer *out) {
  printer p = {.out = out};
  print_body(&p, tree);
}

void bt_format_with_comments(bt_str text, const bt_tokens *tokens, const bt_ast_rule *tree, bt_buffer *out) {
  printer p = {out, text, tokens->comments, tokens->comment_count, .opens = true};
  for (uint32_t i = 0; i < tree->annotation_count; i++) {
    bool is_last = i + 1 == tree->annotation_count;
    print_annotation(&p, &tree->annotations[i], is_last && begins_with_parenthesis(tree, out),
                     is_last ? body_start(tree) : tree->annotations[i + 1].range.start);
  }
  print_body(&p, tree);
  print_comments_before(&p, UINT32_MAX, "");
  if (line_length(out)) bt_buffer_append_char(out, '\n');
}
