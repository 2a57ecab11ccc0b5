/* Checkpoints as spans. See watch_checkpoint.h. */
#include "server/watch/watch_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "dsl/trace/text_number.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "tempo/wire/own_trace.h"

enum { READ_MAX = 256, NEWEST_MAX = 8, REREAD_MAX = 16, ATTRIBUTES_MAX = 12, OTHERS_MAX = 64, UNTIL_BYTES = 128 };
static const int64_t DURATION_NS = 1000000, RECENT_NS = INT64_C(7200000000000), WEEK_NS = INT64_C(604800000000000);
static const char *const swept_keys[BT_WATCH_SWEEPS] = {BT_WATCH_SWEPT_FIRST, BT_WATCH_SWEPT_SECOND,
                                                        BT_WATCH_SWEPT_LATE};

/* Of several watchers, and of several stores, each has its own checkpoints. A time alone would be no text in every
 * store: ClickHouse takes one in JSON for a date, and no id can be derived from that. */
static void write_until(const bt_checkpoint *checkpoint, char out[UNTIL_BYTES]) {
  char time[40];
  bt_time_format(checkpoint->until_ns, time);
  snprintf(out, UNTIL_BYTES, "%s %u/%u%s%s", time, checkpoint->replica, checkpoint->replicas,
           checkpoint->store ? " " : "", checkpoint->store ? checkpoint->store : "");
}

static void write_ranges(const bt_time_range *ranges, size_t count, bt_buffer *out) {
  char start[40], end[40];
  for (size_t i = 0; i < count; i++) {
    bt_time_format(ranges[i].start_ns, start);
    bt_time_format(ranges[i].end_ns, end);
    bt_buffer_printf(out, "%s%s/%s", i ? " " : "", start, end);
  }
}

size_t bt_checkpoint_parse_gaps(bt_str text, bt_time_range gaps[BT_WATCH_GAPS_MAX], bool *is_whole) {
  size_t count = 0;
  while (text.len && count < BT_WATCH_GAPS_MAX) {
    const char *blank = memchr(text.ptr, ' ', text.len);
    bt_str one = {text.ptr, blank ? (size_t)(blank - text.ptr) : text.len};
    const char *slash = memchr(one.ptr, '/', one.len);
    if (!slash) break;
    bt_str start = {one.ptr, (size_t)(slash - one.ptr)}, end = {slash + 1, one.len - start.len - 1};
    bt_time_range gap;
    if (!bt_time_parse(start, 0, &gap.start_ns) || !bt_time_parse(end, 0, &gap.end_ns)) break;
    if (gap.start_ns >= gap.end_ns) break;
    bt_watch_gaps_add(gaps, &count, gap); /* a text may have them in any order */
    size_t used = one.len + (blank ? 1 : 0);
    text = (bt_str){text.ptr + used, text.len - used};
  }
  *is_whole = !text.len;
  return count;
}

static bt_value text_value(const char *text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(text)};
}

static bt_value int_value(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

bt_status bt_checkpoint_send(bt_http_client *client, const bt_exporter_options *exporter, const char *tenant,
                             const bt_checkpoint *checkpoint, const bt_cancel *cancel, bt_error *error) {
  char until[UNTIL_BYTES];
  bt_buffer gaps = {0}, lost = {0};
  bt_own_ids ids;
  write_until(checkpoint, until);
  write_ranges(checkpoint->gaps, checkpoint->gap_count, &gaps);
  write_ranges(&checkpoint->lost, checkpoint->lost.start_ns < checkpoint->lost.end_ns, &lost);
  bt_attribute attributes[ATTRIBUTES_MAX] = {
      {BT_STR(BT_OWN_UNTIL), text_value(until)},
      {BT_STR(BT_WATCH_UNTIL_NS), int_value(checkpoint->until_ns)},
      {BT_STR(BT_WATCH_REPLICA), int_value(checkpoint->replica)},
      {BT_STR(BT_WATCH_REPLICAS), int_value(checkpoint->replicas)},
      {BT_STR(BT_WATCH_RULES_HASH), text_value(checkpoint->rules_hash)},
  };
  uint32_t count = 5;
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++)
    if (checkpoint->swept_ns[i])
      attributes[count++] = (bt_attribute){bt_str_from(swept_keys[i]), int_value(checkpoint->swept_ns[i])};
  if (checkpoint->provisional_from_ns)
    attributes[count++] = (bt_attribute){BT_STR(BT_WATCH_PROVISIONAL), int_value(checkpoint->provisional_from_ns)};
  if (checkpoint->is_looking) attributes[count++] = (bt_attribute){BT_STR(BT_OWN_COUNT), int_value(0)};
  if (gaps.len) attributes[count++] = (bt_attribute){BT_STR(BT_WATCH_GAPS), text_value(gaps.ptr)};
  if (lost.len) attributes[count++] = (bt_attribute){BT_STR(BT_WATCH_LOST), text_value(lost.ptr)};
  int64_t now_ns = bt_clock_wall_ns();
  bool ok = !gaps.failed && !lost.failed &&
            bt_own_record_ids(bt_str_from(tenant), BT_STR(BT_OWN_WATCH), bt_str_from(until), &ids);
  bt_status status = ok ? BT_OK : bt_error_no_memory(error);
  if (ok) {
    bt_exporter_options options = *exporter;
    if (tenant[0]) options.tenant = tenant;
    options.attempts = 1; /* the next one is a minute away */
    bt_export_span span = {.trace_id = ids.trace_id,
                           .span_id = ids.span_id,
                           .name = BT_STR(BT_OWN_WATCH),
                           .kind = BT_KIND_INTERNAL,
                           .start_ns = now_ns,
                           .end_ns = now_ns + DURATION_NS,
                           .attributes = attributes,
                           .attribute_count = count};
    status = bt_otlp_export_own(client, &options, &span, "checkpoint", cancel, error);
  }
  bt_buffer_dispose(&gaps);
  bt_buffer_dispose(&lost);
  return status;
}

/* ---- finding the newest ---- */

typedef struct finder {
  const bt_watch_round *round;
  int64_t before_ns; /* as asked for */
  bt_checkpoint own; /* the newest of this watcher */
  bool has_own;
  bt_checkpoint others[OTHERS_MAX]; /* the newest of each watcher of another number of watchers */
  int64_t oldest_ns[OTHERS_MAX];    /* the least `until` of each */
  size_t other_count;
  size_t unread; /* of those that search named: what no read gave */
} finder;

/* A store may keep an integer as text, or as a double, which is rounded from 2^53 on. All that are so large say up to
 * where something was done, so what may be rounded is taken as less. */
static bool read_integer(const bt_span *span, const char *key, int64_t *out) {
  static const double all_exact = 9007199254740992.0, least_too_large = 9.2e18;
  enum { ROUNDED_NS = 1024 };
  const bt_value *kept = bt_attributes_find(&span->attributes, bt_str_from(key));
  if (!kept) return false;
  bt_value value = bt_value_read(kept);
  if (value.type == BT_VALUE_INT) return *out = value.integer, true;
  if (value.type != BT_VALUE_DOUBLE || !(value.decimal >= 0 && value.decimal < least_too_large)) return false;
  *out = (int64_t)value.decimal - (value.decimal >= all_exact ? ROUNDED_NS : 0);
  return true;
}

/* A receiver may have a limit for the length of values. What was cut off lay behind what is left: all of that may have
 * been a gap. */
static void read_gaps(bt_str text, bt_checkpoint *out) {
  bool is_whole;
  out->gap_count = bt_checkpoint_parse_gaps(text, out->gaps, &is_whole);
  if (is_whole) return;
  int64_t from_ns = out->gap_count ? out->gaps[out->gap_count - 1].end_ns : bt_time_subtract(out->until_ns, WEEK_NS);
  if (from_ns >= out->until_ns) return;
  bt_watch_gaps_add(out->gaps, &out->gap_count, (bt_time_range){from_ns, out->until_ns});
}

static bool read_checkpoint(const bt_trace *trace, bt_checkpoint *out) {
  int64_t replica, replicas;
  const bt_span *span = &trace->spans[0];
  *out = (bt_checkpoint){0};
  if (!read_integer(span, BT_WATCH_UNTIL_NS, &out->until_ns) || !read_integer(span, BT_WATCH_REPLICA, &replica) ||
      !read_integer(span, BT_WATCH_REPLICAS, &replicas) || replica < 0 || replicas < 1 || replicas > UINT32_MAX)
    return false;
  out->replica = (uint32_t)replica;
  out->replicas = (uint32_t)replicas;
  const bt_value *gaps = bt_attributes_find(&span->attributes, BT_STR(BT_WATCH_GAPS)),
                 *lost = bt_attributes_find(&span->attributes, BT_STR(BT_WATCH_LOST));
  const bt_value *hash = bt_attributes_find(&span->attributes, BT_STR(BT_WATCH_RULES_HASH));
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++)
    if (!read_integer(span, swept_keys[i], &out->swept_ns[i])) out->swept_ns[i] = 0;
  if (gaps && gaps->type == BT_VALUE_STRING) read_gaps(gaps->string, out);
  bt_time_range ranges[BT_WATCH_GAPS_MAX];
  bool is_whole;
  if (lost && lost->type == BT_VALUE_STRING && bt_checkpoint_parse_gaps(lost->string, ranges, &is_whole))
    out->lost = ranges[0];
  if (hash && hash->type == BT_VALUE_STRING && hash->string.len < sizeof out->rules_hash)
    memcpy(out->rules_hash, hash->string.ptr, hash->string.len);
  return true;
}

/* The third word of its text. */
static bool is_of_store(const bt_trace *trace, const char *store) {
  const bt_value *until = bt_attributes_find(&trace->spans[0].attributes, BT_STR(BT_OWN_UNTIL));
  bt_str rest = until && until->type == BT_VALUE_STRING ? until->string : BT_STR("");
  for (int word = 0; word < 2; word++) {
    const char *blank = rest.len ? memchr(rest.ptr, ' ', rest.len) : NULL;
    rest = blank ? (bt_str){blank + 1, rest.len - (size_t)(blank - rest.ptr) - 1} : BT_STR("");
  }
  return bt_str_equal(rest, bt_str_from(store ? store : ""));
}

static void keep_other(finder *f, const bt_checkpoint *one) {
  for (size_t i = 0; i < f->other_count; i++) {
    bt_checkpoint *other = &f->others[i];
    if (other->replica != one->replica || other->replicas != one->replicas) continue;
    if (one->until_ns < f->oldest_ns[i]) f->oldest_ns[i] = one->until_ns;
    if (one->until_ns > other->until_ns) *other = *one;
    return;
  }
  if (f->other_count == OTHERS_MAX) return;
  f->oldest_ns[f->other_count] = one->until_ns;
  f->others[f->other_count++] = *one;
}

static bt_status take_checkpoint(void *context, const bt_read_trace *read, bt_error *error) {
  finder *f = context;
  bt_checkpoint one;
  (void)error;
  if (!read->trace || read->needs_by_id) {
    f->unread++;
    return BT_OK;
  }
  if (!bt_trace_is_own(read->trace, bt_str_from(f->round->tenant))) return BT_OK;
  if (!read_checkpoint(read->trace, &one) || !is_of_store(read->trace, f->round->options->source_name)) return BT_OK;
  if (f->before_ns && one.until_ns >= f->before_ns) return BT_OK;
  if (one.replica != f->round->options->replica || one.replicas != f->round->options->replicas)
    keep_other(f, &one);
  else if (!f->has_own || one.until_ns > f->own.until_ns) {
    f->own = one;
    f->has_own = true;
  }
  return BT_OK;
}

/* One that does not say how far its sweeps had come is taken as one that kept to the settings of now. */
static void join_swept(const bt_checkpoint *one, bt_checkpoint *out) {
  for (unsigned i = 0; i < BT_WATCH_SWEEPS; i++)
    if (one->swept_ns[i] && (!out->swept_ns[i] || one->swept_ns[i] < out->swept_ns[i]))
      out->swept_ns[i] = one->swept_ns[i];
}

/* Where the number of watchers changed: of the number that was used last, what all of its watchers had done. One that
 * left no checkpoint has done nothing since the first of them began. */
static void join_others(const finder *f, bt_checkpoint *out) {
  const bt_checkpoint *newest = &f->others[0];
  int64_t began_ns = INT64_MAX;
  size_t members = 0;
  for (size_t i = 1; i < f->other_count; i++)
    if (f->others[i].until_ns > newest->until_ns) newest = &f->others[i];
  *out = *newest;
  for (size_t i = 0; i < f->other_count; i++) {
    const bt_checkpoint *one = &f->others[i];
    if (one->replicas != newest->replicas) continue;
    members++;
    if (f->oldest_ns[i] < began_ns) began_ns = f->oldest_ns[i];
    if (one->until_ns < out->until_ns) out->until_ns = one->until_ns;
    for (size_t k = 0; k < one->gap_count; k++) bt_watch_gaps_add(out->gaps, &out->gap_count, one->gaps[k]);
    out->lost = bt_watch_hull(out->lost, one->lost);
    join_swept(one, out);
  }
  if (members < newest->replicas && began_ns < out->until_ns)
    bt_watch_gaps_add(out->gaps, &out->gap_count, (bt_time_range){began_ns, out->until_ns});
}

static int compare_newest(const void *a, const void *b) {
  const bt_found *x = a, *y = b;
  return (x->start_ns < y->start_ns) - (x->start_ns > y->start_ns);
}

static bt_status read_some(finder *f, const bt_found *items, size_t count, bt_time_range range, bool by_id,
                           bt_error *error) {
  bt_trace_id ids[READ_MAX];
  for (size_t i = 0; i < count; i++) ids[i] = items[i].id;
  bt_projected attributes[] = {
      {BT_PROJECTED_SPAN, BT_STR(BT_OWN_UNTIL)},          {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_UNTIL_NS)},
      {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_REPLICA)},      {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_REPLICAS)},
      {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_RULES_HASH)},   {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_GAPS)},
      {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_LOST)},         {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_SWEPT_FIRST)},
      {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_SWEPT_SECOND)}, {BT_PROJECTED_SPAN, BT_STR(BT_WATCH_SWEPT_LATE)}};
  bt_projection projection = {.attributes = attributes, .attribute_count = sizeof attributes / sizeof *attributes};
  bt_read_request read = {.ids = ids,
                          .count = count,
                          .range = range,
                          .projection = &projection,
                          .by_id = by_id || count <= 2,
                          .with_own = true};
  bt_watch_cost not_counted = {0};
  return bt_watch_round_read(f->round, bt_watch_own(f->round->options), read,
                             "checkpoints could not be read: ", take_checkpoint, f, &not_counted, error);
}

/* To begin anew because no checkpoint could be read would skip what lies since the last one. */
static bt_status read_again(finder *f, const bt_found *items, size_t count, bt_time_range range, bt_error *error) {
  f->unread = 0;
  size_t newest = count < REREAD_MAX ? count : REREAD_MAX;
  bt_status status = read_some(f, items, newest, range, true, error);
  if (status != BT_OK || f->has_own || f->other_count || !f->unread) return status;
  return bt_error_set(error, BT_UNAVAILABLE, "search names %zu checkpoints, and no read gives one of them", count);
}

/* In batches, newest first, until one of this watcher's is among them. */
static bt_status read_batches(finder *f, const bt_found_list *found, bt_time_range range, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < found->count && !f->has_own; i += READ_MAX) {
    size_t count = found->count - i < READ_MAX ? found->count - i : READ_MAX;
    status = read_some(f, found->items + i, count, range, false, error);
  }
  if (status == BT_OK && !f->has_own && !f->other_count && f->unread)
    status = read_again(f, found->items, found->count, range, error);
  return status;
}

/* The newest few by id: each is answered for itself and has all of the timeout, where one batch of all of them may
 * never be answered by a source that is busy. Any of this watcher's will do: what an older one says is true too, and
 * less. */
static bt_status read_found(finder *f, const bt_found_list *found, bt_time_range range, bt_error *error) {
  size_t count = found->count < NEWEST_MAX ? found->count : NEWEST_MAX;
  bt_error why = {0};
  if (!count) return BT_OK;
  bt_status status = read_some(f, found->items, count, range, true, &why);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) return bt_error_set(error, status, "%s", why.message);
  if (f->has_own) return BT_OK;
  f->unread = 0;
  return read_batches(f, found, range, error);
}

static bt_status find_in(finder *f, bt_time_range range, bt_error *error) {
  bt_search_request search = {.query = bt_own_traces_query(BT_OWN_CHECKPOINTS),
                              .range = range,
                              .expected = BT_EXPECTS_FEW,
                              .priority = BT_PRIORITY_WATCH};
  bt_found_list found = {0};
  bt_watch_cost not_counted = {0};
  bt_status status = bt_watch_round_search(f->round, bt_watch_own(f->round->options), search,
                                           "checkpoints could not be searched: ", &found, &not_counted, error);
  bt_found_list_keep_own(&found);
  if (status == BT_OK && found.count) qsort(found.items, found.count, sizeof *found.items, compare_newest);
  if (status == BT_OK) status = read_found(f, &found, range, error);
  bt_found_list_dispose(&found);
  return status;
}

bt_status bt_checkpoint_find(const bt_watch_round *round, int64_t oldest_ns, int64_t before_ns, bt_checkpoint *out,
                             bool *found, bt_error *error) {
  finder f = {.round = round, .before_ns = before_ns};
  int64_t recent_ns = bt_time_later(bt_time_subtract(round->now_ns, RECENT_NS), oldest_ns);
  int64_t end_ns = bt_time_add(round->now_ns, RECENT_NS); /* a clock may have been ahead */
  bt_status status = find_in(&f, (bt_time_range){recent_ns, end_ns}, error);
  if (status == BT_OK && !f.has_own && oldest_ns < recent_ns)
    status = find_in(&f, (bt_time_range){oldest_ns, recent_ns}, error);
  *found = status == BT_OK && (f.has_own || f.other_count);
  if (!*found) return status;
  if (f.has_own)
    *out = f.own;
  else
    join_others(&f, out);
  out->replica = round->options->replica;
  out->replicas = round->options->replicas;
  return status;
}
