/* Writing filters in SQL. See clickhouse_filter.h. */
#include "tempo/clickhouse/clickhouse_filter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/cut_text.h"
#include "dsl/trace/text_number.h"
#include "dsl/trace/untyped_text.h"

typedef struct writer {
  const bt_clickhouse_layout *layout;
  bt_clickhouse_condition *out;
  bool is_under;
  bool is_shown; /* for people */
} writer;

static bt_buffer *sql_of(writer *w) {
  return &w->out->sql;
}

static void add_sql(writer *w, const char *sql) {
  bt_buffer_append(sql_of(w), bt_str_from(sql));
}

/* ---- values ---- */

/* A literal of SQL, with everything that is not printable in the same form of escape. */
static void show_value(bt_str text, bt_buffer *out) {
  bt_buffer_append_char(out, '\'');
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c == '\'' || c == '\\') bt_buffer_append_char(out, '\\');
    if (c < ' ' || c == 0x7f)
      bt_buffer_printf(out, "\\x%02X", (unsigned)c);
    else
      bt_buffer_append_char(out, (char)c);
  }
  bt_buffer_append_char(out, '\'');
}

static size_t number_of(bt_clickhouse_condition *out, bt_str text) {
  size_t i = 0;
  while (i < out->count && !bt_str_equal(out->values[i], text)) i++;
  if (i < out->count) return i;
  bt_str *values = bt_grow_array(out->values, out->count, &out->capacity, sizeof *values);
  if (!values) {
    out->lacks_memory = true;
    return 0;
  }
  out->values = values;
  values[out->count] = text;
  return out->count++;
}

void bt_clickhouse_condition_name(bt_clickhouse_condition *condition, bt_str text, bt_buffer *sql) {
  bt_buffer_printf(sql, "{f%zu:String}", number_of(condition, text));
}

static void add_value(writer *w, bt_str text) {
  if (w->is_shown)
    show_value(text, sql_of(w));
  else
    bt_clickhouse_condition_name(w->out, text, sql_of(w));
}

bool bt_clickhouse_is_plain(bt_str text) {
  return bt_utf8_valid(text) && !bt_str_contains(text, BT_STR("\xEF\xBF\xBD"));
}

/* "^k" would be all below k, and "k.:`Int64`" what of k is an integer. */
bool bt_clickhouse_is_path(bt_str key) {
  return key.len && bt_clickhouse_is_plain(key) && key.ptr[0] != '^' && !memchr(key.ptr, '`', key.len) &&
         !memchr(key.ptr, '[', key.len) && !memchr(key.ptr, '\0', key.len);
}

bool bt_clickhouse_is_sure(bt_str text) {
  return text.len < BT_CUT_BYTES / 3 && bt_clickhouse_is_plain(text) && !bt_untyped_value(text).is_untyped;
}

/* ---- what cannot be said ---- */

static void add_unsaid(writer *w) {
  add_sql(w, w->is_under ? "false" : "true");
}

/* A text that is no UTF-8 may be read as any with U+FFFD; patterns see other characters in it. */
static void add_unless_repaired(writer *w, const char *text) {
  bt_buffer_printf(sql_of(w), w->is_under ? " AND isValidUTF8(%s))" : " OR NOT isValidUTF8(%s))", text);
}

/* ---- texts ---- */

/* RE2, as here. A pattern of a filter is for the whole text. */
static void add_match(writer *w, const char *text, bt_str pattern) {
  bt_buffer_printf(sql_of(w), "match(%s, concat('\\\\A(?:', ", text);
  add_value(w, pattern);
  add_sql(w, ", ')\\\\z'))");
}

static void add_pattern(writer *w, const char *column, const bt_filter_test *test) {
  add_sql(w, test->op == BT_FILTER_NOT_REGEX ? "(NOT " : "(");
  add_match(w, column, test->literal.string);
  add_unless_repaired(w, column);
}

/* Of a column that every span has. */
static void add_text(writer *w, const char *column, const bt_filter_test *test) {
  bool is_equal = test->op == BT_FILTER_EQUAL, is_other = test->op == BT_FILTER_NOT_EQUAL;
  bool is_pattern = test->op == BT_FILTER_REGEX || test->op == BT_FILTER_NOT_REGEX;
  if (test->literal.type != BT_VALUE_STRING || !(is_equal || is_other || is_pattern)) {
    add_unsaid(w);
    return;
  }
  if (is_pattern) {
    add_pattern(w, column, test);
    return;
  }
  bool is_plain = bt_clickhouse_is_plain(test->literal.string);
  if (!is_plain) add_sql(w, "(");
  bt_buffer_printf(sql_of(w), is_equal ? "%s = " : "%s != ", column);
  add_value(w, test->literal.string);
  if (!is_plain) add_unless_repaired(w, column);
}

/* ---- kinds and statuses ---- */

typedef struct word {
  const char *lower, *as_written; /* by exporters of either time, and by Jaeger */
} word;
static const word kinds[] = {{"unspecified", "'Unspecified', 'SPAN_KIND_UNSPECIFIED', '', 'unspecified'"},
                             {"internal", "'Internal', 'SPAN_KIND_INTERNAL', 'internal'"},
                             {"server", "'Server', 'SPAN_KIND_SERVER', 'server'"},
                             {"client", "'Client', 'SPAN_KIND_CLIENT', 'client'"},
                             {"producer", "'Producer', 'SPAN_KIND_PRODUCER', 'producer'"},
                             {"consumer", "'Consumer', 'SPAN_KIND_CONSUMER', 'consumer'"}},
                  statuses[] = {{"unset", "'Unset', 'STATUS_CODE_UNSET', '', 'unset'"},
                                {"ok", "'Ok', 'STATUS_CODE_OK', 'ok'"},
                                {"error", "'Error', 'STATUS_CODE_ERROR', 'error'"}};

/* Over: no other word is there, whatever is. Under: this one is, or one of the others. */
static void add_word(writer *w, const char *column, const word *words, size_t count, const bt_filter_test *test) {
  bool is_equal = test->op == BT_FILTER_EQUAL, is_first = true;
  size_t meant = 0;
  while (meant < count && !bt_str_equal(test->literal.string, bt_str_from(words[meant].lower))) meant++;
  if (meant == count || test->literal.type != BT_VALUE_STRING || (!is_equal && test->op != BT_FILTER_NOT_EQUAL)) {
    add_unsaid(w);
    return;
  }
  bt_buffer_printf(sql_of(w), "%s%s IN (", column, w->is_under ? "" : " NOT");
  for (size_t i = 0; i < count; i++) {
    if ((i == meant) != (is_equal == w->is_under)) continue;
    bt_buffer_printf(sql_of(w), is_first ? "%s" : ", %s", words[i].as_written);
    is_first = false;
  }
  add_sql(w, ")");
}

/* ---- durations ---- */

static const char *order_sign(bt_filter_operator op) {
  switch (op) {
  case BT_FILTER_EQUAL: return "=";
  case BT_FILTER_NOT_EQUAL: return "!=";
  case BT_FILTER_LESS: return "<";
  case BT_FILTER_LESS_EQUAL: return "<=";
  case BT_FILTER_GREATER: return ">";
  case BT_FILTER_GREATER_EQUAL: return ">=";
  case BT_FILTER_REGEX:
  case BT_FILTER_NOT_REGEX:
  case BT_FILTER_PRESENT:
  case BT_FILTER_SURELY_PRESENT: break;
  }
  return NULL;
}

/* A duration wraps where the end is before the start, and is 0 for us. A start or an end of 0 is not known. */
static void add_duration(writer *w, const bt_filter_test *test) {
  const char *start = w->layout->row[BT_ROW_START], *duration = w->layout->row[BT_ROW_DURATION];
  const char *sign = order_sign(test->op);
  if (!sign || test->literal.type != BT_VALUE_DURATION) {
    add_unsaid(w);
    return;
  }
  bt_buffer_printf(sql_of(w), "(greatest(%s, 0) %s toInt64(%" PRId64 ")", duration, sign, test->literal.duration_ns);
  const char *join = w->is_under ? "AND" : "OR", *zero = w->is_under ? "!=" : "=";
  bt_buffer_printf(sql_of(w), " %s %s %s 0 %s %s + %s %s 0)", join, start, zero, join, start, duration, zero);
}

/* ---- attributes ---- */

typedef bt_clickhouse_part part;

/* The value of a key as a text: map['key']. */
static void add_value_of(writer *w, const part *p, bt_str key) {
  bt_buffer *sql = sql_of(w);
  if (p->type == BT_CLICKHOUSE_ANY)
    bt_buffer_printf(sql, "toString(getSubcolumn(%s, ", p->column);
  else if (p->column)
    bt_buffer_printf(sql, "%s[", p->column);
  else
    bt_buffer_printf(sql, "%s[indexOf(%s, ", p->values, p->keys);
  add_value(w, key);
  add_sql(w, p->type == BT_CLICKHOUSE_ANY ? "))" : p->column ? "]" : ")]");
}

static void add_there(writer *w, const part *p, bt_str key) {
  bt_buffer *sql = sql_of(w);
  if (p->type == BT_CLICKHOUSE_OTHERS)
    bt_buffer_printf(sql, "hasAny(%s, arrayMap(w -> concat(w, ", p->keys);
  else if (p->type == BT_CLICKHOUSE_ANY)
    bt_buffer_printf(sql, "isNotNull(getSubcolumn(%s, ", p->column);
  else
    bt_buffer_printf(sql, p->column ? "mapContains(%s, " : "has(%s, ", p->column ? p->column : p->keys);
  add_value(w, key);
  if (p->type == BT_CLICKHOUSE_OTHERS) add_sql(w, "), ['@bytes@', '@map@', '@slice@'])");
  add_sql(w, p->type == BT_CLICKHOUSE_ANY ? "))" : ")");
}

/* How often the key is there: " > 1" or " = 1". A path of JSON is there once. */
static void add_times(writer *w, const char *before, const part *p, bt_str key, const char *after) {
  if (p->type == BT_CLICKHOUSE_ANY) return;
  bt_buffer_printf(sql_of(w), p->column ? "%scountEqual(mapKeys(%s), " : "%scountEqual(%s, ", before,
                   p->column ? p->column : p->keys);
  add_value(w, key);
  add_sql(w, after);
}

static void add_call(writer *w, const char *before, const part *p, bt_str key, const char *after) {
  add_sql(w, before);
  add_value_of(w, p, key);
  add_sql(w, after);
}

/* An empty text, a list or a map: nobody knows what it was. */
static void add_open(writer *w, const part *p, bt_str key) {
  add_call(w, " OR ", p, key, " = ''");
  add_call(w, " OR (substring(", p, key, ", 1, 1) IN ('[', '{')");
  add_call(w, " AND (endsWith(", p, key, ", ']')");
  add_call(w, " OR endsWith(", p, key, ", '}')))");
}

/* Nearer to 0 than this, a bound with its slack is a double. */
static const double said_below = 1e300;

/* ClickHouse's doubles may be a few units beside ours, so the bounds have slack. What it does not take for a number,
 * and is long or begins like one, may be one to us; so may an infinity. */
static void add_number(writer *w, const part *p, bt_str key, bt_filter_operator op, double number) {
  double slack = fabs(number) * 1e-9 + 1e-300;
  bool has_low = bt_filter_asks_from(op), has_high = bt_filter_asks_up_to(op);
  bool is_text = p->type != BT_CLICKHOUSE_NUMBERS;
  add_sql(w, is_text ? "ifNull(" : "(");
  for (int i = 0; i < 2; i++) {
    if (i ? !has_high : !has_low) continue;
    if (i && has_low) add_sql(w, " AND ");
    if (is_text) add_call(w, "if(length(", p, key, ") > 32, NULL, ");
    add_call(w, is_text ? "toFloat64OrNull(" : "toFloat64(", p, key, is_text ? "))" : ")");
    bt_buffer_printf(sql_of(w), i ? " <= toFloat64(%.17g)" : " >= toFloat64(%.17g)",
                     i ? number + slack : number - slack);
  }
  if (is_text)
    add_call(w, ", match(", p, key, ", '^(?:-?(?:[0-9]|Inf)|json:)'))");
  else
    add_sql(w, ")");
}

static bool is_for_presence(const bt_filter_test *test) {
  return test->op == BT_FILTER_PRESENT || test->op == BT_FILTER_SURELY_PRESENT;
}

/* What a text reads as: only what reads so meets it. */
static void add_reading(writer *w, const part *p, bt_str key, bt_filter_operator op, const bt_value *read) {
  if (read->type == BT_VALUE_BOOL && op == BT_FILTER_EQUAL)
    add_call(w, "lower(", p, key, read->boolean ? ") = 'true'" : ") = 'false'");
  else if (bt_value_is_number(read) && (bt_filter_asks_from(op) || bt_filter_asks_up_to(op)) &&
           fabs(bt_value_as_double(read)) < said_below)
    add_number(w, p, key, op, bt_value_as_double(read));
  else
    add_sql(w, "true");
}

static void add_equal_text(writer *w, const part *p, bt_str key, bt_str text) {
  bt_value read = bt_text_value(text);
  add_value_of(w, p, key);
  add_sql(w, " = ");
  add_value(w, text);
  if (read.type != BT_VALUE_STRING) {
    add_sql(w, " OR ");
    add_reading(w, p, key, BT_FILTER_EQUAL, &read);
  }
  if (!bt_clickhouse_is_plain(text)) add_call(w, " OR NOT isValidUTF8(", p, key, ")");
}

/* A long text may have been cut. */
static void add_may_be_cut(writer *w, const part *p, bt_str key) {
  char after[32];
  snprintf(after, sizeof after, ") >= %d", BT_CUT_BYTES / 3);
  add_call(w, " OR length(", p, key, after);
}

/* Of a text that is there: whether it may meet the test. */
static void add_text_meets(writer *w, const part *p, const bt_filter_test *test) {
  bool is_text = test->literal.type == BT_VALUE_STRING;
  if (is_text && test->op == BT_FILTER_EQUAL && test->literal.string.len < BT_CUT_BYTES / 3) {
    add_equal_text(w, p, test->key, test->literal.string);
  } else if (is_text && test->op == BT_FILTER_REGEX) {
    add_sql(w, "match(");
    add_value_of(w, p, test->key);
    add_sql(w, ", concat('\\\\A(?:', ");
    add_value(w, test->literal.string);
    add_call(w, ", ')\\\\z')) OR NOT isValidUTF8(", p, test->key, ")");
    add_may_be_cut(w, p, test->key);
  } else if (is_text) {
    add_sql(w, "true");
  } else {
    add_reading(w, p, test->key, test->op, &test->literal);
  }
  add_open(w, p, test->key);
}

/* What a number or a boolean is compared with: its like, or a text that reads as such. False: none meets the test. */
static bool is_met_by(const part *p, const bt_filter_test *test, bt_value *with) {
  bool is_text = test->literal.type == BT_VALUE_STRING && test->op == BT_FILTER_EQUAL;
  *with = is_text ? bt_text_value(test->literal.string) : test->literal;
  if (is_for_presence(test)) return true;
  if (p->type == BT_CLICKHOUSE_NUMBERS) return bt_value_is_number(with);
  return p->type != BT_CLICKHOUSE_BOOLEANS || with->type == BT_VALUE_BOOL;
}

/* From 2^53 on a number stands for others. */
static void add_typed_meets(writer *w, const part *p, const bt_filter_test *test) {
  bt_value with;
  (void)is_met_by(p, test, &with);
  if (p->type == BT_CLICKHOUSE_BOOLEANS) {
    add_call(w, "", p, test->key, with.boolean ? " = true" : " = false");
    return;
  }
  add_reading(w, p, test->key, test->op, &with);
  add_call(w, " OR NOT abs(toFloat64(", p, test->key, ")) < 9007199254740992");
}

static void add_json_type(writer *w, const char *before, const part *p, bt_str key, const char *after) {
  if (p->type != BT_CLICKHOUSE_ANY) return;
  bt_buffer_printf(sql_of(w), "%sdynamicType(getSubcolumn(%s, ", before, p->column);
  add_value(w, key);
  bt_buffer_printf(sql_of(w), "))%s", after);
}

/* Dates and lists of JSON are not what was sent, or are several values. */
static void add_meets(writer *w, const part *p, const bt_filter_test *test) {
  if (p->type == BT_CLICKHOUSE_TEXTS || p->type == BT_CLICKHOUSE_ANY)
    add_text_meets(w, p, test);
  else
    add_typed_meets(w, p, test);
  add_json_type(w, " OR ", p, test->key, " NOT IN ('String', 'Bool', 'Int64', 'UInt64', 'Float64')");
}

/* A key may stand twice, and then any of its values may be meant; map['key'] is the first of them. */
static void add_part_may_meet(writer *w, const part *p, const bt_filter_test *test) {
  bool is_there = is_for_presence(test) || p->type == BT_CLICKHOUSE_OTHERS;
  if (!is_there) add_sql(w, "(");
  add_there(w, p, test->key);
  if (is_there) return;
  add_sql(w, " AND (");
  add_meets(w, p, test);
  add_times(w, " OR ", p, test->key, ") > 1");
  add_sql(w, "))");
}

/* Texts are among the attributes of every schema, so something is said. */
static void add_may_meet(writer *w, const bt_clickhouse_attributes *kept, const bt_filter_test *test) {
  const char *before = kept->count > 1 ? "(" : "";
  bt_value with;
  for (size_t i = 0; i < kept->count; i++) {
    if (!is_met_by(&kept->parts[i], test, &with)) continue;
    add_sql(w, before);
    add_part_may_meet(w, &kept->parts[i], test);
    before = " OR ";
  }
  if (kept->count > 1) add_sql(w, ")");
}

/* It is there once, as a text that is this one and nothing else. */
static void add_surely_meets(writer *w, const bt_clickhouse_attributes *kept, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  bool is_text = test->op == BT_FILTER_EQUAL && literal->type == BT_VALUE_STRING;
  if (!is_text || !bt_clickhouse_is_sure(literal->string)) {
    add_unsaid(w);
    return;
  }
  for (size_t i = 0; i < kept->count; i++) {
    const part *p = &kept->parts[i];
    bool is_of_texts = p->type == BT_CLICKHOUSE_TEXTS || p->type == BT_CLICKHOUSE_ANY;
    add_sql(w, i ? " AND " : "(");
    if (!is_of_texts) {
      add_sql(w, "NOT ");
      add_there(w, p, test->key);
      continue;
    }
    add_value_of(w, p, test->key);
    add_sql(w, " = ");
    add_value(w, literal->string);
    add_times(w, " AND ", p, test->key, ") = 1");
    add_json_type(w, " AND ", p, test->key, " = 'String'");
  }
  add_sql(w, ")");
}

static bool is_nameable(const bt_clickhouse_attributes *kept, bt_str key) {
  return kept->parts[0].type == BT_CLICKHOUSE_ANY ? bt_clickhouse_is_path(key) : bt_clickhouse_is_plain(key);
}

static void add_attribute(writer *w, const bt_clickhouse_attributes *kept, const bt_filter_test *test) {
  bool is_service = test->field == BT_FILTER_RESOURCE && bt_str_equal(test->key, BT_STR("service.name"));
  if (!is_nameable(kept, test->key))
    add_unsaid(w);
  else if (is_service && test->literal.type == BT_VALUE_STRING && test->op != BT_FILTER_PRESENT)
    add_text(w, w->layout->row[BT_ROW_SERVICE], test);
  else if (w->is_under)
    add_surely_meets(w, kept, test);
  else
    add_may_meet(w, kept, test);
}

/* ---- events and links ---- */

static bool takes_any(const bt_filter_test *test) {
  bool is_regex = test->op == BT_FILTER_REGEX && test->literal.type == BT_VALUE_STRING;
  return !is_regex || bt_str_equal(test->literal.string, BT_STR(BT_FILTER_ANY_STRING));
}

static void add_event_name(writer *w, const bt_filter_test *test) {
  bool is_equal = test->op == BT_FILTER_EQUAL && test->literal.type == BT_VALUE_STRING;
  const char *names = w->layout->row[BT_ROW_EVENT_NAMES];
  if (!is_equal && takes_any(test)) {
    bt_buffer_printf(sql_of(w), "notEmpty(%s)", names);
    return;
  }
  add_sql(w, "arrayExists(n -> ");
  add_text(w, "n", test);
  bt_buffer_printf(sql_of(w), ", %s)", names);
}

static void add_event(writer *w, const bt_filter_test *test) {
  static const part map = {.type = BT_CLICKHOUSE_TEXTS, .column = "m"};
  const char *maps = w->layout->event_maps;
  if (!maps || !bt_clickhouse_is_plain(test->key)) {
    bt_buffer_printf(sql_of(w), "notEmpty(%s)", w->layout->row[BT_ROW_EVENT_NAMES]);
    return;
  }
  add_sql(w, "arrayExists(m -> ");
  add_part_may_meet(w, &map, test);
  bt_buffer_printf(sql_of(w), ", %s)", maps);
}

/* Of what is in a list an under-query says nothing. What cannot be read may be anything. */
static void add_of_list(writer *w, const bt_filter_test *test) {
  const char *check = w->layout->row[BT_ROW_CHECK];
  if (w->is_under) {
    add_unsaid(w);
    return;
  }
  if (check) bt_buffer_printf(sql_of(w), "(NOT %s OR ", check);
  if (test->field == BT_FILTER_EVENT_NAME)
    add_event_name(w, test);
  else if (test->field == BT_FILTER_EVENT)
    add_event(w, test);
  else
    bt_buffer_printf(sql_of(w), "notEmpty(%s)", w->layout->row[BT_ROW_LINK_TRACES]);
  if (check) add_sql(w, ")");
}

/* ---- all of it ---- */

static void add_test(writer *w, const bt_filter_test *test) {
  const char *const *row = w->layout->row;
  switch (test->field) {
  case BT_FILTER_NAME: add_text(w, row[BT_ROW_NAME], test); return;
  case BT_FILTER_STATUS_MESSAGE: add_text(w, row[BT_ROW_MESSAGE], test); return;
  case BT_FILTER_KIND: add_word(w, row[BT_ROW_KIND], kinds, sizeof kinds / sizeof *kinds, test); return;
  case BT_FILTER_STATUS: add_word(w, row[BT_ROW_STATUS], statuses, sizeof statuses / sizeof *statuses, test); return;
  case BT_FILTER_DURATION: add_duration(w, test); return;
  case BT_FILTER_SPAN: add_attribute(w, &w->layout->span, test); return;
  case BT_FILTER_RESOURCE: add_attribute(w, &w->layout->resource, test); return;
  case BT_FILTER_EVENT_NAME:
  case BT_FILTER_EVENT:
  case BT_FILTER_LINK: add_of_list(w, test); return;
  case BT_FILTER_SERVICE: /* a sampler's, as those that follow */
  case BT_FILTER_SCOPE_NAME:
  case BT_FILTER_SCOPE_VERSION:
  case BT_FILTER_SCOPE: break;
  }
  add_unsaid(w);
}

static void add_filter(writer *w, const bt_filter *filter) {
  switch (filter->kind) {
  case BT_FILTER_ALL: add_sql(w, "true"); return;
  case BT_FILTER_NONE: add_sql(w, "false"); return;
  case BT_FILTER_TEST: add_test(w, &filter->test); return;
  case BT_FILTER_AND:
  case BT_FILTER_OR: break;
  }
  add_sql(w, "(");
  for (uint32_t i = 0; i < filter->item_count; i++) {
    if (i) add_sql(w, filter->kind == BT_FILTER_AND ? " AND " : " OR ");
    add_filter(w, filter->items[i]);
  }
  add_sql(w, ")");
}

static size_t bytes_of_values(const bt_clickhouse_condition *condition) {
  size_t bytes = 0;
  for (size_t i = 0; i < condition->count; i++) bytes += condition->values[i].len;
  return bytes;
}

bool bt_clickhouse_condition_write(const bt_clickhouse_layout *layout, bt_query query, bt_clickhouse_condition *out) {
  writer w = {.layout = layout, .out = out, .is_under = query.manner == BT_CLICKHOUSE_UNDER};
  *out = (bt_clickhouse_condition){.sql.maximum = BT_CLICKHOUSE_CONDITION_BYTES};
  add_filter(&w, query.filter ? query.filter : bt_filter_all());
  if (!out->sql.failed && !out->lacks_memory && bytes_of_values(out) <= BT_CLICKHOUSE_CONDITION_BYTES) return true;
  bt_buffer_dispose(&out->sql);
  out->sql = (bt_buffer){0};
  out->count = 0;
  add_unsaid(&w);
  return false;
}

void bt_clickhouse_condition_show(const bt_clickhouse_layout *layout, bt_query query, bt_buffer *out) {
  bt_clickhouse_condition condition = {0};
  writer w = {.layout = layout, .out = &condition, .is_under = query.manner == BT_CLICKHOUSE_UNDER, .is_shown = true};
  add_filter(&w, query.filter ? query.filter : bt_filter_all());
  bt_buffer_append(out, bt_buffer_str(&condition.sql));
  if (condition.sql.failed) out->failed = true;
  bt_clickhouse_condition_dispose(&condition);
}

void bt_clickhouse_condition_dispose(bt_clickhouse_condition *condition) {
  bt_buffer_dispose(&condition->sql);
  free(condition->values);
  *condition = (bt_clickhouse_condition){0};
}
