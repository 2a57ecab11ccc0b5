/* The store that answers from an array. See toy_store.h. */
#include "tests/support/toy_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/trace_copy.h"
#include "tempo/api/traceql_dialect.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/tags_trace.h"
#include "tests/support/filter_meaning.h"

const char *const toy_lies[TOY_LIES] = {
    "truth",          "loses_a_trace",  "loses_on_failure",  "closes_ranges",      "opens_ranges",
    "ignores_limits", "ignores_cancel", "splits_traces",     "keeps_copies_apart", "joins_halves",
    "cuts_zeros",     "rounds_numbers", "loses_empty_texts", "filters_too_much",   "filters_nothing",
    "loses_links",    "mixes_tenants",  "forgets_spans",
};

/* What one push brought of one trace. */
typedef struct toy_part {
  char *tenant;
  bt_trace trace; /* its spans are ours */
} toy_part;

typedef struct toy_store {
  bt_source source; /* first: a bt_source is one of these */
  toy_part *parts;
  size_t count, capacity;
  toy_lie lie;
  bool is_broken;
  const bt_dialect *dialect; /* NULL: as Tempo is asked */
} toy_store;

static toy_store *toy_of(bt_source *source) {
  return (toy_store *)source;
}

static void *or_stop(void *memory) {
  if (!memory) abort();
  return memory;
}

/* ---- pushing ---- */

void toy_store_add(bt_source *source, const char *tenant, const bt_trace *trace) {
  toy_store *toy = toy_of(source);
  toy->parts = or_stop(bt_grow_array(toy->parts, toy->count, &toy->capacity, sizeof *toy->parts));
  toy_part *part = &toy->parts[toy->count++];
  *part = (toy_part){.tenant = or_stop(strdup(tenant ? tenant : "")), .trace = *trace};
  part->trace.spans = bt_trace_copy_spans(trace, or_stop(calloc(1, bt_trace_copy_bytes(trace) + 1)));
}

void toy_store_add_batch(bt_source *source, const char *tenant, const bt_span_batch *batch) {
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++)
    toy_store_add(source, tenant, bt_span_batch_trace(batch, i));
}

void toy_store_lie(bt_source *source, toy_lie lie) {
  toy_of(source)->lie = lie;
}

void toy_store_break(bt_source *source) {
  toy_of(source)->is_broken = true;
}

/* ---- what is there ---- */

/* "a|b": of either. */
static bool is_named(const char *asked, const char *tenant) {
  size_t length = strlen(tenant);
  for (const char *at = asked ? asked : "";; at++) {
    size_t until = strcspn(at, "|");
    if (until == length && strncmp(at, tenant, length) == 0) return true;
    at += until;
    if (!*at) return false;
  }
}

/* Parts that are asked for, one after another: from *at on, which then is behind it. NULL: there is no more. */
static const toy_part *next_part(const toy_store *toy, const char *tenant, const bt_trace_id *id, size_t *at) {
  while (*at < toy->count) {
    const toy_part *part = &toy->parts[(*at)++];
    if (id && bt_trace_id_compare(&part->trace.id, id) != 0) continue;
    if (toy->lie == TOY_MIXES_TENANTS || is_named(tenant, part->tenant)) return part;
  }
  return NULL;
}

/* A value as the lie has it; others are as they came. */
static void bend_value(toy_lie lie, bt_value *value) {
  if (lie == TOY_ROUNDS_NUMBERS && value->type == BT_VALUE_INT && (double)value->integer < 9e18)
    value->integer = (int64_t)(double)value->integer;
  if (lie == TOY_LOSES_EMPTY_TEXTS && value->type == BT_VALUE_STRING && !value->string.len)
    value->type = BT_VALUE_MISSING;
}

static bt_span bend_span(toy_lie lie, const bt_span *from, uint32_t number, bt_arena *arena) {
  bt_span span = *from;
  if (lie == TOY_KEEPS_COPIES_APART) span.id.bytes[0] ^= (uint8_t)(number + 1);
  if (lie == TOY_JOINS_HALVES) span.kind = BT_KIND_INTERNAL;
  bool bends = span.attributes.count && (lie == TOY_ROUNDS_NUMBERS || lie == TOY_LOSES_EMPTY_TEXTS);
  if (!bends) return span;
  size_t bytes = span.attributes.count * sizeof *span.attributes.items;
  bt_attribute *items = or_stop(bt_arena_duplicate(arena, span.attributes.items, bytes));
  for (uint32_t i = 0; i < span.attributes.count; i++) bend_value(lie, &items[i].value);
  span.attributes.items = items;
  return span;
}

static bool meets(bt_query query, const bt_span *span) {
  const bt_span *record = span->unsplit ? span->unsplit : span;
  bool is_met = !query.filter;
  for (; !is_met && record; record = record->other) is_met = filter_is_met(query.filter, record);
  return is_met;
}

/* Of the parts put together, the spans that meet the query; NULL: there are no parts. */
static const bt_trace *build(const toy_store *toy, const char *tenant, const bt_trace_id *id, bt_query query,
                             bt_arena *arena) {
  bt_trace_builder *builder = or_stop(bt_trace_builder_new(arena, id));
  size_t at = 0;
  uint32_t parts = 0, kept = 0;
  for (const toy_part *part; (part = next_part(toy, tenant, id, &at)); parts++) {
    if (toy->lie == TOY_SPLITS_TRACES && parts) continue;
    for (uint32_t i = 0; i < part->trace.span_count; i++) {
      bt_span span = bend_span(toy->lie, &part->trace.spans[i], parts, arena);
      if (!meets(query, &span) || (toy->lie == TOY_FORGETS_SPANS && query.filter && kept)) continue;
      if (!bt_trace_builder_add(builder, &span)) abort();
      kept++;
    }
    if (part->trace.partial) bt_trace_builder_mark_partial(builder);
  }
  return parts ? bt_trace_builder_finish(builder) : NULL;
}

const bt_trace *toy_store_trace(bt_source *source, const char *tenant, const bt_trace_id *id, bt_arena *arena) {
  return build(toy_of(source), tenant, id, (bt_query){0}, arena);
}

static bool is_hidden(const char *tenant, const bt_trace *trace) {
  return bt_trace_is_own(trace, bt_str_from(tenant ? tenant : ""));
}

/* What every question begins with. */
static bt_status begin(const toy_store *toy, const bt_cancel *cancel, bt_error *error) {
  if (bt_is_cancelled(cancel) && toy->lie != TOY_IGNORES_CANCEL) return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (toy->is_broken && toy->lie != TOY_LOSES_ON_FAILURE)
    return bt_error_set(error, BT_UNAVAILABLE, "the store does not answer");
  return BT_OK;
}

/* ---- searching ---- */

/* Decides of a trace, of which the spans are all there. */
typedef struct toy_wish {
  bt_query query;
  const bt_links_request *links; /* or NULL */
} toy_wish;

static bool is_linked_to(const toy_store *toy, const bt_span *span, const bt_links_request *links) {
  uint32_t count = span->link_count;
  if (toy->lie == TOY_LOSES_LINKS && count) count = 1;
  for (uint32_t i = 0; i < count; i++)
    for (size_t k = 0; k < links->count; k++)
      if (!bt_trace_id_is_zero(&links->ids[k]) && bt_trace_id_compare(&span->links[i].trace_id, &links->ids[k]) == 0)
        return true;
  return false;
}

static bool span_is_wished(const toy_store *toy, const bt_span *span, const toy_wish *wish) {
  if (!wish->links) return meets(wish->query, span);
  for (const bt_span *record = span->unsplit ? span->unsplit : span; record; record = record->other)
    if (is_linked_to(toy, record, wish->links)) return true;
  return false;
}

static bool is_wished(const toy_store *toy, const bt_trace *trace, const toy_wish *wish) {
  uint32_t count = trace->span_count;
  if (toy->lie == TOY_FILTERS_NOTHING && !wish->links) return true;
  if (toy->lie == TOY_FILTERS_TOO_MUCH && count) count = 1;
  for (uint32_t i = 0; i < count; i++)
    if (span_is_wished(toy, &trace->spans[i], wish)) return true;
  return false;
}

static bool lies_in(const toy_store *toy, const bt_found *bounds, bt_time_range range) {
  if (range.start_ns >= range.end_ns) return false;
  if (toy->lie == TOY_CLOSES_RANGES) range.end_ns++;
  if (toy->lie == TOY_OPENS_RANGES) range.start_ns++;
  return bt_found_overlaps(bounds, range);
}

static bool is_lost(const toy_store *toy, const bt_trace_id *id) {
  bool is_first = toy->count && bt_trace_id_compare(id, &toy->parts[toy->count / 2].trace.id) == 0;
  return (toy->lie == TOY_LOSES_A_TRACE && is_first) || (toy->lie == TOY_CUTS_ZEROS && !id->bytes[0]) ||
         (toy->is_broken && toy->lie == TOY_LOSES_ON_FAILURE);
}

/* Each trace once: at the first of its parts that is asked for. */
static bool is_first_part(const toy_store *toy, const char *tenant, const toy_part *part) {
  size_t at = 0;
  return next_part(toy, tenant, &part->trace.id, &at) == part;
}

static bt_status find(const toy_store *toy, const bt_search_request *request, const toy_wish *wish,
                      bt_found_list *found, bt_error *error) {
  size_t at = 0;
  bt_status status = begin(toy, request->cancel, error);
  for (const toy_part *part; status == BT_OK && (part = next_part(toy, request->tenant, NULL, &at));) {
    bt_arena arena;
    if (!is_first_part(toy, request->tenant, part) || is_lost(toy, &part->trace.id)) continue;
    bt_arena_init(&arena, (size_t)1 << 30);
    const bt_trace *trace = build(toy, request->tenant, &part->trace.id, (bt_query){0}, &arena);
    bt_found bounds = bt_found_of_trace(trace);
    bool is_found =
        lies_in(toy, &bounds, request->range) && !is_hidden(request->tenant, trace) && is_wished(toy, trace, wish);
    if (is_found && !bt_found_list_add(found, &bounds)) abort();
    bt_arena_dispose(&arena);
    status = begin(toy, request->cancel, error);
  }
  bt_found_list_sort(found);
  bool is_over = request->max_found && found->count > request->max_found && toy->lie != TOY_IGNORES_LIMITS;
  return status == BT_OK && is_over
             ? bt_error_set(error, BT_LIMIT, "more than %zu traces were found", request->max_found)
             : status;
}

static bt_status search_toy(bt_source *source, const bt_search_request *request, bt_found_list *found,
                            bt_source_account *account, bt_error *error) {
  account->requests++;
  return find(toy_of(source), request, &(toy_wish){.query = request->query}, found, error);
}

static bt_status link_toy(bt_source *source, const bt_links_request *request, bt_found_list *found,
                          bt_source_account *account, bt_error *error) {
  account->requests++;
  bt_search_request search = {.range = request->range, .tenant = request->tenant, .cancel = request->cancel};
  return find(toy_of(source), &search, &(toy_wish){.links = request}, found, error);
}

/* ---- reading ---- */

static bt_status read_toy(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                          bt_source_account *account, bt_error *error) {
  account->requests++;
  const toy_store *toy = toy_of(source);
  bt_status status = begin(toy, request->cancel, error);
  for (size_t i = 0; status == BT_OK && i < request->count; i++) {
    bt_arena arena;
    bt_arena_init(&arena, (size_t)1 << 30);
    bt_read_trace read = {.index = i};
    bool is_gone = is_lost(toy, &request->ids[i]) && toy->lie != TOY_LOSES_A_TRACE;
    if (!is_gone) read.trace = build(toy, request->tenant, &request->ids[i], request->spans.asked, &arena);
    if (read.trace && !request->with_own && is_hidden(request->tenant, read.trace)) read.trace = NULL;
    if (read.trace) read.start_ns = bt_trace_start_ns(read.trace), read.end_ns = bt_trace_end_ns(read.trace);
    status = sink(context, &read, error);
    bt_arena_dispose(&arena);
    if (status == BT_OK) status = begin(toy, request->cancel, error);
  }
  return status;
}

static bt_status find_spans_of_toy(bt_source *source, const bt_spans_request *request, bt_spans_sink sink,
                                   void *context, bt_source_account *account, bt_error *error) {
  const toy_store *toy = toy_of(source);
  bt_search_request search = {
      .query = request->spans.asked, .range = request->range, .tenant = request->tenant, .cancel = request->cancel};
  bt_found_list found = {0};
  bt_status status = search_toy(source, &search, &found, account, error);
  for (size_t i = 0; status == BT_OK && i < found.count; i++) {
    bt_arena arena;
    bt_arena_init(&arena, (size_t)1 << 30);
    bt_found_spans given = {.found = found.items[i]};
    given.trace = build(toy, request->tenant, &found.items[i].id, request->spans.asked, &arena);
    status = sink(context, &given, error);
    bt_arena_dispose(&arena);
    if (status == BT_OK) status = begin(toy, request->cancel, error);
  }
  bt_found_list_dispose(&found);
  return status;
}

/* ---- the rest ---- */

static bt_status tags_of_toy(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  const toy_store *toy = toy_of(source);
  bt_search_request search = {.range = request->range, .tenant = request->tenant, .cancel = request->cancel};
  bt_found_list found = {0};
  bt_status status = find(toy, &search, &(toy_wish){.query = bt_query_all()}, &found, error);
  for (size_t i = 0; status == BT_OK && i < found.count; i++) {
    bt_arena arena;
    bt_arena_init(&arena, (size_t)1 << 30);
    const bt_trace *trace = build(toy, request->tenant, &found.items[i].id, (bt_query){0}, &arena);
    if (!bt_tags_of_trace(trace, request, list)) status = bt_error_no_memory(error);
    bt_arena_dispose(&arena);
  }
  bt_found_list_dispose(&found);
  return status;
}

static bt_status check_toy(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  return begin(toy_of(source), cancel, error);
}

/* It answers any filter, so those that are made for Tempo too. */
static const bt_dialect *dialect_of_toy(bt_source *source) {
  return toy_of(source)->dialect ? toy_of(source)->dialect : bt_traceql_dialect();
}

void toy_store_speak(bt_source *source, const bt_dialect *dialect) {
  toy_of(source)->dialect = dialect;
}

static void promise_of_toy(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  (void)source;
  (void)wanted;
  (void)cancel;
  out->filters = out->projects = true;
}

static void free_toy(bt_source *source) {
  toy_store *toy = toy_of(source);
  for (size_t i = 0; i < toy->count; i++) {
    free(toy->parts[i].tenant);
    free((void *)toy->parts[i].trace.spans);
  }
  free(toy->parts);
  free(toy);
}

bt_source *toy_store_new(void) {
  static const bt_source_operations operations = {.search = search_toy,
                                                  .read = read_toy,
                                                  .find_spans = find_spans_of_toy,
                                                  .find_linking = link_toy,
                                                  .tags = tags_of_toy,
                                                  .check = check_toy,
                                                  .dialect = dialect_of_toy,
                                                  .promise = promise_of_toy,
                                                  .free = free_toy};
  toy_store *toy = or_stop(calloc(1, sizeof *toy));
  toy->source = (bt_source){.operations = &operations, .name = "toy"};
  return &toy->source;
}
