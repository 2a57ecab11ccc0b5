/* The rows of the functions. See functions.h. */
#include "dsl/rule/functions.h"

#include <stdio.h>
#include <string.h>

static const bt_function_row rows[BT_FUNCTIONS] = {
    {.word = {"trace.has", "trace.has(test)", "Some span of the trace meets the test."},
     .function = BT_FUNCTION_HAS,
     .class = BT_SELECTS_SPANS,
     .arguments = 1},
    {.word = {"span", "span(test)", "The spans that meet the test, for relations, filters and bindings."},
     .function = BT_FUNCTION_SPAN,
     .class = BT_SELECTS_SPANS,
     .arguments = 1,
     .is_reserved = true},
    {.word = {"count", "count(spans)", "How many spans there are."},
     .other = {"trace.count", "trace.count(spans)", "The same as count."},
     .function = BT_FUNCTION_COUNT,
     .class = BT_AGGREGATES,
     .arguments = 1,
     .is_reserved = true,
     .aggregate = BT_AGGREGATE_COUNT,
     .is_count = true,
     .is_0_of_nothing = true,
     .movement = BT_GROWS},
    {.word = {"sum", "sum(spans, value)",
              "Sum of a value, as price * quantity, over the spans that have it as a number; 0 for none."},
     .other = {"trace.sum", "trace.sum(spans, value)", "The same as sum."},
     .function = BT_FUNCTION_SUM,
     .class = BT_AGGREGATES,
     .arguments = 2,
     .is_reserved = true,
     .aggregate = BT_AGGREGATE_SUM,
     .is_0_of_nothing = true},
    {.word = {"min", "min(spans, value)", "Least value, or earliest time, over the spans; missing for none."},
     .other = {"trace.min", "trace.min(spans, value)", "The same as min."},
     .function = BT_FUNCTION_MIN,
     .class = BT_AGGREGATES,
     .arguments = 2,
     .is_reserved = true,
     .aggregate = BT_AGGREGATE_MIN,
     .is_one_of_its_values = true,
     .movement = BT_SHRINKS},
    {.word = {"max", "max(spans, value)", "Greatest value, or latest time, over the spans; missing for none."},
     .other = {"trace.max", "trace.max(spans, value)", "The same as max."},
     .function = BT_FUNCTION_MAX,
     .class = BT_AGGREGATES,
     .arguments = 2,
     .is_reserved = true,
     .aggregate = BT_AGGREGATE_MAX,
     .is_one_of_its_values = true,
     .movement = BT_GROWS},
    {.word = {"avg", "avg(spans, value)", "Mean of a value over the spans; missing for none."},
     .other = {"trace.avg", "trace.avg(spans, value)", "The same as avg."},
     .function = BT_FUNCTION_AVG,
     .class = BT_AGGREGATES,
     .arguments = 2,
     .is_reserved = true,
     .aggregate = BT_AGGREGATE_AVG},
    {.word = {"count_distinct", "count_distinct(spans, value)",
              "How many different values the spans have; what is missing is none, of an array each element."},
     .other = {"trace.count_distinct", "trace.count_distinct(spans, value)", "The same as count_distinct."},
     .function = BT_FUNCTION_COUNT_DISTINCT,
     .class = BT_AGGREGATES,
     .arguments = 2,
     .is_reserved = true,
     .aggregate = BT_AGGREGATE_COUNT_DISTINCT,
     .is_count = true,
     .is_0_of_nothing = true,
     .movement = BT_GROWS},
    {.word = {"trace.has_before", "trace.has_before(spans, spans)",
              "Some span of the first kind starts before every span of the second, and there is one of these."},
     .other = {"has_before", "has_before(spans, spans)", NULL},
     .function = BT_FUNCTION_HAS_BEFORE,
     .class = BT_ORDERS_SPANS,
     .arguments = 2},
    {.word = {"trace.has_after", "trace.has_after(spans, spans)",
              "Some span of the first kind starts after every span of the second, and there is one of these."},
     .other = {"has_after", "has_after(spans, spans)", NULL},
     .function = BT_FUNCTION_HAS_AFTER,
     .class = BT_ORDERS_SPANS,
     .arguments = 2},
    {.word = {"exists", "exists(field)", "The field is there."},
     .function = BT_FUNCTION_EXISTS,
     .class = BT_TESTS_FIELD,
     .arguments = 1,
     .is_reserved = true},
    {.word = {"every", "every(spans, test)", "All of these spans meet the test; where there are none it holds."},
     .function = BT_FUNCTION_EVERY,
     .class = BT_TESTS_EVERY,
     .arguments = 2,
     .is_reserved = true},
    {.word = {"first", "first(spans)",
              "Of these spans the one that starts first; of those at one time the one with the lowest id."},
     .function = BT_FUNCTION_FIRST,
     .class = BT_PICKS_SPAN,
     .arguments = 1},
    {.word = {"last", "last(spans)",
              "Of these spans the one that starts last; of those at one time the one with the highest id."},
     .function = BT_FUNCTION_LAST,
     .class = BT_PICKS_SPAN,
     .arguments = 1},
    {.word = {"next", "next(spans after point)", "Of the spans that start after the point the first one."},
     .function = BT_FUNCTION_NEXT,
     .class = BT_PICKS_SPAN,
     .arguments = 1},
    {.word = {"event.count", "event.count(test)",
              "How many events of the span meet the test; event.count(true) counts all."},
     .function = BT_FUNCTION_EVENT_COUNT,
     .class = BT_COUNTS_PARTS,
     .arguments = 1,
     .without_any = "event.count(true) counts all events of the span"},
    {.word = {"link.count", "link.count(test)",
              "How many links of the span meet the test; link.count(true) counts all."},
     .function = BT_FUNCTION_LINK_COUNT,
     .class = BT_COUNTS_PARTS,
     .arguments = 1,
     .without_any = "link.count(true) counts all links of the span"},
};

const bt_function_row *bt_function_row_of(bt_function function) {
  return &rows[function];
}

const bt_function_row *bt_aggregate_row(bt_aggregate aggregate) {
  const bt_function_row *row = rows;
  while (row->class != BT_AGGREGATES || row->aggregate != aggregate) row++;
  return row;
}

const bt_function_row *bt_function_named(bt_str name, const bt_function_word **word) {
  for (const bt_function_row *row = rows; row < rows + BT_FUNCTIONS; row++) {
    bool is_other = row->other.name && bt_str_equal(name, bt_str_from(row->other.name));
    *word = is_other ? &row->other : &row->word;
    if (is_other || bt_str_equal(name, bt_str_from(row->word.name))) return row;
  }
  return NULL;
}

const bt_function_word *bt_function_word_at(size_t i, const bt_function_row **row) {
  if (i < BT_FUNCTIONS) {
    *row = &rows[i];
    return &rows[i].word;
  }
  size_t left = i - BT_FUNCTIONS;
  for (*row = rows; *row < rows + BT_FUNCTIONS; ++*row)
    if ((*row)->other.help && left-- == 0) return &(*row)->other;
  return NULL;
}

static void append_text(char out[BT_FUNCTION_LIST_BYTES], const char *text) {
  size_t length = strlen(out);
  snprintf(out + length, BT_FUNCTION_LIST_BYTES - length, "%s", text);
}

void bt_function_list(bool (*is_meant)(const bt_function_row *row), char out[BT_FUNCTION_LIST_BYTES]) {
  size_t left = 0;
  out[0] = '\0';
  for (size_t i = 0; i < BT_FUNCTIONS; i++) left += !is_meant || is_meant(&rows[i]);
  for (size_t i = 0; i < BT_FUNCTIONS; i++) {
    if (is_meant && !is_meant(&rows[i])) continue;
    append_text(out, rows[i].word.name);
    left--;
    if (left) append_text(out, left == 1 ? " and " : ", ");
  }
}

const char *bt_function_name(bt_function function) {
  return rows[function].word.name;
}

bool bt_function_selects(bt_function function) {
  return rows[function].class == BT_SELECTS_SPANS || rows[function].class == BT_PICKS_SPAN;
}

bool bt_function_picks(bt_function function) {
  return rows[function].class == BT_PICKS_SPAN;
}
