/* Pages of what is due. See watch_reading.h. */
#include "server/watch/watch_reading.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/log.h"
#include "server/watch/watch_due_times.h"
#include "tempo/wire/own_trace.h"

enum {
  BATCH_MAX = 500,
  RANGE_MAX = 16384, /* where they are most of what lies in their range */
  BY_ID_MAX = 50,
  FAILURES_MAX = 16
};
_Static_assert(BT_WATCH_MISSES_MAX == 16, "the message names it");
static const int64_t LONGEST_SKIPPED_NS = (int64_t)10 * 1000000000; /* interval of rounds of which one reads nothing */

/* ---- one trace ---- */

/* NULL: it is not due. */
static bt_watched *find_due(const bt_watch_reading *r, const bt_trace_id *id) {
  bt_watched *watched = bt_watch_table_find(r->table, id);
  return watched && watched->due_ns <= r->round->now_ns ? watched : NULL;
}

/* A page that was halved gives its first traces again, and so does another projection. */
void bt_watch_reading_leave_to_id(bt_watch_reading *r, bt_watched *watched) {
  if (watched->waits_by_id || r->by_id_count == r->count) return;
  watched->waits_by_id = true;
  r->by_id[r->by_id_count++] = watched->id;
}

/* Likewise. */
bt_status bt_watch_reading_leave_to_links(bt_watch_reading *r, const bt_trace *trace, bt_error *error) {
  for (size_t i = r->linked_count > BATCH_MAX ? r->linked_count - BATCH_MAX : 0; i < r->linked_count; i++)
    if (bt_trace_id_compare(&r->linked[i].id, &trace->id) == 0) return BT_OK;
  bt_given_trace *linked = bt_grow_array(r->linked, r->linked_count, &r->linked_capacity, sizeof *linked);
  if (!linked) return bt_error_no_memory(error);
  r->linked = linked;
  linked[r->linked_count++] = bt_given_trace_of(trace);
  return BT_OK;
}

static void give_up(bt_watch_reading *r, bt_watched *watched, const char *why) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&watched->id, hex);
  bt_log(BT_LOG_WARNING, "watch gives up on trace %s: %s", hex, why);
  r->unread++;
  bt_watched_end(r->round, watched);
}

static void take_missing(bt_watch_reading *r, bt_watched *watched) {
  if (!r->way.is_final)
    bt_watch_reading_leave_to_id(r, watched);
  else if (bt_watched_has_missed_often(r->round, watched))
    give_up(r, watched, "search found it, and no read has given it since");
  else
    bt_watched_wait_until(r->round, watched, bt_time_add(r->round->now_ns, r->round->options->interval_ns));
}

/* A read by id that lacks what a search has shown is judged as incomplete. Sweeps look at the trace again. */
static bool lacks_shown(bt_watch_reading *r, const bt_trace *read, const bt_watched *watched) {
  const bt_shown *shown = &watched->shown;
  bool has_all = r->way.is_final ? bt_shown_ids_are_in(shown, read)
                                 : bt_shown_are_in(shown, read) && bt_shown_values_are_in(shown, read);
  if (has_all || !r->way.is_final) return !has_all;
  if (!r->has_lacked) r->lacked = read->id;
  r->has_lacked = true;
  return true;
}

/* Of the records of a span that a batch showed, this read by id has one: which is right nobody knows. Then *in_doubt is
 * the trace, as one of which nothing is decided. */
static const bt_trace *doubt_copies(const bt_watch_reading *r, const bt_trace *read, bt_watched *watched,
                                    bt_trace *in_doubt) {
  if (!r->way.is_final) watched->has_copies = read->differing_copies || (r->way.projection && watched->has_copies);
  if (!watched->has_copies || read->differing_copies) return read;
  *in_doubt = *read;
  in_doubt->differing_copies = in_doubt->has_more_copies = true;
  return in_doubt;
}

static bt_status give_trace(bt_watch_reading *r, const bt_trace *trace, const bt_family *family, bt_watched *watched,
                            bt_error *error) {
  bt_watch_read read = r->way;
  read.trace = trace;
  read.family = family;
  return r->sink(r->context, &read, watched, error);
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  bt_trace in_doubt;
  bt_watch_reading *r = context;
  const bt_watch_round *round = r->round;
  if (bt_is_cancelled(round->cancel)) return bt_error_set(error, BT_CANCELLED, "watching was cancelled");
  bt_watched *watched = find_due(r, &r->page[read->index]);
  r->given += read->trace != NULL;
  if (!watched || r->is_full) return BT_OK;
  const bt_trace *trace = read->trace ? doubt_copies(r, read->trace, watched, &in_doubt) : NULL;
  bool is_left = read->needs_by_id && !r->way.is_final;
  if (is_left || !trace || !trace->span_count) {
    take_missing(r, watched);
    return BT_OK;
  }
  if (r->way.is_final && bt_trace_is_own(read->trace, bt_str_from(round->tenant))) {
    bt_watched_end(round, watched);
    return BT_OK;
  }
  r->way.lacks_shown = lacks_shown(r, trace, watched);
  if (!r->way.lacks_shown || r->way.is_final) return give_trace(r, trace, NULL, watched, error);
  bt_watch_reading_leave_to_id(r, watched);
  return BT_OK;
}

/* ---- pages ---- */

/* Of a trace that seems to be longer, as one span of 1970 makes it, a batch need not show more: it is read by id. */
static const int64_t LONGEST_NS = (int64_t)8 * 24 * 3600 * 1000000000;

/* Slices have found every fragment of it: those of up to margin before would be in the table, which forgets no trace
 * before lookback. What is stored later than the slice was searched the sweeps find, and they widen this. */
static bool has_every_fragment(const bt_watch_reading *r, const bt_watched *watched) {
  int64_t margin_ns = r->round->rules->longest_margin_ns;
  return watched->listed_until_ns && margin_ns <= r->round->times->lookback_ns &&
         r->listed.start_ns < r->listed.end_ns && bt_time_subtract(watched->start_ns, margin_ns) >= r->listed.start_ns;
}

/* Of one trace. Where a slice may have passed over some of it: from the earliest start less margin to now, because late
 * spans lie in blocks dated by their arrival. */
static bt_time_range range_of_trace(const bt_watch_reading *r, const bt_watched *watched) {
  int64_t now_ns = r->round->now_ns;
  int64_t end_ns = bt_time_earlier(watched->end_ns, bt_time_add(now_ns, LONGEST_NS));
  int64_t start_ns = bt_time_later(watched->start_ns, bt_time_subtract(end_ns, LONGEST_NS));
  if (has_every_fragment(r, watched)) return (bt_time_range){start_ns, bt_time_later(end_ns, watched->listed_until_ns)};
  return (bt_time_range){bt_time_subtract(start_ns, r->round->rules->longest_margin_ns), bt_time_later(end_ns, now_ns)};
}

/* A page of a range, which holds more than one of ids, has no place in a small limit. */
static const size_t RANGE_BYTES = (size_t)16 << 20;
static bool reads_ranges(const bt_watch_round *round) {
  enum { PART = 16 };
  return round->rules->finds_all && bt_memory_limit(round->options->memory) / PART >= RANGE_BYTES;
}

/* Whether so many are most of what lies there, as far as the slices have listed it and the table remembers it. */
static bool are_most(const bt_watch_reading *r, size_t count, bt_time_range range) {
  enum { OF = 3, AT_LEAST = 2 };
  int64_t known_ns =
      bt_time_later(r->listed.start_ns, bt_time_subtract(r->round->now_ns, r->round->times->lookback_ns));
  bool is_listed = r->listed.start_ns < r->listed.end_ns && known_ns <= range.start_ns;
  size_t there = 0;
  if (r->way.is_final || !r->round->rules->finds_all || !is_listed) return false;
  for (size_t i = 0; i < r->table->count; i++) {
    const bt_watched *watched = &r->table->traces[i];
    there += watched->start_ns < range.end_ns && watched->end_ns >= range.start_ns;
  }
  return OF * count >= AT_LEAST * there;
}

/* What one read asks for. */
typedef struct read_part {
  size_t count;
  bt_time_range range;
  bool are_most;
} read_part;

/* Of batches those that lie close to each other, because it costs Tempo what lies in its range. One that is looked for
 * far back, or that a sweep found, would have the others pay for that. */
static read_part first_part(const bt_watch_reading *r, const bt_trace_id *ids, size_t most) {
  const bt_watched *first = bt_watch_table_find(r->table, &ids[0]);
  bool is_whole = has_every_fragment(r, first);
  read_part part = {.count = 1, .range = range_of_trace(r, first)};
  for (; !r->way.is_final && part.count < most; part.count++) {
    const bt_watched *next = bt_watch_table_find(r->table, &ids[part.count]);
    bt_time_range one = range_of_trace(r, next);
    int64_t apart_ns = bt_time_subtract(one.start_ns, part.range.end_ns);
    if (has_every_fragment(r, next) != is_whole || apart_ns > r->round->times->settle_ns) break;
    part.range.start_ns = bt_time_earlier(part.range.start_ns, one.start_ns);
    part.range.end_ns = bt_time_later(part.range.end_ns, one.end_ns);
  }
  part.range.end_ns = bt_time_add(part.range.end_ns, 1);
  part.are_most = are_most(r, part.count, part.range);
  return part;
}

static bt_status read_page(bt_watch_reading *r, const bt_trace_id *ids, const read_part *part, bt_error *error) {
  for (size_t i = 0; i < part->count; i++) r->span_counts[i] = bt_watch_table_find(r->table, &ids[i])->span_count;
  bt_read_request request = {.ids = ids,
                             .count = part->count,
                             .span_counts = r->span_counts,
                             .range = part->range,
                             .are_most = part->are_most,
                             .projection = r->way.is_final ? NULL : &r->round->rules->projections[r->way.projection],
                             .by_id = r->way.is_final,
                             .with_own = r->way.is_final,
                             .tenant = bt_watch_round_scope(r->round),
                             .cancel = r->round->cancel,
                             .priority = BT_PRIORITY_WATCH};
  bt_source_account account = {0};
  r->page = ids;
  bt_status status = bt_source_read(r->round->options->source, &request, take_read, r, &account, error);
  bt_watch_cost_add(&r->cost, &account);
  bt_source_account_dispose(&account);
  return status;
}

/* A batch that failed says nothing about a trace, and neither does a source that has given no other since the last
 * time: nobody knows whether it gives any. */
static void fail_read(bt_watch_reading *r, const bt_trace_id *id) {
  bt_watched *watched = find_due(r, id);
  if (watched && !r->way.is_final) bt_watch_reading_leave_to_id(r, watched);
  if (!watched || !r->way.is_final || watched->given_at == r->given) return;
  watched->given_at = r->given;
  if (bt_watched_has_missed_often(r->round, watched))
    give_up(r, watched, "reads of it have failed 16 times, and others were given");
}

/* Whether the other pages are worth a question: a source that is gone answers none. */
static bool goes_on_after(bt_watch_reading *r, bt_status status) {
  bt_error why = {0};
  r->is_over =
      status == BT_CANCELLED || status == BT_NO_MEMORY ||
      (status == BT_UNAVAILABLE && bt_source_check(r->round->options->source, r->round->cancel, &why) != BT_OK);
  return !r->is_over && ++r->failures <= FAILURES_MAX;
}

/* Of a page that failed, what it has not given, moved to its end; returns how many. */
static size_t keep_due(const bt_watch_reading *r, bt_trace_id *ids, size_t size) {
  size_t from = size;
  for (size_t i = size; i-- > 0;)
    if (find_due(r, &ids[i])) ids[--from] = ids[i];
  return size - from;
}

/* What a page could not give stays due. A page that fails is halved until it is one trace, so that one which cannot be
 * read holds up no other; what is answered makes the next one larger. */
static bt_status read_pages(bt_watch_reading *r, bt_trace_id *ids, size_t size, size_t most, bt_error *error) {
  bt_status status = BT_OK;
  size_t page = most;
  while (size && !r->is_full) {
    read_part part = first_part(r, ids, size < page ? size : page);
    if (part.count > BATCH_MAX && !part.are_most) part = first_part(r, ids, BATCH_MAX);
    size_t now = part.count, left = 0;
    bt_error why = {0};
    bt_status one = read_page(r, ids, &part, &why);
    if (one != BT_OK) status = bt_error_set(error, one, "%s", why.message);
    if (one != BT_OK && !goes_on_after(r, one)) return status;
    if (one != BT_OK && now > 1)
      left = keep_due(r, ids, now);
    else if (one != BT_OK)
      fail_read(r, ids);
    page = left > 1 ? left / 2 : left ? 1 : page < most ? 2 * page : most;
    ids += now - left;
    size -= now - left;
  }
  return status;
}

/* Of so many ids those that the next batches read; first those whose fragments are all known, each in their order.
 * The ids of the others go through by_id, which has room for all behind what waits there. */
static size_t keep_unread(bt_watch_reading *r, size_t count) {
  size_t known = 0, others = 0;
  bt_trace_id *aside = r->by_id + r->by_id_count;
  for (size_t i = 0; i < count; i++) {
    const bt_watched *watched = find_due(r, &r->ids[i]);
    if (!watched || watched->waits_by_id || watched->read_with != r->way.projection) continue;
    if (has_every_fragment(r, watched))
      r->ids[known++] = r->ids[i];
    else
      aside[others++] = r->ids[i];
  }
  memcpy(r->ids + known, aside, others * sizeof *aside);
  return known + others;
}

/* Once with each projection. What is not due any more, is read by id, or was not given by one is left out of the next.
 */
static bt_status read_batches(bt_watch_reading *r, bt_error *error) {
  bt_status status = BT_OK;
  size_t count = r->count;
  for (size_t i = 0; i < count; i++) {
    bt_watched *watched = bt_watch_table_find(r->table, &r->ids[i]);
    watched->waits_by_id = false;
    watched->read_with = 0;
  }
  for (; r->way.projection < r->round->rules->projection_count && !r->is_over; r->way.projection++) {
    bt_error why = {0};
    count = keep_unread(r, count);
    bt_status one = read_pages(r, r->ids, count, reads_ranges(r->round) ? RANGE_MAX : BATCH_MAX, &why);
    if (one != BT_OK) status = bt_error_set(error, one, "%s", why.message);
    if (one == BT_CANCELLED || one == BT_NO_MEMORY) break;
  }
  return status;
}

/* ---- with linked traces ---- */

/* They share look-ups, and what fails is laid to no more of them. */
typedef struct linked_piece {
  bt_watch_reading *reading;
  const bt_given_trace *traces;
  bt_source_account account;
} linked_piece;

/* It was read by id, with the others. */
static bt_status take_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  bt_trace in_doubt;
  const linked_piece *piece = context;
  bt_watch_reading *r = piece->reading;
  bt_watched *watched = find_due(r, &piece->traces[index].id);
  r->way.was_asked = !piece->account.failed_count; /* so far, of this piece */
  if (!watched || r->is_full) return BT_OK;
  r->given += family != NULL;
  if (!family) {
    take_missing(r, watched);
    return BT_OK;
  }
  const bt_trace *own = family->traces[0].trace, *trace = doubt_copies(r, own, watched, &in_doubt);
  r->way.lacks_shown = lacks_shown(r, own, watched);
  if (trace == own) return give_trace(r, own, family, watched, error);
  bt_family_trace *traces = bt_realloc_array(NULL, family->trace_count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  traces[0].trace = trace;
  const bt_family doubted = {.traces = traces, .trace_count = family->trace_count};
  bt_status status = give_trace(r, trace, &doubted, watched, error);
  free(traces);
  return status;
}

/* By the watcher's clock: what was settled for its rules is so for these questions. */
static bt_replay_request request_of(const bt_watch_round *round, const bt_rule_definition *const *rules, size_t count) {
  const bt_watch_options *options = round->options;
  int64_t ahead_ns = bt_source_clock_ahead_ns(options->source) - round->rules->clock_ahead_ns;
  return (bt_replay_request){.rules = rules,
                             .rule_count = count,
                             .now_ns = bt_time_add(round->now_ns, ahead_ns),
                             .assumptions = options->assumptions,
                             .tenant = bt_watch_round_scope(round),
                             .memory_limit_bytes = bt_memory_limit(options->memory),
                             .memory = options->memory,
                             .cancel = round->cancel,
                             .priority = BT_PRIORITY_WATCH};
}

static bt_status read_linked(bt_watch_reading *r, bt_error *error) {
  enum { PIECE = 50 };
  const bt_watch_rules *all = r->round->rules;
  const bt_rule_definition **rules = bt_realloc_array(NULL, all->count + 1, sizeof *rules);
  size_t rule_count = 0;
  bt_status status = rules ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; rules && i < all->count; i++)
    if (all->items[i].is_linked) rules[rule_count++] = all->items[i].definition;
  const bt_replay_request request = request_of(r->round, rules, rule_count);
  for (size_t i = 0; status == BT_OK && i < r->linked_count; i += PIECE) {
    linked_piece piece = {.reading = r, .traces = r->linked + i};
    size_t count = r->linked_count - i < PIECE ? r->linked_count - i : PIECE;
    status = bt_given_families_gather(r->round->options->source, &request, piece.traces, count, take_family, &piece,
                                      &piece.account, error);
    bt_watch_cost_add(&r->cost, &piece.account);
    bt_source_account_dispose(&piece.account);
  }
  free(rules);
  return status;
}

/* ---- a round ---- */

size_t bt_watch_reading_bytes(const bt_watch_round *round, const bt_watch_table *table) {
  static const size_t page_bytes = (size_t)2 << 20;
  enum { PAGE_PART = 64 };
  size_t part = bt_memory_limit(round->options->memory) / PAGE_PART;
  size_t each = sizeof(bt_due_trace) + 2 * sizeof(bt_trace_id) + sizeof(uint32_t);
  if (round->rules->longest_within_ns) each += sizeof(bt_given_trace);
  size_t page = reads_ranges(round) ? RANGE_BYTES : part < page_bytes ? part : page_bytes;
  return (table->count + 1) * each + page;
}

/* A read of every trace costs Tempo about what the search of a slice does. Of short rounds every other one reads under
 * steady traffic, unless there is a whole page (tests/bench/bench_watch_share.py). A longer one would tell violations
 * that much later. */
static bt_status list_due(bt_watch_reading *r, bt_error *error) {
  bt_status status = bt_watch_list_due(r->round, r->table, &r->ids, &r->count, error);
  r->by_id = bt_realloc_array(NULL, r->count + 1, sizeof *r->by_id);
  r->span_counts = bt_realloc_array(NULL, r->count + 1, sizeof *r->span_counts);
  if (status != BT_OK || !r->by_id || !r->span_counts) return status != BT_OK ? status : bt_error_no_memory(error);
  bool is_short = r->round->rules->finds_all && r->round->options->interval_ns <= LONGEST_SKIPPED_NS;
  if (is_short && r->has_read && r->count < BATCH_MAX) r->count = 0;
  r->has_read = r->count > 0;
  return BT_OK;
}

/* What one way of reading could not answer does not keep the next from asking. */
bt_status bt_watch_reading_run(bt_watch_reading *r, bt_error *error) {
  r->way = (bt_watch_read){.was_asked = true};
  bt_status status = list_due(r, error), one = BT_OK;
  if (status == BT_OK) status = read_batches(r, error);
  r->way.is_final = true;
  r->failures = 0;
  if (!r->is_over && status != BT_NO_MEMORY && r->by_id_count)
    one = read_pages(r, r->by_id, r->by_id_count, BY_ID_MAX, error);
  if (one != BT_OK) status = one;
  if (r->is_over || status == BT_NO_MEMORY || r->is_full || !r->linked_count) return status;
  one = read_linked(r, error);
  return one == BT_OK ? status : one;
}

void bt_watch_reading_dispose(bt_watch_reading *r) {
  free(r->ids);
  free(r->by_id);
  free(r->span_counts);
  free(r->linked);
}
