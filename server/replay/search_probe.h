/* Probes: a few short windows of the range in which filters are asked, to know about how much they find. An explanation
 * asks them, and who weighs what to ask first. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_SEARCH_PROBE_H
#define BT_SERVER_REPLAY_SEARCH_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"
#include "server/replay/questions.h"
#include "tempo/wire/source.h"

enum { BT_SEARCH_PROBE_WINDOWS = 3, BT_SEARCH_PROBE_FILTERS = 16 };
typedef struct bt_search_probe {
  bt_time_range windows[BT_SEARCH_PROBE_WINDOWS];
  int window_count;
  double scale;                              /* the searched range is so many times as long as they are together */
  bt_found_list everything;                  /* traces in them */
  bt_query queries[BT_SEARCH_PROBE_FILTERS]; /* borrowed */
  bt_found_list found[BT_SEARCH_PROBE_FILTERS];
  size_t query_count;
  bool is_dense; /* some answer held more than was taken: estimates are too low */
} bt_search_probe;
/* Chooses windows that hold some traces. BT_CANCELLED and BT_NO_MEMORY stop; any other failure is the source's. */
bt_status bt_search_probe_open(bt_questions *questions, bt_search_probe *probe, bt_error *error) BT_MUST_CHECK;
/* Asks the filter, once. Errors as above. */
bt_status bt_search_probe_ask(bt_questions *questions, bt_search_probe *probe, bt_query query,
                              bt_error *error) BT_MUST_CHECK;
void bt_search_probe_dispose(bt_search_probe *probe);
/* NULL: it was not asked. */
const bt_found_list *bt_search_probe_found(const bt_search_probe *probe, bt_query query);
/* Over the whole range. */
uint64_t bt_search_probe_estimate(const bt_search_probe *probe, size_t count);
/* Whether the trace is in the formula, as far as was asked; what was not asked holds. */
bool bt_search_probe_holds(const bt_search_probe *probe, const bt_over *over, const bt_trace_id *id);

#endif
