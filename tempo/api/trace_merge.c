/* Joining the rows of batch reads. See trace_merge.h. A draft is one record of a span with what each group of the
 * projection said of it. Those of one id and kind that do not agree are several: copies of one span, or spans of
 * several services. What makes which of them is told where the trace is built. Only the first group says the service,
 * so where there are more groups nobody knows which record an attribute is of. */
#include "tempo/api/trace_merge.h"

#include "dsl/base/table.h"
#include "dsl/trace/trace_comparison.h"
#include "tempo/api/traceql.h"
#include "tempo/wire/otlp_builder.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = BT_TRACEQL_MAX_GROUPS };

typedef struct draft {
  size_t trace; /* index in ids */
  bt_span span; /* what needs no projection: id, kind, name, times, status, parent */
  bt_attributes own[GROUPS_MAX], resource[GROUPS_MAX];
  bool seen[GROUPS_MAX], doubted[GROUPS_MAX]; /* doubted: some attribute may be made up */
  struct draft *next;                         /* of the same trace, in order of arrival */
  struct draft *other;                        /* a further record with this id and kind */
} draft;

typedef struct merged_trace {
  draft *first, *last;
  /* In blocks that hold lists in columns, by group and by place in the projection: attributes that some span has no
   * trace of, and those with a value. */
  uint64_t lacked[GROUPS_MAX], valued[GROUPS_MAX];
  bool found, needs_by_id, has_records; /* has_records: several of one id and kind */
} merged_trace;

struct bt_trace_merge {
  const bt_trace_id *ids; /* borrowed */
  size_t count;
  const bt_projection *projection; /* borrowed */
  bool some_spans;
  bool doubted[GROUPS_MAX], settled[GROUPS_MAX];
  uint64_t made_up[GROUPS_MAX]; /* attributes that have a column in some block that holds lists: it gave "nil" */
  uint64_t told[GROUPS_MAX];    /* attributes of which arrays have been told from other values */
  bt_arena arena;
  merged_trace *traces;
  draft **firsts; /* of the drafts of one id and kind */
  size_t first_count, first_capacity;
  bt_table table; /* of firsts */
};

bt_status bt_trace_merge_new(const bt_trace_id *ids, size_t count, const bt_projection *projection, bool some_spans,
                             size_t cap_bytes, bt_trace_merge **out, bt_error *error) {
  *out = NULL;
  bt_trace_merge *merge = calloc(1, sizeof *merge);
  if (!merge) return bt_error_no_memory(error);
  *merge = (bt_trace_merge){.ids = ids, .count = count, .projection = projection, .some_spans = some_spans};
  bt_arena_init(&merge->arena, cap_bytes);
  merge->traces = calloc(count ? count : 1, sizeof *merge->traces);
  if (!merge->traces) {
    bt_trace_merge_free(merge);
    return bt_error_no_memory(error);
  }
  *out = merge;
  return BT_OK;
}

void bt_trace_merge_free(bt_trace_merge *merge) {
  if (!merge) return;
  bt_arena_dispose(&merge->arena);
  free(merge->traces);
  free(merge->firsts);
  bt_table_dispose(&merge->table);
  free(merge);
}

void bt_trace_merge_distrust_all(bt_trace_merge *merge) {
  for (size_t i = 0; i < merge->count; i++) merge->traces[i].needs_by_id = true;
}

static bt_status refuse_batch(bt_error *error) {
  return bt_error_set(error, BT_LIMIT, "the traces of one batch need more memory than is allowed");
}

/* --- the table of drafts --- */

static uint64_t hash_of(size_t trace, const bt_span_id *id, bt_span_kind kind) {
  uint64_t bits;
  memcpy(&bits, id->bytes, sizeof bits);
  return bt_hash_pair(bits, (uint64_t)trace << 3 ^ (uint64_t)kind);
}

/* The first draft of that id and kind; NULL: there is none. */
static draft *find_draft(const bt_trace_merge *merge, size_t trace, const bt_span_id *id, bt_span_kind kind) {
  bt_table_walk walk = bt_table_find(&merge->table, hash_of(trace, id, kind));
  while (bt_table_next(&merge->table, &walk)) {
    draft *d = merge->firsts[walk.number];
    if (d->trace == trace && d->span.kind == kind && memcmp(d->span.id.bytes, id->bytes, sizeof id->bytes) == 0)
      return d;
  }
  return NULL;
}

/* In the table; false: no memory. */
static bool add_first(bt_trace_merge *merge, draft *added) {
  draft **firsts = bt_grow_array(merge->firsts, merge->first_count, &merge->first_capacity, sizeof(draft *));
  if (firsts) merge->firsts = firsts;
  if (!firsts || !bt_table_reserve(&merge->table, merge->first_count + 1)) return false;
  bt_table_add(&merge->table, hash_of(added->trace, &added->span.id, added->span.kind), merge->first_count);
  firsts[merge->first_count++] = added;
  return true;
}

/* In the table, or behind the records of its id and kind; false: no memory. */
static bool file_draft(bt_trace_merge *merge, draft *added) {
  draft *record = find_draft(merge, added->trace, &added->span.id, added->span.kind);
  if (!record) return add_first(merge, added);
  merge->traces[added->trace].has_records = true;
  while (record->other) record = record->other;
  record->other = added;
  return true;
}

static draft *add_draft(bt_trace_merge *merge, size_t trace, const bt_span *span) {
  draft *added = bt_arena_alloc(&merge->arena, sizeof *added);
  if (!added) return NULL;
  added->trace = trace;
  added->span.id = span->id;
  added->span.kind = span->kind;
  if (!file_draft(merge, added)) return NULL;
  merged_trace *merged = &merge->traces[trace];
  if (merged->last)
    merged->last->next = added;
  else
    merged->first = added;
  merged->last = added;
  return added;
}

/* What group 0 says of the span itself; false: no room. */
static bool set_fields(bt_trace_merge *merge, draft *into, const bt_span *span) {
  into->span = *span;
  return bt_arena_copy(&merge->arena, span->name, &into->span.name) &&
         bt_arena_copy(&merge->arena, span->status_message, &into->span.status_message);
}

/* --- one row --- */

static bool read_kind(bt_str word, bt_span_kind *kind) {
  static const char *const words[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (bt_str_equal(word, bt_str_from(words[i]))) return *kind = (bt_span_kind)i, true;
  return false;
}

static bool read_status(bt_str word, bt_span_status *status) {
  static const char *const words[] = {"unset", "ok", "error"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (bt_str_equal(word, bt_str_from(words[i]))) return *status = (bt_span_status)i, true;
  return false;
}

/* Span ids of zeros say "no parent". */
static bool read_parent(bt_str hex, bt_span_id *parent) {
  return bt_span_id_parse(hex, parent);
}

/* Reads one intrinsic's word into the span; false: it is none. */
static bool read_intrinsic(bt_str key, const bt_value *value, bt_span *span) {
  if (value->type != BT_VALUE_STRING) return false;
  if (bt_str_equal(key, BT_STR("kind"))) return read_kind(value->string, &span->kind);
  if (bt_str_equal(key, BT_STR("status"))) return read_status(value->string, &span->status);
  if (bt_str_equal(key, BT_STR("span:parentID"))) return read_parent(value->string, &span->parent_id);
  if (bt_str_equal(key, BT_STR("statusMessage"))) return span->status_message = value->string, true;
  return false;
}

/* The item that holds the intrinsic `key`: the answer also holds attributes of the same name (span.status), in any
 * order. What is not a word of the intrinsic is not it; two that could be it cannot be told apart. */
static bool find_intrinsic(const bt_attributes *items, bt_str key, bt_span *span, const bt_attribute **found) {
  *found = NULL;
  bt_span copy = *span;
  for (uint32_t i = 0; i < items->count; i++) {
    const bt_attribute *item = &items->items[i];
    if (!bt_str_equal(item->key, key) || !read_intrinsic(key, &item->value, &copy)) continue;
    if (*found) return false;
    *found = item;
    *span = copy;
  }
  return *found != NULL;
}

static bool is_scalar(const bt_value *value) {
  return value->type == BT_VALUE_STRING || value->type == BT_VALUE_BOOL || value->type == BT_VALUE_INT ||
         value->type == BT_VALUE_DOUBLE;
}

/* A row on its way into a draft. */
typedef struct row_reader {
  bt_trace_merge *merge;
  uint32_t group;
  const bt_attributes *items;
  const bt_attribute *intrinsics[4];
  bool ambiguous; /* something in it cannot be told for sure */
  bool doubted;   /* an attribute in it may be made up */
} row_reader;

static bool is_link_key(bt_str key) {
  return bt_str_equal(key, BT_STR("link:traceID")) || bt_str_equal(key, BT_STR("link:spanID"));
}

/* The one link of a span that an answer gives. Both halves are those of its last link; without one they are an empty
 * text and an id of zeros, or not there. A second item of a key may be an attribute. False: no room. */
static bool read_link(row_reader *reader, bt_span *span) {
  bt_link link = {0};
  unsigned halves = 0;
  for (uint32_t i = 0; i < reader->items->count; i++) {
    const bt_attribute *item = &reader->items->items[i];
    if (!is_link_key(item->key)) continue;
    bool is_trace = bt_str_equal(item->key, BT_STR("link:traceID")), is_text = item->value.type == BT_VALUE_STRING;
    bool is_id = is_text && (is_trace ? bt_trace_id_parse(item->value.string, &link.trace_id)
                                      : bt_span_id_parse(item->value.string, &link.span_id));
    unsigned half = is_trace ? 1 : 2;
    if (halves & half) reader->ambiguous = true;
    if (is_id) halves |= half;
  }
  if (halves != 3 || bt_trace_id_is_zero(&link.trace_id) || bt_span_id_is_zero(&link.span_id)) return true;
  bt_link *kept = bt_arena_alloc(&reader->merge->arena, sizeof *kept);
  if (!kept) return false;
  *kept = link;
  span->links = kept;
  span->link_count = 1;
  return true;
}

static bool is_intrinsic(const row_reader *reader, const bt_attribute *item) {
  for (size_t i = 0; i < sizeof reader->intrinsics / sizeof reader->intrinsics[0]; i++)
    if (reader->intrinsics[i] == item) return true;
  return false;
}

/* Every group has the kind, because the query groups by it: with the id it says which span it is. The others are in
 * group 0. */
static bool read_intrinsics(row_reader *reader, const bt_search_span *from, bt_span *span) {
  *span = (bt_span){.id = from->id, .name = from->name, .start_ns = from->start_ns};
  if (__builtin_add_overflow(from->start_ns, from->duration_ns, &span->end_ns)) return false;
  bool has_kind = find_intrinsic(reader->items, BT_STR("kind"), span, &reader->intrinsics[0]);
  if (reader->group) return has_kind;
  const bt_projection *projection = reader->merge->projection;
  bool all = !reader->merge->some_spans, is_complete = has_kind && from->name.len > 0;
  if (all || projection->status)
    is_complete = find_intrinsic(reader->items, BT_STR("status"), span, &reader->intrinsics[1]) && is_complete;
  if (all || projection->parent)
    is_complete = find_intrinsic(reader->items, BT_STR("span:parentID"), span, &reader->intrinsics[2]) && is_complete;
  if (projection->status_message)
    is_complete = find_intrinsic(reader->items, BT_STR("statusMessage"), span, &reader->intrinsics[3]) && is_complete;
  return is_complete;
}

/* True: the key stands once more before item i among those that are no intrinsics. */
static bool is_repeated(const row_reader *reader, uint32_t i) {
  for (uint32_t j = 0; j < i; j++)
    if (bt_str_equal(reader->items->items[j].key, reader->items->items[i].key) &&
        !is_intrinsic(reader, &reader->items->items[j]))
      return true;
  return false;
}

/* For a resource without a service name, and for one whose service name is no string, Tempo's column has an empty one
 * (measured). As a service that is none either way; who reads it as an attribute has to know. */
static bool is_unknown_service(const bt_attribute *item, bt_projected_scope scope) {
  return scope != BT_PROJECTED_SPAN && item->value.type == BT_VALUE_STRING && !item->value.string.len &&
         bt_str_equal(item->key, BT_STR("service.name"));
}

static bool reads_service_attribute(const bt_projection *projection) {
  for (uint32_t i = 0; i < projection->attribute_count; i++)
    if (projection->attributes[i].scope != BT_PROJECTED_SPAN &&
        bt_str_equal(projection->attributes[i].key, BT_STR("service.name")))
      return true;
  return false;
}

/* The answer to a filter also gives the fields that the filter tests, under their own names
 * (tests/facts/facts_wire.py): whether such an item is the attribute cannot be told. Kind is told apart in every group,
 * and the service is the resource's either way. */
static bool may_be_of_filter(const row_reader *reader, bt_str key, bt_projected_scope scope) {
  bool is_service = scope == BT_PROJECTED_RESOURCE && bt_str_equal(key, BT_STR("service.name"));
  bool is_told = is_service || bt_str_equal(key, BT_STR("kind"));
  return reader->merge->some_spans && !is_told && bt_traceql_is_taken_key(key);
}

/* What Tempo 2.10 and 3 say of a column without a value, and an attribute may be too. */
static bool may_be_made_up(const bt_value *value) {
  return value->type == BT_VALUE_STRING && bt_str_equal(value->string, BT_STR("nil"));
}

/* Whether item i is an attribute that this group reads, and in which scope. */
static bool is_projected(row_reader *reader, uint32_t i, bt_projected_scope *scope) {
  const bt_attribute *item = &reader->items->items[i];
  if (is_intrinsic(reader, item)) return false;
  if (!bt_projection_scope_in_group(reader->merge->projection, reader->group, item->key, scope)) return false;
  /* Twice: in the span and in its resource, and the answer does not say which is which. An array may be corrupt
   * (Tempo 2.8). */
  if (is_repeated(reader, i)) return reader->ambiguous = true, false;
  if (!is_scalar(&item->value)) reader->ambiguous = true;
  if (may_be_of_filter(reader, item->key, *scope)) reader->ambiguous = true;
  if (may_be_made_up(&item->value)) reader->doubted = true;
  if (!is_unknown_service(item, *scope)) return true;
  if (reads_service_attribute(reader->merge->projection)) reader->ambiguous = true;
  return false;
}

static bool copy_attribute(bt_arena *arena, const bt_attribute *from, bt_attribute *to) {
  to->value = from->value;
  if (!bt_arena_copy(arena, from->key, &to->key)) return false;
  return from->value.type != BT_VALUE_STRING || bt_arena_copy(arena, from->value.string, &to->value.string);
}

/* Copies what the group reads into the draft; false: no room. */
static bool fill_draft(row_reader *reader, draft *into) {
  bt_arena *arena = &reader->merge->arena;
  uint32_t count = reader->items->count, own = 0, resource = 0;
  bt_attribute *copies =
      bt_arena_array(arena, count, sizeof *copies); /* own ones from the front, the resource's from the back */
  if (!copies) return false;
  for (uint32_t i = 0; i < count; i++) {
    bt_projected_scope scope;
    const bt_attribute *item = &reader->items->items[i];
    if (!is_projected(reader, i, &scope)) continue;
    bt_attribute *to = scope == BT_PROJECTED_RESOURCE ? &copies[count - ++resource] : &copies[own++];
    if (is_scalar(&item->value)) {
      if (!copy_attribute(arena, item, to)) return false;
    } else if (!bt_arena_copy(arena, item->key, &to->key)) {
      return false;
    }
  }
  into->own[reader->group] = (bt_attributes){.items = copies, .count = own};
  into->resource[reader->group] = (bt_attributes){.items = copies + (count - resource), .count = resource};
  into->seen[reader->group] = true;
  into->doubted[reader->group] = reader->doubted;
  if (reader->doubted) reader->merge->doubted[reader->group] = true;
  return true;
}

static bool links_differ(const bt_span *a, const bt_span *b) {
  return a->link_count != b->link_count ||
         (a->link_count && (bt_trace_id_compare(&a->links->trace_id, &b->links->trace_id) != 0 ||
                            memcmp(&a->links->span_id, &b->links->span_id, sizeof a->links->span_id) != 0));
}

static bool spans_differ(const bt_span *a, const bt_span *b) {
  return links_differ(a, b) || a->start_ns != b->start_ns || a->end_ns != b->end_ns || a->status != b->status ||
         !bt_str_equal(a->name, b->name) || !bt_str_equal(a->status_message, b->status_message) ||
         memcmp(&a->parent_id, &b->parent_id, sizeof a->parent_id) != 0;
}

static bool has_item(const bt_attributes *in, const bt_attribute *item, bool is_of_any_value) {
  for (uint32_t i = 0; i < in->count; i++)
    if (bt_str_equal(in->items[i].key, item->key) &&
        (is_of_any_value || bt_values_agree(&in->items[i].value, &item->value)))
      return true;
  return false;
}

/* Of a key that stands once more behind item i any of the values may be kept, of what is no scalar none. The trace is
 * read by id. */
static bool may_have_other_value(const row_reader *reader, uint32_t i) {
  bool is_first_of_two = false;
  for (uint32_t j = i + 1; j < reader->items->count; j++)
    is_first_of_two = is_first_of_two || (bt_str_equal(reader->items->items[j].key, reader->items->items[i].key) &&
                                          !is_intrinsic(reader, &reader->items->items[j]));
  return is_first_of_two || !is_scalar(&reader->items->items[i].value);
}

/* Whether the row says what the record has of its group. */
static bool is_said(row_reader *reader, const draft *record, const bt_span *span) {
  const bt_attributes *own = &record->own[reader->group], *resource = &record->resource[reader->group];
  uint32_t count = 0;
  if (reader->group == 0 && spans_differ(&record->span, span)) return false;
  for (uint32_t i = 0; i < reader->items->count; i++) {
    bt_projected_scope scope;
    if (!is_projected(reader, i, &scope)) continue;
    const bt_attributes *in = scope == BT_PROJECTED_RESOURCE ? resource : own;
    if (!has_item(in, &reader->items->items[i], may_have_other_value(reader, i))) return false;
    count++;
  }
  return count == own->count + resource->count;
}

/* The record that the row belongs to, which is new or lacks its group; NULL: it says nothing new. False: no room. */
static bool find_record(row_reader *reader, size_t trace, const bt_span *span, draft **out) {
  draft *record = find_draft(reader->merge, trace, &span->id, span->kind);
  while (record && record->seen[reader->group] && !is_said(reader, record, span)) record = record->other;
  *out = NULL;
  if (record && record->seen[reader->group]) return true;
  *out = record ? record : add_draft(reader->merge, trace, span);
  return *out != NULL;
}

/* Where not, equal records of one set may be spans of several services. */
static bool says_service(const bt_trace_merge *merge) {
  return !merge->some_spans || merge->projection->service;
}

static bt_status merge_span(bt_trace_merge *merge, uint32_t group, size_t trace, const bt_search_row *row,
                            bt_error *error) {
  row_reader reader = {.merge = merge, .group = group, .items = &row->span->attributes};
  bt_span span;
  draft *into;
  merged_trace *merged = &merge->traces[trace];
  if (!read_intrinsics(&reader, row->span, &span) || row->matched > BT_READ_SPANS_PER_SET) merged->needs_by_id = true;
  if (merge->projection->links && group == 0 && !read_link(&reader, &span)) return refuse_batch(error);
  if (!find_record(&reader, trace, &span, &into)) return refuse_batch(error);
  if (!into && row->matched > 1 && !says_service(merge)) merged->needs_by_id = true;
  if (!into) return BT_OK;
  if ((group == 0 && !set_fields(merge, into, &span)) || !fill_draft(&reader, into)) return refuse_batch(error);
  if (reader.ambiguous) merged->needs_by_id = true;
  return BT_OK;
}

bt_status bt_trace_merge_row(void *context, const bt_search_row *row, bt_error *error) {
  const bt_merge_part *part = context;
  bt_trace_merge *merge = part->merge;
  const bt_trace_id *id = bsearch(&row->id, merge->ids, merge->count, sizeof *merge->ids, bt_trace_id_order);
  if (!id) return bt_error_set(error, BT_INVALID, "Tempo answered with a trace id that was not asked for");
  size_t trace = (size_t)(id - merge->ids);
  merge->traces[trace].found = true;
  return row->span ? merge_span(merge, part->group, trace, row, error) : BT_OK;
}

/* --- what may be made up --- */

bool bt_trace_merge_doubts(const bt_trace_merge *merge, uint32_t group) {
  return merge->doubted[group];
}

static bool has_doubted(const bt_attributes *items, bt_str key) {
  for (uint32_t i = 0; i < items->count; i++)
    if (may_be_made_up(&items->items[i].value) && bt_str_equal(items->items[i].key, key)) return true;
  return false;
}

/* What is there after all is another value than "nil", or really "nil". */
static void compare_doubted(bt_trace_merge *merge, const draft *doubted, row_reader *reader) {
  for (uint32_t i = 0; i < reader->items->count; i++) {
    bt_projected_scope scope;
    bt_str key = reader->items->items[i].key;
    if (is_projected(reader, i, &scope) &&
        (has_doubted(&doubted->own[reader->group], key) || has_doubted(&doubted->resource[reader->group], key)))
      merge->traces[doubted->trace].needs_by_id = true;
  }
}

/* A row of a further question, and what came of its span before. */
typedef struct span_row {
  merged_trace *merged;
  row_reader reader;
  const draft *known; /* NULL: nothing */
} span_row;

static bt_status find_span_row(const bt_merge_part *part, const bt_search_row *row, span_row *out, bt_error *error) {
  bt_trace_merge *merge = part->merge;
  const bt_trace_id *id = bsearch(&row->id, merge->ids, merge->count, sizeof *merge->ids, bt_trace_id_order);
  if (!id) return bt_error_set(error, BT_INVALID, "Tempo answered with a trace id that was not asked for");
  size_t trace = (size_t)(id - merge->ids);
  *out = (span_row){.merged = &merge->traces[trace]};
  if (!row->span) return BT_OK;
  out->reader = (row_reader){.merge = merge, .group = part->group, .items = &row->span->attributes};
  bt_span span = {.id = row->span->id};
  if (find_intrinsic(out->reader.items, BT_STR("kind"), &span, &out->reader.intrinsics[0]))
    out->known = find_draft(merge, trace, &span.id, span.kind);
  else
    out->merged->needs_by_id = true;
  return BT_OK;
}

bt_status bt_trace_merge_doubted_row(void *context, const bt_search_row *row, bt_error *error) {
  const bt_merge_part *part = context;
  span_row found;
  bt_status status = find_span_row(part, row, &found, error);
  if (status != BT_OK || !row->span) return status;
  if ((found.known && found.known->other) || row->matched > BT_READ_SPANS_PER_SET) found.merged->needs_by_id = true;
  if (found.known && found.known->doubted[part->group]) compare_doubted(part->merge, found.known, &found.reader);
  return BT_OK;
}

void bt_trace_merge_settle(bt_trace_merge *merge, uint32_t group) {
  merge->settled[group] = true;
}

/* --- what may be of a list --- */

_Static_assert(BT_PROJECTED_KEYS_MAX <= 64, "one bit for each attribute of a projection");

/* Columns hold texts and integers. */
static bool may_be_of_list(const bt_value *value) {
  return (value->type == BT_VALUE_STRING && !may_be_made_up(value)) || value->type == BT_VALUE_INT;
}

static void note_key(bt_trace_merge *merge, merged_trace *merged, uint32_t group, const bt_attributes *items,
                     bt_str key, uint64_t bit) {
  bool is_there = false;
  for (uint32_t i = 0; i < items->count; i++) {
    if (!bt_str_equal(items->items[i].key, key)) continue;
    is_there = true;
    if (may_be_of_list(&items->items[i].value)) merged->valued[group] |= bit;
    if (may_be_made_up(&items->items[i].value)) merge->made_up[group] |= bit;
  }
  if (!is_there) merged->lacked[group] |= bit;
}

bt_status bt_trace_merge_lists_row(void *context, const bt_search_row *row, bt_error *error) {
  const bt_merge_part *part = context;
  const bt_projection *projection = part->merge->projection;
  const bt_trace_id *id =
      bsearch(&row->id, part->merge->ids, part->merge->count, sizeof *part->merge->ids, bt_trace_id_order);
  if (!id) return bt_error_set(error, BT_INVALID, "Tempo answered with a trace id that was not asked for");
  merged_trace *merged = &part->merge->traces[id - part->merge->ids];
  for (uint32_t i = 0; row->span && i < projection->attribute_count; i++)
    if (bt_projection_asks_in_group(projection, i, part->group))
      note_key(part->merge, merged, part->group, &row->span->attributes, projection->attributes[i].key,
               (uint64_t)1 << i);
  return BT_OK;
}

/* A span without a trace of the attribute says that its block has no column for it. Where some other block has one, the
 * trace may lie in both. */
static uint64_t doubtful_lists(const bt_trace_merge *merge, const merged_trace *merged, uint32_t group) {
  return merged->valued[group] & (~merged->lacked[group] | merge->made_up[group]);
}

static uint64_t untold_lists(const bt_trace_merge *merge, const merged_trace *merged) {
  uint64_t bits = 0;
  for (uint32_t g = 0; g < GROUPS_MAX; g++) bits |= doubtful_lists(merge, merged, g) & ~merge->told[g];
  return bits;
}

/* False: of one of them no question can tell. */
static bool add_elements(const bt_projection *projection, uint64_t bits, const bt_attributes *of,
                         bt_list_elements *into) {
  for (uint32_t i = 0; i < of->count; i++) {
    if (!may_be_of_list(&of->items[i].value)) continue;
    for (uint32_t a = 0; a < projection->attribute_count; a++) {
      bool is_asked = (bits >> a & 1) && bt_str_equal(projection->attributes[a].key, of->items[i].key);
      if (is_asked && !bt_list_elements_add(into, a, &of->items[i].value)) return false;
    }
  }
  return true;
}

/* Records that differ cannot be told apart by a question. */
static bool add_trace_elements(const bt_trace_merge *merge, const merged_trace *merged, uint32_t group, uint64_t bits,
                               bt_list_elements *into) {
  if (merged->has_records) return false;
  for (const draft *d = merged->first; d; d = d->next)
    if (!add_elements(merge->projection, bits, &d->own[group], into) ||
        !add_elements(merge->projection, bits, &d->resource[group], into))
      return false;
  return true;
}

size_t bt_trace_merge_add_elements(bt_trace_merge *merge, uint32_t group, bt_list_elements *into, bt_trace_id *ids) {
  size_t count = 0;
  for (size_t i = 0; i < merge->count; i++) {
    merged_trace *merged = &merge->traces[i];
    uint64_t bits = doubtful_lists(merge, merged, group);
    if (!bits || merged->needs_by_id) continue;
    if (add_trace_elements(merge, merged, group, bits, into))
      ids[count++] = merge->ids[i];
    else
      merged->needs_by_id = true;
  }
  return count;
}

/* Whether the span is said to have these values by what came before. */
static bool are_known(row_reader *reader, const draft *known) {
  for (uint32_t i = 0; i < reader->items->count; i++) {
    bt_projected_scope scope;
    if (!is_projected(reader, i, &scope)) continue;
    const bt_attributes *in =
        scope == BT_PROJECTED_RESOURCE ? &known->resource[reader->group] : &known->own[reader->group];
    if (!has_item(in, &reader->items->items[i], false)) return false;
  }
  return !reader->ambiguous;
}

bt_status bt_trace_merge_elements_row(void *context, const bt_search_row *row, bt_error *error) {
  const bt_merge_part *part = context;
  span_row found;
  bt_status status = find_span_row(part, row, &found, error);
  if (status != BT_OK || !row->span) return status;
  bool is_one = found.known && !found.known->other && row->matched <= BT_READ_SPANS_PER_SET;
  if (!is_one || !are_known(&found.reader, found.known)) found.merged->needs_by_id = true;
  return BT_OK;
}

void bt_trace_merge_tell_lists(bt_trace_merge *merge, uint32_t group, uint64_t attributes) {
  merge->told[group] = attributes;
}

/* What was doubted and is not there after all leaves the span; false: no room. */
static bool drop_made_up(bt_arena *arena, bt_attributes *attributes) {
  bt_attribute *kept = bt_arena_array(arena, attributes->count, sizeof *kept);
  uint32_t count = 0;
  if (!kept) return false;
  for (uint32_t i = 0; i < attributes->count; i++)
    if (!may_be_made_up(&attributes->items[i].value)) kept[count++] = attributes->items[i];
  *attributes = (bt_attributes){.items = kept, .count = count};
  return true;
}

static bool drop_from(bt_trace_merge *merge, draft *from, uint32_t group) {
  return !from->doubted[group] ||
         (drop_made_up(&merge->arena, &from->own[group]) && drop_made_up(&merge->arena, &from->resource[group]));
}

/* --- whole traces --- */

static bool join_attributes(bt_arena *arena, const bt_attributes *groups, uint32_t group_count, bt_attributes *out) {
  uint32_t total = 0;
  for (uint32_t g = 0; g < group_count; g++) total += groups[g].count;
  if (group_count == 1) return *out = groups[0], true;
  bt_attribute *items = bt_arena_array(arena, total, sizeof *items);
  if (!items) return false;
  *out = (bt_attributes){.items = items, .count = total};
  for (uint32_t g = 0; g < group_count; g++) {
    if (groups[g].count) memcpy(items, groups[g].items, groups[g].count * sizeof *items);
    items += groups[g].count;
  }
  return true;
}

/* False: no room. *is_whole: every group spoke of this span. */
static bool build_span(bt_trace_merge *merge, draft *from, bt_trace_builder *builder, bool *is_whole) {
  static const bt_scope no_scope = {0};
  uint32_t groups = bt_projection_groups(merge->projection);
  for (uint32_t g = 0; g < groups; g++) {
    *is_whole = *is_whole && from->seen[g] && (!from->doubted[g] || merge->settled[g]);
    if (!drop_from(merge, from, g)) return false;
  }
  bt_span span = from->span;
  bt_resource *resource = bt_arena_alloc(&merge->arena, sizeof *resource);
  if (!resource || !join_attributes(&merge->arena, from->own, groups, &span.attributes) ||
      !join_attributes(&merge->arena, from->resource, groups, &resource->attributes))
    return false;
  resource->service = bt_attributes_service(&resource->attributes);
  span.resource = resource;
  span.scope = &no_scope;
  return bt_trace_builder_add(builder, &span);
}

bt_status bt_trace_merge_take(bt_trace_merge *merge, size_t index, bt_trace *storage, const bt_trace **out,
                              bool *needs_by_id, bt_error *error) {
  merged_trace *merged = &merge->traces[index];
  *out = NULL;
  *needs_by_id = merged->needs_by_id;
  if (!merged->found) return BT_OK;
  bt_trace_builder *builder = bt_trace_builder_new(&merge->arena, &merge->ids[index]);
  if (!builder) return refuse_batch(error);
  bool is_whole = merged->first != NULL;
  for (draft *d = merged->first; d; d = d->next)
    if (!build_span(merge, d, builder, &is_whole)) return refuse_batch(error);
  bool is_mixed = merged->has_records && bt_projection_groups(merge->projection) > 1;
  if (!is_whole || is_mixed || untold_lists(merge, merged)) *needs_by_id = true;
  *storage = *bt_trace_builder_finish(builder);
  *out = storage;
  return BT_OK;
}
