/* The parts that an explanation is put together from. Only explain*.c include this, and spans_first.c, which probes likewise. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_EXPLAIN_PARTS_H
#define BT_SERVER_REPLAY_EXPLAIN_PARTS_H

#include "server/replay/explain.h"
#include "server/replay/run.h"

/* explain_local.c: what of the rule is decided here. */
void bt_explain_local(const bt_rule *rule, bt_buffer *out);

/* explain_probe.c: a few short windows of the range in which filters are asked. */
enum { BT_PROBE_WINDOWS = 3, BT_PROBE_FILTERS = 16 };
typedef struct bt_explain_probe {
  bt_time_range windows[BT_PROBE_WINDOWS];
  int window_count;
  double scale;                     /* the searched range is so many times as long as they are together */
  bt_found_list everything;         /* traces in them */
  bt_str filters[BT_PROBE_FILTERS]; /* borrowed */
  bt_found_list found[BT_PROBE_FILTERS];
  size_t filter_count;
  bool is_dense; /* some answer held more than was taken: estimates are too low */
} bt_explain_probe;
/* Chooses windows that hold some traces. BT_CANCELLED and BT_NO_MEMORY stop; any other failure is the source's. */
bt_status bt_explain_probe_open(bt_run *run, bt_explain_probe *probe, bt_error *error) BT_MUST_CHECK;
/* Asks the filter, once. */
bt_status bt_explain_probe_ask(bt_run *run, bt_explain_probe *probe, bt_str filter, bt_error *error) BT_MUST_CHECK;
void bt_explain_probe_dispose(bt_explain_probe *probe);
/* NULL: it was not asked. */
const bt_found_list *bt_explain_probe_found(const bt_explain_probe *probe, bt_str filter);
/* Over the whole range. */
uint64_t bt_explain_probe_estimate(const bt_explain_probe *probe, size_t count);
/* Whether the trace is in the formula, as far as was asked; what was not asked holds. */
bool bt_explain_probe_holds(const bt_explain_probe *probe, const bt_over *over, const bt_trace_id *id);

#endif
