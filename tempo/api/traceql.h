/* The only code that writes TraceQL. It quotes every string that comes from outside. select is written in one place,
 * which always writes `| by(span:id) | by(kind)` before it: select alone silently loses spans of split traces. Every
 * query must come from one of the functions here that say so. Tempo's lexer loses up to 1,024 bytes of a query where a
 * number or the start of an attribute name lies across a multiple of 1,024 bytes (measured), often without an error.
 * These functions insert blanks to prevent that. Queries are ASCII. Thread: no state. */
#ifndef BT_DSL_TRACEQL_H
#define BT_DSL_TRACEQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/plan/filter.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"

enum {
  BT_TRACEQL_MAX_BYTES = 131072,       /* Tempo refuses longer queries */
  BT_TRACEQL_MAX_FILTER_BYTES = 16384, /* of a plan's filters: the planner splits or weakens longer ones */
  BT_TRACEQL_MAX_GROUPS = 3
};

/* Doubles are compared with literals nearer to 0 than this. */
#define BT_TRACEQL_GUARDED_BELOW 1e300

/* A Go-syntax string literal in double quotes. */
void bt_traceql_quote(bt_str s, bt_buffer *out);
/* The text as a regular expression that matches it alone. */
void bt_traceql_quote_pattern(bt_str text, bt_buffer *out);
/* How a filter is written. What is searched is written so that Tempo's shortcuts do not make it find less than it says,
 * what is subtracted so that they do not make it find more. One way of writing does not do for values of attributes:
 * guarded, a filter finds no double beside a NaN, and no array outside a column; as a surplus it is no answer for
 * arrays of several elements in Tempo 2.8, of which it misses some and finds others. So where bt_traceql_may_overlook
 * says so the second is asked for besides. */
typedef enum bt_traceql_manner {
  BT_TRACEQL_PLAIN = 0, /* as it stands: what is subtracted, and over-queries without a duration */
  BT_TRACEQL_GUARDED,   /* with guards of durations */
  BT_TRACEQL_SURPLUS    /* with guards of durations and doubles, and what lies outside columns */
} bt_traceql_manner;

/* The query of a filter of the planner. */
bt_query bt_traceql_over(bt_over_filter over);
bt_query bt_traceql_surplus(bt_over_filter over);
bt_query bt_traceql_under(bt_under_filter under);
/* Whether it is no longer than a plan's filters may be. *failed is set where there is no memory to tell. */
bool bt_traceql_fits(bt_query query, bool *failed);
/* `{ … }`: text for people and for bt_traceql_search, not yet a query of Tempo's. is_wide: attributes are tested for
 * any string instead of for their patterns, so it finds more: Tempo 3 answers 500 where a pattern has met an array
 * before it meets a string (tests/facts/facts_filters.py). Not for what is subtracted. */
void bt_traceql_write(bt_query query, bool is_wide, bt_buffer *out);
/* Whether some pattern of it is wider then. */
bool bt_traceql_can_widen(bt_query query);
/* The query of a filter `{ … }` (`{}`: every trace); with `id_regex` (anchored by Tempo, hex ids without leading zeros)
 * joined by && when its len is not 0. */
void bt_traceql_search(bt_str filter, bt_str id_regex, bt_buffer *out);
/* Which types an attribute's own column may have. If they are strings and integers, a read has three tests for each
 * attribute and not seven. Tempo tries every test on every attribute of the range. What lies outside columns is given
 * in any type (tests/facts/facts_columns.py). */
typedef enum bt_columns { BT_COLUMNS_OF_ANY_TYPE, BT_COLUMNS_OF_STRINGS_AND_INTEGERS } bt_columns;

/* `{ trace:id =~ "a|b|…|x" && (… || true) } | by(span:id) | by(kind) | select(…)` for up to `count` ids; ids are
 * written without leading zeros, and the last alternative can match nothing, because a pattern that is one plain id
 * is refused. The part before `|| true` asks for each attribute in every type that `columns` leaves, and Tempo gives
 * what a filter tests: selected, an attribute with a column of its own (http.status_code, and those that Tempo's owner
 * has chosen) would be given of the column's type only, and in 2.10 and 3 as the string "nil" where it is missing. The
 * attributes are those of the projection that belong to `group` (bt_projection_groups), because an answer loses the
 * scope of its keys. Group 0 reads name, kind, status, span:parentID, resource.service.name and, if wanted,
 * statusMessage besides; other groups read attributes only. Every group gives the kind, because it groups by it. */
void bt_traceql_read(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                     bt_columns columns, bt_buffer *out);
/* The same for the spans that the filter finds, of all traces or of those that id_regex names (as in
 * bt_traceql_search). */
void bt_traceql_read_range(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                           bt_columns columns, bt_buffer *out);
/* As bt_traceql_read_doubted and bt_traceql_read_lists of those. */
void bt_traceql_read_range_doubted(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                                   bt_buffer *out);
void bt_traceql_read_range_lists(bt_str filter, bt_str id_regex, const bt_projection *projection, uint32_t group,
                                 bt_buffer *out);
/* A string "nil" may still be one that Tempo made up (2.10, columns of integers). This asks once more for the
 * attributes of the group, in a way that loads no empty column: every span is given, with all of its attributes but
 * those that are the integer 0. So what the other read gave as "nil" and this does not give is missing. */
void bt_traceql_read_doubted(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                             bt_buffer *out);
/* Finds what lies in blocks that hold lists in columns (vParquet5), and nothing else. */
#define BT_TRACEQL_LISTS BT_STR("{ span:childCount >= 0 }")
/* Of those of the traces that lie in such blocks: what select gives of the attributes of the group. Each has a
 * value, or "nil", on every span where it has a column, and is missing on a span where it has neither. */
void bt_traceql_read_lists(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                           bt_buffer *out);
/* What a question for elements leaves out of an attribute of the projection, by its place there. */
typedef struct bt_left_out {
  uint32_t attribute;
  bool is_number;
  int64_t number;
  bt_str pattern; /* alternatives, as a regular expression */
} bt_left_out;

/* Whether Tempo can be asked for all texts but this one. */
bool bt_traceql_can_leave_out(bt_str text);
/* Of those of the traces that have an element under an attribute of the group that is not left out: the spans, with the
 * last of these elements (list_elements.h). At least one of them is the group's. */
void bt_traceql_read_elements(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                              const bt_left_out *left_out, uint32_t left_out_count, bt_buffer *out);
/* As bt_traceql_read, for the spans that the filter finds, of all traces or of those that id_regex names (as in
 * bt_traceql_search); group 0 reads status, parent and service only where the projection names them: each costs
 * Tempo a column. It keeps them apart as `apart` says; the kind comes from that, from the filter where that has
 * one kind, or is selected. With links it gives one link of each span, as link:traceID and link:spanID: those of its
 * last (tests/facts/facts_links.py). */
void bt_traceql_read_spans(bt_str filter, bt_apart apart, bt_str id_regex, const bt_projection *projection,
                           uint32_t group, bt_columns columns, bt_buffer *out);
/* The query `{ trace:id =~ "a|b|…|x" } | by(traceDuration)`: of each trace a set for each of its fragments, whose
 * `matched` is how many spans the fragment has. Fragments of the same duration, in nanoseconds, are one set with the
 * larger number. */
void bt_traceql_sizes(const bt_trace_id *ids, size_t count, bt_buffer *out);
/* The query `{ … } | count() >= N`: the traces with a fragment in which the filter finds at least so many spans
 * (from 1). */
void bt_traceql_crowded(bt_str filter, uint32_t least, bt_buffer *out);
/* `{ trace:id !~ "a|b|…|x" && (…) }`: the filter without what it finds in these traces; without ids the filter as it
 * is. Not yet a query. */
void bt_traceql_without(bt_str filter, const bt_trace_id *ids, size_t count, bt_buffer *out);
/* `{ link:traceID = "a" || … }`: the spans with a link to one of these traces; an id of zeros is none, and without any
 * other it is "". Ids are written without leading zeros. Never as a pattern: =~ looks at the first link of a span only.
 * Tempo 2.8 finds no link to an id whose first byte is 0 (tests/facts/facts_links.py). Not yet a query. */
void bt_traceql_linking(const bt_trace_id *ids, size_t count, bt_buffer *out);
/* `{ link:spanID = "a" || … }`: the spans with a link to a span of one of these ids, in whatever trace; an id of zeros
 * is none, and without any other it is "". No Tempo finds one whose first byte is 0 (tests/facts/facts_links.py). Not
 * yet a query. */
void bt_traceql_linking_spans(const bt_span_id *ids, size_t count, bt_buffer *out);
/* `{ (…) && (…) }`: the spans that both filters find. Not yet a query. */
void bt_traceql_both(bt_str filter, bt_str other, bt_buffer *out);
/* Finds the spans that have any link. */
#define BT_TRACEQL_ANY_LINK BT_STR("{ link:traceID != \"\" }")
/* How many reads a projection needs: 1 to BT_TRACEQL_MAX_GROUPS. More than 1 where span.k and resource.k are both
 * wanted, or where a key looks like that of an intrinsic in the answer (status, kind, service.name, …). */
uint32_t bt_projection_groups(const bt_projection *projection);
/* Whether the group reads the attribute at `index`; of several with one key (span.k, resource.k) this is said of the
 * first alone, in each group. */
bool bt_projection_asks_in_group(const bt_projection *projection, uint32_t index, uint32_t group);
/* Whether the group reads any attribute. */
bool bt_projection_group_has_attributes(const bt_projection *projection, uint32_t group);
/* Keys under which an answer gives a field of the span: what is selected, and what the filter tests, unasked
 * (tests/facts/facts_wire.py). An attribute with such a key cannot be told from the field where a filter may test it;
 * kind alone is given by every group and told apart there. */
bool bt_traceql_is_taken_key(bt_str key);
/* The scope in which `group` reads the attribute `key`; false when that group does not read it. In group 0 service.name
 * is the resource's. BT_PROJECTED_EITHER: Tempo gives the span's value and the resource's under one key, in no order.
 * One value is the one that counts (the span's if it has one); two in one span cannot be told apart, and that trace has
 * to be read by id. */
bool bt_projection_scope_in_group(const bt_projection *projection, uint32_t group, bt_str key,
                                  bt_projected_scope *scope);
/* How many ids fit into one read within BT_TRACEQL_MAX_BYTES; more than 1,000 for every projection. */
size_t bt_traceql_ids_per_read(const bt_projection *projection);

#endif
