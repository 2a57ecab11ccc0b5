/* Traces: ids, what a trace says of itself, and the builder. See trace.h.
 * The builder keeps the spans in one array of the arena that doubles, and finds copies and parents through a hash table
 * of span ids. */
#include "dsl/trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/hex.h"
#include "dsl/base/table.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/untyped_text.h"
#include "dsl/trace/trace_comparison.h"
#include "dsl/trace/trace_pruned.h"
#include "dsl/trace/trace_records.h"

const bt_value *bt_attributes_find(const bt_attributes *attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, key)) return &attributes->items[i].value;
  return NULL;
}

bt_str bt_attributes_service(const bt_attributes *attributes) {
  const bt_value *service = bt_attributes_find(attributes, BT_STR("service.name"));
  bool is_name = service && service->type == BT_VALUE_STRING && service->string.len > 0;
  return is_name ? service->string : (bt_str){NULL, 0};
}

int64_t bt_span_duration_ns(const bt_span *span) {
  int64_t duration_ns = 0;
  if (span->end_ns <= span->start_ns) return 0;
  return __builtin_sub_overflow(span->end_ns, span->start_ns, &duration_ns) ? INT64_MAX : duration_ns;
}

int bt_span_compare(const bt_span *a, const bt_span *b) {
  bool a_is_known = a->start_ns != 0, b_is_known = b->start_ns != 0;
  if (a_is_known != b_is_known) return a_is_known ? -1 : 1;
  if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
  int order = memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
  if (order || a->kind != b->kind) return order ? order : a->kind < b->kind ? -1 : 1;
  return bt_str_compare(a->resource->service, b->resource->service);
}

/* A time of 0 is one that nobody set. */
int64_t bt_trace_start_ns(const bt_trace *trace) {
  int64_t start_ns = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    int64_t one_ns = trace->spans[i].start_ns;
    if (one_ns && (!start_ns || one_ns < start_ns)) start_ns = one_ns;
  }
  return start_ns;
}

int64_t bt_trace_end_ns(const bt_trace *trace) {
  int64_t end_ns = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    int64_t one_ns = trace->spans[i].end_ns;
    if (one_ns && (!end_ns || one_ns > end_ns)) end_ns = one_ns;
  }
  return end_ns;
}

int64_t bt_trace_latest_start_ns(const bt_trace *trace) {
  int64_t start_ns = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    int64_t one_ns = trace->spans[i].start_ns;
    if (one_ns && (!start_ns || one_ns > start_ns)) start_ns = one_ns;
  }
  return start_ns;
}

uint32_t bt_trace_root(const bt_trace *trace) {
  return trace->root;
}

const bt_link *bt_spans_next_link(const bt_span *spans, uint32_t count, bt_link_place *place) {
  for (; place->span < count; place->span++, place->record = NULL) {
    if (!place->record) *place = (bt_link_place){.span = place->span, .record = &spans[place->span]};
    for (; place->record; place->record = place->record->other, place->link = 0)
      if (place->link < place->record->link_count) return &place->record->links[place->link++];
  }
  return NULL;
}

int bt_trace_id_compare(const bt_trace_id *a, const bt_trace_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool bt_span_id_is_zero(const bt_span_id *id) {
  static const bt_span_id zero = {{0}};
  return memcmp(id->bytes, zero.bytes, sizeof zero.bytes) == 0;
}

int bt_trace_id_order(const void *a, const void *b) {
  return bt_trace_id_compare(a, b);
}

bool bt_trace_id_is_zero(const bt_trace_id *id) {
  static const bt_trace_id zero = {{0}};
  return memcmp(id->bytes, zero.bytes, sizeof zero.bytes) == 0;
}

void bt_trace_id_format(const bt_trace_id *id, char hex[BT_TRACE_ID_HEX + 1]) {
  bt_hex_format(id->bytes, sizeof id->bytes, hex);
}

void bt_span_id_format(const bt_span_id *id, char hex[BT_SPAN_ID_HEX + 1]) {
  bt_hex_format(id->bytes, sizeof id->bytes, hex);
}

bool bt_trace_id_parse(bt_str hex, bt_trace_id *out) {
  return bt_hex_parse(hex, out->bytes, sizeof out->bytes);
}

bool bt_span_id_parse(bt_str hex, bt_span_id *out) {
  return bt_hex_parse(hex, out->bytes, sizeof out->bytes);
}

struct bt_trace_builder {
  bt_arena *arena;
  bt_trace trace;
  bt_span *spans; /* = trace.spans */
  uint32_t capacity;
  bt_table table; /* of spans, by id, whatever the kind */
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_plain_parts plain;
  /* Of the record before: nothing in it may have been cut, and nothing of it was dropped; NULL: not known. */
  const bt_resource *whole_resource;
  const bt_scope *whole_scope;
  bool has_records; /* some spans are of several records, of which some may have given way */
  bool has_moved;   /* spans were put in order since they were filed: the table names other ones */
};

/* Most traces are small, and there may be many: 20,000 of five spans take 30 MiB, and with room for 16 they took 50. */
enum { FIRST_CAPACITY = 8, MOST_SPANS = 1 << 30 };

static bool has_id(const bt_trace_builder *builder, size_t span, const bt_span_id *id) {
  return memcmp(builder->spans[span].id.bytes, id->bytes, sizeof id->bytes) == 0;
}

static bt_table_walk records_of(const bt_trace_builder *builder, const bt_span *record) {
  return bt_table_find(&builder->table, bt_hash_word(record->id.bytes));
}

/* The next span of that id and kind; BT_NO_SPAN: there is no more. */
static uint32_t next_record(const bt_trace_builder *builder, const bt_span *record, bt_table_walk *walk) {
  while (bt_table_next(&builder->table, walk))
    if (has_id(builder, walk->number, &record->id) && builder->spans[walk->number].kind == record->kind)
      return (uint32_t)walk->number;
  return BT_NO_SPAN;
}

static bool has_span(const bt_trace_builder *builder, const bt_span_id *id) {
  bt_table_walk walk = bt_table_find(&builder->table, bt_hash_word(id->bytes));
  while (bt_table_next(&builder->table, &walk))
    if (has_id(builder, walk.number, id)) return true;
  return false;
}

/* Behind others of that id and kind, too. */
static void file_span(bt_trace_builder *builder, uint32_t span) {
  bt_table_add(&builder->table, bt_hash_word(builder->spans[span].id.bytes), span);
}

/* After bt_trace_builder_finish. */
static void file_moved_spans(bt_trace_builder *builder) {
  bt_table_clear(&builder->table);
  for (uint32_t i = 0; i < builder->trace.span_count; i++) file_span(builder, i);
  builder->has_moved = false;
}

/* A larger array. What the arena gave before stays with it. */
static bool grow_spans(bt_trace_builder *builder, uint32_t capacity) {
  uint32_t count = builder->trace.span_count;
  if (!bt_table_reserve_in(&builder->table, capacity, builder->arena)) return false; /* near to the builder */
  bt_span *spans = bt_arena_bare_array(builder->arena, capacity, sizeof *spans);
  if (!spans) return false;
  if (count) memcpy(spans, builder->spans, count * sizeof *spans);
  builder->trace.spans = builder->spans = spans;
  builder->capacity = capacity;
  return true;
}

bt_trace_builder *bt_trace_builder_new_for(bt_arena *arena, const bt_trace_id *id, size_t span_count) {
  bt_trace_builder *builder = span_count > MOST_SPANS ? NULL : bt_arena_alloc(arena, sizeof *builder);
  if (!builder) return NULL;
  builder->arena = arena;
  builder->trace.id = *id;
  builder->trace.root = BT_NO_SPAN;
  bt_trace_id_format(id, builder->trace_id);
  return grow_spans(builder, (uint32_t)span_count) ? builder : NULL;
}

bt_trace_builder *bt_trace_builder_new(bt_arena *arena, const bt_trace_id *id) {
  return bt_trace_builder_new_for(arena, id, FIRST_CAPACITY);
}

static unsigned doubts_of(const bt_span *span) {
  unsigned doubts = 0;
  if (span->start_ns == 0 || span->time_slack_ns) doubts |= BT_DOUBT_START;
  if (span->end_ns == 0 || span->time_slack_ns) doubts |= BT_DOUBT_END;
  if (span->dropped_attributes) doubts |= BT_DOUBT_ATTRIBUTES;
  if (span->dropped_events) doubts |= BT_DOUBT_EVENTS;
  if (span->dropped_links) doubts |= BT_DOUBT_LINKS;
  if (span->is_kind_lost) doubts |= BT_DOUBT_PARTS;
  return doubts;
}

static unsigned doubts_of_texts(const bt_attributes *attributes) {
  unsigned doubts = 0;
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_value *value = &attributes->items[i].value;
    if (bt_may_be_cut(value)) doubts |= BT_DOUBT_CUT;
    if (bt_value_is_untyped(value)) doubts |= BT_DOUBT_TYPE;
  }
  return doubts;
}

static unsigned doubts_of_attributes(const bt_attributes *attributes) {
  unsigned doubts = doubts_of_texts(attributes);
  return attributes->dropped ? doubts | BT_DOUBT_PARTS : doubts;
}

static unsigned doubts_of_parts(const bt_span *span) {
  unsigned doubts = 0;
  for (uint32_t i = 0; i < span->event_count; i++) doubts |= doubts_of_attributes(&span->events[i].attributes);
  for (uint32_t i = 0; i < span->link_count; i++) doubts |= doubts_of_attributes(&span->links[i].attributes);
  return doubts;
}

/* Most spans share the resource and the scope of the one before. */
static unsigned doubts_of_shared(bt_trace_builder *builder, const bt_span *span) {
  if (span->resource == builder->whole_resource && span->scope == builder->whole_scope) return 0;
  unsigned doubts = doubts_of_attributes(&span->resource->attributes) | doubts_of_attributes(&span->scope->attributes);
  if (doubts) return doubts;
  builder->whole_resource = span->resource;
  builder->whole_scope = span->scope;
  return 0;
}

static void set_flags(bt_trace_builder *builder, bt_span *span) {
  span->trace_id = builder->trace_id;
  span->pruning = (uint8_t)bt_pruning_of(span);
  unsigned doubts = doubts_of(span) | doubts_of_parts(span) | doubts_of_shared(builder, span);
  doubts |= doubts_of_texts(&span->attributes);
  span->doubts = (uint8_t)doubts;
  if (span->pruning != BT_PRUNING_NONE) builder->trace.pruned = true;
  builder->trace.doubts |= span->doubts;
}

/* A new span, which is filed. */
static bool append_span(bt_trace_builder *builder, const bt_span *span) {
  bool is_full = builder->trace.span_count == builder->capacity;
  if (is_full && builder->capacity > MOST_SPANS / 2) return false;
  if (is_full && !grow_spans(builder, builder->capacity ? builder->capacity * 2 : FIRST_CAPACITY)) return false;
  uint32_t number = builder->trace.span_count++;
  builder->spans[number] = *span;
  set_flags(builder, &builder->spans[number]);
  file_span(builder, number);
  return true;
}

/* ---- several records of one span ---- */

static bool may_be_of(const bt_span *record, bt_str service) {
  bt_str own = record->resource->service;
  return !own.len || !service.len || bt_str_equal(own, service);
}

/* How records with keys that stand twice are gathered: split by all of these, by those that nobody can leave out, or
 * not at all. */
typedef enum splitting { SPLIT_BY_ALL, SPLIT_BY_FEW, UNSPLIT } splitting;

static const bt_span *first_record(const bt_span *span) {
  return span->unsplit ? span->unsplit : span;
}

static bool add_records_of(bt_records *records, const bt_span *span, bt_str service, splitting how, bt_arena *arena) {
  static const bt_read_keys none = {.count = 0};
  bool has_room = true;
  for (const bt_span *record = first_record(span); record && has_room; record = record->other)
    if (may_be_of(record, service))
      has_room = how == UNSPLIT ? bt_records_add_unsplit(records, record, arena)
                                : bt_records_add(records, record, how == SPLIT_BY_FEW ? &none : NULL, arena);
  return has_room;
}

/* All records of this id and kind that may be of the service, and the new one. */
static bool gather_records(const bt_trace_builder *builder, const bt_span *added, bt_str service, splitting how,
                           bt_records *out) {
  bt_table_walk walk = records_of(builder, added);
  uint32_t number;
  out->count = 0;
  out->most = BT_RECORDS_KEPT;
  out->are_more = false;
  if (!add_records_of(out, added, service, how, builder->arena)) return false;
  while ((number = next_record(builder, added, &walk)) != BT_NO_SPAN)
    if (!add_records_of(out, &builder->spans[number], service, how, builder->arena)) return false;
  bt_records_settle(out);
  return true;
}

/* For records that are too many once all keys are split. The span shows one value of each key, and keeps its records as
 * they came beside that. Some of them are lost where those are too many, too. */
static bool join_unsplit(bt_trace_builder *builder, const bt_span *added, bt_str service, bt_records *records,
                         bt_span *out) {
  bt_span *unsplit = bt_arena_alloc(builder->arena, sizeof *unsplit);
  if (!unsplit || !gather_records(builder, added, service, UNSPLIT, records)) return false;
  bool are_lost = records->are_more;
  if (!bt_records_join(records, builder->arena, unsplit)) return false;
  if (!gather_records(builder, added, service, SPLIT_BY_FEW, records)) return false;
  are_lost = are_lost || records->are_more;
  if (!bt_records_join(records, builder->arena, out)) return false;
  if (are_lost)
    builder->trace.has_more_copies = true;
  else
    out->unsplit = unsplit;
  return true;
}

/* Of all records of the id and kind that may be of the service one span. */
static bool join_records(bt_trace_builder *builder, const bt_span *added, bt_str service, bt_span *out) {
  bt_records records;
  if (!gather_records(builder, added, service, SPLIT_BY_ALL, &records)) return false;
  builder->has_records = true;
  return records.are_more ? join_unsplit(builder, added, service, &records, out)
                          : bt_records_join(&records, builder->arena, out);
}

/* The span of that id and kind that has this service, or one that has none and may be it; BT_NO_SPAN: there is none. */
static uint32_t find_service(const bt_trace_builder *builder, const bt_span *record) {
  bt_table_walk walk = records_of(builder, record);
  uint32_t number;
  do {
    number = next_record(builder, record, &walk);
  } while (number != BT_NO_SPAN && !may_be_of(&builder->spans[number], record->resource->service));
  return number;
}

static bool merge_into(bt_trace_builder *builder, uint32_t number, const bt_span *added, bt_str service) {
  bt_span joined;
  if (!join_records(builder, added, service, &joined)) return false;
  builder->spans[number] = joined;
  set_flags(builder, &builder->spans[number]);
  return true;
}

/* One without a service is a record of each span of its id and kind. */
static bool merge_into_all(bt_trace_builder *builder, const bt_span *added) {
  bt_table_walk walk = records_of(builder, added);
  uint32_t number;
  while ((number = next_record(builder, added, &walk)) != BT_NO_SPAN)
    if (!merge_into(builder, number, added, builder->spans[number].resource->service)) return false;
  return true;
}

static bool add_records(bt_trace_builder *builder, const bt_span *added) {
  bt_str service = added->resource->service;
  bt_span joined;
  uint32_t number = find_service(builder, added);
  if (number != BT_NO_SPAN)
    return service.len ? merge_into(builder, number, added, service) : merge_into_all(builder, added);
  if (!join_records(builder, added, service, &joined)) return false;
  return append_span(builder, &joined);
}

bool bt_trace_builder_add(bt_trace_builder *builder, const bt_span *span) {
  if (builder->has_moved) file_moved_spans(builder);
  bt_table_walk walk = records_of(builder, span);
  uint32_t number = next_record(builder, span, &walk);
  if (span->other || span->unsplit || bt_record_has_doubled_key(span, &builder->plain))
    return add_records(builder, span);
  if (number == BT_NO_SPAN) return append_span(builder, span);
  bool has_room;
  const bt_span *first = &builder->spans[number];
  if (!first->other && !first->unsplit && bt_spans_agree(first, span, builder->arena, &has_room)) return has_room;
  return add_records(builder, span);
}

bool bt_trace_builder_add_apart(bt_trace_builder *builder, const bt_span *span) {
  if (builder->has_moved) file_moved_spans(builder);
  return append_span(builder, span);
}

void bt_trace_builder_mark_partial(bt_trace_builder *builder) {
  builder->trace.partial = true;
}

static int compare_spans(const void *left, const void *right) {
  return bt_span_compare(left, right);
}

/* Spans of one producer mostly come in order already. False: they did. */
static bool sort_spans(bt_trace_builder *builder) {
  uint32_t count = builder->trace.span_count, i = 1;
  while (i < count && bt_span_compare(&builder->spans[i - 1], &builder->spans[i]) <= 0) i++;
  if (i >= count) return false;
  qsort(builder->spans, count, sizeof *builder->spans, compare_spans);
  return builder->has_moved = true;
}

static bool is_root(const bt_trace_builder *builder, uint32_t span) {
  const bt_span_id *parent = &builder->spans[span].parent_id;
  return bt_span_id_is_zero(parent) || !has_span(builder, parent);
}

/* Whether another root may start no later than the one that seems to be the earliest. */
static bool may_be_other_root(const bt_trace_builder *builder, uint32_t root) {
  const bt_span *first = &builder->spans[root];
  if (!(first->doubts & BT_DOUBT_START) && !(builder->trace.doubts & BT_DOUBT_START)) return false;
  for (uint32_t i = 0; i < builder->trace.span_count; i++) {
    const bt_span *span = &builder->spans[i];
    if (i == root || !((span->doubts | first->doubts) & BT_DOUBT_START) || !is_root(builder, i)) continue;
    bool is_later = span->start_ns && first->start_ns && span->start_ns - first->start_ns > first->time_slack_ns;
    if (!is_later) return true;
  }
  return false;
}

static void find_root(bt_trace_builder *builder) {
  bt_trace *trace = &builder->trace;
  const bt_span *orphan = NULL;
  trace->root = BT_NO_SPAN;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bool names_parent = !bt_span_id_is_zero(&builder->spans[i].parent_id);
    if (!is_root(builder, i)) continue;
    if (names_parent && (!orphan || bt_span_compare(&builder->spans[i], orphan) < 0)) orphan = &builder->spans[i];
    bool is_first = trace->root == BT_NO_SPAN || bt_span_compare(&builder->spans[i], &builder->spans[trace->root]) < 0;
    if (is_first) trace->root = i;
  }
  trace->root_in_doubt = trace->root != BT_NO_SPAN && may_be_other_root(builder, trace->root);
  trace->missing_parents = orphan != NULL;
  trace->missing_parent = orphan ? orphan->parent_id : (bt_span_id){{0}};
}

/* What was added may have given way since. */
static void set_flags_again(bt_trace_builder *builder) {
  bt_trace *trace = &builder->trace;
  trace->pruned = trace->differing_copies = false;
  trace->doubts = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    set_flags(builder, &builder->spans[i]);
    if (builder->spans[i].other || builder->spans[i].unsplit) trace->differing_copies = true;
  }
  if (trace->has_more_copies) trace->differing_copies = true;
}

const bt_trace *bt_trace_builder_finish(bt_trace_builder *builder) {
  bt_trace *trace = &builder->trace;
  if (builder->has_records) set_flags_again(builder);
  if (builder->has_moved) file_moved_spans(builder);
  find_root(builder); /* by the table, so before spans move */
  bt_span root = trace->root == BT_NO_SPAN ? (bt_span){0} : builder->spans[trace->root];
  if (!sort_spans(builder) || trace->root == BT_NO_SPAN) return trace;
  trace->root = 0;
  while (bt_span_compare(&builder->spans[trace->root], &root) != 0) trace->root++;
  return trace;
}
