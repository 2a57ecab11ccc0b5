/* How a store is asked. The planner builds formulas of filters, and asks the store's dialect how each is said there.
 * The dialect knows what a test of the language finds, what can be asked at once, and which queries a filter becomes.
 * So what is wrong or slow in one store stays in its dialect. All of it is pure: no I/O, and nothing that changes. What
 * is made lives in the builder's arena; where there is no memory the builder has failed. The rule of both directions
 * holds here too: what is searched for may only be weakened, what is subtracted only strengthened. Thread: any. */
#ifndef BT_DSL_PLAN_DIALECT_H
#define BT_DSL_PLAN_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/plan/filter.h"
#include "dsl/plan/formula.h"
#include "dsl/plan/plan.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

struct bt_dialect {
  const char *name; /* as people call it: "TraceQL" */

  /* ---- what a test finds ---- */

  /* `field op literal` on the span under test (negated: its opposite). A missing field makes a comparison false and its
   * opposite true. */
  bt_filter_pair (*test)(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                         const bt_value *literal, bool negated);
  /* The field is there with some value (negated: it is not). Of a field of events: some event has it. */
  bt_filter_pair (*exists)(bt_filter_builder *builder, const bt_field *field, bool negated);
  /* Spans that both find. */
  bt_over_filter (*both_over)(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b);
  bt_under_filter (*both_under)(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b);
  /* What of an over-filter is meant for certain, where `test` gave more than that for safety's sake only. */
  const bt_filter *(*surely)(bt_filter_builder *builder, bt_over_filter over);

  /* ---- which queries ask for it ---- */

  /* Their formula finds every trace with a span that the filter finds. counts: what is surely meant has queries of its
   * own (is_surplus, is_found_twice). *was_weakened is set where the formula without surplus finds traces that have no
   * such span. */
  const bt_over *(*over)(bt_filter_builder *builder, bt_over_filter filter, bool counts, bool *was_weakened);
  /* Queries that together find only traces with a span that the filter finds; at most `most` of them. Returns their
   * number: 0 where nothing can be said so. */
  uint32_t (*under)(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries, uint32_t most);
  /* One query for the spans of the filter; without filter: it does not fit into one. */
  bt_query (*spans)(bt_filter_builder *builder, bt_over_filter over);

  /* ---- whether spans alone are enough ---- */

  /* Why an answer that has some spans of each trace cannot give them right with what rules read beside this filter, for
   * people; NULL: it can. */
  const char *(*why_no_spans)(const bt_filter *filter);
  /* An attribute with this key cannot be told from a field of the span there. */
  bool (*is_taken_key)(bt_str key);
  /* In how many questions a read gives all of the projection; 1 or more. */
  uint32_t (*reads)(const bt_projection *projection);

  /* ---- for people ---- */

  /* The filter, and the search for it as it is sent. */
  void (*show)(bt_query query, bt_buffer *out);
  void (*show_search)(bt_query query, bt_buffer *out);
  /* Question `number` (below `reads`) of a read of one trace, and of one for the spans of a query. */
  void (*show_read)(const bt_trace_id *id, const bt_projection *projection, uint32_t number, bt_buffer *out);
  void (*show_spans)(const bt_over_query *spans, const bt_projection *projection, uint32_t number, bt_buffer *out);
};

/* Of a source that searches nothing, and where it only matters whether there is something to search for: each test that
 * spans can meet is one filter that finds too much, and nothing is subtracted. */
const bt_dialect *bt_dialect_none(void);

/* ---- what several dialects share ---- */

/* How a filter asks for values that meet an order or an equality (negated: do not). False: the operator is another. */
bool bt_dialect_order(bt_comparison_operator op, bool negated, bt_filter_operator *out);
/* Kinds and statuses as literals of filters have them. */
enum { BT_DIALECT_KINDS = 6, BT_DIALECT_STATUSES = 3 };
extern const char *const bt_dialect_kinds[BT_DIALECT_KINDS];
extern const char *const bt_dialect_statuses[BT_DIALECT_STATUSES];
/* Of a store that tells each word from the others. field: KIND or STATUS. */
bt_filter_pair bt_dialect_test_word(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                    const bt_value *literal, bool negated);
/* Appends a pattern that the text alone meets. */
void bt_dialect_quote(bt_buffer *out, bt_str text);
bt_over_filter bt_dialect_both_over(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b);
bt_under_filter bt_dialect_both_under(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b);
const char *bt_dialect_gives_spans(const bt_filter *filter); /* NULL, of any filter */
bool bt_dialect_takes_no_key(bt_str key);                    /* false, of any key */
uint32_t bt_dialect_reads_once(const bt_projection *projection);

#endif
