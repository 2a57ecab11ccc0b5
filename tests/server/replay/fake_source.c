/* The scripted source. See fake_source.h. */
#include "tempo/api/tempo_costs.h"
#include "tests/server/replay/fake_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/trace_pruned.h"
#include "tempo/wire/own_trace.h"
#include "tests/support/asked.h"

static fake_source *fake_of(bt_source *source) {
  return (fake_source *)source;
}

bt_trace_id fake_id(uint64_t number) {
  bt_trace_id id = {{0}};
  for (int i = 0; i < 8; i++) id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
  return id;
}

fake_trace *fake_add(fake_source *fake, uint64_t number) {
  fake_trace *traces = bt_grow_array(fake->traces, fake->trace_count, &fake->trace_capacity, sizeof *traces);
  if (!traces) abort();
  fake->traces = traces;
  traces[fake->trace_count] = (fake_trace){.id = fake_id(number)};
  return &traces[fake->trace_count++];
}

fake_span *fake_span_add(fake_trace *trace, const char *name, int64_t start_ns) {
  if (trace->span_count == FAKE_SPANS_MAX) abort();
  fake_span *span = &trace->spans[trace->span_count++];
  *span = (fake_span){.name = name, .start_ns = start_ns, .duration_ns = 1000000};
  span->id[7] = (uint8_t)trace->span_count;
  return span;
}

fake_trace *fake_find(fake_source *fake, uint64_t number) {
  bt_trace_id id = fake_id(number);
  for (size_t i = 0; i < fake->trace_count; i++)
    if (bt_trace_id_compare(&fake->traces[i].id, &id) == 0) return &fake->traces[i];
  return NULL;
}

size_t fake_searches(const fake_source *fake, const char *text) {
  size_t count = 0;
  for (size_t i = 0; i < fake->log_count; i++) count += strstr(fake->log[i], text) != NULL;
  return count;
}

static bool is_own_name(const char *name) {
  return strncmp(name, "betrace.", 8) == 0;
}

/* False: no memory. */
static bool write_filter(bt_query query, char filter[1024]) {
  bt_str text = asked_text(query);
  snprintf(filter, 1024, "%.*s", BT_FMT(text));
  return text.len || !query.filter;
}

static bool is_quoted(const char *filter, const char *name) {
  char quoted[128];
  snprintf(quoted, sizeof quoted, "\"%s\"", name);
  return strstr(filter, quoted) != NULL;
}

static bool is_summary(const fake_span *span) {
  bt_span marks = {.attributes = {span->attributes, span->attribute_count}};
  return bt_pruning_of(&marks) == BT_PRUNING_SUMMARY;
}

void fake_span_sum_up(fake_span *span, int64_t count) {
  bt_attribute *marks = &span->attributes[span->attribute_count];
  marks[0] = (bt_attribute){BT_STR(BT_PRUNED_PREFIX BT_PRUNED_SUMMARY), {.type = BT_VALUE_BOOL, .boolean = true}};
  marks[1] = (bt_attribute){BT_STR(BT_PRUNED_PREFIX BT_PRUNED_COUNT), {.type = BT_VALUE_INT, .integer = count}};
  span->attribute_count += 2;
}

static bool span_meets(const fake_span *span, const char *filter) {
  if (span->hidden_from && strstr(filter, span->hidden_from)) return false;
  if (strcmp(filter, "{}") == 0) return true;
  if (strstr(filter, "name != \"" BT_OWN_VIOLATION "\"")) return !is_own_name(span->name);
  if (strstr(filter, BT_PRUNED_PREFIX BT_PRUNED_SUMMARY " = true")) return is_summary(span);
  if (strstr(filter, "link:traceID != \"\"") && !span->link_count) return false;
  return is_quoted(filter, span->name);
}

static int64_t end_of(const fake_span *span) {
  return span->start_ns + span->duration_ns;
}

/* As a row of a search does with the first span that it finds. */
static void show(const fake_span *span, bt_shown *shown) {
  bt_span_id id;
  int64_t start_ns = span->shown_start_ns ? span->shown_start_ns : span->start_ns;
  memcpy(id.bytes, span->id, sizeof span->id);
  bt_shown_add(shown, &id, (uint64_t)start_ns, (uint64_t)span->duration_ns);
}

/* The row of one fragment: its bounds (the end cut to milliseconds of duration), and whether some span of it meets the
 * filter. */
static bool make_row(const fake_trace *trace, int fragment, const char *filter, bt_found *row) {
  bool any = false, meets = false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const fake_span *span = &trace->spans[i];
    if (span->fragment != fragment || span->only_by_id) continue;
    if (!any || span->start_ns < row->start_ns) row->start_ns = span->start_ns;
    if (!any || end_of(span) > row->end_ns) row->end_ns = end_of(span);
    any = true;
    if (!span_meets(span, filter)) continue;
    if (!meets && !trace->shows_no_spans) show(span, &row->shown);
    meets = true;
  }
  row->end_ns = row->start_ns + (row->end_ns - row->start_ns) / 1000000 * 1000000;
  return any && meets;
}

static bool overlaps(const bt_found *row, bt_time_range range) {
  return row->start_ns < range.end_ns && row->end_ns >= range.start_ns;
}

/* A block that is dated by arrivals is asked only where a range meets that, too. */
static bool is_dated_behind(const fake_trace *trace, int fragment, bt_time_range range) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].fragment == fragment && trace->spans[i].dated_ns >= range.end_ns) return true;
  return false;
}

static bool inside(int64_t a_start, int64_t a_end, bt_time_range range) {
  return a_start >= range.start_ns && a_end <= range.end_ns;
}

static uint32_t entry_of(const fake_trace *trace) {
  return trace->entry ? bt_entry_of(bt_str_from(trace->entry)) : BT_ENTRY_UNKNOWN;
}

static bt_status search_trace(const fake_source *fake, const fake_trace *trace, const char *filter,
                              const bt_search_request *request, bool has_failed_window, bt_found_list *found) {
  for (int fragment = 0; fragment < FAKE_SPANS_MAX; fragment++) {
    bt_found row = {.id = trace->id, .span_count = trace->counted, .entry = entry_of(trace) & 0xffffff};
    if (!make_row(trace, fragment, fake->promises.filters ? filter : "{}", &row)) continue;
    if (!overlaps(&row, request->range) || is_dated_behind(trace, fragment, request->range)) continue;
    bool is_late = trace->late_fragment == fragment && trace->late_listed_from > fake->listings;
    if (is_late && strcmp(filter, "{}") == 0) continue;
    row.in_doubt = trace->listed_in_doubt && strcmp(filter, "{}") == 0;
    if (has_failed_window && inside(row.start_ns, row.end_ns, fake->fail_range)) continue;
    if (!bt_found_list_add(found, &row)) return BT_NO_MEMORY;
  }
  return BT_OK;
}

static uint64_t draw(fake_source *fake) {
  fake->fail_random = fake->fail_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return fake->fail_random >> 33;
}

static bool is_unlucky(fake_source *fake) {
  return fake->fail_percent && draw(fake) % 100 < fake->fail_percent;
}

static bt_status search_locked(bt_source *source, const bt_search_request *request, bt_found_list *found,
                               bt_source_account *account, bt_error *error) {
  fake_source *fake = fake_of(source);
  char filter[1024];
  if (!write_filter(request->query, filter)) return bt_error_no_memory(error);
  if (fake->log_count < FAKE_LOG_MAX) snprintf(fake->log[fake->log_count++], sizeof fake->log[0], "%.159s", filter);
  account->requests++;
  account->bytes_inspected += 100;
  if (request->cancel && atomic_load(&request->cancel->requested))
    return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (is_unlucky(fake)) return bt_error_set(error, BT_UNAVAILABLE, "the source does not answer this time");
  bool fails = fake->fail_filter && strstr(filter, fake->fail_filter);
  if (fails && fake->fail_status != BT_OK) return bt_error_set(error, fake->fail_status, "the source does not answer");
  if (fails && !bt_source_account_fail(account, fake->fail_range, "too large")) return BT_NO_MEMORY;
  if (request->max_found == 1) fake->probes++;
  bool is_listing = strcmp(filter, "{}") == 0;
  if (is_listing) fake->listings++;
  for (size_t i = 0; i < fake->trace_count; i++) {
    const fake_trace *trace = &fake->traces[i];
    if (is_listing && (trace->not_listed || trace->listed_from > fake->listings)) continue;
    bt_status status = search_trace(fake, trace, filter, request, fails, found);
    if (status != BT_OK) return bt_error_no_memory(error);
  }
  bt_found_list_sort(found);
  if (!request->max_found || found->count <= request->max_found) return BT_OK;
  found->count = request->max_found + 1; /* it ended there */
  return bt_error_set(error, BT_LIMIT, "too many");
}

/* What is asked ahead, and what it is of. */
typedef struct fake_ahead {
  bt_ahead head; /* first */
  fake_source *fake;
  bt_time_range range;
  bt_trace_id *ids;
  size_t count;
  bool is_taken;
} fake_ahead;

static bt_status fake_search(bt_source *source, const bt_search_request *request, bt_found_list *found,
                             bt_source_account *account, bt_error *error) {
  fake_source *fake = fake_of(source);
  if (request->ahead) ((fake_ahead *)request->ahead)->is_taken = true;
  pthread_mutex_lock(&fake->lock);
  bt_status status = search_locked(source, request, found, account, error);
  pthread_mutex_unlock(&fake->lock);
  return status;
}

static bool is_projected(const bt_projection *projection, bt_str key) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (bt_str_equal(projection->attributes[i].key, key)) return true;
  return false;
}

/* What a batch gives of the span's attributes; everything when there is no projection. */
static bool copy_attributes(const fake_span *from, const bt_projection *projection, bt_arena *arena,
                            bt_attributes *out) {
  bt_attribute *items = bt_arena_array(arena, from->attribute_count, sizeof *items);
  if (!items) return false;
  *out = (bt_attributes){.items = items};
  for (uint32_t i = 0; i < from->attribute_count; i++)
    if (!projection || is_projected(projection, from->attributes[i].key)) items[out->count++] = from->attributes[i];
  return true;
}

static void give_events(const fake_span *from, const bt_projection *projection, bt_span *span) {
  if (projection) return;
  span->events = from->events;
  span->event_count = from->event_count;
}

/* A projection that asks for links gives the last of each span. */
static void give_links(const fake_span *from, const bt_projection *projection, bt_span *span) {
  uint32_t hidden = projection && from->link_count ? from->link_count - 1 : 0;
  if (projection && !projection->links) return;
  span->links = from->links + hidden;
  span->link_count = from->link_count - hidden;
}

static bool add_span(bt_trace_builder *builder, bt_arena *arena, const fake_span *from, int64_t start_ns,
                     const bt_projection *projection) {
  bt_resource *resource = bt_arena_alloc(arena, sizeof *resource);
  bt_scope *scope = bt_arena_alloc(arena, sizeof *scope);
  if (!resource || !scope) return false;
  resource->service = bt_str_from(from->service ? from->service : "shop");
  bt_span span = {.name = bt_str_from(from->name),
                  .start_ns = start_ns ? start_ns : from->start_ns,
                  .end_ns = end_of(from),
                  .resource = resource,
                  .scope = scope};
  give_events(from, projection, &span);
  give_links(from, projection, &span);
  if (!copy_attributes(from, projection, arena, &span.attributes)) return false;
  memcpy(span.id.bytes, from->id, sizeof from->id);
  span.trace_state = bt_str_from(from->trace_state && !projection ? from->trace_state : "");
  span.dropped_attributes = projection ? 0 : from->dropped;
  resource->attributes.dropped = projection ? 0 : from->resource_lost;
  if (from->orphan) memset(span.parent_id.bytes, 0xEE, sizeof span.parent_id.bytes);
  return bt_trace_builder_add(builder, &span);
}

/* A batch gives the fragments that overlap its range, and of attributes what its projection names; by id gives
 * everything. *out NULL: nothing. False: no memory. */
static bool build(const fake_trace *from, const bt_read_request *request, bool by_id, bt_arena *arena,
                  const bt_trace **out) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &from->id);
  bool any = false;
  if (!builder) return false;
  char spans[1024];
  if (!write_filter(request->spans.asked, spans)) return false;
  for (uint32_t i = 0; i < from->span_count; i++) {
    const fake_span *span = &from->spans[i];
    bt_found row = {0};
    if (by_id ? from->by_id_reads < span->by_id_from : span->only_by_id || span->not_in_batches) continue;
    if (spans[0] && !span_meets(span, spans)) continue;
    (void)make_row(from, span->fragment, "{}", &row);
    if (!by_id && !overlaps(&row, request->range)) continue;
    int64_t start_ns = by_id ? span->by_id_start_ns : span->read_start_ns;
    if (!add_span(builder, arena, span, start_ns, by_id ? NULL : request->projection)) return false;
    any = true;
  }
  if (from->partial) bt_trace_builder_mark_partial(builder);
  *out = any ? bt_trace_builder_finish(builder) : NULL;
  return true;
}

/* Of the fragments that have some of the spans. */
static bool set_bounds(const fake_trace *trace, bt_query spans, bt_read_trace *read) {
  char filter[1024];
  if (!write_filter(spans, filter)) return false;
  read->start_ns = INT64_MAX;
  read->end_ns = INT64_MIN;
  for (int fragment = 0; fragment < FAKE_SPANS_MAX; fragment++) {
    bt_found row = {0};
    if (!make_row(trace, fragment, filter, &row)) continue;
    if (row.start_ns < read->start_ns) read->start_ns = row.start_ns;
    if (row.end_ns > read->end_ns) read->end_ns = row.end_ns;
  }
  return true;
}

static bool is_left_to_by_id(const fake_source *fake, const bt_read_request *request, size_t index) {
  bool is_batch = !request->by_id && request->projection && !request->spans.asked.filter;
  return is_batch && fake->large_from && request->span_counts && request->span_counts[index] >= fake->large_from;
}

static bt_status give(fake_source *fake, const bt_read_request *request, size_t index, bt_read_sink sink, void *context,
                      bt_error *error) {
  bool by_id = request->by_id || !request->projection;
  fake_trace *trace = NULL;
  if (is_left_to_by_id(fake, request, index))
    return sink(context, &(bt_read_trace){.index = index, .needs_by_id = true}, error);
  for (size_t i = 0; !trace && i < fake->trace_count; i++)
    if (bt_trace_id_compare(&fake->traces[i].id, &request->ids[index]) == 0) trace = &fake->traces[i];
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 20);
  bt_read_trace read = {.index = index};
  bool has_room = true;
  if (trace) {
    if (request->spans.asked.filter)
      trace->span_reads++;
    else if (by_id)
      trace->by_id_reads++;
    else
      trace->batch_reads++;
    bool is_gone = by_id ? trace->gone_by_id || trace->by_id_reads < trace->by_id_from : trace->gone_from_batches;
    if (!is_gone) has_room = build(trace, request, by_id, &arena, &read.trace);
    if (read.trace && fake->hide_own && !request->with_own && bt_trace_is_own(read.trace, BT_STR("")))
      read.trace = NULL;
    read.needs_by_id = trace->needs_by_id && !by_id;
    if (request->spans.asked.filter) has_room = set_bounds(trace, request->spans.asked, &read) && has_room;
  }
  fake->traces_read++;
  if (fake->cancel_after_reads && fake->traces_read >= fake->cancel_after)
    atomic_store(&fake->cancel_after_reads->requested, true);
  bt_status status = has_room ? sink(context, &read, error) : bt_error_no_memory(error);
  bt_arena_dispose(&arena);
  return status;
}

static bool has_failing(const fake_source *fake, const bt_read_request *request) {
  for (size_t i = 0; fake->fail_id && i < request->count; i++)
    if (bt_trace_id_compare(&request->ids[i], fake->fail_id) == 0) return true;
  return false;
}

/* ---- ahead of who takes what is asked: searches, reads by id, spans ---- */

static void drop_ahead(bt_ahead *head) {
  fake_ahead *ahead = (fake_ahead *)head;
  if (head->kind == BT_AHEAD_SEARCH && !ahead->is_taken) ahead->fake->dropped_searches++;
  free(ahead->ids);
  free(ahead);
}

static bool copy_ids(fake_ahead *ahead, const bt_read_request *request) {
  ahead->ids = calloc(request->count, sizeof *ahead->ids);
  if (!ahead->ids) return false;
  memcpy(ahead->ids, request->ids, request->count * sizeof *ahead->ids);
  ahead->count = request->count;
  return true;
}

/* Spans alone are not asked ahead. */
static bt_ahead *fake_begin(bt_source *source, const bt_asked *asked, bt_source_account *account) {
  fake_source *fake = fake_of(source);
  (void)account;
  fake_ahead *ahead = asked->kind == BT_AHEAD_SPANS ? NULL : calloc(1, sizeof *ahead);
  if (!ahead) return NULL;
  *ahead = (fake_ahead){.head = {.kind = asked->kind, .drop = drop_ahead}, .fake = fake};
  fake->begun_searches += asked->kind == BT_AHEAD_SEARCH;
  fake->begun_spans += asked->kind == BT_AHEAD_BEFORE_SPANS;
  if (asked->kind == BT_AHEAD_BEFORE_SPANS) ahead->range = asked->spans->range;
  if (asked->kind != BT_AHEAD_BY_ID) return &ahead->head;
  fake->begun_reads += asked->read->count;
  if (copy_ids(ahead, asked->read)) return &ahead->head;
  drop_ahead(&ahead->head);
  return NULL;
}

static void count_taken(fake_source *fake, const bt_read_request *request) {
  const fake_ahead *ahead = (const fake_ahead *)request->ahead;
  for (size_t i = 0; ahead && i < request->count; i++)
    for (size_t a = 0; a < ahead->count; a++)
      fake->taken_reads += !bt_trace_id_compare(&request->ids[i], &ahead->ids[a]);
}

static bt_status read_locked(fake_source *fake, const bt_read_request *request, bt_read_sink sink, void *context,
                             bt_source_account *account, bt_error *error) {
  account->requests++;
  fake->read_calls++;
  if (request->count > fake->largest_page) fake->largest_page = request->count;
  if (fake->largest_read && request->count > fake->largest_read)
    return bt_error_set(error, BT_LIMIT, "the answer is too large");
  if (has_failing(fake, request)) {
    for (size_t i = 0; request->by_id && fake->gives_others && i < request->count; i++) {
      bool is_it = bt_trace_id_compare(&request->ids[i], fake->fail_id) == 0;
      bt_status status = is_it ? BT_OK : give(fake, request, i, sink, context, error);
      if (status != BT_OK) return status;
    }
    return bt_error_set(error, BT_UNAVAILABLE, "the source fails on one of them");
  }
  if (!request->by_id && fake->fail_batches) return bt_error_set(error, fake->fail_batches, "no batch is answered");
  size_t last = is_unlucky(fake) ? draw(fake) % request->count : request->count;
  for (size_t i = 0; i < request->count; i++) {
    if (i == last) return bt_error_set(error, BT_UNAVAILABLE, "the source does not answer this time");
    if (fake->fail_reads != BT_OK && fake->traces_read >= fake->fail_reads_after)
      return bt_error_set(error, fake->fail_reads, "the source went away");
    bt_status status = give(fake, request, i, sink, context, error);
    if (status != BT_OK) return status;
  }
  return BT_OK;
}

static bt_status fake_read(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                           bt_source_account *account, bt_error *error) {
  fake_source *fake = fake_of(source);
  pthread_mutex_lock(&fake->lock);
  count_taken(fake, request);
  while (fake->hold_reads_after && fake->traces_read >= fake->hold_reads_after)
    pthread_cond_wait(&fake->let_go, &fake->lock);
  bt_status status = read_locked(fake, request, sink, context, account, error);
  pthread_mutex_unlock(&fake->lock);
  return status;
}

/* Bounds of the fragments in the range that have some of the spans; false: there is none. */
static bool find_fragments(const fake_trace *trace, const char *filter, bt_time_range range, bt_found *found) {
  bool any = false;
  for (int fragment = 0; fragment < FAKE_SPANS_MAX; fragment++) {
    bt_found row = {0};
    if (!make_row(trace, fragment, filter, &row) || !overlaps(&row, range)) continue;
    if (!any) *found = row;
    if (row.start_ns < found->start_ns) found->start_ns = row.start_ns;
    if (row.end_ns > found->end_ns) found->end_ns = row.end_ns;
    bt_shown_join(&found->shown, &row.shown);
    any = true;
  }
  found->id = trace->id;
  found->span_count = trace->counted;
  found->entry = entry_of(trace) & 0xffffff;
  return any;
}

static int compare_traces(const void *a, const void *b) {
  return bt_trace_id_compare(&(*(const fake_trace *const *)a)->id, &(*(const fake_trace *const *)b)->id);
}

/* A part of the range, and what is asked for because of it. */
typedef struct spans_part {
  bt_time_range own, asked;
  bool is_first, is_last, is_whole;
} spans_part;

/* What begins there, and what is longer than a part can see all of. */
static bool is_of_part(const spans_part *part, const bt_found *found, int64_t longest_ns) {
  bool is_early = !part->is_first && found->start_ns < part->own.start_ns;
  bool is_late = !part->is_last && found->start_ns >= part->own.end_ns;
  return part->is_whole || found->end_ns - found->start_ns > longest_ns || (!is_early && !is_late);
}

static bt_status give_spans(fake_source *fake, const fake_trace *trace, const bt_spans_request *request,
                            const spans_part *part, bt_spans_sink sink, void *context, bt_error *error) {
  char filter[1024];
  if (!write_filter(request->spans.asked, filter)) return bt_error_no_memory(error);
  bt_found_spans given = {.needs_by_id = trace->needs_by_id};
  if (!find_fragments(trace, filter, part->asked, &given.found)) return BT_OK;
  if (!is_of_part(part, &given.found, request->longest_ns)) return BT_OK;
  bt_read_request read = {.spans = request->spans, .projection = request->projection, .range = part->asked};
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 20);
  bool has_room = trace->gone_from_batches || build(trace, &read, false, &arena, &given.trace);
  if (given.trace && fake->hide_own && bt_trace_may_be_own(given.trace)) given.needs_by_id = true;
  bt_status status = has_room ? sink(context, &given, error) : bt_error_no_memory(error);
  bt_arena_dispose(&arena);
  return status;
}

static bt_status give_part(fake_source *fake, const fake_trace **sorted, const bt_spans_request *request,
                           const spans_part *part, bt_spans_sink sink, void *context, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < fake->trace_count; i++)
    status = give_spans(fake, sorted[i], request, part, sink, context, error);
  return status;
}

static bt_status give_parts(fake_source *fake, const fake_trace **sorted, const bt_spans_request *request,
                            bt_spans_sink sink, void *context, bt_error *error) {
  int64_t step_ns = fake->spans_step_ns, longest_ns = request->longest_ns;
  bt_time_range all = request->range;
  bt_status status = BT_OK;
  if (!step_ns || !longest_ns)
    return give_part(fake, sorted, request, &(spans_part){.asked = all, .is_whole = true}, sink, context, error);
  for (int64_t at_ns = all.start_ns; status == BT_OK && at_ns < all.end_ns; at_ns += step_ns) {
    spans_part part = {.own = {at_ns, at_ns + step_ns},
                       .asked = {at_ns - longest_ns, at_ns + step_ns + longest_ns},
                       .is_first = at_ns == all.start_ns,
                       .is_last = at_ns + step_ns >= all.end_ns};
    if (part.asked.start_ns < all.start_ns) part.asked.start_ns = all.start_ns;
    if (part.is_last || part.asked.end_ns > all.end_ns) part.asked.end_ns = all.end_ns;
    if (fake->fail_spans_after && fake->span_parts == fake->fail_spans_after)
      return bt_error_set(error, BT_UNAVAILABLE, "the source gives no more spans");
    fake->span_parts++;
    status = give_part(fake, sorted, request, &part, sink, context, error);
  }
  return status;
}

static bt_status find_spans_locked(fake_source *fake, const bt_spans_request *request, bt_spans_sink sink,
                                   void *context, bt_source_account *account, bt_error *error) {
  account->requests++;
  fake->span_searches++;
  const fake_ahead *ahead = (const fake_ahead *)request->ahead;
  fake->taken_spans +=
      ahead && ahead->range.start_ns <= request->range.start_ns && request->range.end_ns <= ahead->range.end_ns;
  if (fake->fail_spans != BT_OK) return bt_error_set(error, fake->fail_spans, "the source gives no spans");
  if (is_unlucky(fake)) return bt_error_set(error, BT_UNAVAILABLE, "no luck");
  const fake_trace **sorted = malloc((fake->trace_count + 1) * sizeof(fake_trace *));
  if (!sorted) return bt_error_no_memory(error);
  for (size_t i = 0; i < fake->trace_count; i++) sorted[i] = &fake->traces[i];
  qsort(sorted, fake->trace_count, sizeof(fake_trace *), compare_traces);
  bt_status status = give_parts(fake, sorted, request, sink, context, error);
  free(sorted);
  return status;
}

static bt_status fake_find_spans(bt_source *source, const bt_spans_request *request, bt_spans_sink sink, void *context,
                                 bt_source_account *account, bt_error *error) {
  fake_source *fake = fake_of(source);
  pthread_mutex_lock(&fake->lock);
  bt_status status = find_spans_locked(fake, request, sink, context, account, error);
  pthread_mutex_unlock(&fake->lock);
  return status;
}

static bt_status fake_check(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  (void)cancel;
  (void)source;
  (void)error;
  return BT_OK;
}

const bt_dialect *fake_dialect(bt_source *source) {
  (void)source;
  return bt_traceql_dialect();
}

static void fake_free(bt_source *source) {
  fake_source_dispose(fake_of(source));
}

static bool links_to_any(const fake_span *span, const bt_links_request *request, const char *filter) {
  if (filter[0] && !span_meets(span, filter)) return false;
  for (uint32_t l = 0; l < span->link_count; l++)
    for (size_t i = 0; i < request->count; i++)
      if (bt_trace_id_compare(&span->links[l].trace_id, &request->ids[i]) == 0) return true;
  return false;
}

static bt_status find_linking_locked(fake_source *fake, const bt_links_request *request, bt_found_list *found,
                                     bt_source_account *account, bt_error *error) {
  char filter[1024];
  if (!write_filter(request->query, filter)) return bt_error_no_memory(error);
  account->requests++;
  fake->link_searches++;
  if (fake->fail_linking != BT_OK) return bt_error_set(error, fake->fail_linking, "who links is not answered");
  if (is_unlucky(fake)) return bt_error_set(error, BT_UNAVAILABLE, "the source does not answer this time");
  if (fake->fail_linking_range && !bt_source_account_fail(account, request->range, "too large"))
    return bt_error_no_memory(error);
  for (size_t t = 0; t < fake->trace_count; t++)
    for (uint32_t s = 0; s < fake->traces[t].span_count; s++) {
      const fake_span *span = &fake->traces[t].spans[s];
      bt_found row = {.id = fake->traces[t].id, .start_ns = span->start_ns, .end_ns = end_of(span)};
      if (span->dated_ns) row.start_ns = row.end_ns = span->dated_ns;
      if (!overlaps(&row, request->range) || (!fake->links_are_guessed && !links_to_any(span, request, filter)))
        continue;
      if (!bt_found_list_add(found, &row)) return bt_error_no_memory(error);
    }
  bt_found_list_sort(found);
  return BT_OK;
}

static bt_status fake_find_linking(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                   bt_source_account *account, bt_error *error) {
  fake_source *fake = fake_of(source);
  pthread_mutex_lock(&fake->lock);
  bt_status status = find_linking_locked(fake, request, found, account, error);
  pthread_mutex_unlock(&fake->lock);
  return status;
}

static bool guess_all(const bt_trace_id *id, const bt_trace *trace) {
  (void)id;
  (void)trace;
  return true;
}

static void fake_promise(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  const fake_source *fake = fake_of(source);
  (void)wanted;
  (void)cancel;
  *out = fake->promises;
  out->guesses_linking = fake->links_are_guessed ? guess_all : NULL;
}

static void fake_losses(bt_source *source, const char *tenant, const bt_cancel *cancel, bt_losses *out) {
  (void)tenant;
  (void)cancel;
  *out = fake_of(source)->losses;
}

void fake_promise_plainly(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  (void)source;
  (void)wanted;
  (void)cancel;
  out->filters = out->projects = true;
}

void fake_source_init(fake_source *fake) {
  *fake = (fake_source){0};
  fake->operations = (bt_source_operations){.search = fake_search,
                                            .begin = fake_begin,
                                            .read = fake_read,
                                            .find_spans = fake_find_spans,
                                            .find_linking = fake_find_linking,
                                            .dialect = fake_dialect,
                                            .check = fake_check,
                                            .promise = fake_promise,
                                            .losses = fake_losses,
                                            .free = fake_free};
  fake->promises =
      (bt_promises){.about = {"fake", "", true, "", NULL}, .filters = true, .projects = true, .costs = bt_tempo_costs};
  fake->source = (bt_source){&fake->operations, "fake", NULL, false};
  pthread_mutex_init(&fake->lock, NULL);
  pthread_cond_init(&fake->let_go, NULL);
}

void fake_link_add(fake_span *from, uint64_t trace, uint32_t span) {
  bt_link *link = &from->links[from->link_count++];
  *link = (bt_link){.trace_id = fake_id(trace)};
  link->span_id.bytes[7] = (uint8_t)(span + 1);
}

void fake_let_go(fake_source *fake) {
  pthread_mutex_lock(&fake->lock);
  fake->hold_reads_after = 0;
  pthread_cond_broadcast(&fake->let_go);
  pthread_mutex_unlock(&fake->lock);
}

void fake_source_dispose(fake_source *fake) {
  pthread_cond_destroy(&fake->let_go);
  pthread_mutex_destroy(&fake->lock);
  free(fake->traces);
  fake->traces = NULL;
  fake->trace_count = fake->trace_capacity = 0;
}
