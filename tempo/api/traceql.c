/* Writing TraceQL: searches and reads, as they are sent. See traceql.h. */
#include "tempo/api/traceql.h"

#include <inttypes.h>

#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"
#include "tempo/api/traceql_parts.h"

enum {
  LEXER_CHUNK_BYTES = 1024, /* what Tempo's lexer reads at a time */
  LOOKAHEAD_BYTES = 48      /* more than it ever looks ahead from the start of a number or an attribute */
};

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
  static const char *const taken[] = {"name",     "kind",         "status",        "statusMessage",
                                      "duration", "service.name", "span:parentID", "trace:id",
                                      "span:id",  "link:traceID", "link:spanID"};
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

bool bt_projection_asks_in_group(const bt_projection *projection, uint32_t index, uint32_t group) {
  bt_projected_scope scope;
  return attribute_in_group(projection, index, group, &scope);
}

bool bt_projection_group_has_attributes(const bt_projection *projection, uint32_t group) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (bt_projection_asks_in_group(projection, i, group)) return true;
  return false;
}

uint32_t bt_projection_groups(const bt_projection *projection) {
  uint32_t groups = 1;
  for (uint32_t group = 1; group < BT_TRACEQL_MAX_GROUPS; group++)
    if (bt_projection_group_has_attributes(projection, group)) groups = group + 1;
  return groups;
}

/* Which scopes an attribute is asked for in. */
static bool is_in(bt_projected_scope scope, bt_filter_field of) {
  return scope == BT_PROJECTED_EITHER || (scope == BT_PROJECTED_SPAN) == (of == BT_FILTER_SPAN);
}

static void write_attribute(bt_filter_field of, bt_str key, bt_buffer *out) {
  bt_buffer_append(out, of == BT_FILTER_SPAN ? BT_STR("span.") : BT_STR("resource."));
  bt_traceql_write_key(key, out);
}

typedef void (*types_writer)(bt_str attribute, bt_buffer *out);

/* No column is of another type; what lies outside is loaded beside the attribute that nobody has. */
static void write_types_of_columns(bt_str attribute, bt_buffer *out) {
  bt_buffer_printf(out, "%.*s =~ \"(?s:.*)\" || %.*s >= 0 || %.*s < 0", BT_FMT(attribute), BT_FMT(attribute),
                   BT_FMT(attribute));
}

static types_writer writer_of(bt_columns columns) {
  return columns == BT_COLUMNS_OF_ANY_TYPE ? bt_traceql_write_present : write_types_of_columns;
}

/* First the attribute that nobody has, because Tempo tries the tests in turn on each value; then the group's attributes
 * of one scope, each in many types. */
static void write_scope(const bt_projection *projection, uint32_t group, bt_filter_field of, types_writer write,
                        bt_buffer *out) {
  bt_projected_scope scope;
  bool any = false;
  for (uint32_t i = 0; i < projection->attribute_count; i++) {
    if (!attribute_in_group(projection, i, group, &scope) || !is_in(scope, of)) continue;
    bt_buffer attribute = {0};
    write_attribute(of, projection->attributes[i].key, &attribute);
    if (attribute.failed) out->failed = true;
    if (out->len) bt_buffer_append(out, BT_STR(" || "));
    if (!any) {
      bt_traceql_write_nobodys(of, out);
      bt_buffer_append(out, BT_STR(" || "));
    }
    write(bt_buffer_str(&attribute), out);
    bt_buffer_dispose(&attribute);
    any = true;
  }
}

/* ` && (… last)`, or nothing for a group without attributes: Tempo gives what a filter tests. */
static void write_attributes(const bt_projection *projection, uint32_t group, types_writer write, bt_str last,
                             bt_buffer *out) {
  bt_buffer tests = {0};
  write_scope(projection, group, BT_FILTER_SPAN, write, &tests);
  write_scope(projection, group, BT_FILTER_RESOURCE, write, &tests);
  if (tests.failed) out->failed = true;
  if (tests.len) {
    bt_buffer_append(out, BT_STR(" && ("));
    bt_buffer_append(out, bt_buffer_str(&tests));
    bt_buffer_append(out, last);
    bt_buffer_append_char(out, ')');
  }
  bt_buffer_dispose(&tests);
}

/* What is written before select, and is all that groups of attributes only need. by(span:id) keeps spans of split
 * traces apart; by(kind) keeps the client and the server half of one span id, which else vanish when they lie in
 * different blocks (tests/facts/facts_wire.py). */
static void write_by(bt_apart apart, bt_buffer *out) {
  if (apart != BT_APART_NOT) bt_buffer_append(out, BT_STR(" | by(span:id)"));
  if (apart == BT_APART_BY_KIND) bt_buffer_append(out, BT_STR(" | by(kind)"));
}

/* What every read of spans selects. Attributes are not selected here: Tempo 2.10 and 3 then give "nil" for what is
 * missing and for what lies outside a column. */
static void write_select(const bt_projection *projection, uint32_t group, bool all_spans, bool with_kind,
                         bt_buffer *out) {
  if (group) return;
  bt_buffer_append(out, BT_STR(" | select(name"));
  if (with_kind) bt_buffer_append(out, BT_STR(", kind"));
  if (all_spans || projection->status) bt_buffer_append(out, BT_STR(", status"));
  if (all_spans || projection->parent) bt_buffer_append(out, BT_STR(", span:parentID"));
  if (all_spans || projection->service) bt_buffer_append(out, BT_STR(", resource.service.name"));
  if (projection->status_message) bt_buffer_append(out, BT_STR(", statusMessage"));
  if (!all_spans && projection->links) bt_buffer_append(out, BT_STR(", link:traceID, link:spanID"));
  bt_buffer_append(out, BT_STR(")"));
}

static void write_id(const bt_trace_id *id, bt_buffer *out) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  const char *digits = hex;
  while (*digits == '0') digits++;
  bt_buffer_append(out, bt_str_from(digits));
}

void bt_traceql_linking(const bt_trace_id *ids, size_t count, bt_buffer *out) {
  bool has_any = false;
  for (size_t i = 0; i < count; i++) {
    if (bt_trace_id_is_zero(&ids[i])) continue;
    bt_buffer_append(out, has_any ? BT_STR(" || link:traceID = \"") : BT_STR("{ link:traceID = \""));
    write_id(&ids[i], out);
    bt_buffer_append_char(out, '"');
    has_any = true;
  }
  if (has_any) bt_buffer_append(out, BT_STR(" }"));
}

void bt_traceql_linking_spans(const bt_span_id *ids, size_t count, bt_buffer *out) {
  char hex[BT_SPAN_ID_HEX + 1];
  bool has_any = false;
  for (size_t i = 0; i < count; i++) {
    if (bt_span_id_is_zero(&ids[i])) continue;
    bt_buffer_append(out, has_any ? BT_STR(" || link:spanID = \"") : BT_STR("{ link:spanID = \""));
    bt_span_id_format(&ids[i], hex);
    bt_buffer_append(out, bt_str_from(hex));
    bt_buffer_append_char(out, '"');
    has_any = true;
  }
  if (has_any) bt_buffer_append(out, BT_STR(" }"));
}

/* The last alternative can match nothing: a pattern that is one plain id is refused. */
static void write_ids(const bt_trace_id *ids, size_t count, bt_buffer *out) {
  for (size_t i = 0; i < count; i++) {
    write_id(&ids[i], out);
    bt_buffer_append_char(out, '|');
  }
  bt_buffer_append(out, BT_STR("x\""));
}

static void begin_ids(const bt_trace_id *ids, size_t count, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("{ trace:id =~ \""));
  write_ids(ids, count, out);
}

static void end_query(bt_buffer *query, bt_buffer *out) {
  if (query->failed) out->failed = true;
  append_query(bt_buffer_str(query), out);
  bt_buffer_dispose(query);
}

void bt_traceql_sizes(const bt_trace_id *ids, size_t count, bt_buffer *out) {
  bt_buffer query = {0};
  begin_ids(ids, count, &query);
  bt_buffer_append(&query, BT_STR(" } | by(traceDuration)"));
  end_query(&query, out);
}

void bt_traceql_crowded(bt_str filter, uint32_t least, bt_buffer *out) {
  bt_buffer query = {0};
  bt_traceql_search(filter, (bt_str){0}, &query);
  bt_buffer_printf(&query, " | count() >= %u", least);
  end_query(&query, out);
}

void bt_traceql_without(bt_str filter, const bt_trace_id *ids, size_t count, bt_buffer *out) {
  if (!count) {
    bt_buffer_append(out, filter);
    return;
  }
  bt_buffer_append(out, BT_STR("{ trace:id !~ \""));
  write_ids(ids, count, out);
  if (inside_of(filter).len) {
    bt_buffer_append(out, BT_STR(" && ("));
    bt_buffer_append(out, inside_of(filter));
    bt_buffer_append_char(out, ')');
  }
  bt_buffer_append(out, BT_STR(" }"));
}

/* After what says which spans: what is given of them. */
static void end_read(const bt_projection *projection, uint32_t group, bt_columns columns, bt_buffer *query,
                     bt_buffer *out) {
  write_attributes(projection, group, writer_of(columns), BT_STR(" || true"), query);
  bt_buffer_append(query, BT_STR(" }"));
  write_by(BT_APART_BY_KIND, query);
  write_select(projection, group, true, true, query);
  end_query(query, out);
}

void bt_traceql_read(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                     bt_columns columns, bt_buffer *out) {
  bt_buffer query = {0};
  begin_ids(ids, count, &query);
  end_read(projection, group, columns, &query, out);
}

/* `{ trace:id =~ "…" && (…)`, to be closed. */
static void begin_filter(bt_str filter, bt_str id_regex, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("{ "));
  if (id_regex.len) {
    bt_buffer_append(out, BT_STR("trace:id =~ \""));
    bt_buffer_append(out, id_regex);
    bt_buffer_append(out, is_one_plain_id(id_regex) ? BT_STR("|x\" && ") : BT_STR("\" && "));
  }
  bt_buffer_append_char(out, '(');
  bt_buffer_append(out, inside_of(filter).len ? inside_of(filter) : BT_STR("true"));
  bt_buffer_append_char(out, ')');
}

void bt_traceql_read_range(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                           bt_columns columns, bt_buffer *out) {
  bt_buffer query = {0};
  begin_filter(filter, id_regex, &query);
  end_read(projection, group, columns, &query, out);
}

static void write_keys(const bt_projection *projection, uint32_t group, bt_buffer *out) {
  static const bt_filter_field scopes[] = {BT_FILTER_SPAN, BT_FILTER_RESOURCE};
  bt_projected_scope scope;
  bool any = false;
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    for (size_t s = 0; s < 2 && attribute_in_group(projection, i, group, &scope); s++) {
      if (!is_in(scope, scopes[s])) continue;
      if (any) bt_buffer_append(out, BT_STR(", "));
      write_attribute(scopes[s], projection->attributes[i].key, out);
      any = true;
    }
}

static void end_lists(const bt_projection *projection, uint32_t group, bt_buffer *query, bt_buffer *out) {
  bt_buffer_append(query, BT_STR(" && span:childCount >= 0 }"));
  write_by(BT_APART_BY_KIND, query);
  bt_buffer_append(query, BT_STR(" | select("));
  write_keys(projection, group, query);
  bt_buffer_append(query, BT_STR(")"));
  end_query(query, out);
}

void bt_traceql_read_lists(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                           bt_buffer *out) {
  bt_buffer query = {0};
  begin_ids(ids, count, &query);
  end_lists(projection, group, &query, out);
}

void bt_traceql_read_range_lists(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                                 bt_buffer *out) {
  bt_buffer query = {0};
  begin_filter(filter, id_regex, &query);
  end_lists(projection, group, &query, out);
}

static void write_left_out(bt_filter_field of, bt_str key, const bt_left_out *left_out, bt_buffer *out) {
  write_attribute(of, key, out);
  if (left_out->is_number) {
    bt_buffer_printf(out, " != %" PRId64, left_out->number);
    return;
  }
  bt_buffer_append(out, BT_STR(" !~ "));
  bt_traceql_quote(left_out->pattern, out);
}

void bt_traceql_read_elements(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                              const bt_left_out *left_out, uint32_t left_out_count, bt_buffer *out) {
  static const bt_filter_field scopes[] = {BT_FILTER_SPAN, BT_FILTER_RESOURCE};
  bt_projected_scope scope;
  bt_buffer tests = {0}, query = {0};
  for (uint32_t i = 0; i < left_out_count; i++) {
    uint32_t attribute = left_out[i].attribute;
    for (size_t s = 0; s < 2 && attribute_in_group(projection, attribute, group, &scope); s++) {
      if (!is_in(scope, scopes[s])) continue;
      if (tests.len) bt_buffer_append(&tests, BT_STR(" || "));
      write_left_out(scopes[s], projection->attributes[attribute].key, &left_out[i], &tests);
    }
  }
  if (tests.failed) out->failed = true;
  begin_ids(ids, count, &query);
  bt_buffer_printf(&query, " && (%.*s) }", BT_FMT(bt_buffer_str(&tests)));
  write_by(BT_APART_BY_KIND, &query);
  bt_buffer_dispose(&tests);
  end_query(&query, out);
}

/* No alternative here passes where a column has no value; all but the integer 0 is loaded, what lies outside columns
 * beside the attribute that nobody has. */
static void write_types_but_zero(bt_str attribute, bt_buffer *out) {
  static const char *const types[] = {"=~ \"(?s:.*)\"", "> 0", "< 0"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    bt_buffer_printf(out, "%s%.*s %s", i ? " || " : "", BT_FMT(attribute), types[i]);
}

static void end_doubted(const bt_projection *projection, uint32_t group, bt_buffer *query, bt_buffer *out) {
  write_attributes(projection, group, write_types_but_zero, BT_STR(" || true"), query);
  bt_buffer_append(query, BT_STR(" }"));
  write_by(BT_APART_BY_KIND, query);
  end_query(query, out);
}

void bt_traceql_read_doubted(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                             bt_buffer *out) {
  bt_buffer query = {0};
  begin_ids(ids, count, &query);
  end_doubted(projection, group, &query, out);
}

void bt_traceql_read_range_doubted(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                                   bt_buffer *out) {
  bt_buffer query = {0};
  begin_filter(filter, id_regex, &query);
  end_doubted(projection, group, &query, out);
}

void bt_traceql_read_spans(bt_str filter, bt_apart apart, bt_str id_regex, const bt_projection *projection,
                           uint32_t group, bt_columns columns, bt_buffer *out) {
  bt_buffer query = {0};
  begin_filter(filter, id_regex, &query);
  write_attributes(projection, group, writer_of(columns), BT_STR(" || true"), &query);
  bt_buffer_append(&query, BT_STR(" }"));
  write_by(apart, &query);
  write_select(projection, group, false, apart == BT_APART_NOT, &query);
  end_query(&query, out);
}

void bt_traceql_both(bt_str filter, bt_str other, bt_buffer *out) {
  bt_buffer_printf(out, "{ (%.*s) && (%.*s) }", BT_FMT(inside_of(filter)), BT_FMT(inside_of(other)));
}

size_t bt_traceql_ids_per_read(const bt_projection *projection) {
  size_t longest = 0;
  for (uint32_t group = 0; group < bt_projection_groups(projection); group++) {
    bt_buffer without_ids = {0};
    bt_traceql_read(NULL, 0, projection, group, BT_COLUMNS_OF_ANY_TYPE, &without_ids);
    if (without_ids.len > longest) longest = without_ids.len;
    bt_buffer_dispose(&without_ids);
  }
  /* Where the words lie depends on the ids: blanks may be put in once for each chunk. */
  size_t fixed_bytes = longest + (longest / LEXER_CHUNK_BYTES + 2) * LOOKAHEAD_BYTES;
  return (BT_TRACEQL_MAX_BYTES - fixed_bytes) / (BT_TRACE_ID_HEX + 1);
}
