/* The dialect of Tempo. See traceql_dialect.h. */
#include "tempo/api/traceql_dialect.h"

#include "tempo/api/traceql.h"
#include "tempo/api/traceql_rules.h"

/* A read has more tests than that of one event. */
static bt_query spans_query(bt_filter_builder *builder, bt_over_filter over) {
  const bt_query asked = bt_traceql_over(over);
  if (bt_filter_has_test(over.filter, bt_filter_is_of_event, NULL)) return (bt_query){0};
  return bt_traceql_fits(asked, &builder->failed) ? asked : (bt_query){0};
}

/* A projection asks for its attributes beside the filter, and that spoils the filter's own tests of arrays
 * (tests/facts/facts_arrays.py). */
static const char *why_no_spans(const bt_filter *filter) {
  return bt_filter_has_no_key(filter)
             ? NULL
             : "its search tests attributes: Tempo 2.8 mixes up arrays when such a search also "
               "gives attributes";
}

static void show_filter(bt_query query, bt_buffer *out) {
  bt_traceql_write(query, false, out);
}

static void show_search(bt_query query, bt_buffer *out) {
  bt_buffer filter = {0};
  bt_traceql_write(query, false, &filter);
  bt_traceql_search(bt_buffer_str(&filter), (bt_str){0}, out);
  if (filter.failed) out->failed = true;
  bt_buffer_dispose(&filter);
}

static void show_read(const bt_trace_id *id, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  bt_traceql_read(id, 1, projection, number, BT_COLUMNS_OF_STRINGS_AND_INTEGERS, out);
}

static void show_spans(const bt_over_query *spans, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  bt_buffer filter = {0};
  bt_traceql_write(spans->asked, false, &filter);
  bt_traceql_read_spans(bt_buffer_str(&filter), spans->apart, (bt_str){0}, projection, number,
                        BT_COLUMNS_OF_STRINGS_AND_INTEGERS, out);
  if (filter.failed) out->failed = true;
  bt_buffer_dispose(&filter);
}

const bt_dialect *bt_traceql_dialect(void) {
  static const bt_dialect traceql = {.name = "TraceQL",
                                     .test = bt_traceql_test,
                                     .exists = bt_traceql_exists,
                                     .both_over = bt_traceql_both_over,
                                     .both_under = bt_traceql_both_under,
                                     .surely = bt_traceql_surely,
                                     .over = bt_traceql_over_queries,
                                     .under = bt_traceql_under_queries,
                                     .spans = spans_query,
                                     .why_no_spans = why_no_spans,
                                     .is_taken_key = bt_traceql_is_taken_key,
                                     .reads = bt_projection_groups,
                                     .show = show_filter,
                                     .show_search = show_search,
                                     .show_read = show_read,
                                     .show_spans = show_spans};
  return &traceql;
}
