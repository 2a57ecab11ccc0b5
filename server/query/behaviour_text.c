/* Words and rules for behaviours. See behaviour_text.h. */
#include "server/query/behaviour_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/rules/derived_rule.h"

static const char RESOURCE[] = "resource.";

const char *bt_behaviour_kind_name(bt_behaviour_kind kind) {
  static const char *const names[BT_BEHAVE_KINDS] = {
      [BT_BEHAVE_CHILD] = "child",    [BT_BEHAVE_PRESENCE] = "presence", [BT_BEHAVE_ABSENCE] = "absence",
      [BT_BEHAVE_ROOT] = "root",      [BT_BEHAVE_PARENT] = "parent",     [BT_BEHAVE_COUNT] = "count",
      [BT_BEHAVE_ORDER] = "order",    [BT_BEHAVE_SAME] = "correlation",  [BT_BEHAVE_HAS] = "attribute",
      [BT_BEHAVE_DOMAIN] = "domain",  [BT_BEHAVE_VALUE] = "value",       [BT_BEHAVE_MOST] = "at_most",
      [BT_BEHAVE_LEAST] = "at_least", [BT_BEHAVE_STATUS] = "status",     [BT_BEHAVE_DURATION] = "latency",
      [BT_BEHAVE_DELAY] = "response"};
  return names[kind];
}

/* ---- parts ---- */

static void write_number(double number, bt_buffer *out) {
  char text[32];
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, number);
    double back = 0;
    if (sscanf(text, "%lf", &back) == 1 && back == number) break;
  }
  bt_buffer_printf(out, "%s", text);
}

static void write_duration(double ns, bt_buffer *out) {
  char text[64];
  bt_duration_format(ns > 0 ? (int64_t)ns : 0, text);
  bt_buffer_printf(out, "%s", text);
}

void bt_mine_value_write(const bt_mine_sample *sample, const bt_mine_attribute *value, bt_buffer *out) {
  if (value->type == BT_MINE_TEXT)
    bt_buffer_append(out, bt_mine_text(sample, value->text));
  else if (value->type == BT_MINE_BOOL)
    bt_buffer_append(out, value->number != 0 ? BT_STR("true") : BT_STR("false"));
  else
    write_number(value->number, out);
}

/* As the language writes it; with `is_rule` false as people read it. */
static void write_value(const bt_mine_sample *sample, const bt_mine_attribute *value, bool is_rule, bt_buffer *out) {
  if (is_rule && value->type == BT_MINE_TEXT)
    bt_rule_quote(bt_mine_text(sample, value->text), out);
  else
    bt_mine_value_write(sample, value, out);
}

static void write_key(const bt_mine_sample *sample, uint32_t symbol, bool is_rule, bt_buffer *out) {
  bt_str key = bt_mine_text(sample, symbol);
  bool is_resource = bt_str_starts_with(key, bt_str_from(RESOURCE));
  if (!is_rule) {
    bt_buffer_append(out, key);
    return;
  }
  if (is_resource) key = (bt_str){key.ptr + strlen(RESOURCE), key.len - strlen(RESOURCE)};
  bt_buffer_append(out, is_resource ? BT_STR("resource.attributes[") : BT_STR("span.attributes["));
  bt_rule_quote(key, out);
  bt_buffer_append_char(out, ']');
}

static void write_test(const bt_mine_sample *sample, const bt_mine_test *test, bool is_rule, bt_buffer *out) {
  if (test->kind == BT_TEST_ERROR) {
    bt_buffer_append(out, BT_STR("span.status == error"));
  } else if (test->kind == BT_TEST_NO_ERROR) {
    bt_buffer_append(out, BT_STR("span.status != error"));
  } else if (test->kind == BT_TEST_LONGER || test->kind == BT_TEST_SHORTER) {
    bt_buffer_append(out, test->kind == BT_TEST_LONGER ? BT_STR("span.duration > ") : BT_STR("span.duration <= "));
    write_duration(test->bound, out);
  } else if (test->kind == BT_TEST_HAS || test->kind == BT_TEST_LACKS) {
    bt_buffer_append(out, test->kind == BT_TEST_HAS ? BT_STR("exists(") : BT_STR("not exists("));
    write_key(sample, test->key, is_rule, out);
    bt_buffer_append_char(out, ')');
  } else {
    bool is_not = test->kind == BT_TEST_IS_NOT, is_value = test->kind == BT_TEST_IS || is_not;
    if (is_not) bt_buffer_append(out, BT_STR("not ("));
    write_key(sample, test->key, is_rule, out);
    bt_buffer_append(out, is_value ? BT_STR(" == ") : test->kind == BT_TEST_ABOVE ? BT_STR(" > ") : BT_STR(" <= "));
    if (is_value)
      write_value(sample, &test->value, is_rule, out);
    else
      write_number(test->bound, out);
    if (is_not) bt_buffer_append_char(out, ')');
  }
}

/* ---- words ---- */

static void write_name(const bt_mine_sample *sample, uint32_t number, bt_buffer *out) {
  bt_buffer_append(out, sample->names[number].name);
}

static void write_tested(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *out) {
  write_name(sample, b->a, out);
  if (b->test.kind == BT_TEST_NONE) return;
  bt_buffer_append(out, BT_STR(" where "));
  write_test(sample, &b->test, false, out);
}

static void write_pair(const bt_mine_sample *sample, const bt_behaviour *b, const char *between, bt_buffer *out) {
  write_name(sample, b->b, out);
  bt_buffer_printf(out, " %s ", between);
  write_tested(sample, b, out);
}

static void write_values(const bt_mine_sample *sample, const bt_behaviour *b, size_t most, bool is_rule,
                         bt_buffer *out) {
  bt_buffer_append_char(out, '[');
  for (uint32_t v = 0; v < b->value_count && v < most; v++) {
    bt_buffer_append(out, v ? BT_STR(", ") : BT_STR(""));
    write_value(sample, &b->values[v], is_rule, out);
  }
  bt_buffer_append(out, b->value_count > most ? BT_STR(", …]") : BT_STR("]"));
}

static void write_of_key(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *out) {
  enum { SHOWN_VALUES = 5 };
  write_key(sample, b->key, false, out);
  bt_buffer_append(out, b->kind == BT_BEHAVE_SAME ? BT_STR(" handed on from ") : BT_STR(" of "));
  write_name(sample, b->a, out);
  if (b->kind == BT_BEHAVE_SAME) {
    bt_buffer_append(out, BT_STR(" to "));
    write_name(sample, b->b, out);
  } else if (b->kind == BT_BEHAVE_HAS) {
    bt_buffer_append(out, BT_STR(" is there"));
  } else if (b->kind == BT_BEHAVE_DOMAIN) {
    bt_buffer_append(out, BT_STR(" in "));
    write_values(sample, b, SHOWN_VALUES, false, out);
  } else if (b->kind == BT_BEHAVE_VALUE) {
    bt_buffer_append(out, BT_STR(" is "));
    bt_mine_value_write(sample, &b->value, out);
  } else {
    bt_buffer_append(out, b->kind == BT_BEHAVE_MOST ? BT_STR(" at most ") : BT_STR(" at least "));
    write_number(b->bound, out);
  }
}

static void write_of_time(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *out) {
  bool is_delay = b->kind == BT_BEHAVE_DELAY;
  if (is_delay)
    write_name(sample, b->b, out);
  else
    write_tested(sample, b, out);
  bt_buffer_append(out, is_delay ? BT_STR(" within ") : BT_STR(" takes less than "));
  write_duration(b->bound, out);
  if (!is_delay) return;
  bt_buffer_append(out, BT_STR(" of "));
  write_name(sample, b->a, out);
}

static void write_words(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *out) {
  if (b->key) {
    write_of_key(sample, b, out);
  } else if (b->kind == BT_BEHAVE_DURATION || b->kind == BT_BEHAVE_DELAY) {
    write_of_time(sample, b, out);
  } else if (b->kind == BT_BEHAVE_CHILD || b->kind == BT_BEHAVE_PARENT) {
    write_pair(sample, b, b->kind == BT_BEHAVE_CHILD ? "called by" : "only called by", out);
  } else if (b->kind == BT_BEHAVE_PRESENCE || b->kind == BT_BEHAVE_ORDER) {
    write_pair(sample, b, b->kind == BT_BEHAVE_ORDER ? "after" : "with", out);
  } else if (b->kind == BT_BEHAVE_ABSENCE) {
    bt_buffer_append(out, BT_STR("no "));
    write_pair(sample, b, "with", out);
  } else if (b->kind == BT_BEHAVE_COUNT) {
    bt_buffer_printf(out, "at most %.0f ", b->bound);
    write_pair(sample, b, "in one", out);
  } else {
    bt_buffer_append(out, b->kind == BT_BEHAVE_ROOT ? BT_STR("no trace that begins with ") : BT_STR("no error of "));
    write_name(sample, b->a, out);
  }
}

void bt_behaviour_write(const bt_mine_sample *sample, const bt_behaviour *behaviour, bt_buffer *out) {
  bt_str service = sample->names[behaviour->kind == BT_BEHAVE_PARENT ? behaviour->b : behaviour->a].service;
  write_words(sample, behaviour, out);
  if (service.len) bt_buffer_printf(out, " (%.*s)", BT_FMT(service));
}

/* ---- rules ---- */

static bool is_ambiguous(const bt_mine_sample *sample, uint32_t number) {
  for (uint32_t i = 0; i < sample->name_count; i++)
    if (i != number && bt_str_equal(sample->names[i].name, sample->names[number].name)) return true;
  return false;
}

/* A selection: the name, its service where several have such spans, and a test. `test` may be empty. */
static void write_spans(const bt_mine_sample *sample, uint32_t number, bt_str test, bt_buffer *out) {
  const bt_mine_name *name = &sample->names[number];
  bool has_service = name->service.len && is_ambiguous(sample, number);
  bt_buffer_append(out, BT_STR("name:"));
  bt_rule_quote(name->name, out);
  if (!has_service && !test.len) return;
  bt_buffer_append(out, BT_STR(".where("));
  if (has_service) {
    bt_buffer_append(out, BT_STR("span.service == "));
    bt_rule_quote(name->service, out);
    if (test.len) bt_buffer_append(out, BT_STR(" and "));
  }
  bt_buffer_printf(out, "%.*s)", BT_FMT(test));
}

/* What has to be true of a span: a test on its key, status or duration. */
static void write_claim(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *out) {
  if (b->kind == BT_BEHAVE_STATUS) {
    bt_buffer_append(out, BT_STR("span.status != error"));
  } else if (b->kind == BT_BEHAVE_DURATION) {
    bt_buffer_append(out, BT_STR("span.duration < "));
    write_duration(b->bound, out);
  } else if (b->kind == BT_BEHAVE_HAS) {
    bt_buffer_append(out, BT_STR("exists("));
    write_key(sample, b->key, true, out);
    bt_buffer_append_char(out, ')');
  } else {
    write_key(sample, b->key, true, out);
    if (b->kind == BT_BEHAVE_DOMAIN) {
      bt_buffer_append(out, BT_STR(" in "));
      write_values(sample, b, SIZE_MAX, true, out);
      return;
    }
    bt_buffer_append(out, b->kind == BT_BEHAVE_MOST    ? BT_STR(" <= ")
                          : b->kind == BT_BEHAVE_LEAST ? BT_STR(" >= ")
                                                       : BT_STR(" == "));
    if (b->kind == BT_BEHAVE_VALUE)
      write_value(sample, &b->value, true, out);
    else
      write_number(b->bound, out);
  }
}

/* when { … } and what holds then, without its braces. */
static void write_clauses(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *when, bt_buffer *then) {
  bt_buffer test = {0};
  bool is_pair = b->kind == BT_BEHAVE_DELAY || b->kind == BT_BEHAVE_SAME;
  bool is_presence = b->kind == BT_BEHAVE_PRESENCE || b->kind == BT_BEHAVE_ABSENCE;
  bool needs_key = b->key && b->kind != BT_BEHAVE_HAS;
  uint32_t first = b->kind == BT_BEHAVE_PARENT ? b->b : b->a;
  if (b->test.kind != BT_TEST_NONE) write_test(sample, &b->test, true, &test);
  if (needs_key) {
    bt_buffer_append(&test, BT_STR("exists("));
    write_key(sample, b->key, true, &test);
    bt_buffer_append_char(&test, ')');
  }
  write_spans(sample, first, bt_buffer_str(&test), when);
  if (!is_presence && b->kind != BT_BEHAVE_ROOT && b->kind != BT_BEHAVE_ORDER) bt_buffer_append(when, BT_STR(" as a"));
  if (is_pair) {
    bt_buffer_append(when, BT_STR(" and "));
    bt_str of_b = b->kind == BT_BEHAVE_SAME ? bt_buffer_str(&test) : (bt_str){0};
    write_spans(sample, b->b, of_b, when);
    bt_buffer_append(when, BT_STR(" child of a as b"));
  }
  bt_buffer_dispose(&test);
  if (b->kind == BT_BEHAVE_DELAY) {
    bt_buffer_append(then, BT_STR("b.start - a.start <= "));
    write_duration(b->bound, then);
  } else if (b->kind == BT_BEHAVE_SAME) {
    bt_buffer_append(then, BT_STR("b.where("));
    write_key(sample, b->key, true, then);
    bt_buffer_append(then, BT_STR(" == a."));
    bt_buffer key = {0};
    write_key(sample, b->key, true, &key);
    bt_buffer_printf(then, "%s)", key.ptr ? key.ptr : "");
    bt_buffer_dispose(&key);
  } else if (is_presence) {
    write_spans(sample, b->b, (bt_str){0}, then);
  } else if (b->kind == BT_BEHAVE_CHILD || b->kind == BT_BEHAVE_COUNT) {
    bt_buffer_append(then, b->kind == BT_BEHAVE_COUNT ? BT_STR("count(") : BT_STR(""));
    write_spans(sample, b->b, (bt_str){0}, then);
    bt_buffer_append(then, BT_STR(" child of a"));
    if (b->kind == BT_BEHAVE_COUNT) bt_buffer_printf(then, ") <= %.0f", b->bound);
  } else if (b->kind == BT_BEHAVE_PARENT) {
    write_spans(sample, b->a, (bt_str){0}, then);
    bt_buffer_append(then, BT_STR(" parent of a"));
  } else if (b->kind == BT_BEHAVE_ORDER) {
    bt_buffer_append(when, BT_STR(" and "));
    write_spans(sample, b->b, (bt_str){0}, when);
    bt_buffer_append(then, BT_STR("trace.has_before("));
    write_spans(sample, b->a, (bt_str){0}, then);
    bt_buffer_append(then, BT_STR(", "));
    write_spans(sample, b->b, (bt_str){0}, then);
    bt_buffer_append_char(then, ')');
  } else if (b->kind == BT_BEHAVE_ROOT) {
    bt_buffer_append(then, BT_STR("trace.root.name == "));
    bt_rule_quote(sample->names[b->a].name, then);
  } else {
    bt_buffer_append(then, BT_STR("a.where("));
    write_claim(sample, b, then);
    bt_buffer_append_char(then, ')');
  }
}

/* Whether it is said of what must not be. */
static bool is_negative(const bt_behaviour *b) {
  return b->kind == BT_BEHAVE_ABSENCE || b->kind == BT_BEHAVE_ROOT;
}

static void write_id(const bt_mine_sample *sample, const bt_behaviour *b, bt_buffer *out) {
  enum { LONGEST = 90 };
  bt_buffer words = {0};
  write_words(sample, b, &words);
  bt_str text = bt_buffer_str(&words);
  for (size_t i = 0; i < text.len && out->len < LONGEST; i++) {
    char c = text.ptr[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (is_plain)
      bt_buffer_append_char(out, c);
    else if (out->len && out->ptr[out->len - 1] != '-')
      bt_buffer_append_char(out, '-');
  }
  while (out->len && out->ptr[out->len - 1] == '-') out->ptr[--out->len] = 0;
  bt_buffer_dispose(&words);
}

bt_status bt_behaviour_rule(const bt_mine_sample *sample, const bt_behaviour *behaviour, bool is_opposite,
                            bt_rule_fields *fields, const char *head, bt_rule_definition **out, bt_error *error) {
  bt_buffer when = {0}, then = {0}, dsl = {0}, id = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  write_clauses(sample, behaviour, &when, &then);
  bt_buffer_printf(&dsl, "when { %s }\n%s { %s }\n", when.ptr ? when.ptr : "",
                   is_opposite != is_negative(behaviour) ? "never" : "always", then.ptr ? then.ptr : "");
  bt_buffer_append(&id, bt_str_from(head));
  write_id(sample, behaviour, &id);
  bool is_written = !when.failed && !then.failed && !dsl.failed && !id.failed && id.ptr;
  fields->id = id.ptr;
  fields->dsl = dsl.ptr;
  bt_status status = is_written ? bt_rule_definition_new(fields, out, &diagnostics, error) : bt_error_no_memory(error);
  bt_rule_fields_dispose(fields);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&when);
  bt_buffer_dispose(&then);
  return status;
}

bt_status bt_change_rule(const bt_mine_sample *sample, const bt_change *change, bt_rule_definition **out,
                         bt_error *error) {
  static const double held = 0.95;
  double before = bt_share_value(change->before);
  bt_rule_fields fields;
  *out = NULL;
  if (before < held && before > 1 - held) return BT_OK;
  bt_rule_fields_init(&fields);
  return bt_behaviour_rule(sample, change->behaviour, before < held, &fields, "", out, error);
}
