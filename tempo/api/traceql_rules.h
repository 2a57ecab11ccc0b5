/* What is Tempo's about filters: which tests it answers rightly, and how a test of the language is said to it. Only the
 * dialect (traceql_dialect.c) and its parts include this. Memory: the builder's arena. Thread: no state. */
#ifndef BT_TEMPO_API_TRACEQL_RULES_H
#define BT_TEMPO_API_TRACEQL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/plan/filter.h"
#include "dsl/plan/plan.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/value.h"

/* The pattern that matches every string of 2,048 bytes, since a character has four at most, and none of 511 or fewer.
 */
#define BT_TRACEQL_LONG_STRING "(?s:.{512,})"
/* 365 days. A duration from here on, and one of 0 and less, may come of a start or an end that is 0. */
#define BT_TRACEQL_UNKNOWN_FROM_NS 31536000000000000
/* More than Tempo keeps of an attribute (dsl/trace/cut_text.h) is not asked for. */
enum { BT_TRACEQL_MAX_STRING_BYTES = 2048 };

/* ---- traceql_field.c: tests, presence and what is asked together; as in dialect.h ---- */

bt_filter_pair bt_traceql_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                               const bt_value *literal, bool negated);
bt_filter_pair bt_traceql_exists(bt_filter_builder *builder, const bt_field *field, bool negated);
bt_over_filter bt_traceql_both_over(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b);
bt_under_filter bt_traceql_both_under(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b);
const bt_filter *bt_traceql_surely(bt_filter_builder *builder, bt_over_filter over);
/* A reading, or a test with durations that nobody knows. */
bool bt_traceql_is_reading(const bt_filter_test *test, const void *nothing); /* for bt_filter_has_test */

/* ---- traceql_value.c, traceql_reading.c ---- */

/* `attribute op literal` of one scope, for a positive operator: of the spans whose value in that scope meets it. Texts
 * that read as the number or boolean that is meant are readings of over (filter.h), which under lacks. */
bt_filter_pair bt_traceql_value(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                bt_comparison_operator op, const bt_value *literal);
/* The same of a span's service, which is a text and never read as a number. */
bt_filter_pair bt_traceql_service(bt_filter_builder *builder, bt_comparison_operator op, bt_str text);
/* The same for a string that is always there: span.name, span.status_message. NULL: it cannot be said. */
const bt_filter *bt_traceql_text(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated);
/* The texts under an attribute that may have been cut: of 512 characters and more. */
const bt_filter *bt_traceql_long(bt_filter_builder *builder, bt_filter_field scope, bt_str key);
/* The texts under an attribute that may read as a number or a boolean with which `op literal` holds, for a number and
 * =, <, <=, >, >=, or for a boolean and =. */
const bt_filter *bt_traceql_readings(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                     bt_comparison_operator op, const bt_value *literal);

/* ---- traceql_duration.c ---- */

/* Spans whose duration is known and meets it, for =, !=, <, <=, >, >=. */
const bt_filter *bt_traceql_surely_lasts(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns);
/* The same, and those whose duration nobody knows. */
const bt_filter *bt_traceql_may_last(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns);
bt_filter_operator bt_traceql_opposite(bt_filter_operator op);
bool bt_traceql_has_lower_bound(bt_filter_operator op); /* =, >, >= */
bool bt_traceql_has_upper_bound(bt_filter_operator op); /* =, <, <= */

/* ---- traceql_keys.c, traceql_doubt.c: what Tempo gets wrong ---- */

/* Of an attribute that is an array Tempo 2.8 collects the elements that meet any test of the query on its scope
 * (whichever key that test is of), and while there are several of them their place is used again for the next attribute
 * that it collects, of this span or of another (tests/facts/facts_arrays.py). So what it then tests may be another
 * array; but each of its elements meets one of the query's tests. A filter suits arrays where that is enough: each
 * scope's tests are of one key, and wherever one of them stands all of them stand, joined by ||.
 *
 * Events are as bad: of each attribute, and of the names, a query that asks anything else of events, or an attribute of
 * them beside alternatives, tests one value only, of whichever event (tests/facts/facts_events.py). So a query has one
 * test of events at most, and one of their attributes stands alone. */
bool bt_traceql_suits(const bt_filter *filter);
bool bt_traceql_has_event_attribute(const bt_filter *filter);
bt_str bt_traceql_field_name(bt_filter_field field); /* as TraceQL calls it; empty: an attribute */
/* Whether a field and an attribute of its name are asked about (`duration <= 1s && span.duration = 0`). A field that
 * meets no test of the query is not collected, and then Tempo 2.8 takes the attribute for it
 * (tests/facts/facts_traceql.py): it misses nothing, but finds what is not meant. */
bool bt_traceql_confuses_names(const bt_filter *filter);
/* Of AND or OR: its items in groups that suit Tempo, but for items that do not by themselves, which are groups alone.
 * Those of an AND that have no key are in none. Returns their number; `groups` has room for as many as there are items.
 */
uint32_t bt_traceql_group_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter **groups);

/* Tempo leaves out pages of double attributes (all keys share them) by their lowest and highest value, and those are
 * wrong beside a NaN: so it may overlook spans that such a comparison means (tests/facts/facts_traceql.py). */
bool bt_traceql_compares_doubles(const bt_filter_test *test);
/* Whether a search with the filter may overlook spans that it means: beside a NaN, and where an attribute that has a
 * column of its own holds an array of the column's type, which lies outside the column
 * (tests/facts/facts_filters.py). Any attribute may have a column: Tempo's owner chooses them. */
bool bt_traceql_may_overlook(const bt_filter *filter);
/* Whether a search with the filter may find spans for a value that Tempo makes up: 2.10 takes a column without a
 * value for 0 or "" where it decides what it loads, and for the string "nil" where it then tests it
 * (tests/facts/facts_filters.py). */
bool bt_traceql_may_take_made_up(const bt_filter *filter);

/* ---- traceql_over.c: queries; as in dialect.h ---- */

const bt_over *bt_traceql_over_queries(bt_filter_builder *builder, bt_over_filter over, bool counts,
                                       bool *was_weakened);
uint32_t bt_traceql_under_queries(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries,
                                  uint32_t most);

#endif
