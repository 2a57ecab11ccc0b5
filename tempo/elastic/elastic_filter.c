/* Writing filters in the query DSL. See elastic_filter.h. */
#include "tempo/elastic/elastic_filter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsl/plan/dialect.h"
#include "dsl/trace/text_number.h"

#define ALL  "{\"match_all\":{}}"
#define NONE "{\"match_none\":{}}"
enum { MOST_TESTS = 64, MOST_BYTES = 24576, MOST_CLAUSES = 1000 /* of 1,024, with those of the range */ };
enum { LONGEST_NUMBER = 32 }; /* characters of one that was sent as a number, at most */

typedef struct writer {
  const bt_elastic_fields *fields;
  const bt_elastic_map *map;
  bt_buffer *out;
  bool is_under;
} writer;

static void add_json(writer *w, const char *json) {
  bt_buffer_append(w->out, bt_str_from(json));
}

static void add_unsaid(writer *w) {
  add_json(w, w->is_under ? NONE : ALL);
}

/* ---- texts and patterns ---- */

bool bt_elastic_is_plain(bt_str text) {
  return bt_utf8_valid(text) && !bt_str_contains(text, BT_STR("\xEF\xBF\xBD")) && !memchr(text.ptr, '\0', text.len);
}

static bool take_text(bt_str *pattern, bt_str text) {
  if (!bt_str_starts_with(*pattern, text)) return false;
  *pattern = (bt_str){pattern->ptr + text.len, pattern->len - text.len};
  return true;
}

static void add_literal_char(bt_buffer *out, char c) {
  if (out && memchr("*?\\", c, 3)) bt_buffer_append_char(out, '\\');
  if (out) bt_buffer_append_char(out, c);
}

/* A star finds what a dot does not, which is fine. Whatever else has a meaning in a pattern is not said. */
bool bt_elastic_wildcard(bt_str pattern, bt_buffer *out) {
  static const char special[] = ".+*?()|[]{}^$\\";
  if (!pattern.len || !bt_elastic_is_plain(pattern)) return false;
  while (pattern.len) {
    if (take_text(&pattern, BT_STR(BT_FILTER_ANY_STRING)) || take_text(&pattern, BT_STR(".*"))) {
      if (pattern.len && memchr("+*?{", pattern.ptr[0], 4)) return false;
      if (out) bt_buffer_append_char(out, '*');
      continue;
    }
    bool is_quoted = take_text(&pattern, BT_STR("\\"));
    if (!pattern.len || (is_quoted != (memchr(special, pattern.ptr[0], sizeof special - 1) != NULL))) return false;
    if (pattern.len > 1 && memchr("+*?{", pattern.ptr[1], 4)) return false;
    add_literal_char(out, pattern.ptr[0]);
    pattern = (bt_str){pattern.ptr + 1, pattern.len - 1};
  }
  return true;
}

/* ---- parts of conditions ---- */

static void add_exists(writer *w, const char *path) {
  bt_buffer_printf(w->out, "{\"exists\":{\"field\":\"%s\"}}", path);
}

static void add_absent(writer *w, const char *path) {
  add_json(w, "{\"bool\":{\"must_not\":[");
  add_exists(w, path);
  add_json(w, "]}}");
}

static void add_term(writer *w, const char *path, bt_str text) {
  bt_buffer_printf(w->out, "{\"term\":{\"%s\":{\"value\":", path);
  bt_elastic_quote(w->out, text);
  add_json(w, "}}}");
}

static void add_wildcard(writer *w, const char *path, bt_str pattern) {
  bt_buffer words = {0};
  (void)bt_elastic_wildcard(pattern, &words);
  bt_buffer_printf(w->out, "{\"wildcard\":{\"%s\":{\"value\":", path);
  bt_elastic_quote(w->out, bt_buffer_str(&words));
  add_json(w, "}}}");
  w->out->failed = w->out->failed || words.failed;
  bt_buffer_dispose(&words);
}

/* What may have been no value, or an odd number, is kept as one of these texts. */
static void add_open(writer *w, const char *path) {
  bt_buffer_printf(w->out, ",{\"terms\":{\"%s\":[\"\",\"NaN\",\"Infinity\",\"-Infinity\"]}}", path);
}

/* Bounds that contain what the index made of each number that is meant: cut to whole ones towards 0, or rounded. They
 * are inclusive, as both keep the order. Of floats they are wider by more than a step of 32 bits. */
static void add_bounds(writer *w, const char *path, bt_elastic_form form, bt_filter_operator op, double number) {
  bool is_float = form == BT_ELASTIC_FLOAT, is_rounded = is_float || fabs(number) > 4e15;
  double slack = is_rounded ? fabs(number) * (is_float ? 2.5e-7 : 1e-9) + 1e-45 : 0;
  double low = number - slack, high = number + slack, most = is_float ? 3e38 : 9e18;
  const char *comma = "";
  if (form == BT_ELASTIC_WHOLE) low = trunc(low), high = trunc(high);
  if (form != BT_ELASTIC_DOUBLE && (fabs(low) > most || fabs(high) > most)) {
    add_exists(w, path);
    return;
  }
  bt_buffer_printf(w->out, "{\"range\":{\"%s\":{", path);
  if (bt_filter_asks_from(op)) bt_buffer_printf(w->out, "\"gte\":%.17g", low), comma = ",";
  if (bt_filter_asks_up_to(op)) bt_buffer_printf(w->out, "%s\"lte\":%.17g", comma, high);
  add_json(w, "}}}");
}

/* ---- a value in an index that maps it in one way ---- */

/* Without a pattern or an order of texts, which are not asked for where longer texts are not indexed, as those may be
 * meant. A text that reads as a number begins with a minus or a digit. */
static void add_keyword(writer *w, const char *path, uint32_t ignore_above, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  bool is_text = literal->type == BT_VALUE_STRING, is_equal = test->op == BT_FILTER_EQUAL;
  bt_value read = is_text ? bt_text_value(literal->string) : *literal;
  bool has_term = is_text && is_equal && (!ignore_above || literal->string.len <= ignore_above);
  bool has_pattern =
      is_text && test->op == BT_FILTER_REGEX && !ignore_above && bt_elastic_wildcard(literal->string, NULL);
  bool is_of_number = bt_value_is_number(&read) && (!is_text || is_equal);
  bool is_of_bool = read.type == BT_VALUE_BOOL && is_equal;
  bool is_lost = (is_of_number || is_of_bool) && ignore_above && ignore_above < LONGEST_NUMBER;
  if (is_lost || (is_text ? !has_term && !has_pattern : !is_of_number && !is_of_bool)) {
    add_unsaid(w);
    return;
  }
  add_json(w, "{\"bool\":{\"should\":[");
  if (has_pattern)
    add_wildcard(w, path, literal->string);
  else if (has_term && !is_of_number)
    add_term(w, path, literal->string);
  else if (is_of_number)
    bt_buffer_printf(w->out, "{\"range\":{\"%s\":{\"gte\":\"-\",\"lt\":\":\"}}}", path);
  if (is_of_bool)
    bt_buffer_printf(w->out, "%s{\"term\":{\"%s\":{\"value\":\"%s\",\"case_insensitive\":true}}}", has_term ? "," : "",
                     path, read.boolean ? "true" : "false");
  add_open(w, path);
  add_json(w, "]}}");
}

/* An empty text is in no index of numbers, and nothing shows it: it meets no comparison with a number. */
static void add_numbers(writer *w, const char *path, bt_elastic_form form, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  bool is_text = literal->type == BT_VALUE_STRING, is_equal = test->op == BT_FILTER_EQUAL;
  bt_value read = is_text && is_equal ? bt_text_value(literal->string) : *literal;
  bool is_ordered = bt_filter_asks_from(test->op) || bt_filter_asks_up_to(test->op);
  if (bt_value_is_number(&read) && is_ordered && fabs(bt_value_as_double(&read)) < 1e300)
    add_bounds(w, path, form, test->op, bt_value_as_double(&read));
  else if (is_text && is_equal && literal->string.len)
    add_exists(w, path); /* "007" is a text here, and a number there */
  else if (literal->type == BT_VALUE_BOOL && is_equal)
    add_json(w, NONE);
  else
    add_unsaid(w);
}

/* It takes "true", "false" and an empty text, too. */
static void add_booleans(writer *w, const char *path, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  bool is_text = literal->type == BT_VALUE_STRING, is_equal = test->op == BT_FILTER_EQUAL;
  bt_value read = is_text && is_equal ? bt_text_value(literal->string) : *literal;
  if (read.type == BT_VALUE_BOOL && is_equal)
    bt_buffer_printf(w->out, "{\"term\":{\"%s\":%s}}", path, read.boolean ? "true" : "false");
  else
    add_unsaid(w);
}

/* A text that reads as what is meant is a number there, or a boolean, and the test of that finds it. */
static void add_value(writer *w, const char *path, const bt_elastic_mapped *m, const bt_filter_test *test) {
  bool is_of_texts = m->form == BT_ELASTIC_KEYWORD || m->form == BT_ELASTIC_OTHER;
  if (!is_of_texts && test->is_reading && test->op == BT_FILTER_REGEX) {
    add_json(w, NONE);
    return;
  }
  switch (m->form) {
  case BT_ELASTIC_KEYWORD: add_keyword(w, path, m->ignore_above, test); return;
  case BT_ELASTIC_WHOLE:
  case BT_ELASTIC_DOUBLE:
  case BT_ELASTIC_FLOAT: add_numbers(w, path, m->form, test); return;
  case BT_ELASTIC_BOOLEAN: add_booleans(w, path, test); return;
  case BT_ELASTIC_OTHER: add_unsaid(w);
  }
}

/* ---- what every span has, once ---- */

/* A text that is too long to be indexed, or is not there at all, is absent. */
static void add_text(writer *w, const char *path, const bt_elastic_mapped *m, const bt_filter_test *test) {
  bt_str text = test->literal.string;
  bool is_text = test->literal.type == BT_VALUE_STRING && m->form == BT_ELASTIC_KEYWORD;
  bool is_equal = test->op == BT_FILTER_EQUAL, is_other = test->op == BT_FILTER_NOT_EQUAL;
  bool is_kept = is_text && text.len && (!m->ignore_above || text.len <= m->ignore_above);
  if (is_kept && is_equal) {
    add_term(w, path, text);
  } else if (is_kept && is_other) {
    add_json(w, "{\"bool\":{\"must_not\":[");
    add_term(w, path, text);
    add_json(w, "]}}");
  } else if (is_text && !w->is_under && test->op == BT_FILTER_REGEX && bt_elastic_wildcard(text, NULL)) {
    add_json(w, "{\"bool\":{\"should\":[");
    add_wildcard(w, path, text);
    add_json(w, ",");
    add_absent(w, path);
    add_json(w, "]}}");
  } else {
    add_unsaid(w);
  }
}

/* Over: no other word is there, whatever is. Under: this one is, or one of the others. */
static void add_word(writer *w, const char *path, const bt_elastic_mapped *m, const bt_filter_test *test) {
  bool is_kind = test->field == BT_FILTER_KIND, is_equal = test->op == BT_FILTER_EQUAL;
  const char *const *names = is_kind ? bt_dialect_kinds : bt_dialect_statuses;
  const char *const *words = is_kind ? w->fields->kinds : w->fields->statuses;
  size_t count = is_kind ? BT_DIALECT_KINDS : BT_DIALECT_STATUSES;
  bool is_known = m->form == BT_ELASTIC_KEYWORD || m->form == BT_ELASTIC_WHOLE;
  const char *comma = "";
  size_t meant = 0;
  while (meant < count && !bt_str_equal(test->literal.string, bt_str_from(names[meant]))) meant++;
  if (!is_known || meant == count || (!is_equal && test->op != BT_FILTER_NOT_EQUAL)) {
    add_unsaid(w);
    return;
  }
  if (!w->is_under) add_json(w, "{\"bool\":{\"must_not\":[");
  bt_buffer_printf(w->out, "{\"terms\":{\"%s\":[", path);
  for (size_t i = 0; i < count; i++) {
    if ((i == meant) != (is_equal == w->is_under)) continue;
    bt_buffer_printf(w->out, "%s%s", comma, words[i]);
    comma = ",";
  }
  add_json(w, w->is_under ? "]}}" : "]}}]}}");
}

static bool zero_meets(bt_filter_operator op, int64_t literal) {
  switch (op) {
  case BT_FILTER_EQUAL: return literal == 0;
  case BT_FILTER_NOT_EQUAL: return literal != 0;
  case BT_FILTER_LESS: return 0 < literal;
  case BT_FILTER_LESS_EQUAL: return 0 <= literal;
  case BT_FILTER_GREATER: return 0 > literal;
  case BT_FILTER_GREATER_EQUAL: return 0 >= literal;
  case BT_FILTER_REGEX:
  case BT_FILTER_NOT_REGEX:
  case BT_FILTER_PRESENT:
  case BT_FILTER_SURELY_PRESENT: break;
  }
  return true;
}

/* A start or an end that is not known: "lte" the time 0; that is: "gt". */
static void add_time_zero(writer *w, const char *time, const char *how) {
  bt_buffer_printf(w->out, ",{\"range\":{\"%s\":{\"%s\":%s}}}", time, how,
                   w->fields->start_is_number ? "0" : "\"1970-01-01T00:00:00Z\"");
}

static void add_duration_range(writer *w, const char *path, const bt_filter_test *test) {
  int64_t unit = w->fields->duration_ns, wanted = test->literal.duration_ns / unit, slack = unit > 1;
  bool is_strict = w->is_under && (test->op == BT_FILTER_GREATER || test->op == BT_FILTER_LESS);
  const char *comma = "";
  bt_buffer_printf(w->out, "{\"range\":{\"%s\":{", path);
  if (bt_filter_asks_from(test->op))
    bt_buffer_printf(w->out, "\"%s\":%" PRId64, is_strict ? "gt" : "gte", wanted - slack), comma = ",";
  if (bt_filter_asks_up_to(test->op))
    bt_buffer_printf(w->out, "%s\"%s\":%" PRId64, comma, is_strict ? "lt" : "lte", wanted + slack);
  add_json(w, "}}}");
}

/* In units of the schema, one wider on either side where they are not ns, and then nothing is sure. An end before the
 * start, and a start or an end that is not known, make another duration. */
static void add_duration(writer *w, const char *path, const bt_elastic_mapped *m, const bt_filter_test *test) {
  const char *const times[] = {w->fields->start, w->fields->end};
  bool is_ordered = bt_filter_asks_from(test->op) || bt_filter_asks_up_to(test->op),
       is_exact = w->fields->duration_ns == 1 && w->fields->end;
  bool is_known = m->form == BT_ELASTIC_WHOLE && is_ordered && test->literal.type == BT_VALUE_DURATION;
  if (!is_known || (w->is_under && (!is_exact || test->literal.duration_ns <= 0))) {
    add_unsaid(w);
    return;
  }
  add_json(w, w->is_under ? "{\"bool\":{\"filter\":[" : "{\"bool\":{\"should\":[");
  add_duration_range(w, path, test);
  if (w->is_under) bt_buffer_printf(w->out, ",{\"range\":{\"%s\":{\"gte\":0}}}", path);
  if (!w->is_under && zero_meets(test->op, test->literal.duration_ns))
    bt_buffer_printf(w->out, ",{\"range\":{\"%s\":{\"lt\":0}}}", path);
  if (!w->is_under) add_json(w, ","), add_absent(w, path);
  for (int i = 0; i < 2; i++) {
    if (!times[i]) continue;
    add_time_zero(w, times[i], w->is_under ? "gt" : "lte");
    if (!w->is_under) add_json(w, ","), add_absent(w, times[i]);
  }
  add_json(w, "]}}");
}

/* ---- a test in every index ---- */

static bool is_of_attribute(const bt_filter_test *test) {
  return test->field == BT_FILTER_SPAN || test->field == BT_FILTER_RESOURCE;
}

static void add_in_index(writer *w, const char *path, const bt_elastic_mapped *m, const bt_filter_test *test) {
  switch (test->field) {
  case BT_FILTER_NAME:
  case BT_FILTER_STATUS_MESSAGE: add_text(w, path, m, test); return;
  case BT_FILTER_KIND:
  case BT_FILTER_STATUS: add_word(w, path, m, test); return;
  case BT_FILTER_DURATION: add_duration(w, path, m, test); return;
  case BT_FILTER_SPAN:
  case BT_FILTER_RESOURCE:
    if (w->is_under)
      add_unsaid(w);
    else
      add_value(w, path, m, test);
    return;
  case BT_FILTER_EVENT_NAME:
  case BT_FILTER_EVENT:
  case BT_FILTER_LINK:
  case BT_FILTER_SERVICE:
  case BT_FILTER_SCOPE_NAME:
  case BT_FILTER_SCOPE_VERSION:
  case BT_FILTER_SCOPE: add_unsaid(w);
  }
}

static size_t number_of_path(const bt_elastic_map *map, const char *path) {
  size_t i = 0;
  while (i < map->path_count && strcmp(map->paths[i], path) != 0) i++;
  return i;
}

/* In how many indices it is mapped, and in how many ways. */
static size_t count_mapped(const bt_elastic_map *map, size_t path, size_t *ways) {
  size_t count = 0;
  for (size_t i = 0; i < map->mapped_count; i++) {
    if (map->mapped[i].path != path) continue;
    count += map->mapped[i].index_count;
    (*ways)++;
  }
  return count;
}

/* Each way in its own indices: a question for a number is an error where there are texts. */
static void add_ways(writer *w, const char *path, const bt_filter_test *test, bool is_split, const char **comma) {
  size_t number = number_of_path(w->map, path);
  for (size_t i = 0; i < w->map->mapped_count; i++) {
    const bt_elastic_mapped *m = &w->map->mapped[i];
    if (m->path != number) continue;
    add_json(w, *comma);
    if (is_split) bt_buffer_printf(w->out, "{\"bool\":{\"filter\":[{\"terms\":{\"_index\":[%s]}},", m->indices.ptr);
    add_in_index(w, path, m, test);
    if (is_split) add_json(w, "]}}");
    *comma = ",";
  }
}

/* Where no document can have it, or each may, although it is not mapped. */
static bool may_be_unmapped(const writer *w, const bt_filter_test *test) {
  if (test->field == BT_FILTER_SPAN) return w->map->hides_span;
  return test->field != BT_FILTER_RESOURCE || w->map->hides_resource;
}

static void add_mapped_test(writer *w, const bt_filter_test *test, char paths[][BT_ELASTIC_PATH_BYTES], size_t count) {
  size_t ways = 0, most = 0;
  const char *comma = "";
  for (size_t i = 0; i < count; i++) {
    size_t mapped = count_mapped(w->map, number_of_path(w->map, paths[i]), &ways);
    if (mapped > most) most = mapped;
  }
  bool lacks = most < w->map->index_count;
  if ((lacks && (w->is_under || may_be_unmapped(w, test))) || (w->is_under && ways != 1)) {
    add_unsaid(w);
  } else if (!ways) {
    add_json(w, NONE);
  } else {
    if (ways > 1) add_json(w, "{\"bool\":{\"should\":[");
    for (size_t i = 0; i < count; i++) add_ways(w, paths[i], test, ways > 1, &comma);
    if (ways > 1) add_json(w, "]}}");
  }
}

static void add_shown_test(writer *w, const bt_filter_test *test, const char *path) {
  const bt_value *literal = &test->literal;
  bool is_whole = test->field == BT_FILTER_DURATION || test->field == BT_FILTER_STATUS || literal->type == BT_VALUE_INT;
  bt_elastic_form form = is_whole                           ? BT_ELASTIC_WHOLE
                         : literal->type == BT_VALUE_DOUBLE ? BT_ELASTIC_DOUBLE
                         : literal->type == BT_VALUE_BOOL   ? BT_ELASTIC_BOOLEAN
                                                            : BT_ELASTIC_KEYWORD;
  add_in_index(w, path, &(bt_elastic_mapped){.form = form}, test);
}

static void add_link(writer *w) {
  const bt_elastic_fields *fields = w->fields;
  if (w->is_under || !fields->links) {
    add_unsaid(w);
    return;
  }
  if (fields->links_nested) bt_buffer_printf(w->out, "{\"nested\":{\"path\":\"%s\",\"query\":", fields->links_nested);
  add_exists(w, fields->links);
  if (fields->links_nested) add_json(w, "}}");
}

static void add_test(writer *w, const bt_filter_test *test) {
  char paths[BT_ELASTIC_PATHS][BT_ELASTIC_PATH_BYTES];
  size_t count = bt_elastic_paths_of(w->fields, test, paths);
  bool is_text = test->literal.type == BT_VALUE_STRING;
  if (test->field == BT_FILTER_LINK)
    add_link(w);
  else if (!count || (is_text && !bt_elastic_is_plain(test->literal.string)) || (w->is_under && is_of_attribute(test)))
    add_unsaid(w);
  else if (w->map)
    add_mapped_test(w, test, paths, count);
  else
    add_shown_test(w, test, paths[0]);
}

/* ---- all of it ---- */

static void add_filter(writer *w, const bt_filter *filter) {
  switch (filter->kind) {
  case BT_FILTER_ALL: add_json(w, ALL); return;
  case BT_FILTER_NONE: add_json(w, NONE); return;
  case BT_FILTER_TEST: add_test(w, &filter->test); return;
  case BT_FILTER_AND:
  case BT_FILTER_OR: break;
  }
  add_json(w, filter->kind == BT_FILTER_AND ? "{\"bool\":{\"filter\":[" : "{\"bool\":{\"should\":[");
  for (uint32_t i = 0; i < filter->item_count; i++) {
    if (i) add_json(w, ",");
    add_filter(w, filter->items[i]);
  }
  add_json(w, "]}}");
}

static size_t count_clauses(bt_str json) {
  size_t count = 0;
  for (size_t i = 0; i + 1 < json.len; i++) count += json.ptr[i] == '{' && json.ptr[i + 1] == '"';
  return count / 2;
}

/* A document of which a value was left out of the index may have any. */
bool bt_elastic_condition_write(const bt_elastic_fields *fields, const bt_elastic_map *map, bt_query query,
                                bt_buffer *out) {
  bt_buffer json = {0};
  writer w = {.fields = fields, .map = map, .out = &json, .is_under = query.manner == BT_ELASTIC_UNDER};
  add_filter(&w, query.filter ? query.filter : bt_filter_all());
  if (!json.failed && count_clauses(bt_buffer_str(&json)) > MOST_CLAUSES) {
    bt_buffer_clear(&json);
    add_unsaid(&w);
  }
  bool is_all = bt_str_equal(bt_buffer_str(&json), BT_STR(ALL));
  bool has_ignored = map && !is_all && !w.is_under;
  if (has_ignored) bt_buffer_append(out, BT_STR("{\"bool\":{\"should\":[{\"exists\":{\"field\":\"_ignored\"}},"));
  bt_buffer_append(out, bt_buffer_str(&json));
  if (has_ignored) bt_buffer_append(out, BT_STR("]}}"));
  out->failed = out->failed || json.failed;
  bt_buffer_dispose(&json);
  return !is_all;
}

static void add_size(const bt_filter *filter, size_t *tests, size_t *bytes) {
  if (filter->kind == BT_FILTER_TEST) {
    (*tests)++;
    *bytes += filter->test.key.len;
    if (filter->test.literal.type == BT_VALUE_STRING) *bytes += filter->test.literal.string.len;
  }
  for (uint32_t i = 0; i < filter->item_count; i++) add_size(filter->items[i], tests, bytes);
}

bool bt_elastic_is_writable(bt_query query) {
  size_t tests = 0, bytes = 0;
  if (query.filter) add_size(query.filter, &tests, &bytes);
  return tests <= MOST_TESTS && bytes <= MOST_BYTES;
}
