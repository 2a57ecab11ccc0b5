/* What all sources share: lists of found traces, the account of what was read and what was not, and the calls through
 * the table. */
#include "tempo/wire/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/base/time_sum.h"
#include "dsl/plan/dialect.h"
#include "tempo/wire/wall_clock.h"

void bt_found_list_dispose(bt_found_list *list) {
  free(list->items);
  *list = (bt_found_list){0};
}

bool bt_found_list_add(bt_found_list *list, const bt_found *found) {
  bt_found *items = bt_grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return false;
  list->items = items;
  items[list->count++] = *found;
  return true;
}

static int compare_found(const void *a, const void *b) {
  return bt_trace_id_compare(&((const bt_found *)a)->id, &((const bt_found *)b)->id);
}

uint32_t bt_entry_of(bt_str service) {
  uint64_t bits = service.len;
  if (!service.len) return BT_ENTRY_UNKNOWN;
  for (size_t i = 0; i < service.len; i++) bits = bt_mix_bits(bits ^ (uint8_t)service.ptr[i]);
  uint32_t entry = (uint32_t)(bits >> 40);
  return entry < BT_ENTRY_FIRST ? BT_ENTRY_FIRST : entry;
}

static uint32_t join_entries(uint32_t a, uint32_t b) {
  if (a == BT_ENTRY_UNKNOWN || a == b) return b;
  return b == BT_ENTRY_UNKNOWN ? a : BT_ENTRY_SEVERAL;
}

void bt_found_join(bt_found *into, const bt_found *from) {
  into->in_doubt = into->in_doubt || from->in_doubt;
  into->entry = join_entries(into->entry, from->entry) & 0xffffff;
  if (from->start_ns < into->start_ns) into->start_ns = from->start_ns;
  if (from->end_ns > into->end_ns) into->end_ns = from->end_ns;
  if (from->span_count > into->span_count) into->span_count = from->span_count;
  bt_shown_join(&into->shown, &from->shown);
}

bt_found bt_found_of_bounds(const bt_trace_id *id, int64_t start_ns, int64_t end_ns) {
  return (bt_found){.id = *id, .start_ns = start_ns, .end_ns = end_ns, .in_doubt = !start_ns && !end_ns};
}

bt_found bt_found_of_trace(const bt_trace *trace) {
  int64_t start_ns = bt_trace_start_ns(trace);
  int64_t end_ns = bt_time_later(bt_trace_end_ns(trace), bt_trace_latest_start_ns(trace));
  return bt_found_of_bounds(&trace->id, start_ns ? start_ns : end_ns, end_ns);
}

bool bt_found_overlaps(const bt_found *found, bt_time_range range) {
  bool is_within = found->start_ns < range.end_ns && found->end_ns >= range.start_ns;
  return range.start_ns < range.end_ns && (found->in_doubt || is_within);
}

void bt_found_list_sort(bt_found_list *list) {
  if (list->count < 2) return;
  qsort(list->items, list->count, sizeof *list->items, compare_found);
  size_t kept = 1;
  for (size_t i = 1; i < list->count; i++) {
    if (compare_found(&list->items[kept - 1], &list->items[i]) == 0)
      bt_found_join(&list->items[kept - 1], &list->items[i]);
    else
      list->items[kept++] = list->items[i];
  }
  list->count = kept;
}

void bt_found_widen(bt_found *found, const bt_trace *spans) {
  int64_t start_ns = bt_trace_start_ns(spans), end_ns = bt_trace_end_ns(spans);
  if (start_ns && start_ns < found->start_ns) found->start_ns = start_ns;
  if (end_ns > found->end_ns) found->end_ns = end_ns;
}

const bt_found *bt_found_list_get(const bt_found_list *list, const bt_trace_id *id) {
  if (!list->count) return NULL;
  bt_found key = {.id = *id};
  return bsearch(&key, list->items, list->count, sizeof *list->items, compare_found);
}

void bt_source_account_dispose(bt_source_account *account) {
  free(account->failed);
  *account = (bt_source_account){0};
}

bool bt_source_account_fail(bt_source_account *account, bt_time_range range, const char *reason) {
  bt_failed_window *failed =
      bt_grow_array(account->failed, account->failed_count, &account->failed_capacity, sizeof *failed);
  if (!failed) return false;
  account->failed = failed;
  bt_failed_window *window = &failed[account->failed_count++];
  window->range = range;
  snprintf(window->reason, sizeof window->reason, "%s", reason);
  return true;
}

bt_status bt_source_search(bt_source *source, const bt_search_request *request, bt_found_list *found,
                           bt_source_account *account, bt_error *error) {
  return source->operations->search(source, request, found, account, error);
}

size_t bt_source_searches_at_once(const bt_source *source) {
  return source->operations->begin ? BT_SEARCHES_AT_ONCE : 1;
}

bt_ahead *bt_source_begin(bt_source *source, bt_asked asked, bt_source_account *account) {
  return source->operations->begin ? source->operations->begin(source, &asked, account) : NULL;
}

void bt_source_drop(bt_ahead *ahead) {
  if (ahead) ahead->drop(ahead);
}

bt_status bt_source_read(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                         bt_source_account *account, bt_error *error) {
  return source->operations->read(source, request, sink, context, account, error);
}

bt_status bt_source_find_spans(bt_source *source, const bt_spans_request *request, bt_spans_sink sink, void *context,
                               bt_source_account *account, bt_error *error) {
  return source->operations->find_spans(source, request, sink, context, account, error);
}

bt_status bt_source_find_linking(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                 bt_source_account *account, bt_error *error) {
  return source->operations->find_linking(source, request, found, account, error);
}

bt_status bt_source_check(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  return source->operations->check(source, cancel, error);
}

static const bt_dialect *shown_dialect;

void bt_source_use_dialect(const bt_dialect *shown) {
  shown_dialect = shown;
}

const bt_dialect *bt_source_dialect(bt_source *source) {
  if (source && source->operations->dialect) return source->operations->dialect(source);
  return shown_dialect ? shown_dialect : bt_dialect_none();
}

bt_promises bt_source_promises(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel) {
  bt_promises promises = {.about = {.kind = source->name, .is_checked = true}, .costs = bt_plain_costs};
  if (source->operations->promise) source->operations->promise(source, wanted, cancel, &promises);
  promises.about.store = source->store;
  return promises;
}

bt_promises bt_source_known(bt_source *source) {
  return bt_source_promises(source, BT_PROMISES_ALL, NULL);
}

bt_losses bt_source_losses(bt_source *source, const char *tenant, const bt_cancel *cancel) {
  bt_losses losses = {0};
  if (source->operations->losses) source->operations->losses(source, tenant, cancel, &losses);
  return losses;
}

int64_t bt_source_clock_ahead_ns(bt_source *source) {
  bt_promises promises = bt_source_known(source);
  return bt_known_clock_ahead_ns(&promises.clock, bt_clock_wall_ns() - bt_clock_steady_ns());
}

void bt_source_free(bt_source *source) {
  if (source) source->operations->free(source);
}

bt_status bt_source_check_asker(const bt_source *source, const char *who, const char *tenant, const bt_cancel *cancel,
                                bt_error *error) {
  if (bt_is_cancelled(cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (!tenant || !tenant[0] || source->is_of_tenants) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "%s no tenants apart: leave the tenant out, or give it a store of its own (betrace serve "
                      "--tenant-store)",
                      who);
}

bt_status bt_source_pass_over(bt_source_account *account, bt_time_range range, bt_status status, const bt_error *why,
                              bt_error *error) {
  if (status == BT_UNAVAILABLE || status == BT_REFUSED)
    return bt_source_account_fail(account, range, why->message) ? BT_OK : bt_error_no_memory(error);
  if (error) *error = *why;
  return status;
}

bt_status bt_found_list_check(bt_found_list *list, size_t max_found, bt_error *error) {
  if (max_found && list->count > max_found) bt_found_list_sort(list);
  if (!max_found || list->count <= max_found) return BT_OK;
  return bt_error_set(error, BT_LIMIT, "more than %zu traces lie in the range; ask for a shorter one", max_found);
}

void bt_read_trace_set_bounds(bt_read_trace *read) {
  if (!read->trace) return;
  bt_found bounds = bt_found_of_trace(read->trace);
  read->start_ns = bounds.start_ns;
  read->end_ns = bounds.end_ns;
}
