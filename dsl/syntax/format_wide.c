/* One condition over several lines, where it is too long for one: calls and filters are opened, and what is in them is
 * broken at its and/or. What fits stays on its line. See format.h. */
#include "dsl/syntax/format.h"

enum { STEP = 2 };

static void print_wide(const bt_ast *node, unsigned indent, unsigned follows, bt_buffer *out);

static size_t measure_column(const bt_buffer *out) {
  size_t length = 0;
  while (length < out->len && out->ptr[out->len - 1 - length] != '\n') length++;
  return length;
}

static void start_line(unsigned indent, bt_buffer *out) {
  bt_buffer_printf(out, "\n%*s", (int)indent, "");
}

static bool is_joined(const bt_ast *node) {
  return node->kind == BT_AST_AND || node->kind == BT_AST_OR;
}

/* Prints the node in parentheses or without, if it and what follows it fit into the rest of the line. */
static bool print_if_fits(const bt_ast *node, bool wrap, unsigned follows, bt_buffer *out) {
  size_t start = out->len;
  if (wrap) bt_buffer_append_char(out, '(');
  bt_format_condition(node, out);
  if (wrap) bt_buffer_append_char(out, ')');
  if (out->failed || measure_column(out) + follows <= BT_FORMAT_COLUMNS) return true;
  out->len = start;
  out->ptr[start] = '\0';
  return false;
}

/* An item of and/or; the parentheses are those that bt_format_condition would put. */
static void print_item(const bt_ast *item, unsigned indent, unsigned follows, bt_buffer *out) {
  if (print_if_fits(item, is_joined(item), follows, out)) return;
  if (!is_joined(item)) {
    print_wide(item, indent, follows, out);
    return;
  }
  bt_buffer_append_char(out, '(');
  start_line(indent + STEP, out);
  print_wide(item, indent + STEP, 0, out);
  start_line(indent, out);
  bt_buffer_append_char(out, ')');
}

static void print_joined(const bt_ast *node, unsigned indent, unsigned follows, bt_buffer *out) {
  for (uint32_t i = 0; i < node->item_count; i++) {
    bool is_last = i + 1 == node->item_count;
    if (i) {
      start_line(indent, out);
      bt_buffer_append(out, node->kind == BT_AST_AND ? BT_STR("and ") : BT_STR("or "));
    }
    print_item(node->items[i], indent, is_last ? follows : 0, out);
  }
}

/* What stands between two parentheses that are there already. */
static void print_inside(const bt_ast *const *items, uint32_t count, unsigned indent, bt_buffer *out) {
  for (uint32_t i = 0; i < count; i++) {
    unsigned follows = i + 1 < count ? 1 : 0;
    start_line(indent + STEP, out);
    if (!print_if_fits(items[i], false, follows, out)) print_wide(items[i], indent + STEP, follows, out);
    if (follows) bt_buffer_append_char(out, ',');
  }
  start_line(indent, out);
}

static void print_call(const bt_ast *node, unsigned indent, bt_buffer *out) {
  bt_buffer_printf(out, "%s(", bt_function_name(node->function));
  print_inside((const bt_ast *const *)node->items, node->item_count, indent, out);
  bt_buffer_append_char(out, ')');
}

static void print_filter(const bt_ast_part *part, bool is_behind_relation, unsigned indent, bt_buffer *out) {
  bt_buffer_append(out, is_behind_relation ? BT_STR(" where(") : BT_STR(".where("));
  if (print_if_fits(part->predicate, false, 1, out)) {
    bt_buffer_append_char(out, ')');
    return;
  }
  print_inside((const bt_ast *const *)&part->predicate, 1, indent, out);
  bt_buffer_append_char(out, ')');
}

static bool has_filter(const bt_ast *selection) {
  for (uint32_t i = 0; i < selection->part_count; i++)
    if (selection->parts[i].kind == BT_PART_WHERE) return true;
  return false;
}

/* The base, then one part after the other. The first of its calls and filters that does not fit is opened. */
static void print_selection(const bt_ast *node, unsigned indent, bt_buffer *out) {
  const bt_ast *base = node->items[0];
  bool is_behind_relation = false, can_open = base->kind == BT_AST_CALL && !base->parenthesised;
  if (can_open && (!has_filter(node) || !print_if_fits(base, false, 0, out)))
    print_call(base, indent, out);
  else if (!can_open)
    bt_format_base(base, out);
  for (uint32_t i = 0; i < node->part_count; i++) {
    const bt_ast_part *part = &node->parts[i];
    if (part->kind == BT_PART_WHERE)
      print_filter(part, is_behind_relation, indent, out);
    else
      bt_format_part(part, out);
    is_behind_relation = is_behind_relation || part->kind == BT_PART_RELATION;
  }
}

/* `count(…) <= 3`: the left side is opened, the rest follows it. */
static void print_comparison(const bt_ast *node, unsigned indent, bt_buffer *out) {
  if (node->items[0]->kind != BT_AST_CALL) {
    bt_format_condition(node, out);
    return;
  }
  print_call(node->items[0], indent, out);
  bt_format_right_side(node, out);
}

static void print_negation(const bt_ast *node, unsigned indent, unsigned follows, bt_buffer *out) {
  const bt_ast *inner = node->items[0];
  bt_buffer_append(out, BT_STR("not "));
  if (!bt_format_wraps_negated(inner)) {
    print_wide(inner, indent, follows, out);
    return;
  }
  bt_buffer_append_char(out, '(');
  print_inside((const bt_ast *const *)&inner, 1, indent, out);
  bt_buffer_append_char(out, ')');
}

/* The node does not fit into the line; `follows` bytes come behind it. */
static void print_wide(const bt_ast *node, unsigned indent, unsigned follows, bt_buffer *out) {
  if (is_joined(node))
    print_joined(node, indent, follows, out);
  else if (node->kind == BT_AST_NOT)
    print_negation(node, indent, follows, out);
  else if (node->kind == BT_AST_CALL)
    print_call(node, indent, out);
  else if (node->kind == BT_AST_SELECTION)
    print_selection(node, indent, out);
  else if (node->kind == BT_AST_COMPARE)
    print_comparison(node, indent, out);
  else
    bt_format_condition(node, out);
}

bool bt_format_can_open(const bt_ast *node) {
  if (is_joined(node)) return true;
  if (node->kind == BT_AST_CALL) return node->item_count > 0;
  if (node->kind == BT_AST_COMPARE) return node->items[0]->kind == BT_AST_CALL;
  if (node->kind == BT_AST_SELECTION) return has_filter(node) || node->items[0]->kind == BT_AST_CALL;
  return node->kind == BT_AST_NOT && (bt_format_wraps_negated(node->items[0]) || bt_format_can_open(node->items[0]));
}

void bt_format_wide(const bt_ast *item, unsigned indent, bt_buffer *out) {
  print_item(item, indent, 0, out);
}
