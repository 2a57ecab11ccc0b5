/* Records of one span that do not agree. See trace_records.h. */
#include "dsl/trace/trace_records.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/trace/trace_comparison.h"
#include "dsl/trace/trace_pruned.h"

/* ---- where a record has attributes: its own, its resource's, its scope's, then its events' and its links' ---- */

enum { OWN, OF_RESOURCE, OF_SCOPE, OF_PARTS };

static uint64_t count_places(const bt_span *record) {
  return (uint64_t)OF_PARTS + record->event_count + record->link_count;
}

static const bt_attributes *attributes_at(const bt_span *record, uint64_t place) {
  if (place == OWN) return &record->attributes;
  if (place == OF_RESOURCE) return &record->resource->attributes;
  if (place == OF_SCOPE) return &record->scope->attributes;
  place -= OF_PARTS;
  return place < record->event_count ? &record->events[place].attributes
                                     : &record->links[place - record->event_count].attributes;
}

static bool set_resource(bt_span *record, bt_attributes attributes, bt_arena *arena) {
  bt_resource *resource = bt_arena_alloc(arena, sizeof *resource);
  if (!resource) return false;
  bool has_service = bt_attributes_find(&attributes, BT_STR("service.name")) != NULL;
  bt_str service = has_service ? bt_attributes_service(&attributes) : record->resource->service;
  *resource = (bt_resource){.service = service, .attributes = attributes};
  record->resource = resource;
  return true;
}

static bool set_scope(bt_span *record, bt_attributes attributes, bt_arena *arena) {
  bt_scope *scope = bt_arena_alloc(arena, sizeof *scope);
  if (!scope) return false;
  *scope = *record->scope;
  scope->attributes = attributes;
  record->scope = scope;
  return true;
}

static bool set_event(bt_span *record, uint64_t number, bt_attributes attributes, bt_arena *arena) {
  bt_event *events = bt_arena_array(arena, record->event_count, sizeof *events);
  if (!events) return false;
  memcpy(events, record->events, record->event_count * sizeof *events);
  events[number].attributes = attributes;
  record->events = events;
  return true;
}

static bool set_link(bt_span *record, uint64_t number, bt_attributes attributes, bt_arena *arena) {
  bt_link *links = bt_arena_array(arena, record->link_count, sizeof *links);
  if (!links) return false;
  memcpy(links, record->links, record->link_count * sizeof *links);
  links[number].attributes = attributes;
  record->links = links;
  return true;
}

static bool set_attributes_at(bt_span *record, uint64_t place, bt_attributes attributes, bt_arena *arena) {
  if (place == OWN) return record->attributes = attributes, true;
  if (place == OF_RESOURCE) return set_resource(record, attributes, arena);
  if (place == OF_SCOPE) return set_scope(record, attributes, arena);
  place -= OF_PARTS;
  return place < record->event_count ? set_event(record, place, attributes, arena)
                                     : set_link(record, place - record->event_count, attributes, arena);
}

/* ---- their order ---- */

static uint64_t hash_value(const bt_value *value) {
  uint64_t bits = 0;
  switch (value->type) {
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: break;
  case BT_VALUE_STRING: bits = bt_str_hash(value->string); break;
  case BT_VALUE_BOOL: bits = value->boolean; break;
  case BT_VALUE_INT: bits = (uint64_t)value->integer; break;
  case BT_VALUE_DOUBLE: memcpy(&bits, &value->decimal, sizeof bits); break;
  case BT_VALUE_DURATION: bits = (uint64_t)value->duration_ns; break;
  case BT_VALUE_TIME: bits = (uint64_t)value->time_ns; break;
  case BT_VALUE_ARRAY:
    for (uint32_t i = 0; i < value->array.count; i++) bits = bt_mix_bits(bits) + hash_value(&value->array.items[i]);
    break;
  }
  return bt_mix_bits(bits + (uint64_t)value->type);
}

/* Attributes have no order of their own. */
static uint64_t hash_attributes(const bt_attributes *attributes) {
  uint64_t sum = attributes->count + bt_mix_bits(attributes->dropped);
  for (uint32_t i = 0; i < attributes->count; i++)
    sum += bt_mix_bits(bt_str_hash(attributes->items[i].key) ^ bt_mix_bits(hash_value(&attributes->items[i].value)));
  return bt_mix_bits(sum);
}

static uint64_t hash_record(const bt_span *record) {
  uint64_t hash = bt_str_hash(record->status_message) ^ bt_mix_bits(bt_str_hash(record->resource->service)), parent;
  memcpy(&parent, record->parent_id.bytes, sizeof parent);
  hash =
      bt_mix_bits(hash ^ parent) + bt_str_hash(record->scope->name) + bt_mix_bits(bt_str_hash(record->scope->version));
  hash = bt_mix_bits(hash + record->dropped_attributes) + record->dropped_events;
  hash = bt_mix_bits(hash) + record->dropped_links;
  hash = bt_mix_bits(hash ^ bt_str_hash(record->trace_state)) + record->flags;
  for (uint32_t i = 0; i < record->event_count; i++)
    hash = bt_mix_bits(hash ^ bt_str_hash(record->events[i].name)) + (uint64_t)record->events[i].time_ns;
  for (uint32_t i = 0; i < record->link_count; i++)
    hash = bt_mix_bits(hash ^ bt_str_hash((bt_str){(const char *)&record->links[i].trace_id, sizeof(bt_trace_id)}));
  for (uint64_t place = 0; place < count_places(record); place++)
    hash = bt_mix_bits(hash) + hash_attributes(attributes_at(record, place));
  return hash;
}

static int compare_records(const void *left, const void *right) {
  const bt_span *a = left, *b = right;
  bool a_has_service = a->resource->service.len > 0, b_has_service = b->resource->service.len > 0;
  if (a_has_service != b_has_service) return a_has_service ? -1 : 1;
  int order = bt_span_compare(a, b);
  if (order) return order;
  if (a->end_ns != b->end_ns) return a->end_ns < b->end_ns ? -1 : 1;
  if ((order = bt_str_compare(a->name, b->name)) != 0) return order;
  if (a->status != b->status) return a->status < b->status ? -1 : 1;
  uint64_t x = hash_record(a), y = hash_record(b);
  return (x > y) - (x < y);
}

/* ---- keys that stand twice ---- */

/* One of 64 by little of the key, so that most keys of a span need not be compared. */
static uint64_t mark_of(bt_str key) {
  if (!key.len) return 1;
  size_t first = (unsigned char)key.ptr[0], last = (unsigned char)key.ptr[key.len - 1];
  size_t middle = (unsigned char)key.ptr[key.len / 2];
  return (uint64_t)1 << ((key.len * 7 + first + last * 3 + middle * 5) & 63);
}

static int compare_keys(const void *left, const void *right) {
  return bt_str_compare(*(const bt_str *)left, *(const bt_str *)right);
}

bool bt_read_keys_have(const bt_read_keys *keys, bt_str key) {
  return keys->count && bsearch(&key, keys->items, keys->count, sizeof key, compare_keys) != NULL;
}

/* What names the span's service and what pruning leaves is in every trace's shape. */
static bool is_read(const bt_read_keys *read, bt_str key) {
  return !read || bt_read_keys_have(read, key) || bt_str_equal(key, BT_STR("service.name")) || bt_pruning_reads(key);
}

/* Whether an attribute before number i has its key and its value. */
static bool stood_before(const bt_attributes *attributes, uint32_t i) {
  for (uint32_t k = 0; k < i; k++)
    if (bt_str_equal(attributes->items[i].key, attributes->items[k].key) &&
        bt_values_agree(&attributes->items[i].value, &attributes->items[k].value))
      return true;
  return false;
}

/* The number of an attribute that is read and whose key stands before it with another value; the count: there is
 * none. */
static uint32_t find_doubled(const bt_attributes *attributes, const bt_read_keys *read) {
  uint64_t seen = 0;
  for (uint32_t i = 0; i < attributes->count; i++) {
    uint64_t mark = mark_of(attributes->items[i].key);
    bool may_be = seen & mark && is_read(read, attributes->items[i].key);
    for (uint32_t k = 0; may_be && k < i; k++)
      if (bt_str_equal(attributes->items[i].key, attributes->items[k].key) &&
          !bt_values_agree(&attributes->items[i].value, &attributes->items[k].value))
        return i;
    seen |= mark;
  }
  return attributes->count;
}

bool bt_record_has_doubled_key(const bt_span *record, bt_plain_parts *plain) {
  for (uint64_t place = 0; place < count_places(record); place++) {
    const bt_attributes *attributes = attributes_at(record, place);
    if (attributes == plain->of_resource || attributes == plain->of_scope) continue;
    if (find_doubled(attributes, NULL) < attributes->count) return true;
  }
  *plain = (bt_plain_parts){&record->resource->attributes, &record->scope->attributes};
  return false;
}

bool bt_record_doubles(const bt_span *record, const bt_read_keys *read) {
  for (uint64_t place = 0; place < count_places(record); place++) {
    const bt_attributes *attributes = attributes_at(record, place);
    if (find_doubled(attributes, read) < attributes->count) return true;
  }
  return false;
}

/* ---- adding records ---- */

static bt_span *find_last(bt_records *records) {
  bt_span *last = &records->items[0];
  for (uint32_t i = 1; i < records->count; i++)
    if (compare_records(&records->items[i], last) > 0) last = &records->items[i];
  return last;
}

/* Unless it is one of the first `known`: those behind them differ from it. Of too many the first ones stay, in whatever
 * order they come. */
static bool add_record(bt_records *records, uint32_t known, const bt_span *record, bt_arena *arena) {
  bool has_room = true;
  for (uint32_t i = 0; i < known; i++)
    if (bt_spans_agree(&records->items[i], record, arena, &has_room) || !has_room) return has_room;
  bool is_full = records->count == records->most;
  bt_span *place = is_full ? find_last(records) : &records->items[records->count++];
  records->are_more = records->are_more || is_full;
  if (is_full && compare_records(place, record) <= 0) return true;
  *place = *record;
  place->other = place->unsplit = NULL;
  return true;
}

bool bt_records_add_unsplit(bt_records *records, const bt_span *record, bt_arena *arena) {
  return add_record(records, records->count, record, arena);
}

/* Where the next key begins. */
static uint32_t skip_key(const bt_attribute *const *sorted, uint32_t count, uint32_t at) {
  uint32_t next = at + 1;
  while (next < count && bt_str_equal(sorted[next]->key, sorted[at]->key)) next++;
  return next;
}

/* The same value in whatever order they stand. */
static const bt_attribute *choose_value(const bt_attribute *const *sorted, uint32_t at, uint32_t end) {
  const bt_attribute *chosen = sorted[at];
  for (uint32_t i = at + 1; i < end; i++)
    if (hash_value(&sorted[i]->value) < hash_value(&chosen->value)) chosen = sorted[i];
  return chosen;
}

/* The attributes with one value of each key that is not read. What has none of these twice stays as it is. */
static bool drop_unread(const bt_attributes *from, const bt_read_keys *read, bt_arena *arena, bt_attributes *out) {
  const bt_attribute **sorted = bt_attributes_sorted(*from, arena);
  bt_attribute *items = NULL;
  *out = *from;
  if (!sorted) return false;
  for (uint32_t at = 0, next; at < from->count; at = next) {
    next = skip_key(sorted, from->count, at);
    bool drops = next - at > 1 && !is_read(read, sorted[at]->key);
    if (drops && !items) {
      items = bt_arena_array(arena, from->count, sizeof *items);
      if (!items) return false;
      for (uint32_t i = 0; i < at; i++) items[i] = *sorted[i];
      *out = (bt_attributes){items, at, from->dropped};
    }
    if (!items) continue;
    if (drops) items[out->count++] = *choose_value(sorted, at, next);
    for (uint32_t i = at; !drops && i < next; i++) items[out->count++] = *sorted[i];
  }
  return true;
}

/* Where something goes, events and links get an array of their own, once. */
static bool drop_unread_of_parts(bt_span *record, const bt_read_keys *read, bt_arena *arena) {
  bt_event *events = bt_arena_array(arena, record->event_count, sizeof *events);
  bt_link *links = bt_arena_array(arena, record->link_count, sizeof *links);
  if (!events || !links) return false;
  for (uint32_t i = 0; i < record->event_count; i++) {
    events[i] = record->events[i];
    if (!drop_unread(&record->events[i].attributes, read, arena, &events[i].attributes)) return false;
  }
  for (uint32_t i = 0; i < record->link_count; i++) {
    links[i] = record->links[i];
    if (!drop_unread(&record->links[i].attributes, read, arena, &links[i].attributes)) return false;
  }
  record->events = events;
  record->links = links;
  return true;
}

static bool drop_unread_of_all(bt_span *record, const bt_read_keys *read, bt_arena *arena) {
  for (uint64_t place = OWN; place < OF_PARTS; place++) {
    const bt_attributes *from = attributes_at(record, place);
    bt_attributes kept;
    if (!drop_unread(from, read, arena, &kept)) return false;
    if (kept.items != from->items && !set_attributes_at(record, place, kept, arena)) return false;
  }
  return drop_unread_of_parts(record, read, arena);
}

/* Of one key; more than most: that many or more. */
static uint32_t count_values(const bt_attribute *const *sorted, uint32_t at, uint32_t end, uint32_t most) {
  uint32_t count = 1;
  for (uint32_t i = at + 1; i < end && count <= most; i++) {
    bool is_there = false;
    for (uint32_t k = at; k < i && !is_there; k++) is_there = bt_values_agree(&sorted[k]->value, &sorted[i]->value);
    count += !is_there;
  }
  return count;
}

/* How many records it may be; more than most: that many or more. False: no room. */
static bool count_variants(const bt_span *record, uint32_t most, bt_arena *arena, uint64_t *out) {
  *out = 1;
  for (uint64_t place = 0; place < count_places(record) && *out <= most; place++) {
    const bt_attributes *attributes = attributes_at(record, place);
    const bt_attribute **sorted = bt_attributes_sorted(*attributes, arena);
    if (!sorted) return false;
    for (uint32_t at = 0, next; at < attributes->count && *out <= most; at = next) {
      next = skip_key(sorted, attributes->count, at);
      *out *= count_values(sorted, at, next, most);
    }
  }
  return true;
}

/* Of the attributes with the key of number `kept` that one alone. */
static bool keep_value(const bt_attributes *from, uint32_t kept, bt_arena *arena, bt_attributes *out) {
  bt_attribute *items = bt_arena_array(arena, from->count, sizeof *items);
  *out = (bt_attributes){.items = items, .dropped = from->dropped};
  for (uint32_t i = 0; items && i < from->count; i++)
    if (i == kept || !bt_str_equal(from->items[i].key, from->items[kept].key)) items[out->count++] = from->items[i];
  return items != NULL;
}

static bool add_variants(bt_records *records, uint32_t known, const bt_span *record, bt_arena *arena) {
  uint64_t place = 0;
  uint32_t doubled = 0;
  for (; place < count_places(record); place++) {
    doubled = find_doubled(attributes_at(record, place), NULL);
    if (doubled < attributes_at(record, place)->count) break;
  }
  if (place == count_places(record)) return add_record(records, known, record, arena);
  const bt_attributes *all = attributes_at(record, place);
  for (uint32_t i = 0; i < all->count; i++) {
    if (!bt_str_equal(all->items[i].key, all->items[doubled].key) || stood_before(all, i)) continue;
    bt_span variant = *record;
    bt_attributes kept;
    if (!keep_value(all, i, arena, &kept) || !set_attributes_at(&variant, place, kept, arena)) return false;
    if (!add_variants(records, known, &variant, arena)) return false;
  }
  return true;
}

bool bt_records_add(bt_records *records, const bt_span *record, const bt_read_keys *read, bt_arena *arena) {
  bt_span counted = *record;
  uint64_t count;
  bool reads_all = !read || bt_pruning_of(record) != BT_PRUNING_NONE; /* of what was summed up any key may say more */
  if (!reads_all && !drop_unread_of_all(&counted, read, arena)) return false;
  if (!count_variants(&counted, records->most, arena, &count)) return false;
  if (count <= records->most) return add_variants(records, records->count, &counted, arena);
  records->are_more = true;
  return records->count || add_record(records, 0, &counted, arena);
}

/* ---- what counts ---- */

static bool has_ended(const bt_records *records) {
  for (uint32_t i = 0; i < records->count; i++)
    if (records->items[i].end_ns) return true;
  return false;
}

void bt_records_settle(bt_records *records) {
  uint32_t kept = 0;
  bool drops = has_ended(records);
  for (uint32_t i = 0; i < records->count; i++)
    if (!drops || records->items[i].end_ns) records->items[kept++] = records->items[i];
  records->count = kept;
  qsort(records->items, records->count, sizeof *records->items, compare_records);
}

bool bt_records_join(const bt_records *records, bt_arena *arena, bt_span *out) {
  const bt_span *others = NULL;
  for (uint32_t i = records->count; i-- > 0;) {
    bt_span *record = i ? bt_arena_alloc(arena, sizeof *record) : out;
    if (!record) return false;
    *record = records->items[i];
    record->other = others;
    others = record;
  }
  return true;
}
