/* What pruning leaves of spans: a summary span in place of several like it, with the attributes of one of them and
 * these besides. The prefix is a setting of the processor, and this is its default; another one is recognised where
 * the whole span is there, not in what is projected. Included by who builds traces, evaluates them, and asks a
 * store for them. Thread: no state. */
#ifndef BT_DSL_TRACE_PRUNED_H
#define BT_DSL_TRACE_PRUNED_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace.h"

#define BT_PRUNED_PREFIX   "aggregation."
#define BT_PRUNED_SUMMARY  "is_summary"           /* true */
#define BT_PRUNED_COUNT    "span_count"           /* how many spans it stands for */
#define BT_PRUNED_OUTLIER  "is_preserved_outlier" /* true, of a span that was kept */
#define BT_PRUNED_EXEMPLAR "is_exemplar"          /* likewise */

bt_pruning bt_pruning_of(const bt_span *span);
/* Whether an attribute with this key may say what bt_pruning_of and bt_pruning_span_count give. */
bool bt_pruning_reads(bt_str key);
/* How many spans a summary stands for, at least: 1 where it does not say. */
uint64_t bt_pruning_span_count(const bt_span *summary);

#endif
