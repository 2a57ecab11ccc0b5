/* The account of a replay, and coverages as values. See replay_account.h and replay.h. Failures are listed one by one
 * up to a number; after that the last entry stands for all further ones, so that none is dropped. */
#include "server/replay/replay_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"

enum { FAILED_MAX = 100 };

/* ---- coverages as values; those of adjacent windows put together as one (replay.h) ---- */

static bool append_items(void **items, size_t *count, size_t more, size_t size, const void *from) {
  if (!more) return true;
  char *grown = bt_realloc_array(*items, *count + more, size);
  if (!grown) return false;
  *items = grown;
  memcpy(grown + *count * size, from, more * size);
  *count += more;
  return true;
}

static void join_range(bt_time_range *into, bt_time_range more) {
  if (more.start_ns < into->start_ns) into->start_ns = more.start_ns;
  if (more.end_ns > into->end_ns) into->end_ns = more.end_ns;
}

static void widen_last(bt_failed_window *last, const bt_failed_window *more) {
  join_range(&last->range, more->range);
  snprintf(last->reason, sizeof last->reason, "more windows or traces could not be read than are named here");
}

static bool join_failed(bt_coverage *into, const bt_coverage *from) {
  size_t room = FAILED_MAX - into->windows_failed_count;
  size_t taken = from->windows_failed_count < room ? from->windows_failed_count : room;
  void *items = into->windows_failed;
  bool ok =
      append_items(&items, &into->windows_failed_count, taken, sizeof *into->windows_failed, from->windows_failed);
  into->windows_failed = items;
  for (size_t i = taken; ok && i < from->windows_failed_count; i++)
    widen_last(&into->windows_failed[FAILED_MAX - 1], &from->windows_failed[i]);
  return ok;
}

/* An empty window that goes on in the next one is one. */
static bool join_empty(bt_coverage *into, const bt_coverage *from) {
  const bt_time_range *first = from->windows_empty;
  size_t count = from->windows_empty_count, last = into->windows_empty_count;
  if (count && last && into->windows_empty[last - 1].end_ns == first->start_ns) {
    into->windows_empty[last - 1].end_ns = first->end_ns;
    first++;
    count--;
  }
  void *items = into->windows_empty;
  bool ok = append_items(&items, &into->windows_empty_count, count, sizeof *into->windows_empty, first);
  into->windows_empty = items;
  return ok;
}

/* Shrinking that fails leaves more than is needed. */
void bt_coverage_coarsen(bt_coverage *coverage) {
  for (size_t i = 1; i < coverage->windows_failed_count; i++)
    widen_last(&coverage->windows_failed[0], &coverage->windows_failed[i]);
  if (coverage->windows_failed_count) coverage->windows_failed_count = 1;
  bt_failed_window *one = coverage->windows_failed_count
                              ? bt_realloc_array(coverage->windows_failed, 1, sizeof *coverage->windows_failed)
                              : NULL;
  if (one) coverage->windows_failed = one;
  free(coverage->windows_empty);
  free(coverage->long_traces);
  coverage->windows_empty = NULL;
  coverage->windows_empty_count = 0;
  coverage->long_traces = NULL;
}

static size_t named_of(const bt_coverage *coverage) {
  return coverage->long_trace_count < BT_LONG_TRACES_NAMED ? coverage->long_trace_count : BT_LONG_TRACES_NAMED;
}

static bool names_long(const bt_coverage *coverage, const bt_trace_id *id) {
  for (size_t i = 0; i < named_of(coverage); i++)
    if (bt_trace_id_compare(&coverage->long_traces[i], id) == 0) return true;
  return false;
}

/* Among those that are named, `named` and at most `most` of them: the lowest ids, in order, whatever was met first. */
static void name_id(bt_trace_id *ids, size_t named, size_t most, const bt_trace_id *id) {
  size_t place = named;
  while (place > 0 && bt_trace_id_compare(id, &ids[place - 1]) < 0) place--;
  if (place == most) return;
  size_t last = named < most ? named : most - 1;
  memmove(&ids[place + 1], &ids[place], (last - place) * sizeof *ids);
  ids[place] = *id;
}

static bool add_long(bt_coverage *coverage, const bt_trace_id *id) {
  size_t named = named_of(coverage);
  if (named < BT_LONG_TRACES_NAMED) {
    bt_trace_id *ids = bt_realloc_array(coverage->long_traces, named + 1, sizeof *ids);
    if (!ids) return false;
    coverage->long_traces = ids;
  }
  name_id(coverage->long_traces, named, BT_LONG_TRACES_NAMED, id);
  coverage->long_trace_count++;
  return true;
}

/* A long trace may be met in several windows: it is named once. */
static bool join_long(bt_coverage *into, const bt_coverage *from) {
  for (size_t i = 0; i < named_of(from); i++)
    if (!names_long(into, &from->long_traces[i]) && !add_long(into, &from->long_traces[i])) return false;
  into->long_trace_count += from->long_trace_count - named_of(from);
  return true;
}

/* Each id counts once, as far as named. */
static void add_differing(bt_coverage *coverage, const bt_trace_id *id) {
  size_t named = coverage->differing_trace_count;
  if (named > BT_DIFFERING_TRACES_NAMED) named = BT_DIFFERING_TRACES_NAMED;
  for (size_t i = 0; i < named; i++)
    if (bt_trace_id_compare(&coverage->differing_traces[i], id) == 0) return;
  name_id(coverage->differing_traces, named, BT_DIFFERING_TRACES_NAMED, id);
  coverage->differing_trace_count++;
}

static void join_differing(bt_coverage *into, const bt_coverage *from) {
  size_t named = from->differing_trace_count;
  if (named > BT_DIFFERING_TRACES_NAMED) named = BT_DIFFERING_TRACES_NAMED;
  for (size_t i = 0; i < named; i++) add_differing(into, &from->differing_traces[i]);
  into->differing_trace_count += from->differing_trace_count - named;
}

/* By id, the first ones. Each counts once, as far as named. */
static void add_contradicted(bt_coverage *coverage, const bt_contradicted *one) {
  size_t named =
      coverage->contradicted_count < BT_CONTRADICTED_NAMED ? coverage->contradicted_count : BT_CONTRADICTED_NAMED;
  size_t at = 0;
  while (at < named && bt_trace_id_compare(&coverage->contradicted[at].trace_id, &one->trace_id) < 0) at++;
  bt_contradicted *here = &coverage->contradicted[at];
  if (at < named && !bt_trace_id_compare(&here->trace_id, &one->trace_id)) {
    here->copies_explain = here->copies_explain || one->copies_explain;
    return;
  }
  coverage->contradicted_count++;
  if (at == BT_CONTRADICTED_NAMED) return;
  size_t moved = named < BT_CONTRADICTED_NAMED ? named - at : named - at - 1;
  memmove(here + 1, here, moved * sizeof *here);
  *here = *one;
}

static void join_contradicted(bt_coverage *into, const bt_coverage *from) {
  size_t named = from->contradicted_count < BT_CONTRADICTED_NAMED ? from->contradicted_count : BT_CONTRADICTED_NAMED;
  for (size_t i = 0; i < named; i++) add_contradicted(into, &from->contradicted[i]);
  into->contradicted_count += from->contradicted_count - named;
  into->batches_lacking += from->batches_lacking;
}

static void join_numbers(bt_coverage *into, const bt_coverage *from) {
  bool is_younger = !into->handover_from_ns || from->handover_from_ns < into->handover_from_ns;
  if (from->handover_from_ns && is_younger) into->handover_from_ns = from->handover_from_ns;
  bool is_earlier = from->has_data_from && (!into->has_data_from || from->data_from_ns < into->data_from_ns);
  if (is_earlier) into->data_from_ns = from->data_from_ns;
  into->has_data_from = into->has_data_from || from->has_data_from;
  into->effective_end_ns = from->effective_end_ns;
  bool is_sooner = !into->provisional_from_ns || from->provisional_from_ns < into->provisional_from_ns;
  if (from->provisional_from_ns && is_sooner) into->provisional_from_ns = from->provisional_from_ns;
  into->late_until_ns = bt_time_later(into->late_until_ns, from->late_until_ns);
  into->kept_from_ns = bt_time_later(into->kept_from_ns, from->kept_from_ns);
  into->redacted_ns = bt_time_later(into->redacted_ns, from->redacted_ns);
  into->unsettled += from->unsettled;
  into->outside += from->outside;
  into->unended += from->unended;
  if (from->without_time > into->without_time) into->without_time = from->without_time; /* each range has all of them */
  into->assumptions = from->assumptions;
  bt_source_about_join(&into->source, &from->source);
}

bt_status bt_coverage_join(bt_coverage *into, const bt_coverage *from, bt_error *error) {
  join_numbers(into, from);
  join_differing(into, from);
  join_contradicted(into, from);
  bt_sampled_traces_join(&into->sampling, &from->sampling);
  bool ok = join_failed(into, from) && join_empty(into, from) && join_long(into, from);
  return ok ? BT_OK : bt_error_no_memory(error);
}

/* ---- a range of which a part had no trace ---- */

static bt_time_range settled_part(const bt_coverage *coverage) {
  return (bt_time_range){coverage->asked.start_ns, bt_time_earlier(coverage->asked.end_ns, coverage->effective_end_ns)};
}

bool bt_gap_is_worth_saying(bt_time_range whole, bt_time_range gap, int64_t margin_ns) {
  enum { SMALL_PART = 24 };
  static const int64_t minute_ns = INT64_C(60000000000);
  int64_t length_ns = bt_time_subtract(whole.end_ns, whole.start_ns);
  int64_t least_ns = bt_time_later(margin_ns, length_ns / SMALL_PART);
  least_ns = bt_time_later(bt_time_earlier(least_ns, length_ns / 2), minute_ns);
  return length_ns > 0 && bt_time_subtract(gap.end_ns, gap.start_ns) > least_ns;
}

static bool is_worth_saying(const bt_coverage *coverage, bt_time_range gap) {
  return bt_gap_is_worth_saying(settled_part(coverage), gap, coverage->assumptions.margin_ns);
}

bool bt_coverage_begins_late(const bt_coverage *coverage, bt_time_range *out) {
  bt_time_range whole = settled_part(coverage);
  *out = (bt_time_range){whole.start_ns, bt_time_earlier(coverage->data_from_ns, whole.end_ns)};
  return coverage->has_data_from && is_worth_saying(coverage, *out);
}

bool bt_coverage_ends_early(const bt_coverage *coverage, bt_time_range *out) {
  bt_time_range whole = settled_part(coverage);
  *out = (bt_time_range){whole.end_ns, whole.end_ns};
  for (size_t i = coverage->windows_empty_count; i-- && coverage->windows_empty[i].end_ns >= out->start_ns;)
    out->start_ns = bt_time_earlier(out->start_ns, coverage->windows_empty[i].start_ns);
  return is_worth_saying(coverage, *out);
}

void bt_ends_say(const int64_t *from_ns, const int64_t *until_ns, char out[BT_ENDS_BYTES]) {
  char from[40] = "", until[40] = "";
  if (from_ns) bt_time_format(*from_ns, from);
  if (until_ns) bt_time_format(*until_ns, until);
  out[0] = '\0';
  if (from_ns && until_ns)
    snprintf(out, BT_ENDS_BYTES, "no trace before %.19sZ and none from %.19sZ on", from, until);
  else if (from_ns)
    snprintf(out, BT_ENDS_BYTES, "no trace before %.19sZ", from);
  else if (until_ns)
    snprintf(out, BT_ENDS_BYTES, "no trace from %.19sZ on", until);
}

static void write_partial(const bt_coverage *coverage, char out[BT_ENDS_BYTES]) {
  bt_time_range before, after;
  bool begins_late = bt_coverage_begins_late(coverage, &before), ends_early = bt_coverage_ends_early(coverage, &after);
  bool is_one = begins_late && before.end_ns >= after.start_ns; /* it has none at all */
  bt_ends_say(begins_late ? &before.end_ns : NULL, ends_early && !is_one ? &after.start_ns : NULL, out);
}

/* A quiet minute is nothing to speak of, and the range was asked for a moment before. */
void bt_coverage_add_losses(bt_coverage *coverage, const bt_losses *losses, int64_t now_ns) {
  static const int64_t minute_ns = INT64_C(60000000000);
  int64_t start_ns = coverage->asked.start_ns, kept_ns = bt_time_subtract(now_ns, losses->retention_ns);
  bool is_over = losses->retention_ns && bt_time_subtract(kept_ns, start_ns) > minute_ns;
  if (is_over) coverage->kept_from_ns = bt_time_later(coverage->kept_from_ns, kept_ns);
  if (losses->redacted_ns > start_ns) coverage->redacted_ns = bt_time_later(coverage->redacted_ns, losses->redacted_ns);
}

void bt_coverage_say_losses(const bt_coverage *coverage, char out[BT_LOSSES_BYTES]) {
  char kept_from[40], redacted[40];
  int length = 0;
  out[0] = '\0';
  bt_time_format(coverage->kept_from_ns, kept_from);
  bt_time_format(coverage->redacted_ns, redacted);
  if (coverage->kept_from_ns)
    length = snprintf(out, BT_LOSSES_BYTES, "retention may have deleted traces from before %.19sZ%s", kept_from,
                      coverage->redacted_ns ? "; " : "");
  if (coverage->redacted_ns)
    snprintf(out + length, BT_LOSSES_BYTES - (size_t)length, "some traces were redacted, last at %.19sZ", redacted);
}

bool bt_coverage_say_partial(const bt_coverage *coverage, char *out, size_t size) {
  char what[BT_ENDS_BYTES], losses[BT_LOSSES_BYTES];
  bool is_tempo = coverage->source.kind && strcmp(coverage->source.kind, "tempo") == 0;
  write_partial(coverage, what);
  bt_coverage_say_losses(coverage, losses);
  if (losses[0])
    snprintf(out, size, "partial_data: %s%s%s", losses, what[0] ? "; it shows " : "", what);
  else if (what[0])
    snprintf(out, size, "partial_data: the source shows %s%s", what,
             is_tempo ? "; a wrong tenant, an outage, a passed retention, and spans that came too late to be shown yet "
                        "look the same"
                      : "");
  return what[0] || losses[0];
}

void bt_coverage_dispose(bt_coverage *coverage) {
  free(coverage->windows_empty);
  free(coverage->windows_failed);
  free(coverage->long_traces);
  *coverage = (bt_coverage){0};
}

/* ---- of one replay ---- */

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
  return add_long(&account->result->coverage, id) ? BT_OK : bt_error_no_memory(error);
}

void bt_account_add_differing(bt_replay_account *account, const bt_trace_id *id) {
  add_differing(&account->result->coverage, id);
}

void bt_account_add_contradicted(bt_replay_account *account, const bt_trace_id *id, bool copies_explain) {
  add_contradicted(&account->result->coverage, &(bt_contradicted){*id, copies_explain});
}

void bt_account_show(bt_replay_account *account, double fraction) {
  if (fraction > account->progress) account->progress = fraction;
  if (account->observer && account->observer->progress)
    account->observer->progress(account->observer->context, account->progress, account->result);
}
