/* Traces read back from files. See file_reader.h. */
#include "tempo/files/file_reader.h"

#include <stdlib.h>
#include <string.h>

#include "tempo/files/ordered_work.h"

/* Structures of the most wasteful input are some 30 times as large as its bytes; of real traces, about as large. */
enum {
  GROUP_BYTES = 8 << 20,
  LEAST_GROUP_BYTES = 1 << 20,
  GROUP_TRACES = 4096,
  MEMORY_FACTOR = 32,
  FIRST_SHARE = 2,
  AHEAD = 16
};
static const size_t least_memory_bytes = (size_t)64 << 20;

typedef struct reader {
  const bt_file_set *set;
  const bt_cancel *cancel;
  uint64_t most_bytes; /* of a group */
  size_t most_traces;
  uint32_t *units; /* of the group, in order */
  size_t unit_count, unit_capacity;
  uint64_t bytes; /* of these units */
  uint32_t *mine; /* of the trace that is looked at, in order */
  size_t mine_count, mine_capacity;
  bt_trace_id *ids; /* of the group, in order */
  char *buffer;
  size_t buffer_capacity;
  bt_span_batch *batch;
  bt_passed_over passed; /* it was told when the files were opened */
} reader;

size_t bt_file_decode_cap(uint64_t bytes) {
  if (bytes > SIZE_MAX / MEMORY_FACTOR) return SIZE_MAX;
  return bytes * MEMORY_FACTOR < least_memory_bytes ? least_memory_bytes : (size_t)bytes * MEMORY_FACTOR;
}

bt_status bt_file_name_error(const char *name, const bt_error *inner, bt_error *error) {
  return bt_error_set(error, inner->status, "%s: %.400s", strcmp(name, "-") == 0 ? "standard input" : name,
                      inner->message);
}

/* ---- which units a group needs ---- */

static bool push_unit(uint32_t **units, size_t *count, size_t *capacity, uint32_t unit) {
  uint32_t *grown = bt_grow_array(*units, *count, capacity, sizeof *grown);
  if (!grown) return false;
  *units = grown;
  grown[(*count)++] = unit;
  return true;
}

/* The trace's units in order: links lead from the newest back. */
static bt_status list_mine(reader *r, const bt_indexed_trace *trace, bt_error *error) {
  r->mine_count = 0;
  for (uint32_t link = trace->more; link; link = r->set->index.links[link - 1].next)
    if (!push_unit(&r->mine, &r->mine_count, &r->mine_capacity, r->set->index.links[link - 1].unit))
      return bt_error_no_memory(error);
  if (!push_unit(&r->mine, &r->mine_count, &r->mine_capacity, trace->unit)) return bt_error_no_memory(error);
  for (size_t i = 0; i < r->mine_count / 2; i++) {
    uint32_t unit = r->mine[i];
    r->mine[i] = r->mine[r->mine_count - 1 - i];
    r->mine[r->mine_count - 1 - i] = unit;
  }
  return BT_OK;
}

static size_t place_of(const reader *r, uint32_t unit) {
  size_t low = 0, high = r->unit_count;
  if (!high || r->units[high - 1] < unit) return high; /* most traces lie behind the one before, or beside it */
  if (r->units[high - 1] == unit) return high - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (r->units[middle] < unit)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool has_unit(const reader *r, uint32_t unit) {
  size_t place = place_of(r, unit);
  return place < r->unit_count && r->units[place] == unit;
}

static uint64_t extra_bytes(const reader *r) {
  uint64_t extra = 0;
  for (size_t i = 0; i < r->mine_count; i++)
    if (!has_unit(r, r->mine[i])) extra += r->set->index.units[r->mine[i]].length;
  return extra;
}

static bt_status add_mine(reader *r, bt_error *error) {
  for (size_t i = 0; i < r->mine_count; i++) {
    uint32_t unit = r->mine[i];
    if (has_unit(r, unit)) continue;
    size_t place = place_of(r, unit);
    if (!push_unit(&r->units, &r->unit_count, &r->unit_capacity, unit)) return bt_error_no_memory(error);
    memmove(r->units + place + 1, r->units + place, (r->unit_count - 1 - place) * sizeof *r->units);
    r->units[place] = unit;
    r->bytes += r->set->index.units[unit].length;
  }
  return BT_OK;
}

/* As many of `wanted` as fit together. The first trace's own units set the size where they are large: a group of that
 * one alone would decode them again for each of the next. */
static bt_status choose_group(reader *r, const bt_file_wanted *wanted, size_t count, size_t *taken, bt_error *error) {
  uint64_t budget = r->most_bytes;
  r->unit_count = 0;
  r->bytes = 0;
  for (*taken = 0; *taken < count && *taken < r->most_traces; (*taken)++) {
    if (*taken + AHEAD < count)
      __builtin_prefetch(wanted[*taken + AHEAD].trace); /* in order of id: they lie anywhere */
    bt_status status = list_mine(r, wanted[*taken].trace, error);
    if (status != BT_OK) return status;
    uint64_t extra = extra_bytes(r);
    if (*taken == 0 && extra > budget / FIRST_SHARE) budget = extra * FIRST_SHARE;
    if (*taken && r->bytes + extra > budget) return BT_OK;
    status = add_mine(r, error);
    if (status != BT_OK) return status;
    r->ids[*taken] = wanted[*taken].trace->id;
  }
  return BT_OK;
}

/* ---- decoding a group ---- */

static bt_status read_unit(const reader *r, uint32_t unit, char *to, bt_error *error) {
  const bt_indexed_unit *at = &r->set->index.units[unit];
  const bt_trace_file *file = &r->set->files[at->file];
  const bt_document_place start = {0};
  bt_error inner = {0};
  bt_status status = bt_file_content_read(file->content, at->offset, to, at->length, &inner);
  if (status == BT_OK) status = bt_file_unit_decode(file->format, &start, (bt_str){to, at->length}, r->batch, &inner);
  if (status == BT_OK) return BT_OK;
  if (status == BT_INVALID) /* it could be decoded before */
    bt_error_set(&inner, BT_IO, "it is another file than it was when it was opened");
  return bt_file_name_error(file->name, &inner, error);
}

static bt_status make_room(reader *r, bt_error *error) {
  if (r->bytes <= r->buffer_capacity) return BT_OK;
  free(r->buffer);
  r->buffer_capacity = 0;
  r->buffer = malloc(r->bytes);
  if (!r->buffer) return bt_error_no_memory(error);
  r->buffer_capacity = r->bytes;
  return BT_OK;
}

static bt_status decode_group(reader *r, size_t count, bt_error *error) {
  r->passed.touched_count = 0;
  bt_status status = make_room(r, error);
  if (status == BT_OK) status = bt_span_batch_new(bt_file_decode_cap(r->bytes), &r->batch, error);
  if (status != BT_OK) return status;
  qsort(r->ids, count, sizeof *r->ids, bt_trace_id_order);
  bt_span_batch_only(r->batch, r->ids, count);
  if (r->set->leaves_out) bt_span_batch_leave_out(r->batch, &r->passed);
  size_t at = 0;
  for (size_t i = 0; status == BT_OK && i < r->unit_count; i++) {
    if (bt_is_cancelled(r->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    status = read_unit(r, r->units[i], r->buffer + at, error);
    at += r->set->index.units[r->units[i]].length;
  }
  if (status != BT_OK) return status;
  bt_span_batch_mark_lacking(r->batch, r->set->passed.touched, r->set->passed.touched_count);
  return bt_span_batch_finish(r->batch, error);
}

/* ---- giving it ---- */

static bt_status give_trace(const reader *r, const bt_file_wanted *wanted, bt_read_sink sink, void *context,
                            bt_error *error) {
  bt_read_trace read = {.index = wanted->index, .trace = bt_span_batch_find(r->batch, &wanted->trace->id)};
  if (bt_is_cancelled(r->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (read.trace) return sink(context, &read, error);
  bt_error inner = {0};
  bt_error_set(&inner, BT_IO, "it is another file than it was when it was opened");
  return bt_file_name_error(r->set->files[r->set->index.units[wanted->trace->unit].file].name, &inner, error);
}

static int compare_places(const void *a, const void *b) {
  const bt_indexed_trace *x = ((const bt_file_wanted *)a)->trace, *y = ((const bt_file_wanted *)b)->trace;
  if (x->unit != y->unit) return x->unit < y->unit ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

static bool is_in_places(const bt_file_wanted *wanted, size_t count) {
  for (size_t i = 1; i < count; i++)
    if (compare_places(&wanted[i - 1], &wanted[i]) > 0) return false;
  return true;
}

static void dispose_reader(reader *r) {
  bt_span_batch_free(r->batch);
  free(r->units);
  free(r->mine);
  free(r->ids);
  free(r->buffer);
  bt_passed_over_dispose(&r->passed);
}

/* ---- many groups ---- */

typedef struct group { /* in a place of ordered work */
  reader reader;
  const bt_file_wanted *wanted;
  size_t count;
} group;

typedef struct reading {
  const bt_file_set *set;
  const bt_cancel *cancel;
  const bt_file_wanted *wanted;
  size_t count, done;
  group *groups;
  size_t place_count, most_traces;
  const bt_file_visitor *visitor; /* NULL: the sink is given the traces */
  bt_read_sink sink;
  void *context;
} reading;

static unsigned jobs_of(const bt_file_set *set) {
  return set->jobs ? set->jobs : 1;
}

static bt_status cut_group(void *context, size_t place, bool *found, uint64_t *weight, bt_error *error) {
  reading *all = context;
  group *g = &all->groups[place];
  size_t left = all->count - all->done;
  *found = left > 0;
  if (!left) return BT_OK;
  g->wanted = all->wanted + all->done;
  bt_status status = choose_group(&g->reader, g->wanted, left, &g->count, error);
  all->done += g->count;
  *weight = g->reader.bytes;
  return status;
}

typedef struct looking {
  const bt_file_visitor *visitor;
  size_t place;
} looking;

static bt_status look_at(void *context, const bt_read_trace *read, bt_error *error) {
  const looking *l = context;
  return l->visitor->look(l->visitor->context, l->place, read, error);
}

static bt_status give_group(group *g, bt_read_sink sink, void *context, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < g->count; i++)
    status = give_trace(&g->reader, &g->wanted[i], sink, context, error);
  bt_span_batch_free(g->reader.batch);
  g->reader.batch = NULL;
  return status;
}

static bt_status work_on_group(void *context, size_t place, bt_error *error) {
  const reading *all = context;
  group *g = &all->groups[place];
  looking l = {all->visitor, place};
  bt_status status = decode_group(&g->reader, g->count, error);
  if (status != BT_OK) {
    bt_span_batch_free(g->reader.batch);
    g->reader.batch = NULL;
  }
  return status == BT_OK && all->visitor ? give_group(g, look_at, &l, error) : status;
}

static bt_status take_group(void *context, size_t place, bt_error *error) {
  const reading *all = context;
  group *g = &all->groups[place];
  if (all->visitor) return all->visitor->tell(all->visitor->context, place, error);
  return g->reader.batch ? give_group(g, all->sink, all->context, error) : BT_OK;
}

static bt_status prepare_groups(reading *all, bt_error *error) {
  unsigned jobs = jobs_of(all->set);
  size_t most_traces = all->most_traces && all->most_traces < GROUP_TRACES ? all->most_traces : GROUP_TRACES;
  if (most_traces > all->count) most_traces = all->count;
  all->groups = calloc(all->place_count, sizeof *all->groups);
  if (!all->groups) return bt_error_no_memory(error);
  for (size_t i = 0; i < all->place_count; i++) {
    reader *r = &all->groups[i].reader;
    *r = (reader){.set = all->set,
                  .cancel = all->cancel,
                  .most_bytes = jobs < GROUP_BYTES / LEAST_GROUP_BYTES ? GROUP_BYTES / jobs : LEAST_GROUP_BYTES,
                  .most_traces = most_traces};
    r->ids = bt_realloc_array(NULL, most_traces, sizeof *r->ids);
    if (!r->ids) return bt_error_no_memory(error);
  }
  return BT_OK;
}

static bt_status read_groups(reading *all, bt_file_wanted *wanted, bt_error *error) {
  const bt_ordered_work work = {.jobs = jobs_of(all->set),
                                .most_weight = (uint64_t)GROUP_BYTES * 2,
                                .cut = cut_group,
                                .work = work_on_group,
                                .take = take_group,
                                .context = all};
  if (!all->count) return BT_OK;
  if (!is_in_places(wanted, all->count)) qsort(wanted, all->count, sizeof *wanted, compare_places);
  all->wanted = wanted;
  all->place_count = bt_ordered_work_places(work.jobs);
  bt_status status = prepare_groups(all, error);
  if (status == BT_OK) status = bt_ordered_work_run(&work, error);
  for (size_t i = 0; all->groups && i < all->place_count; i++) dispose_reader(&all->groups[i].reader);
  free(all->groups);
  return status;
}

bt_status bt_file_read(const bt_file_set *set, bt_file_wanted *wanted, size_t count, const bt_cancel *cancel,
                       bt_read_sink sink, void *context, bt_error *error) {
  reading all = {.set = set, .cancel = cancel, .count = count, .sink = sink, .context = context};
  return read_groups(&all, wanted, error);
}

bt_status bt_file_visit(const bt_file_set *set, bt_file_wanted *wanted, size_t count, const bt_file_visitor *visitor,
                        bt_error *error) {
  reading all = {.set = set, .count = count, .visitor = visitor, .most_traces = visitor->most_traces};
  return read_groups(&all, wanted, error);
}

bt_status bt_file_hold(const bt_file_set *set, const bt_indexed_trace *trace, bt_held_trace *held, const bt_trace **out,
                       bt_error *error) {
  reader r = {.set = set, .most_bytes = GROUP_BYTES, .most_traces = 1};
  bt_file_wanted wanted = {.trace = trace};
  size_t taken = 0;
  *out = NULL;
  r.ids = bt_realloc_array(NULL, 1, sizeof *r.ids);
  bt_status status = r.ids ? choose_group(&r, &wanted, 1, &taken, error) : bt_error_no_memory(error);
  if (status == BT_OK) status = decode_group(&r, taken, error);
  if (status == BT_OK) *out = bt_span_batch_find(r.batch, &trace->id);
  if (*out) {
    bt_held_trace_dispose(held);
    *held = (bt_held_trace){.batch = r.batch, .bytes = r.buffer};
    r.batch = NULL;
    r.buffer = NULL;
  } else if (status == BT_OK) {
    status = bt_error_set(error, BT_IO, "a trace file is another than it was when it was opened");
  }
  dispose_reader(&r);
  return status;
}

void bt_held_trace_dispose(bt_held_trace *held) {
  bt_span_batch_free(held->batch);
  free(held->bytes);
  *held = (bt_held_trace){0};
}
