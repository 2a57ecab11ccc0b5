/* Gathering linked traces for watch. See watch_families.h. */
#include "server/watch/watch_families.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"

enum {
  PIECE = 50, /* share look-ups; what fails is laid to no more of them */
  PAGE_MAX = 500
};

void bt_watch_linked_dispose(bt_watch_linked *linked) {
  free(linked->traces);
  *linked = (bt_watch_linked){0};
}

/* A page that was halved gives its first traces again. */
bt_status bt_watch_linked_add(bt_watch_linked *linked, const bt_trace *trace, bt_error *error) {
  for (size_t i = linked->count > PAGE_MAX ? linked->count - PAGE_MAX : 0; i < linked->count; i++)
    if (bt_trace_id_compare(&linked->traces[i].id, &trace->id) == 0) return BT_OK;
  bt_given_trace *traces = bt_grow_array(linked->traces, linked->count, &linked->capacity, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  linked->traces = traces;
  traces[linked->count++] = bt_given_trace_of(trace);
  return BT_OK;
}

typedef struct piece {
  const bt_given_trace *traces;
  bt_watch_family_sink sink;
  void *context;
  bt_source_account account;
} piece;

static bt_status give_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  const piece *p = context;
  return p->sink(p->context, &p->traces[index].id, family, !p->account.failed_count, error);
}

/* By the watcher's clock: what was settled for its rules is so for these questions. */
static bt_replay_request request_of(const bt_watcher *watcher, const bt_rule_definition *const *rules, size_t count) {
  const bt_watch_options *options = watcher->options;
  int64_t ahead_ns = bt_source_clock_ahead_ns(options->source) - watcher->rules->clock_ahead_ns;
  return (bt_replay_request){.rules = rules,
                             .rule_count = count,
                             .now_ns = bt_time_add(watcher->now_ns, ahead_ns),
                             .assumptions = options->assumptions,
                             .tenant = bt_watcher_scope(watcher),
                             .memory_limit_bytes = bt_memory_limit(options->memory),
                             .memory = options->memory,
                             .cancel = watcher->cancel,
                             .priority = BT_PRIORITY_WATCH};
}

static void add_cost(bt_watcher *watcher, const bt_source_account *account) {
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.requests += account->requests;
  watcher->status.bytes_inspected += account->bytes_inspected;
  pthread_mutex_unlock(&watcher->mutex);
}

bt_status bt_watch_linked_gather(bt_watcher *watcher, const bt_watch_linked *linked, bt_watch_family_sink sink,
                                 void *context, bt_error *error) {
  const bt_watch_rules *all = watcher->rules;
  const bt_rule_definition **rules = bt_realloc_array(NULL, all->count + 1, sizeof *rules);
  size_t rule_count = 0;
  bt_status status = rules ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; rules && i < all->count; i++)
    if (all->items[i].is_linked) rules[rule_count++] = all->items[i].definition;
  for (size_t i = 0; status == BT_OK && i < linked->count; i += PIECE) {
    piece p = {.traces = linked->traces + i, .sink = sink, .context = context};
    bt_replay_request request = request_of(watcher, rules, rule_count);
    size_t count = linked->count - i < PIECE ? linked->count - i : PIECE;
    status = bt_given_families_gather(watcher->options->source, &request, p.traces, count, give_family, &p, &p.account,
                                      error);
    add_cost(watcher, &p.account);
    bt_source_account_dispose(&p.account);
  }
  free(rules);
  return status;
}
