/* Writing TraceQL: literals, filters, searches and reads. See traceql.h. */
#include "dsl/traceql.h"
#include "dsl/filter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  LEXER_CHUNK_BYTES = 1024, /* what Tempo's lexer reads at a time */
  LOOKAHEAD_BYTES = 48      /* more than it ever looks ahead from the start of a number or an attribute */
};

/* ---- literals ---- */

/* Everything but printable ASCII is escaped, so that places in the query are bytes for Tempo's lexer too. */
static void quote_code_point(uint32_t code, bt_buffer *out) {
  if (code == '"' || code == '\\')
    bt_buffer_printf(out, "\\%c", (int)code);
  else if (code == '\n')
    bt_buffer_append(out, BT_STR("\\n"));
  else if (code == '\t')
    bt_buffer_append(out, BT_STR("\\t"));
  else if (code == '\r')
    bt_buffer_append(out, BT_STR("\\r"));
  else if (code >= 0x20 && code < 0x7f)
    bt_buffer_append_char(out, (char)code);
  else if (code <= 0xffff)
    bt_buffer_printf(out, "\\u%04x", (unsigned)code);
  else
    bt_buffer_printf(out, "\\U%08x", (unsigned)code);
}

void bt_traceql_quote(bt_str s, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  while (s.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(s, &code);
    if (length) {
      quote_code_point(code, out);
    } else { /* not UTF-8: the byte itself */
      bt_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)s.ptr[0]);
      length = 1;
    }
    s.ptr += length;
    s.len -= length;
  }
  bt_buffer_append_char(out, '"');
}

/* The shortest decimal that reads back as the same double, and that cannot be taken for an integer. */
static void write_double(double decimal, bt_buffer *out) {
  char text[40];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, decimal);
    if (!(strtod(text, NULL) < decimal) && !(strtod(text, NULL) > decimal)) break;
  }
  bt_str written = bt_str_from(text);
  bt_buffer_append(out, written);
  if (!bt_str_contains(written, BT_STR(".")) && !bt_str_contains(written, BT_STR("e")))
    bt_buffer_append(out, BT_STR(".0"));
}

static void write_duration(int64_t duration_ns, bt_buffer *out) {
  static const struct {
    int64_t ns;
    const char *unit;
  } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
  size_t i = 0;
  while (duration_ns % units[i].ns) i++;
  bt_buffer_printf(out, "%lld%s", (long long)(duration_ns / units[i].ns), units[i].unit);
}

static void write_literal(const bt_filter_test *test, bt_buffer *out) {
  const bt_value *literal = &test->literal;
  switch (literal->type) {
  case BT_VALUE_STRING:
    if (test->field == BT_FILTER_KIND || test->field == BT_FILTER_STATUS)
      bt_buffer_append(out, literal->string);
    else
      bt_traceql_quote(literal->string, out);
    break;
  case BT_VALUE_BOOL: bt_buffer_append(out, literal->boolean ? BT_STR("true") : BT_STR("false")); break;
  case BT_VALUE_INT: bt_buffer_printf(out, "%lld", (long long)literal->integer); break;
  case BT_VALUE_DOUBLE: write_double(literal->decimal, out); break;
  case BT_VALUE_DURATION: write_duration(literal->duration_ns, out); break;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: break;
  }
}

/* ---- filters ---- */

static bool is_plain_key(bt_str key) {
  for (size_t i = 0; i < key.len; i++) {
    char c = key.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/'))) return false;
  }
  return key.len > 0;
}

/* Quoted names know \" and \\ only; the planner lets no other strange byte come here. */
static void write_key(bt_str key, bt_buffer *out) {
  if (is_plain_key(key)) {
    bt_buffer_append(out, key);
    return;
  }
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < key.len; i++) {
    if (key.ptr[i] == '"' || key.ptr[i] == '\\') bt_buffer_append_char(out, '\\');
    bt_buffer_append_char(out, key.ptr[i]);
  }
  bt_buffer_append_char(out, '"');
}

static void write_field(const bt_filter_test *test, bt_buffer *out) {
  bt_str name = bt_filter_field_name(test->field);
  bt_buffer_append(out, name.len ? name : test->field == BT_FILTER_RESOURCE ? BT_STR("resource.") : BT_STR("span."));
  if (!name.len) write_key(test->key, out);
}

static const char *operator_text(bt_filter_operator op) {
  switch (op) {
  case BT_FILTER_EQUAL: return " = ";
  case BT_FILTER_NOT_EQUAL: return " != ";
  case BT_FILTER_LESS: return " < ";
  case BT_FILTER_LESS_EQUAL: return " <= ";
  case BT_FILTER_GREATER: return " > ";
  case BT_FILTER_GREATER_EQUAL: return " >= ";
  case BT_FILTER_REGEX: return " =~ ";
  case BT_FILTER_NOT_REGEX: return " !~ ";
  case BT_FILTER_PRESENT: break;
  }
  return " != ";
}

/* `attribute != nil` would find values of one type only where the attribute has a column of its own, and spoil what is asked beside it:
 * so each type is asked for. Both signs of a range, because `= v || != v` spoils it too; the odd double finds NaN, which has no order. */
static void write_present(bt_str attribute, bt_buffer *out) {
  static const char *const types[] = {"=~ \"(?s:.*)\"", ">= 0", "< 0", ">= 0.0", "!= 5e-324", "= true", "= false"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    bt_buffer_printf(out, "%s%.*s %s", i ? " || " : "", BT_FMT(attribute), types[i]);
}

/* How far a comparison is kept from Tempo's shortcut by pages. */
typedef enum guarded {
  GUARDED_NOT,      /* what is subtracted: finding less does no harm */
  GUARDED_DURATION, /* durations */
  GUARDED_ALL       /* and doubles */
} guarded;

/* Tempo leaves out whole pages of spans by their lowest and highest value, and those are wrong where one span of the page ends before it
 * starts, or has a double attribute (any) that is NaN: then spans that meet a comparison are not found (measured). A second comparison
 * that never fails where the first holds, and that no page can be left out by, keeps the pages. Of doubles it also makes Tempo 2.8 look at all
 * elements of an array, which it mixes up with those of others (filter.h): then both ways of writing are asked. */
static void write_guard(const bt_filter_test *test, bt_buffer *out) {
  if (test->field == BT_FILTER_DURATION) {
    bt_buffer_append(out, BT_STR("duration <= 9223372036854775807ns"));
    return;
  }
  /* Beyond every literal (BT_TRACEQL_GUARDED_BELOW), and no value that a span has: a page with NaN can seem to hold one value only, and must not seem to hold this one. */
  bool is_upward = test->op == BT_FILTER_GREATER || test->op == BT_FILTER_GREATER_EQUAL;
  write_field(test, out);
  bt_buffer_append(out, is_upward ? BT_STR(" != -1.2345678901234567e+300") : BT_STR(" != 1.2345678901234567e+300"));
}

static bool needs_guard(const bt_filter_test *test, guarded how) {
  if (test->field == BT_FILTER_DURATION) return how != GUARDED_NOT;
  return how == GUARDED_ALL && bt_filter_compares_doubles(test);
}

/* is_alone: nothing stands beside it, so that no parentheses are needed. */
static void write_test(const bt_filter_test *test, guarded how, bool is_alone, bt_buffer *out) {
  bool has_guard = needs_guard(test, how), is_present = test->op == BT_FILTER_PRESENT;
  if ((has_guard || is_present) && !is_alone) bt_buffer_append_char(out, '(');
  if (is_present) {
    bt_buffer attribute = {0};
    write_field(test, &attribute);
    if (attribute.failed) out->failed = true;
    write_present(bt_buffer_str(&attribute), out);
    bt_buffer_dispose(&attribute);
  } else {
    write_field(test, out);
    bt_buffer_append(out, bt_str_from(operator_text(test->op)));
    write_literal(test, out);
  }
  if (has_guard) {
    bt_buffer_append(out, BT_STR(" && "));
    write_guard(test, out);
  }
  if ((has_guard || is_present) && !is_alone) bt_buffer_append_char(out, ')');
}

static void write_node(const bt_filter *filter, guarded how, bool is_top, bt_buffer *out) {
  if (filter->kind == BT_FILTER_ALL || filter->kind == BT_FILTER_NONE) {
    bt_buffer_append(out, filter->kind == BT_FILTER_ALL ? BT_STR("true") : BT_STR("false"));
    return;
  }
  if (filter->kind == BT_FILTER_TEST) {
    write_test(&filter->test, how, is_top, out);
    return;
  }
  if (!is_top) bt_buffer_append_char(out, '(');
  for (uint32_t i = 0; i < filter->item_count; i++) {
    if (i) bt_buffer_append(out, filter->kind == BT_FILTER_AND ? BT_STR(" && ") : BT_STR(" || "));
    write_node(filter->items[i], how, false, out);
  }
  if (!is_top) bt_buffer_append_char(out, ')');
}

static void write_filter(const bt_filter *filter, guarded how, bt_buffer *out) {
  if (filter->kind == BT_FILTER_ALL) {
    bt_buffer_append(out, BT_STR("{}"));
    return;
  }
  bt_buffer_append(out, BT_STR("{ "));
  write_node(filter, how, true, out);
  bt_buffer_append(out, BT_STR(" }"));
}

void bt_traceql_write_over(bt_over_filter filter, bt_buffer *out) {
  write_filter(filter.filter, GUARDED_DURATION, out);
}

void bt_traceql_write_hidden(bt_over_filter filter, bt_buffer *out) {
  write_filter(filter.filter, GUARDED_ALL, out);
}

void bt_traceql_write_under(bt_under_filter filter, bt_buffer *out) {
  write_filter(filter.filter, GUARDED_NOT, out);
}

/* ---- queries ---- */

/* Length of the word at the start of s: up to a blank or a parenthesis outside quotes. */
static size_t word_length(bt_str s) {
  bool quoted = false;
  size_t i = 0;
  for (; i < s.len; i++) {
    if (quoted && s.ptr[i] == '\\') {
      i++;
      continue;
    }
    if (s.ptr[i] == '"') quoted = !quoted;
    if (!quoted && (s.ptr[i] == ' ' || s.ptr[i] == '(')) break;
  }
  return i < s.len ? i : s.len;
}

/* Copies a query and puts blanks before each number and name whose start would lie across two of the lexer's chunks. */
static void append_query(bt_str query, bt_buffer *out) {
  size_t start = out->len;
  while (query.len && !out->failed) {
    size_t length = word_length(query);
    bool is_looked_into = length && query.ptr[0] != '"';
    size_t place = (out->len - start) % LEXER_CHUNK_BYTES;
    size_t reach = length < LOOKAHEAD_BYTES ? length + 2 : LOOKAHEAD_BYTES;
    if (is_looked_into && place + reach > LEXER_CHUNK_BYTES)
      bt_buffer_printf(out, "%*s", (int)(LEXER_CHUNK_BYTES - place), "");
    if (length == 0) length = 1;
    bt_buffer_append(out, (bt_str){query.ptr, length});
    query.ptr += length;
    query.len -= length;
  }
}

/* What stands between the braces. */
static bt_str inside_of(bt_str filter) {
  bt_str inside = filter;
  if (inside.len >= 2 && inside.ptr[0] == '{' && inside.ptr[inside.len - 1] == '}') {
    inside.ptr++;
    inside.len -= 2;
  }
  while (inside.len && inside.ptr[0] == ' ') {
    inside.ptr++;
    inside.len--;
  }
  while (inside.len && inside.ptr[inside.len - 1] == ' ') inside.len--;
  return inside;
}

static bool is_one_plain_id(bt_str regex) {
  for (size_t i = 0; i < regex.len; i++) {
    char c = regex.ptr[i];
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
  }
  return true;
}

void bt_traceql_search(bt_str filter, bt_str id_regex, bt_buffer *out) {
  bt_str inside = inside_of(filter);
  bt_buffer query = {0};
  bt_buffer_append(&query, BT_STR("{"));
  if (id_regex.len) {
    bt_buffer_append(&query, BT_STR(" trace:id =~ \""));
    bt_buffer_append(&query, id_regex);
    bt_buffer_append(&query, is_one_plain_id(id_regex) ? BT_STR("|x\"") : BT_STR("\""));
  }
  bool joined = id_regex.len && inside.len;
  if (joined) bt_buffer_append(&query, BT_STR(" && ("));
  if (inside.len && !joined) bt_buffer_append_char(&query, ' ');
  bt_buffer_append(&query, inside);
  if (joined) bt_buffer_append_char(&query, ')');
  bt_buffer_append(&query, id_regex.len || inside.len ? BT_STR(" }") : BT_STR("}"));
  if (query.failed) out->failed = true;
  append_query(bt_buffer_str(&query), out);
  bt_buffer_dispose(&query);
}

/* ---- reads ---- */

typedef struct key_use {
  bool span, resource, either;
} key_use;

static key_use use_of(const bt_projection *projection, bt_str key) {
  key_use use = {0};
  for (uint32_t i = 0; i < projection->attribute_count; i++) {
    const bt_projected *attribute = &projection->attributes[i];
    if (!bt_str_equal(attribute->key, key)) continue;
    if (attribute->scope == BT_PROJECTED_SPAN) use.span = true;
    if (attribute->scope == BT_PROJECTED_RESOURCE) use.resource = true;
    if (attribute->scope == BT_PROJECTED_EITHER) use.either = true;
  }
  if (use.either && (use.span || use.resource)) use = (key_use){.span = true, .resource = true};
  return use;
}

bool bt_traceql_is_taken_key(bt_str key) {
  static const char *const taken[] = {"name",         "kind",          "status",   "statusMessage", "duration",
                                      "service.name", "span:parentID", "trace:id", "span:id"};
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (bt_str_equal(key, bt_str_from(taken[i]))) return true;
  return false;
}

bool bt_projection_scope_in_group(const bt_projection *projection, uint32_t group, bt_str key,
                                  bt_projected_scope *scope) {
  key_use use = use_of(projection, key);
  uint32_t first = bt_traceql_is_taken_key(key) ? 1 : 0;
  if (bt_str_equal(key, BT_STR("service.name"))) {
    *scope = BT_PROJECTED_RESOURCE;
    if (group == 0) return true;
    use.resource = false; /* read already */
  }
  if (use.either && group == first) return *scope = BT_PROJECTED_EITHER, true;
  if (use.span && group == first) return *scope = BT_PROJECTED_SPAN, true;
  if (use.resource && group == first + (use.span ? 1 : 0)) return *scope = BT_PROJECTED_RESOURCE, true;
  return false;
}

/* The attribute's place among those with its key decides whether it is the one to be written. */
static bool is_first_with_key(const bt_projection *projection, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (bt_str_equal(projection->attributes[i].key, projection->attributes[index].key)) return false;
  return true;
}

static bool attribute_in_group(const bt_projection *projection, uint32_t index, uint32_t group,
                               bt_projected_scope *scope) {
  bt_str key = projection->attributes[index].key;
  if (!is_first_with_key(projection, index) || (group == 0 && bt_traceql_is_taken_key(key))) return false;
  return bt_projection_scope_in_group(projection, group, key, scope);
}

uint32_t bt_projection_groups(const bt_projection *projection) {
  bt_projected_scope scope;
  uint32_t groups = 1;
  for (uint32_t group = 1; group < BT_TRACEQL_MAX_GROUPS; group++)
    for (uint32_t i = 0; i < projection->attribute_count; i++)
      if (attribute_in_group(projection, i, group, &scope)) groups = group + 1;
  return groups;
}

static void write_attribute(bt_projected_scope scope, bt_str key, bt_buffer *out) {
  bt_buffer_append(out, scope == BT_PROJECTED_SPAN       ? BT_STR("span.")
                        : scope == BT_PROJECTED_RESOURCE ? BT_STR("resource.")
                                                         : BT_STR("."));
  write_key(key, out);
}

/* ` && (… || true)`, or nothing for a group without attributes. */
static void write_every_type(const bt_projection *projection, uint32_t group, bt_buffer *out) {
  bt_projected_scope scope;
  bool any = false;
  for (uint32_t i = 0; i < projection->attribute_count; i++) {
    if (!attribute_in_group(projection, i, group, &scope)) continue;
    bt_buffer attribute = {0};
    write_attribute(scope, projection->attributes[i].key, &attribute);
    if (attribute.failed) out->failed = true;
    bt_buffer_append(out, any ? BT_STR(" || ") : BT_STR(" && ("));
    write_present(bt_buffer_str(&attribute), out);
    bt_buffer_dispose(&attribute);
    any = true;
  }
  if (any) bt_buffer_append(out, BT_STR(" || true)"));
}

/* The one place that writes select. by(span:id) before it keeps spans of split traces apart; by(kind) keeps the client and the server half of
 * one span id, which else vanish when they lie in different blocks (tests/facts/facts_wire.py). */
static void write_select(const bt_projection *projection, uint32_t group, bool all_spans, bt_buffer *out) {
  bt_projected_scope scope;
  bool any = group == 0;
  bt_buffer_append(out, BT_STR(" | by(span:id) | by(kind) | select("));
  if (group == 0) bt_buffer_append(out, BT_STR("name"));
  if (group == 0 && all_spans) bt_buffer_append(out, BT_STR(", kind"));
  if (group == 0 && (all_spans || projection->status)) bt_buffer_append(out, BT_STR(", status"));
  if (group == 0 && (all_spans || projection->parent)) bt_buffer_append(out, BT_STR(", span:parentID"));
  if (group == 0 && (all_spans || projection->service)) bt_buffer_append(out, BT_STR(", resource.service.name"));
  if (group == 0 && projection->status_message) bt_buffer_append(out, BT_STR(", statusMessage"));
  for (uint32_t i = 0; i < projection->attribute_count; i++) {
    if (!attribute_in_group(projection, i, group, &scope)) continue;
    if (any) bt_buffer_append(out, BT_STR(", "));
    write_attribute(scope, projection->attributes[i].key, out);
    any = true;
  }
  bt_buffer_append(out, BT_STR(")"));
}

static void write_id(const bt_trace_id *id, bt_buffer *out) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  const char *digits = hex;
  while (*digits == '0') digits++;
  bt_buffer_append(out, bt_str_from(digits));
}

void bt_traceql_read(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                     bt_buffer *out) {
  bt_buffer query = {0};
  bt_buffer_append(&query, BT_STR("{ trace:id =~ \""));
  for (size_t i = 0; i < count; i++) {
    write_id(&ids[i], &query);
    bt_buffer_append_char(&query, '|');
  }
  bt_buffer_append(&query, BT_STR("x\""));
  write_every_type(projection, group, &query);
  bt_buffer_append(&query, BT_STR(" }"));
  write_select(projection, group, true, &query);
  if (query.failed) out->failed = true;
  append_query(bt_buffer_str(&query), out);
  bt_buffer_dispose(&query);
}

void bt_traceql_read_spans(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                           bt_buffer *out) {
  bt_buffer query = {0};
  bt_buffer_append(&query, BT_STR("{ "));
  if (id_regex.len) {
    bt_buffer_append(&query, BT_STR("trace:id =~ \""));
    bt_buffer_append(&query, id_regex);
    bt_buffer_append(&query, is_one_plain_id(id_regex) ? BT_STR("|x\" && ") : BT_STR("\" && "));
  }
  bt_buffer_append_char(&query, '(');
  bt_buffer_append(&query, inside_of(filter).len ? inside_of(filter) : BT_STR("true"));
  bt_buffer_append_char(&query, ')');
  write_every_type(projection, group, &query);
  bt_buffer_append(&query, BT_STR(" }"));
  write_select(projection, group, false, &query);
  if (query.failed) out->failed = true;
  append_query(bt_buffer_str(&query), out);
  bt_buffer_dispose(&query);
}

void bt_traceql_join_filters(const bt_str *filters, size_t count, bt_buffer *out) {
  if (count == 1) {
    bt_buffer_append(out, filters[0]);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    bt_buffer_append(out, i ? BT_STR(" || (") : BT_STR("{ ("));
    bt_buffer_append(out, inside_of(filters[i]));
    bt_buffer_append_char(out, ')');
  }
  bt_buffer_append(out, BT_STR(" }"));
}

static bool starts_at(bt_str text, size_t at, bt_str word) {
  return text.len - at >= word.len && bt_str_equal((bt_str){text.ptr + at, word.len}, word);
}

/* The place behind the string literal that begins at `at`. */
static size_t skip_literal(bt_str text, size_t at) {
  for (at++; at < text.len && text.ptr[at] != '"'; at++)
    if (text.ptr[at] == '\\') at++;
  return at < text.len ? at + 1 : text.len;
}

bool bt_traceql_tests_fields_only(bt_str filter) {
  static const bt_str scopes[] = {{"span.", 5}, {"resource.", 9}, {"event", 5}, {"link", 4}, {"instrumentation", 15}};
  const bt_str service = BT_STR("resource.service.name ");
  for (size_t at = 0; at < filter.len;) {
    if (filter.ptr[at] == '"') {
      at = skip_literal(filter, at);
      continue;
    }
    if (starts_at(filter, at, service)) {
      at += service.len;
      continue;
    }
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
      if (starts_at(filter, at, scopes[i])) return false;
    if (filter.ptr[at] == '.') return false; /* `.k`, either scope */
    at++;
  }
  return true;
}

size_t bt_traceql_ids_per_read(const bt_projection *projection) {
  size_t fixed_bytes = 1024; /* what every read has, blanks put in, and some room */
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    fixed_bytes += 9 * (2 * projection->attributes[i].key.len + 12) + 120;
  fixed_bytes += fixed_bytes / LEXER_CHUNK_BYTES * LOOKAHEAD_BYTES;
  return (BT_TRACEQL_MAX_BYTES - fixed_bytes) / (BT_TRACE_ID_HEX + 1);
}
