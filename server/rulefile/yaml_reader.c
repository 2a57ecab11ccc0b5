/* The core schema of YAML 1.2, and reading by tables. Thread: no state. */
#include "server/rulefile/yaml_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsl/base/suggestion.h"
#include "server/base/time_text.h"
#include "server/rules/rule_fields.h"

static bool is_one_of(bt_str text, const char *const *words) {
  for (size_t i = 0; words[i]; i++)
    if (bt_str_equal(text, bt_str_from(words[i]))) return true;
  return false;
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const trues[] = {"true", "True", "TRUE", NULL};
static const char *const falses[] = {"false", "False", "FALSE", NULL};
static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
static const char *const not_numbers[] = {".nan", ".NaN", ".NAN", NULL};

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* All of s as digits of a base, below zero if so said. */
static bt_yaml_type parse_integer(bt_str digits, int base, bool is_negative, bt_value *value) {
  int64_t number = 0;
  for (size_t i = 0; i < digits.len; i++)
    if (digit_value(digits.ptr[i]) >= base) return BT_YAML_STRING;
  if (digits.len == 0) return BT_YAML_STRING;
  for (size_t i = 0; i < digits.len; i++) {
    int digit = digit_value(digits.ptr[i]);
    if (__builtin_mul_overflow(number, base, &number) ||
        __builtin_add_overflow(number, is_negative ? -digit : digit, &number))
      return BT_YAML_TOO_LARGE;
  }
  *value = (bt_value){.type = BT_VALUE_INT, .integer = number};
  return BT_YAML_INT;
}

static bt_str without_sign(bt_str s) {
  bool has_sign = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
  return has_sign ? (bt_str){s.ptr + 1, s.len - 1} : s;
}

static size_t skip_digits(bt_str s, size_t at) {
  while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9') at++;
  return at;
}

/* [-+]? ( . [0-9]+ | [0-9]+ ( . [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool has_float_form(bt_str s) {
  s = without_sign(s);
  size_t at = skip_digits(s, 0), digits = at;
  if (at < s.len && s.ptr[at] == '.') {
    size_t end = skip_digits(s, at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return false;
  if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
    at++;
    if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+')) at++;
    size_t end = skip_digits(s, at);
    if (end == at) return false;
    at = end;
  }
  return at == s.len;
}

static bt_yaml_type parse_float(bt_str text, bt_value *value) {
  bt_str magnitude = without_sign(text);
  double number;
  if (is_one_of(magnitude, infinities))
    number = text.ptr[0] == '-' ? -INFINITY : INFINITY;
  else if (is_one_of(text, not_numbers))
    number = NAN;
  else if (!has_float_form(text))
    return BT_YAML_STRING;
  else {
    number = strtod(text.ptr, NULL); /* node texts end in a NUL; the form is checked */
    if (isinf(number)) return BT_YAML_TOO_LARGE;
  }
  *value = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = number};
  return BT_YAML_FLOAT;
}

static bt_yaml_type parse_number(bt_str text, bt_value *value) {
  if (bt_str_starts_with(text, BT_STR("0o")))
    return parse_integer((bt_str){text.ptr + 2, text.len - 2}, 8, false, value);
  if (bt_str_starts_with(text, BT_STR("0x")))
    return parse_integer((bt_str){text.ptr + 2, text.len - 2}, 16, false, value);
  bt_yaml_type type = parse_integer(without_sign(text), 10, text.len && text.ptr[0] == '-', value);
  return type == BT_YAML_STRING ? parse_float(text, value) : type;
}

bt_yaml_type bt_yaml_scalar_type(const bt_yaml_node *node, bt_value *value) {
  bt_value ignored;
  if (!value) value = &ignored;
  *value = (bt_value){.type = BT_VALUE_STRING, .string = node->text};
  if (!node->is_plain) return BT_YAML_STRING;
  if (is_one_of(node->text, nulls)) return *value = (bt_value){.type = BT_VALUE_MISSING}, BT_YAML_NULL;
  bool is_true = is_one_of(node->text, trues);
  if (is_true || is_one_of(node->text, falses))
    return *value = (bt_value){.type = BT_VALUE_BOOL, .boolean = is_true}, BT_YAML_BOOL;
  return parse_number(node->text, value);
}

const char *bt_yaml_show(const bt_yaml_node *node, char shown[BT_YAML_SHOWN_BYTES]) {
  char text[BT_SHOWN_BYTES];
  if (node->kind != BT_YAML_SCALAR) {
    snprintf(shown, BT_YAML_SHOWN_BYTES, "a %s", node->kind == BT_YAML_LIST ? "list" : "mapping");
    return shown;
  }
  bt_rule_text_shown(node->text, text);
  switch (bt_yaml_scalar_type(node, NULL)) {
  case BT_YAML_NULL: snprintf(shown, BT_YAML_SHOWN_BYTES, "nothing"); break;
  case BT_YAML_BOOL: snprintf(shown, BT_YAML_SHOWN_BYTES, "the boolean %s", text); break;
  case BT_YAML_INT:
  case BT_YAML_FLOAT:
  case BT_YAML_TOO_LARGE: snprintf(shown, BT_YAML_SHOWN_BYTES, "the number %s", text); break;
  case BT_YAML_STRING: snprintf(shown, BT_YAML_SHOWN_BYTES, "\"%s\"", text); break;
  }
  return shown;
}

static bool is_null(const bt_yaml_node *node) {
  return node->kind == BT_YAML_SCALAR && bt_yaml_scalar_type(node, NULL) == BT_YAML_NULL;
}

enum { MOST_FIELDS = 40 };

static bt_status fail_unknown(const bt_yaml_document *document, const bt_yaml_node *key, const char *what,
                              const bt_yaml_field *fields, bt_error *error) {
  const char *words[MOST_FIELDS] = {NULL};
  char shown[BT_SHOWN_BYTES];
  for (size_t i = 0; fields[i].key && i + 1 < MOST_FIELDS; i++) words[i] = fields[i].key;
  const char *nearest = bt_suggest_nearest(key->text, words);
  bt_rule_text_shown(key->text, shown);
  if (nearest)
    return bt_yaml_fail(document, key, error, "%s has no key \"%s\"; did you mean \"%s\"?", what, shown, nearest);
  bt_buffer known = {.maximum = 300};
  for (size_t i = 0; words[i]; i++) bt_buffer_printf(&known, "%s%s", i ? ", " : "", words[i]);
  bt_status status = bt_yaml_fail(document, key, error, "%s has no key \"%s\"; expected one of %s", what, shown,
                                  known.ptr ? known.ptr : "its keys");
  bt_buffer_dispose(&known);
  return status;
}

static const bt_yaml_field *find_field(const bt_yaml_field *fields, bt_str key) {
  for (; fields->key; fields++)
    if (bt_str_equal(key, bt_str_from(fields->key))) return fields;
  return NULL;
}

bt_status bt_yaml_go_on(const bt_yaml_document *document, bt_status status, bt_error *error) {
  if (status != BT_INVALID || !document->problems || !error) return status;
  if (error->message[0]) bt_buffer_printf(document->problems, "%s\n", error->message);
  error->message[0] = '\0';
  return BT_OK;
}

bt_status bt_yaml_read_map(const bt_yaml_document *document, const bt_yaml_node *map, const char *what,
                           const bt_yaml_field *fields, void *into, bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (map->kind != BT_YAML_MAP)
    return bt_yaml_fail(document, map, error, "expected %s, which is a mapping of keys to values, got %s", what,
                        bt_yaml_show(map, shown));
  bt_status all = BT_OK;
  for (const bt_yaml_node *key = map->first; key; key = key->next->next) {
    const bt_yaml_field *field = find_field(fields, key->text);
    if (field && is_null(key->next)) continue;
    bt_status status =
        field ? field->read(document, key->next, into, error) : fail_unknown(document, key, what, fields, error);
    if (status) all = status;
    if (bt_yaml_go_on(document, status, error)) return status;
  }
  return all;
}

bt_status bt_yaml_get_string(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, bt_str *out,
                             bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (node->kind == BT_YAML_SCALAR && bt_yaml_scalar_type(node, NULL) == BT_YAML_STRING)
    return *out = node->text, BT_OK;
  bt_yaml_show(node, shown);
  if (node->kind != BT_YAML_SCALAR)
    return bt_yaml_fail(document, node, error, "%s: expected a text, got %s", key, shown);
  return bt_yaml_fail(document, node, error, "%s: expected a text, got %s; put it in quotes", key, shown);
}

bt_status bt_yaml_get_bool(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, bool *out,
                           bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  bt_value value;
  if (node->kind != BT_YAML_SCALAR || bt_yaml_scalar_type(node, &value) != BT_YAML_BOOL)
    return bt_yaml_fail(document, node, error, "%s: expected true or false, got %s", key, bt_yaml_show(node, shown));
  *out = value.boolean;
  return BT_OK;
}

bt_status bt_yaml_get_duration(const bt_yaml_document *document, const bt_yaml_node *node, const char *key,
                               int64_t *out_ns, bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (node->kind != BT_YAML_SCALAR || !bt_duration_parse(node->text, out_ns))
    return bt_yaml_fail(document, node, error, "%s: expected a duration with a unit, like 500ms, 2m or 1m30s, got %s",
                        key, bt_yaml_show(node, shown));
  return BT_OK;
}

bt_status bt_yaml_get_number(const bt_yaml_document *document, const bt_yaml_node *node, const char *key, int64_t *out,
                             bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  bt_value value;
  if (node->kind != BT_YAML_SCALAR || bt_yaml_scalar_type(node, &value) != BT_YAML_INT || value.integer < 0)
    return bt_yaml_fail(document, node, error, "%s: expected a whole number, got %s", key, bt_yaml_show(node, shown));
  *out = value.integer;
  return BT_OK;
}

bt_status bt_yaml_expect_list(const bt_yaml_document *document, const bt_yaml_node *node, const char *key,
                              bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (node->kind == BT_YAML_LIST) return BT_OK;
  return bt_yaml_fail(document, node, error, "%s: expected a list, got %s", key, bt_yaml_show(node, shown));
}

bt_status bt_yaml_expect_map(const bt_yaml_document *document, const bt_yaml_node *node, const char *key,
                             bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (node->kind == BT_YAML_MAP) return BT_OK;
  return bt_yaml_fail(document, node, error, "%s: expected a mapping of keys to values, got %s", key,
                      bt_yaml_show(node, shown));
}
