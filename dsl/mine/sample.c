/* Traces in few bytes, and which of them stay. See sample.h. */
#include "dsl/mine/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/mix.h"

enum { ARENA_BYTES = 64 << 20 };

bt_status bt_mine_sample_new(uint64_t seed, size_t most_traces, size_t most_bytes, bt_mine_sample **out,
                             bt_error *error) {
  bt_mine_sample *sample = calloc(1, sizeof *sample);
  *out = sample;
  if (!sample) return bt_error_no_memory(error);
  sample->seed = seed;
  sample->most_traces = most_traces;
  sample->most_bytes = most_bytes;
  for (int g = 0; g < BT_MINE_GROUPS; g++) sample->groups[g].most_order = UINT64_MAX;
  bt_arena_init(&sample->arena, ARENA_BYTES);
  return BT_OK;
}

void bt_mine_sample_free(bt_mine_sample *sample) {
  if (!sample) return;
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    for (size_t i = 0; i < sample->groups[g].count; i++) free(sample->groups[g].traces[i]);
    free(sample->groups[g].traces);
  }
  bt_symbols_dispose(&sample->texts);
  bt_symbols_dispose(&sample->name_symbols);
  bt_arena_dispose(&sample->arena);
  free(sample);
}

bt_str bt_mine_text(const bt_mine_sample *sample, uint32_t symbol) {
  return symbol ? sample->texts.strings[symbol - 1] : (bt_str){0};
}

const bt_mine_attribute *bt_mine_find(const bt_mine_span *span, uint32_t key) {
  for (uint32_t i = 0; i < span->attribute_count; i++)
    if (span->attributes[i].key == key) return &span->attributes[i];
  return NULL;
}

/* ---- texts ---- */

/* The symbol of a text that is kept, or BT_NO_SYMBOL. False: no memory. */
static bool keep_text(bt_mine_sample *sample, bt_symbols *symbols, uint32_t most, bt_str text, uint32_t *out) {
  bt_str copy;
  *out = bt_symbols_find(symbols, text);
  if (*out || symbols->count >= most) return true;
  return bt_arena_copy(&sample->arena, text, &copy) && bt_symbols_add(symbols, copy, out);
}

static bool number_name(bt_mine_sample *sample, const bt_span *span, uint32_t *out) {
  char text[BT_MINE_NAME_BYTES + 2];
  bt_str service = span->resource->service;
  uint32_t symbol;
  *out = BT_NO_SPAN;
  if (service.len + span->name.len + 1 > BT_MINE_NAME_BYTES || !span->name.len) return sample->names_beyond++, true;
  int length = snprintf(text, sizeof text, "%.*s%c%.*s", BT_FMT(service), 0, BT_FMT(span->name));
  if (!keep_text(sample, &sample->name_symbols, BT_MINE_NAMES, (bt_str){text, (size_t)length}, &symbol)) return false;
  if (!symbol) return sample->names_beyond++, true;
  *out = symbol - 1;
  if (*out == sample->name_count) {
    bt_str kept = sample->name_symbols.strings[*out];
    sample->names[sample->name_count++] =
        (bt_mine_name){{kept.ptr, service.len}, {kept.ptr + service.len + 1, span->name.len}};
  }
  return true;
}

/* Keys whose values are of a machine, a process or a library, and of no behaviour. */
static bool is_of_machine(bt_str key) {
  static const char *const heads[] = {"service.name", "service.instance", "host.", "process.", "telemetry.",
                                      "container.",   "k8s.pod",          "os.",   "thread.",  "code."};
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
    if (bt_str_starts_with(key, bt_str_from(heads[i]))) return true;
  return false;
}

static bool write_value(bt_mine_sample *sample, const bt_value *value, bt_mine_attribute *out) {
  if (value->type == BT_VALUE_STRING) {
    out->type = BT_MINE_TEXT;
    out->hash = bt_hash_text(value->string);
    bool is_short = value->string.len <= BT_MINE_TEXT_BYTES;
    if (is_short && !keep_text(sample, &sample->texts, BT_MINE_TEXTS, value->string, &out->text)) return false;
    sample->texts_beyond += !out->text;
    return true;
  }
  uint64_t bits;
  out->type = value->type == BT_VALUE_BOOL ? BT_MINE_BOOL : BT_MINE_NUMBER;
  out->number = value->type == BT_VALUE_BOOL  ? value->boolean
                : value->type == BT_VALUE_INT ? (double)value->integer
                                              : value->decimal;
  memcpy(&bits, &out->number, sizeof bits);
  out->hash = bt_hash_pair(bits, out->type);
  return true;
}

static bool add_attributes(bt_mine_sample *sample, const bt_attributes *from, const char *head, bt_mine_span *span,
                           bt_mine_attribute *to) {
  char name[BT_MINE_TEXT_BYTES + 1];
  for (uint32_t i = 0; i < from->count && span->attribute_count < BT_MINE_ATTRIBUTES; i++) {
    const bt_attribute *attribute = &from->items[i];
    bt_value_type type = attribute->value.type;
    bool is_scalar =
        type == BT_VALUE_STRING || type == BT_VALUE_BOOL || type == BT_VALUE_INT || type == BT_VALUE_DOUBLE;
    if (!is_scalar || attribute->key.len + strlen(head) > BT_MINE_TEXT_BYTES || is_of_machine(attribute->key)) continue;
    int length = snprintf(name, sizeof name, "%s%.*s", head, BT_FMT(attribute->key));
    bt_mine_attribute *out = &to[span->attribute_count];
    *out = (bt_mine_attribute){0};
    if (!keep_text(sample, &sample->texts, BT_MINE_TEXTS, (bt_str){name, (size_t)length}, &out->key)) return false;
    if (!out->key) continue;
    if (!write_value(sample, &attribute->value, out)) return false;
    span->attribute_count++;
  }
  return true;
}

/* ---- traces ---- */

static uint32_t parent_of(const bt_trace *trace, uint32_t number) {
  const bt_span *span = &trace->spans[number];
  if (bt_span_id_is_zero(&span->parent_id)) return BT_NO_SPAN;
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (i != number && memcmp(&trace->spans[i].id, &span->parent_id, sizeof span->parent_id) == 0) return i;
  return BT_NO_SPAN;
}

/* new; NULL: no memory. */
static bt_mine_trace *copy_trace(bt_mine_sample *sample, const bt_trace *trace) {
  static const size_t span_bytes = sizeof(bt_mine_span);
  size_t attributes = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    size_t count = (size_t)trace->spans[i].attributes.count + trace->spans[i].resource->attributes.count;
    attributes += count < BT_MINE_ATTRIBUTES ? count : BT_MINE_ATTRIBUTES;
  }
  size_t bytes = sizeof(bt_mine_trace) + trace->span_count * span_bytes + attributes * sizeof(bt_mine_attribute);
  bt_mine_trace *copy = calloc(1, bytes);
  if (!copy) return NULL;
  bt_mine_attribute *at = (bt_mine_attribute *)(void *)&copy->spans[trace->span_count];
  *copy = (bt_mine_trace){
      .id = trace->id, .start_ns = bt_trace_start_ns(trace), .bytes = bytes, .span_count = trace->span_count};
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *from = &trace->spans[i];
    bt_mine_span *to = &copy->spans[i];
    *to = (bt_mine_span){.parent = parent_of(trace, i),
                         .start_ns = from->start_ns,
                         .end_ns = from->end_ns,
                         .is_error = from->status == BT_SPAN_STATUS_ERROR,
                         .attributes = at};
    if (!number_name(sample, from, &to->name) || !add_attributes(sample, &from->attributes, "", to, at) ||
        !add_attributes(sample, &from->resource->attributes, "resource.", to, at)) {
      free(copy);
      return NULL;
    }
    at += to->attribute_count;
  }
  return copy;
}

/* ---- the heap ---- */

static void swap_traces(bt_mine_trace **a, bt_mine_trace **b) {
  bt_mine_trace *held = *a;
  *a = *b;
  *b = held;
}

static void drop_largest(bt_mine_sample *sample, bt_mine_group *group) {
  bt_mine_trace **heap = group->traces, *dropped = heap[0];
  group->most_order = dropped->order;
  sample->bytes -= dropped->bytes;
  free(dropped);
  heap[0] = heap[--group->count];
  for (size_t at = 0;;) {
    size_t largest = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < group->count; child++)
      if (heap[child]->order > heap[largest]->order) largest = child;
    if (largest == at) return;
    swap_traces(&heap[at], &heap[largest]);
    at = largest;
  }
}

static bool keep_trace(bt_mine_sample *sample, bt_mine_group *group, bt_mine_trace *trace) {
  bt_mine_trace **heap = bt_grow_array(group->traces, group->count, &group->capacity, sizeof(bt_mine_trace *));
  if (!heap) return false;
  group->traces = heap;
  size_t at = group->count++;
  heap[at] = trace;
  sample->bytes += trace->bytes;
  for (; at && heap[(at - 1) / 2]->order < heap[at]->order; at = (at - 1) / 2)
    swap_traces(&heap[at], &heap[(at - 1) / 2]);
  if (group->count > sample->most_traces) drop_largest(sample, group);
  while (sample->bytes > sample->most_bytes) {
    bt_mine_group *groups = sample->groups;
    bt_mine_group *larger = &groups[groups[BT_MINE_CANDIDATE].count > groups[BT_MINE_BASELINE].count];
    drop_largest(sample, larger);
  }
  return true;
}

bt_status bt_mine_sample_add(bt_mine_sample *sample, const bt_trace *trace, int group, bt_error *error) {
  enum { ANOTHER = 0x5bd1 };
  uint64_t halves[2];
  memcpy(halves, trace->id.bytes, sizeof halves);
  uint64_t order = bt_mix_bits(halves[0] ^ bt_mix_bits(halves[1] ^ sample->seed));
  bool is_large = trace->span_count > BT_MINE_SPANS;
  unsigned doubts = trace->doubts & (BT_DOUBT_START | BT_DOUBT_END | BT_DOUBT_ATTRIBUTES);
  bool is_incomplete = trace->partial || trace->missing_parents || trace->pruned || doubts || !trace->span_count;
  sample->groups[group].seen++;
  sample->too_large += is_large;
  sample->incomplete += is_incomplete && !is_large;
  if (is_large || is_incomplete || order >= sample->groups[group].most_order) return BT_OK;
  bt_mine_trace *copy = copy_trace(sample, trace);
  if (!copy) return bt_error_no_memory(error);
  copy->order = order;
  copy->group = group;
  copy->is_learned = group == BT_MINE_BASELINE && (bt_mix_bits(order + ANOTHER) & 1);
  if (keep_trace(sample, &sample->groups[group], copy)) return BT_OK;
  free(copy);
  return bt_error_no_memory(error);
}

static int compare_starts(const void *a, const void *b) {
  const bt_mine_trace *x = *(bt_mine_trace *const *)a, *y = *(bt_mine_trace *const *)b;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

/* ---- numbers that do not depend on the order in which traces came ---- */

typedef struct numbered_text {
  bt_str text;
  uint32_t was; /* its number, from 0 */
} numbered_text;

static int compare_texts(const void *a, const void *b) {
  const numbered_text *x = a, *y = b;
  return bt_str_compare(x->text, y->text);
}

/* new: by old number the new one, of texts in their order. NULL: no memory. */
static uint32_t *sort_texts(bt_symbols *symbols) {
  numbered_text *texts = bt_realloc_array(NULL, symbols->count + 1, sizeof *texts);
  uint32_t *becomes = bt_realloc_array(NULL, symbols->count + 1, sizeof *becomes);
  if (!texts || !becomes) {
    free(texts);
    free(becomes);
    return NULL;
  }
  for (uint32_t i = 0; i < symbols->count; i++) texts[i] = (numbered_text){symbols->strings[i], i};
  if (symbols->count) qsort(texts, symbols->count, sizeof *texts, compare_texts);
  for (uint32_t i = 0; i < symbols->count; i++) {
    symbols->strings[i] = texts[i].text;
    becomes[texts[i].was] = i;
  }
  free(texts);
  return becomes;
}

static void renumber_trace(bt_mine_trace *trace, const uint32_t *names, const uint32_t *texts) {
  for (uint32_t s = 0; s < trace->span_count; s++) {
    bt_mine_span *span = &trace->spans[s];
    bt_mine_attribute *attributes = (bt_mine_attribute *)(uintptr_t)span->attributes; /* behind the spans: our own */
    if (span->name != BT_NO_SPAN) span->name = names[span->name];
    for (uint32_t i = 0; i < span->attribute_count; i++) {
      attributes[i].key = texts[attributes[i].key - 1] + 1;
      if (attributes[i].text) attributes[i].text = texts[attributes[i].text - 1] + 1;
    }
  }
}

static bool renumber_all(bt_mine_sample *sample) {
  bt_mine_name old[BT_MINE_NAMES];
  uint32_t *names = sort_texts(&sample->name_symbols), *texts = sort_texts(&sample->texts);
  bool is_done = names && texts;
  memcpy(old, sample->names, sizeof old);
  for (uint32_t i = 0; is_done && i < sample->name_count; i++) sample->names[names[i]] = old[i];
  for (int g = 0; is_done && g < BT_MINE_GROUPS; g++)
    for (size_t i = 0; i < sample->groups[g].count; i++) renumber_trace(sample->groups[g].traces[i], names, texts);
  free(names);
  free(texts);
  return is_done;
}

bt_status bt_mine_sample_finish(bt_mine_sample *sample, bt_error *error) {
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    bt_mine_group *group = &sample->groups[g];
    if (group->count) qsort(group->traces, group->count, sizeof(bt_mine_trace *), compare_starts);
  }
  return renumber_all(sample) ? BT_OK : bt_error_no_memory(error);
}
