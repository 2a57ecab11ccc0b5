/* The account of a replay. See replay_account.h. */
#include "server/replay/replay_account.h"

#include <stdio.h>
#include <string.h>

#include "dsl/arena.h"
#include "server/replay/coverage_join.h"

enum { FAILED_MAX = 100 };

static void join_range(bt_time_range *into, bt_time_range more) {
  if (more.start_ns < into->start_ns) into->start_ns = more.start_ns;
  if (more.end_ns > into->end_ns) into->end_ns = more.end_ns;
}

/* Two searches that fail alike are one thing to say. */
static bool is_named(const bt_coverage *coverage, bt_time_range range, const char *reason) {
  for (size_t i = 0; i < coverage->windows_failed_count; i++) {
    const bt_failed_window *said = &coverage->windows_failed[i];
    bool is_same = said->range.start_ns == range.start_ns && said->range.end_ns == range.end_ns;
    if (is_same && strncmp(said->reason, reason, 190) == 0) return true;
  }
  return false;
}

bt_status bt_account_fail(bt_replay_account *account, bt_time_range range, const char *reason, bt_error *error) {
  bt_coverage *coverage = &account->result->coverage;
  if (is_named(coverage, range, reason)) return BT_OK;
  if (coverage->windows_failed_count == FAILED_MAX) {
    bt_failed_window *last = &coverage->windows_failed[FAILED_MAX - 1];
    account->failed_beyond++;
    join_range(&last->range, range);
    snprintf(last->reason, sizeof last->reason, "%llu more windows or traces could not be read",
             (unsigned long long)account->failed_beyond + 1);
    return BT_OK;
  }
  bt_failed_window *failed =
      bt_realloc_array(coverage->windows_failed, coverage->windows_failed_count + 1, sizeof *failed);
  if (!failed) return bt_error_no_memory(error);
  coverage->windows_failed = failed;
  bt_failed_window *window = &failed[coverage->windows_failed_count++];
  window->range = range;
  snprintf(window->reason, sizeof window->reason, "%.190s", reason);
  return BT_OK;
}

bt_status bt_account_fail_trace(bt_replay_account *account, const bt_known *known, const char *reason,
                                bt_error *error) {
  const bt_found *bounds = bt_known_bounds(known);
  bt_time_range range = {bounds->start_ns, bt_time_add(bounds->end_ns, 1)};
  char hex[BT_TRACE_ID_HEX + 1], text[200];
  bt_trace_id_format(&bounds->id, hex);
  snprintf(text, sizeof text, "trace %s: %.150s", hex, reason);
  return bt_account_fail(account, range, text, error);
}

void bt_account_add_cost(bt_replay_account *account, const bt_source_account *call) {
  account->result->requests += call->requests;
  account->result->bytes_inspected += call->bytes_inspected;
  account->result->bytes_received += call->bytes_received;
}

bt_status bt_account_add(bt_replay_account *account, const bt_source_account *call, bool is_over, bt_error *error) {
  bt_account_add_cost(account, call);
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && is_over && i < call->failed_count; i++)
    status = bt_account_fail(account, call->failed[i].range, call->failed[i].reason, error);
  return status;
}

bt_status bt_account_add_long(bt_replay_account *account, const bt_trace_id *id, bt_error *error) {
  bt_coverage *coverage = &account->result->coverage;
  size_t count = coverage->long_trace_count++;
  if (count >= BT_LONG_TRACES_NAMED) return BT_OK;
  bt_trace_id *ids = bt_realloc_array(coverage->long_traces, count + 1, sizeof *ids);
  if (!ids) {
    coverage->long_trace_count--;
    return bt_error_no_memory(error);
  }
  coverage->long_traces = ids;
  ids[count] = *id;
  return BT_OK;
}

void bt_account_add_differing(bt_replay_account *account, const bt_trace_id *id) {
  bt_coverage_add_differing(&account->result->coverage, id);
}

void bt_account_show(bt_replay_account *account, double fraction) {
  if (fraction > account->progress) account->progress = fraction;
  if (account->observer && account->observer->progress)
    account->observer->progress(account->observer->context, account->progress, account->result);
}
