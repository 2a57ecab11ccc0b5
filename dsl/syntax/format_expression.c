/* One condition on one line. See format.h. Parentheses are put where the grammar needs them, and around `and` inside
 * `or`, where only the reader does. */
#include "dsl/syntax/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How strongly the printed node holds together; a weaker one in a stronger place gets parentheses. */
typedef enum strength { WEAK_OR, WEAK_AND, WEAK_NOT, WEAK_TEST, WEAK_SUM, WEAK_PRODUCT, WEAK_FACTOR } strength;

static strength strength_of(const bt_ast *node) {
  switch (node->kind) {
  case BT_AST_OR: return WEAK_OR;
  case BT_AST_AND: return WEAK_AND;
  case BT_AST_NOT: return WEAK_NOT;
  case BT_AST_COMPARE:
  case BT_AST_IN:
  case BT_AST_SELECTION: return WEAK_TEST;
  case BT_AST_ADD:
  case BT_AST_SUBTRACT: return WEAK_SUM;
  case BT_AST_MULTIPLY:
  case BT_AST_DIVIDE: return WEAK_PRODUCT;
  case BT_AST_ERROR:
  case BT_AST_NEGATE:
  case BT_AST_INTEGER:
  case BT_AST_DECIMAL:
  case BT_AST_DURATION:
  case BT_AST_STRING:
  case BT_AST_BOOLEAN:
  case BT_AST_PATH:
  case BT_AST_INDEX:
  case BT_AST_CALL: return WEAK_FACTOR;
  }
  return WEAK_FACTOR;
}

static void print_node(const bt_ast *node, bt_buffer *out);

static void print_at_least(const bt_ast *node, strength needed, bt_buffer *out) {
  bool wrap = strength_of(node) < needed;
  if (wrap) bt_buffer_append_char(out, '(');
  print_node(node, out);
  if (wrap) bt_buffer_append_char(out, ')');
}

void bt_format_string(bt_str value, bt_buffer *out) {
  bool raw = bt_str_contains(value, BT_STR("\\")) || bt_str_contains(value, BT_STR("\""));
  for (size_t i = 0; i < value.len; i++)
    raw &= value.ptr[i] != '`' && (unsigned char)value.ptr[i] >= 0x20 && value.ptr[i] != 0x7f;
  if (raw) {
    bt_buffer_printf(out, "`%.*s`", BT_FMT(value));
    return;
  }
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < value.len; i++) {
    char c = value.ptr[i];
    if (c == '"' || c == '\\')
      bt_buffer_printf(out, "\\%c", c);
    else if (c == '\n')
      bt_buffer_append(out, BT_STR("\\n"));
    else if (c == '\t')
      bt_buffer_append(out, BT_STR("\\t"));
    else if (c == '\r')
      bt_buffer_append(out, BT_STR("\\r"));
    else if ((unsigned char)c < 0x20 || c == 0x7f)
      bt_buffer_printf(out, "\\u%04x", (unsigned)c);
    else
      bt_buffer_append_char(out, c);
  }
  bt_buffer_append_char(out, '"');
}

static void print_string(const bt_ast *node, bt_buffer *out) {
  if (node->owner != BT_NAME_OF_EITHER)
    bt_buffer_append(out, node->owner == BT_NAME_OF_SERVICE ? BT_STR("service:") : BT_STR("name:"));
  if (node->owner != BT_NAME_OF_EITHER && bt_path_is_valid(node->text))
    bt_buffer_append(out, node->text);
  else
    bt_format_string(node->text, out);
}

/* In the largest unit that divides it: 90s, 1500ms, 36h. */
static void print_duration(int64_t ns, bt_buffer *out) {
  static const struct {
    const char *unit;
    int64_t ns;
  } units[] = {{"d", 86400000000000}, {"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000},
               {"ms", 1000000},       {"us", 1000},         {"ns", 1}};
  size_t i = ns ? 0 : 3;
  while (ns % units[i].ns != 0) i++;
  bt_buffer_printf(out, "%lld%s", (long long)(ns / units[i].ns), units[i].unit);
}

/* The shortest of the spellings that give the same double back; always with a point or an exponent, so that it stays a
 * decimal. */
static void print_decimal(double value, bt_buffer *out) {
  char digits[40];
  if (value > -1e15 && value < 1e15 && (double)(int64_t)value == value) {
    bt_buffer_printf(out, "%.1f", value);
    return;
  }
  for (int precision = 1; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  bt_buffer_append(out, bt_str_from(digits));
  if (!strpbrk(digits, ".e")) bt_buffer_append(out, BT_STR(".0"));
}

static void print_joined(const bt_ast *node, const char *word, strength needed, bt_buffer *out) {
  for (uint32_t i = 0; i < node->item_count; i++) {
    if (i) bt_buffer_append(out, bt_str_from(word));
    print_at_least(node->items[i], needed, out);
  }
}

static void print_arithmetic(const bt_ast *node, bt_buffer *out) {
  static const char *const signs[] = {" + ", " - ", " * ", " / "};
  strength own = strength_of(node);
  print_at_least(node->items[0], own, out);
  bt_buffer_append(out, bt_str_from(signs[node->kind - BT_AST_ADD]));
  print_at_least(node->items[1], own + 1, out);
}

static void print_in(const bt_ast *node, bt_buffer *out) {
  print_at_least(node->items[0], WEAK_SUM, out);
  bt_buffer_printf(out, " %s [", bt_operator_name(node->op));
  for (uint32_t i = 1; i < node->item_count; i++) {
    if (i > 1) bt_buffer_append(out, BT_STR(", "));
    print_at_least(node->items[i], WEAK_SUM, out);
  }
  bt_buffer_append_char(out, ']');
}

static void print_call(const bt_ast *node, bt_buffer *out) {
  bt_buffer_printf(out, "%s(", bt_function_name(node->function));
  for (uint32_t i = 0; i < node->item_count; i++) {
    if (i) bt_buffer_append(out, BT_STR(", "));
    print_node(node->items[i], out);
  }
  bt_buffer_append_char(out, ')');
}

static void print_point(const bt_ast_point *point, bt_buffer *out) {
  bool plain = point->ref->kind == BT_AST_PATH || point->ref->kind == BT_AST_STRING;
  plain |= point->ref->kind == BT_AST_CALL && bt_function_picks(point->ref->function);
  /* `(payment).end` needs its parentheses, and so does a name in them that reads like a point without. */
  bool wrap = !plain || (point->ref->kind == BT_AST_PATH && point->ref->parenthesised);
  wrap |= point->ref->owner != BT_NAME_OF_EITHER && point->suffix != BT_SUFFIX_NONE;
  if (wrap) bt_buffer_append_char(out, '(');
  print_node(point->ref, out);
  if (wrap) bt_buffer_append_char(out, ')');
  if (point->suffix == BT_SUFFIX_START) bt_buffer_append(out, BT_STR(".start"));
  if (point->suffix == BT_SUFFIX_END) bt_buffer_append(out, BT_STR(".end"));
}

static void print_relation(const bt_ast_part *part, bt_buffer *out) {
  bt_buffer_printf(out, " %s ", bt_relation_rows[part->relation].name);
  if (part->relation == BT_WITHIN_OF) {
    print_duration(part->within_ns, out);
    bt_buffer_append(out, BT_STR(" of "));
  }
  print_point(&part->first, out);
  if (part->relation == BT_BETWEEN) {
    bt_buffer_append(out, BT_STR(" and "));
    print_point(&part->second, out);
  }
  if (part->relation != BT_WITHIN_OF && part->within_ns >= 0) {
    bt_buffer_append(out, BT_STR(" within "));
    print_duration(part->within_ns, out);
  }
  if (part->max_links > 1) bt_buffer_printf(out, " over %u links", part->max_links);
}

/* Parentheses in front of a filter are an error, which printing must not heal or change into something else. */
void bt_format_base(const bt_ast *base, bt_buffer *out) {
  if (base->parenthesised) bt_buffer_append_char(out, '(');
  print_node(base, out);
  if (base->parenthesised) bt_buffer_append_char(out, ')');
}

void bt_format_part(const bt_ast_part *part, bt_buffer *out) {
  if (part->kind == BT_PART_RELATION)
    print_relation(part, out);
  else
    bt_buffer_printf(out, " as %.*s", BT_FMT(part->name));
}

static void print_selection(const bt_ast *node, bt_buffer *out) {
  bool related = false;
  bt_format_base(node->items[0], out);
  for (uint32_t i = 0; i < node->part_count; i++) {
    const bt_ast_part *part = &node->parts[i];
    if (part->kind == BT_PART_WHERE) {
      bt_buffer_append(out, related ? BT_STR(" where(") : BT_STR(".where("));
      print_node(part->predicate, out);
      bt_buffer_append_char(out, ')');
    } else {
      bt_format_part(part, out);
      related = related || part->kind == BT_PART_RELATION;
    }
  }
}

/* `-5` is one literal and `--5` an error, so what has or could take a minus of its own stays in parentheses. */
static void print_negation(const bt_ast *node, bt_buffer *out) {
  const bt_ast *inner = node->items[0];
  bool wrap = strength_of(inner) < WEAK_FACTOR || inner->kind == BT_AST_INTEGER || inner->kind == BT_AST_NEGATE;
  bt_buffer_append(out, wrap ? BT_STR("-(") : BT_STR("-"));
  print_node(inner, out);
  if (wrap) bt_buffer_append_char(out, ')');
}

void bt_format_right_side(const bt_ast *node, bt_buffer *out) {
  bt_buffer_printf(out, " %s ", bt_operator_name(node->op));
  print_at_least(node->items[1], WEAK_SUM, out);
}

static void print_comparison(const bt_ast *node, bt_buffer *out) {
  print_at_least(node->items[0], WEAK_SUM, out);
  bt_format_right_side(node, out);
}

/* A comparison or a chain of relations behind `not` reads better in parentheses. */
bool bt_format_wraps_negated(const bt_ast *inner) {
  bool wraps = strength_of(inner) < WEAK_NOT || inner->kind == BT_AST_COMPARE || inner->kind == BT_AST_IN;
  for (uint32_t i = 0; i < inner->part_count; i++) wraps |= inner->parts[i].kind == BT_PART_RELATION;
  return wraps;
}

static void print_not(const bt_ast *node, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("not "));
  const bt_ast *inner = node->items[0];
  bool wrap = bt_format_wraps_negated(inner);
  if (wrap) bt_buffer_append_char(out, '(');
  print_node(inner, out);
  if (wrap) bt_buffer_append_char(out, ')');
}

static void print_node(const bt_ast *node, bt_buffer *out) {
  switch (node->kind) {
  case BT_AST_ERROR: out->failed = true; return;
  case BT_AST_OR: print_joined(node, " or ", WEAK_NOT, out); return;
  case BT_AST_AND: print_joined(node, " and ", WEAK_NOT, out); return;
  case BT_AST_NOT: print_not(node, out); return;
  case BT_AST_COMPARE: print_comparison(node, out); return;
  case BT_AST_IN: print_in(node, out); return;
  case BT_AST_ADD:
  case BT_AST_SUBTRACT:
  case BT_AST_MULTIPLY:
  case BT_AST_DIVIDE: print_arithmetic(node, out); return;
  case BT_AST_NEGATE: print_negation(node, out); return;
  case BT_AST_INTEGER: bt_buffer_printf(out, "%lld", (long long)node->integer); return;
  case BT_AST_DECIMAL: print_decimal(node->decimal, out); return;
  case BT_AST_DURATION: print_duration(node->duration_ns, out); return;
  case BT_AST_STRING: print_string(node, out); return;
  case BT_AST_BOOLEAN: bt_buffer_append(out, node->boolean ? BT_STR("true") : BT_STR("false")); return;
  case BT_AST_PATH: bt_buffer_append(out, node->text); return;
  case BT_AST_INDEX:
    bt_buffer_printf(out, "%.*s[", BT_FMT(node->text));
    bt_format_string(node->key, out);
    bt_buffer_append_char(out, ']');
    return;
  case BT_AST_CALL: print_call(node, out); return;
  case BT_AST_SELECTION: print_selection(node, out); return;
  }
}

void bt_format_condition(const bt_ast *node, bt_buffer *out) {
  print_node(node, out);
}
