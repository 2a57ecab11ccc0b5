/* What was sent before. See watch_recovery.h. */
#include "server/watch/watch_recovery.h"

#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/log.h"
#include "server/base/time_text.h"
#include "server/replay/violation.h"
#include "tempo/wire/own_trace.h"

enum { PAGE_MAX = 200, BY_ID_MAX = 50 };

typedef struct recovering {
  const bt_watch_round *round;
  bt_open_set *open;
  int64_t *unread_since_ns;
  bt_time_range range;
  const bt_trace_id *page;      /* of the read under way */
  bt_trace_id unread[PAGE_MAX]; /* of the page: what the batch did not give */
  size_t unread_count, lost, given;
  bool is_final; /* it is by id */
} recovering;

static bt_str find_text(const bt_span *span, const char *key) {
  const bt_value *value = bt_attributes_find(&span->attributes, bt_str_from(key));
  return value && value->type == BT_VALUE_STRING ? value->string : BT_STR("");
}

/* The rule that it is about, if it is still under watch with the same condition. */
static const bt_rule_definition *rule_of(const bt_watch_rules *rules, const bt_span *span) {
  bt_str id = find_text(span, BT_OWN_RULE_ID), hash = find_text(span, BT_OWN_CONDITION_HASH);
  for (size_t i = 0; i < rules->count; i++) {
    const bt_rule_definition *definition = rules->items[i].definition;
    if (bt_str_equal(id, bt_str_from(definition->fields.id)) &&
        bt_str_equal(hash, bt_str_from(definition->condition_hash)))
      return definition;
  }
  return NULL;
}

static bt_status restore_violation(const bt_span *span, const bt_own_ids *ids, const bt_trace_id *violating,
                                   bt_violation **out, bt_error *error) {
  int64_t time_ns; /* by the text: a store may keep the number as a rounded one */
  if (!bt_time_parse(find_text(span, "betrace.violation.time"), 0, &time_ns)) time_ns = span->start_ns;
  bt_violation_record record = {.id = ids->trace_id,
                                .trace_id = *violating,
                                .emit_span_id = ids->span_id,
                                .retract_span_id = ids->retraction_id,
                                .time_ns = time_ns,
                                .message = find_text(span, "betrace.violation.message")};
  (void)bt_span_id_parse(find_text(span, "betrace.violation.span_id"), &record.span_id);
  return bt_violation_restore(&record, out, error);
}

static bt_status add_sent_violation(recovering *r, const bt_trace *trace, const bt_span *span, bt_error *error) {
  const bt_rule_definition *definition = rule_of(r->round->rules, span);
  bt_trace_id violating;
  bt_own_ids ids;
  if (!definition || !bt_trace_id_parse(find_text(span, BT_OWN_TRACE_ID), &violating)) return BT_OK;
  bt_status status = bt_violation_ids_derive(bt_str_from(r->round->tenant), bt_str_from(definition->fields.id),
                                             bt_str_from(definition->condition_hash), &violating, &ids, error);
  if (status != BT_OK || bt_open_set_find(r->open, &ids.trace_id)) return status;
  bt_violation *violation = NULL;
  status = restore_violation(span, &ids, &violating, &violation, error);
  if (status != BT_OK) return status;
  bt_open *open = NULL;
  status = bt_open_set_add(r->open, violation, definition, &open, error);
  if (status != BT_OK) return status;
  open->state = trace->span_count > 1 ? BT_OPEN_RETRACTED : BT_OPEN_EMITTED;
  open->trace_end_ns = r->round->now_ns; /* not known; it is kept long enough for the sweeps */
  return BT_OK;
}

/* ---- reading ---- */

static bt_status take_own_trace(void *context, const bt_read_trace *read, bt_error *error) {
  recovering *r = context;
  bool is_there = read->trace && read->trace->span_count && (r->is_final || !read->needs_by_id);
  r->given += is_there;
  if (is_there && bt_trace_is_own(read->trace, bt_str_from(r->round->tenant)))
    return add_sent_violation(r, read->trace, &read->trace->spans[0], error);
  if (is_there) return BT_OK; /* somebody else's, under our name */
  if (r->is_final)
    r->lost++;
  else if (r->unread_count < PAGE_MAX)
    r->unread[r->unread_count++] = r->page[read->index];
  return BT_OK;
}

static bt_status read_page(recovering *r, const bt_trace_id *ids, size_t count, bt_error *error) {
  bt_projected attributes[] = {{BT_PROJECTED_SPAN, BT_STR(BT_OWN_RULE_ID)},
                               {BT_PROJECTED_SPAN, BT_STR(BT_OWN_CONDITION_HASH)},
                               {BT_PROJECTED_SPAN, BT_STR(BT_OWN_TRACE_ID)},
                               {BT_PROJECTED_SPAN, BT_STR("betrace.violation.span_id")},
                               {BT_PROJECTED_SPAN, BT_STR("betrace.violation.message")},
                               {BT_PROJECTED_SPAN, BT_STR("betrace.violation.time")}};
  bt_projection projection = {.attributes = attributes, .attribute_count = sizeof attributes / sizeof *attributes};
  bt_read_request request = {.ids = ids,
                             .count = count,
                             .range = r->range,
                             .projection = r->is_final ? NULL : &projection,
                             .by_id = r->is_final,
                             .with_own = true};
  bt_watch_cost not_counted = {0};
  r->page = ids;
  return bt_watch_round_read(r->round, bt_watch_own(r->round->options), request,
                             "sent violations could not be read: ", take_own_trace, r, &not_counted, error);
}

/* Whether a read failed because of what it asked for: a source that is gone answers nothing. */
static bool is_of_the_page(const recovering *r, bt_status status) {
  bt_error why = {0};
  if (status == BT_REFUSED) return true;
  return status == BT_UNAVAILABLE && bt_source_check(bt_watch_own(r->round->options), r->round->cancel, &why) == BT_OK;
}

/* One that no read gives while the source answers others: watching waits for it, but not longer than lookback. */
static bt_status read_single_trace(recovering *r, const bt_trace_id *id, bt_error *error) {
  bt_status status = read_page(r, id, 1, error);
  if (!is_of_the_page(r, status)) return status;
  if (!*r->unread_since_ns) *r->unread_since_ns = r->round->now_ns;
  int64_t waited_ns = bt_time_subtract(r->round->now_ns, *r->unread_since_ns);
  if (waited_ns < r->round->times->lookback_ns) return status;
  r->lost++;
  return BT_OK;
}

static bt_status read_by_id(recovering *r, const bt_trace_id *ids, size_t count, bt_error *error) {
  size_t lost = r->lost;
  bt_status status = read_page(r, ids, count, error);
  if (!is_of_the_page(r, status)) return status;
  r->lost = lost; /* they are asked for again */
  status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++)
    if (!bt_open_set_find(r->open, &ids[i])) status = read_single_trace(r, &ids[i], error);
  return status;
}

/* In a batch; what that does not give, by id. */
static bt_status read_some(recovering *r, const bt_trace_id *ids, size_t count, bt_error *error) {
  r->unread_count = 0;
  r->is_final = false;
  bt_status status = read_page(r, ids, count, error);
  r->is_final = true;
  if (is_of_the_page(r, status)) {
    memcpy(r->unread, ids, count * sizeof *ids);
    r->unread_count = count;
    status = BT_OK;
  }
  for (size_t i = 0; status == BT_OK && i < r->unread_count; i += BY_ID_MAX) {
    size_t some = r->unread_count - i < BY_ID_MAX ? r->unread_count - i : BY_ID_MAX;
    status = read_by_id(r, r->unread + i, some, error);
  }
  return status;
}

/* The trace of a violation has the violation's id: those that are known need no reading. */
static bt_status read_found(recovering *r, const bt_found_list *found, bt_error *error) {
  bt_trace_id ids[PAGE_MAX];
  size_t count = 0;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < found->count; i++) {
    if (!bt_open_set_find(r->open, &found->items[i].id)) ids[count++] = found->items[i].id;
    if (count < PAGE_MAX && i + 1 < found->count) continue;
    if (count) status = read_some(r, ids, count, error);
    count = 0;
  }
  return status;
}

/* What a replay had sent before watch found it is watch's to take back, too. */
static bt_status search_sent_violations(const bt_watch_round *round, bt_time_range range, bt_found_list *found,
                                        bt_error *error) {
  bt_search_request request = {.query = bt_own_traces_query(BT_OWN_VIOLATIONS),
                               .range = range,
                               .expected = BT_EXPECTS_FEW,
                               .priority = BT_PRIORITY_WATCH};
  bt_watch_cost not_counted = {0};
  bt_status status = bt_watch_round_search(round, bt_watch_own(round->options), request,
                                           "sent violations could not be searched: ", found, &not_counted, error);
  bt_found_list_keep_own(found);
  return status;
}

/* A trace that is searched again was judged after its spans began; its violation may have been sent for longer than
 * that: the sweeps bound how late a span may undo it. What was away for long begins to search where the
 * one before it ended, hours ago. */
static int64_t begins_at(const bt_watch_round *round, int64_t from_ns) {
  const bt_watch_times *times = round->times;
  int64_t kept_ns = bt_time_add(bt_watch_last_delay(times), times->settle_ns + 2 * times->sweep_step_ns);
  int64_t always_ns = bt_time_subtract(round->now_ns, bt_watch_last_delay(times));
  return bt_time_subtract(bt_time_earlier(from_ns, always_ns), kept_ns);
}

bt_status bt_watch_recover(const bt_watch_round *round, int64_t from_ns, bt_open_set *open, int64_t *unread_since_ns,
                           bt_error *error) {
  bt_time_range range = {begins_at(round, from_ns), bt_time_add(round->now_ns, round->times->settle_ns)};
  bt_found_list found = {0};
  recovering r = {.round = round, .open = open, .unread_since_ns = unread_since_ns, .range = range};
  bt_status status = search_sent_violations(round, range, &found, error);
  if (status != BT_OK) *unread_since_ns = 0;
  if (status == BT_OK) status = read_found(&r, &found, error);
  if (status == BT_OK && r.lost > 1 && !r.given)
    status = bt_error_set(error, BT_UNAVAILABLE, "none of %zu violations that were sent before could be read", r.lost);
  bt_found_list_dispose(&found);
  if (status == BT_OK && r.lost)
    bt_log(BT_LOG_WARNING,
           "watch: search names %zu violations that were sent before, and no read gives them; spans that come late "
           "cannot take them back",
           r.lost);
  return status;
}
