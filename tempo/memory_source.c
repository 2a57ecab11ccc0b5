/* Pushed spans as a trace source. See memory_source.h. Entries, one a trace and tenant, lie in an array in no order and in a chained hash
 * table by trace id. Ids of evicted traces are kept in a Bloom filter: it may name too many, never too few, so that what comes later of an
 * evicted trace is always known to be a part. */
#include "tempo/memory_source.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/memory_piece.h"
#include "tempo/own_trace.h"
#include "tempo/pause.h"
#include "tempo/tags_decode.h"

enum {
  BUCKETS = 1 << 14,
  FILTER_SHARE = 64, /* of the cap, in bytes, for the filter of evicted ids */
  FILTER_LEAST_BYTES = 1024,
  FILTER_HASHES = 4,
  LOOK_AT_CANCEL = 256 /* entries of a search between two looks */
};
static const size_t default_cap_bytes = (size_t)256 << 20, least_batch_bytes = (size_t)64 << 20;
static const size_t max_trace_bytes = (size_t)1 << 30; /* put together; texts are not copied for it */

typedef struct tenant {
  char *name; /* new; "" for none */
  bool has_evicted;
  int64_t evicted_end_ns; /* latest end of what was evicted */
} tenant;

typedef struct entry entry;
struct entry {
  bt_trace_id id;
  tenant *of;
  bt_memory_piece *newest;
  entry *next; /* in the bucket */
  int64_t start_ns, end_ns;
  uint64_t push; /* number of the last one that brought spans of it */
  bool was_evicted, may_be_own;
};

typedef struct memory_source {
  bt_source source; /* first: a bt_source is one of these */
  size_t cap_bytes;
  uint64_t seed;
  pthread_mutex_t mutex; /* all below */
  size_t used_bytes;
  uint8_t *filter;
  size_t filter_bytes; /* a power of two */
  uint64_t pushes;
  entry **entries;
  size_t count, capacity;
  tenant **tenants;
  size_t tenant_count, tenant_capacity;
  entry *buckets[BUCKETS];
} memory_source;

static memory_source *of(bt_source *source) {
  return (memory_source *)source;
}

/* ---- tenants ---- */

static bt_str tenant_text(const char *name) {
  return name ? bt_str_from(name) : BT_STR("");
}

/* Whether `asked`, a name or several with bars between, names the tenant. */
static bool is_named(bt_str asked, const tenant *t) {
  for (;;) {
    const char *bar = asked.len ? memchr(asked.ptr, '|', asked.len) : NULL;
    bt_str one = {asked.ptr, bar ? (size_t)(bar - asked.ptr) : asked.len};
    if (bt_str_equal(one, bt_str_from(t->name))) return true;
    if (!bar) return false;
    asked = (bt_str){bar + 1, asked.len - one.len - 1};
  }
}

static tenant *tenant_new(bt_str name) {
  tenant *made = calloc(1, sizeof *made);
  char *copy = made ? calloc(1, name.len + 1) : NULL;
  if (!copy) {
    free(made);
    return NULL;
  }
  if (name.len) memcpy(copy, name.ptr, name.len);
  made->name = copy;
  made->evicted_end_ns = INT64_MIN;
  return made;
}

static void tenant_free(tenant *t) {
  free(t->name);
  free(t);
}

static bt_status find_or_add_tenant(memory_source *memory, bt_str name, tenant **out, bt_error *error) {
  for (size_t i = 0; i < memory->tenant_count; i++)
    if (bt_str_equal(bt_str_from(memory->tenants[i]->name), name)) return *out = memory->tenants[i], BT_OK;
  if (memory->tenant_count == BT_MEMORY_TENANTS_MAX)
    return bt_error_set(error, BT_LIMIT, "the memory source holds %d tenants and takes no more", BT_MEMORY_TENANTS_MAX);
  tenant **tenants = bt_grow_array(memory->tenants, memory->tenant_count, &memory->tenant_capacity, sizeof(tenant *));
  if (!tenants) return bt_error_no_memory(error);
  memory->tenants = tenants;
  *out = tenant_new(name);
  if (!*out) return bt_error_no_memory(error);
  tenants[memory->tenant_count++] = *out;
  return BT_OK;
}

/* ---- entries ---- */

/* Seeded, so that nobody can choose ids that fall together. */
static uint64_t hash_id(uint64_t seed, const bt_trace_id *id) {
  uint64_t halves[2];
  memcpy(halves, id->bytes, sizeof halves);
  uint64_t bits = (halves[0] ^ seed) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32) ^ halves[1]) * 0xD6E8FEB86659FD93u;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u; /* so that the last bytes of an id reach the low bits too */
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  return bits ^ (bits >> 32);
}

static size_t bucket_of(const memory_source *memory, const bt_trace_id *id) {
  return (size_t)hash_id(memory->seed, id) & (BUCKETS - 1);
}

static entry *find_entry(const memory_source *memory, const bt_trace_id *id, const tenant *t) {
  for (entry *e = memory->buckets[bucket_of(memory, id)]; e; e = e->next)
    if (e->of == t && bt_trace_id_compare(&e->id, id) == 0) return e;
  return NULL;
}

/* The entry's place in memory->entries has to be there already. */
static void file_entry(memory_source *memory, entry *e) {
  size_t bucket = bucket_of(memory, &e->id);
  e->next = memory->buckets[bucket];
  memory->buckets[bucket] = e;
  memory->entries[memory->count++] = e;
  memory->used_bytes += sizeof *e;
}

static void link_piece(memory_source *memory, entry *e, bt_memory_piece *piece) {
  bool is_first = !e->newest;
  e->start_ns = is_first || piece->start_ns < e->start_ns ? piece->start_ns : e->start_ns;
  e->end_ns = is_first || piece->end_ns > e->end_ns ? piece->end_ns : e->end_ns;
  e->may_be_own = (is_first || e->may_be_own) && piece->may_be_own;
  piece->before = e->newest; /* the entry's reference becomes the piece's */
  piece->depth = is_first ? 1 : e->newest->depth + 1;
  e->newest = piece;
  e->push = memory->pushes;
  memory->used_bytes += piece->bytes;
}

/* ---- eviction ---- */

/* Place number i of an id in the filter: a bit. */
static size_t filter_bit(const memory_source *memory, const tenant *t, const bt_trace_id *id, unsigned i) {
  uint64_t hash = hash_id(memory->seed + (uintptr_t)t, id), step = (hash >> 32) | 1;
  return (size_t)(hash + i * step) & (memory->filter_bytes * 8 - 1);
}

static void note_evicted(memory_source *memory, const entry *e) {
  for (unsigned i = 0; i < FILTER_HASHES; i++) {
    size_t bit = filter_bit(memory, e->of, &e->id, i);
    memory->filter[bit / 8] = (uint8_t)(memory->filter[bit / 8] | 1u << bit % 8);
  }
}

/* Certainly true when the trace was evicted; seldom true when it was not. */
static bool may_be_evicted(const memory_source *memory, const tenant *t, const bt_trace_id *id) {
  for (unsigned i = 0; i < FILTER_HASHES; i++) {
    size_t bit = filter_bit(memory, t, id, i);
    if (!(memory->filter[bit / 8] & 1u << bit % 8)) return false;
  }
  return true;
}

static void unfile_entry(memory_source *memory, const entry *e) {
  entry **place = &memory->buckets[bucket_of(memory, &e->id)];
  while (*place != e) place = &(*place)->next;
  *place = e->next;
}

/* Its place in memory->entries is the caller's to close. */
static void evict(memory_source *memory, entry *e) {
  for (const bt_memory_piece *piece = e->newest; piece; piece = piece->before) memory->used_bytes -= piece->bytes;
  memory->used_bytes -= sizeof *e;
  bt_memory_piece_release(e->newest);
  note_evicted(memory, e);
  e->of->has_evicted = true;
  if (e->end_ns > e->of->evicted_end_ns) e->of->evicted_end_ns = e->end_ns;
  unfile_entry(memory, e);
  free(e);
}

static int compare_end(const void *a, const void *b) {
  const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
  return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* Whether the entry has to go. Below the cap with some room to spare, so that not every push sorts; but for that room nothing goes that has
 * just come. */
static bool has_to_go(const memory_source *memory, const entry *e) {
  size_t wanted_bytes = memory->cap_bytes - memory->cap_bytes / 8;
  return memory->used_bytes > memory->cap_bytes || (memory->used_bytes > wanted_bytes && e->push != memory->pushes);
}

/* Those that ended first go first. */
static void evict_oldest(memory_source *memory) {
  if (memory->used_bytes <= memory->cap_bytes) return;
  size_t kept = 0;
  qsort(memory->entries, memory->count, sizeof *memory->entries, compare_end);
  for (size_t i = 0; i < memory->count; i++) {
    if (has_to_go(memory, memory->entries[i]))
      evict(memory, memory->entries[i]);
    else
      memory->entries[kept++] = memory->entries[i];
  }
  memory->count = kept;
}

/* ---- pushing ---- */

typedef struct push {
  bt_memory_piece **pieces;
  entry **spare; /* one for each piece, for traces that are new */
  size_t count, bytes;
} push;

static void dispose_push(push *p) {
  for (size_t i = 0; i < p->count; i++) {
    bt_memory_piece_release(p->pieces[i]);
    free(p->spare[i]);
  }
  free(p->pieces);
  free(p->spare);
}

static bt_status too_large(const memory_source *memory, bt_error *error) {
  return bt_error_set(error, BT_LIMIT,
                      "the spans are larger than the %zu bytes that the memory source holds; send fewer at once",
                      memory->cap_bytes);
}

static bt_status copy_trace(const memory_source *memory, push *p, const bt_trace *trace, bt_error *error) {
  size_t bytes = bt_memory_piece_bytes(trace), left = memory->cap_bytes - p->bytes;
  if (left < sizeof(entry) || bytes > left - sizeof(entry)) return too_large(memory, error);
  p->bytes += bytes + sizeof(entry);
  bt_memory_piece *piece = bt_memory_piece_new(trace, bytes);
  entry *spare = calloc(1, sizeof *spare);
  if (!piece || !spare) {
    bt_memory_piece_release(piece);
    free(spare);
    return bt_error_no_memory(error);
  }
  p->pieces[p->count] = piece;
  p->spare[p->count++] = spare;
  return BT_OK;
}

static bt_status copy_batch(const memory_source *memory, push *p, const bt_span_batch *batch, bt_error *error) {
  size_t count = bt_span_batch_trace_count(batch);
  p->pieces = bt_realloc_array(NULL, count, sizeof *p->pieces);
  p->spare = bt_realloc_array(NULL, count, sizeof *p->spare);
  if (!p->pieces || !p->spare) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++)
    status = copy_trace(memory, p, bt_span_batch_trace(batch, i), error);
  return status;
}

static bt_status reserve_entries(memory_source *memory, size_t more, bt_error *error) {
  if (more <= memory->capacity - memory->count) return BT_OK;
  size_t wanted = (memory->count + more) * 2;
  entry **entries = bt_realloc_array(memory->entries, wanted, sizeof(entry *));
  if (!entries) return bt_error_no_memory(error);
  memory->entries = entries;
  memory->capacity = wanted;
  return BT_OK;
}

/* Under the mutex. Nothing can fail once the first piece is linked. */
static bt_status link_push(memory_source *memory, bt_str name, push *p, bt_error *error) {
  tenant *t = NULL;
  bt_status status = find_or_add_tenant(memory, name, &t, error);
  if (status == BT_OK) status = reserve_entries(memory, p->count, error);
  if (status != BT_OK) return status;
  memory->pushes++;
  for (size_t i = 0; i < p->count; i++) {
    entry *e = find_entry(memory, &p->pieces[i]->id, t);
    if (!e) {
      e = p->spare[i];
      *e = (entry){.id = p->pieces[i]->id, .of = t, .was_evicted = may_be_evicted(memory, t, &p->pieces[i]->id)};
      p->spare[i] = NULL;
      file_entry(memory, e);
    }
    link_piece(memory, e, p->pieces[i]);
    p->pieces[i] = NULL;
  }
  evict_oldest(memory);
  return BT_OK;
}

bt_status bt_memory_source_add(bt_source *source, const char *tenant_name, const bt_span_batch *batch,
                               bt_error *error) {
  memory_source *memory = of(source);
  bt_str name = tenant_text(tenant_name);
  push p = {0};
  if (name.len && memchr(name.ptr, '|', name.len))
    return bt_error_set(error, BT_INVALID, "spans are pushed for one tenant; \"%.*s\" names several", (int)name.len,
                        name.ptr);
  bt_status status = copy_batch(memory, &p, batch, error);
  if (status == BT_OK) {
    pthread_mutex_lock(&memory->mutex);
    status = link_push(memory, name, &p, error);
    pthread_mutex_unlock(&memory->mutex);
  }
  dispose_push(&p);
  return status;
}

bt_status bt_memory_source_add_otlp(bt_source *source, const char *tenant_name, bt_str body, bool is_json,
                                    uint64_t *span_count, bt_error *error) {
  size_t cap_bytes = of(source)->cap_bytes;
  bt_span_batch *batch = NULL;
  *span_count = 0;
  bt_status status = bt_span_batch_new(cap_bytes > least_batch_bytes ? cap_bytes : least_batch_bytes, &batch, error);
  if (status == BT_OK)
    status = is_json ? bt_otlp_decode_json(body, batch, error) : bt_otlp_decode_protobuf(body, batch, error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, error);
  if (status == BT_OK) status = bt_memory_source_add(source, tenant_name, batch, error);
  for (size_t i = 0; status == BT_OK && i < bt_span_batch_trace_count(batch); i++)
    *span_count += bt_span_batch_trace(batch, i)->span_count;
  bt_span_batch_free(batch);
  return status;
}

size_t bt_memory_source_bytes(bt_source *source) {
  memory_source *memory = of(source);
  pthread_mutex_lock(&memory->mutex);
  size_t bytes = memory->used_bytes;
  pthread_mutex_unlock(&memory->mutex);
  return bytes;
}

/* ---- reading ---- */

/* One trace being put together from the pieces of all tenants that were named. */
typedef struct assembly {
  bt_arena arena;
  bt_memory_piece **held; /* as many as there are tenants at most */
  size_t count, capacity;
  bool is_evicted, was_evicted; /* all of it is gone; some went before the rest came */
  bt_trace trace;
} assembly;

static void release_held(memory_source *memory, assembly *a) {
  pthread_mutex_lock(&memory->mutex);
  for (size_t i = 0; i < a->count; i++) bt_memory_piece_release(a->held[i]);
  pthread_mutex_unlock(&memory->mutex);
  a->count = 0;
}

static void dispose_assembly(memory_source *memory, assembly *a) {
  release_held(memory, a);
  bt_arena_dispose(&a->arena);
  free(a->held);
}

/* Under the mutex. */
static bt_status hold_pieces(const memory_source *memory, bt_str asked, const bt_trace_id *id, assembly *a,
                             bt_error *error) {
  a->is_evicted = a->was_evicted = false;
  for (const entry *e = memory->buckets[bucket_of(memory, id)]; e; e = e->next) {
    if (bt_trace_id_compare(&e->id, id) != 0 || !is_named(asked, e->of)) continue;
    a->was_evicted = a->was_evicted || e->was_evicted;
    bt_memory_piece **held = bt_grow_array(a->held, a->count, &a->capacity, sizeof *held);
    if (!held) return bt_error_no_memory(error);
    a->held = held;
    e->newest->references++;
    held[a->count++] = e->newest;
  }
  for (size_t i = 0; i < memory->tenant_count; i++) { /* of "a|b" one may have lost its part */
    const tenant *t = memory->tenants[i];
    if (t->has_evicted && is_named(asked, t) && may_be_evicted(memory, t, id)) a->was_evicted = true;
  }
  a->is_evicted = a->was_evicted && !a->count;
  return BT_OK;
}

static bt_status build_trace(assembly *a, const bt_trace_id *id, bt_error *error) {
  bt_arena_reset(&a->arena);
  bt_trace_builder *builder = bt_trace_builder_new(&a->arena, id);
  if (!builder) return bt_error_no_memory(error);
  bool partial = a->was_evicted, differs = false;
  for (size_t i = 0; i < a->count; i++) {
    bt_status status = bt_memory_piece_add_to(a->held[i], builder, error);
    if (status != BT_OK) return status;
    for (const bt_memory_piece *piece = a->held[i]; piece; piece = piece->before) {
      partial = partial || piece->partial;
      differs = differs || piece->differing_copies;
    }
  }
  a->trace = *bt_trace_builder_finish(builder);
  a->trace.partial = partial;
  a->trace.differing_copies = a->trace.differing_copies || differs;
  return BT_OK;
}

static bool is_cancelled(const bt_cancel *cancel) {
  return cancel && atomic_load(&cancel->requested);
}

static bt_status read_one(memory_source *memory, const bt_read_request *request, size_t index, assembly *a,
                          bt_read_trace *out, bt_error *error) {
  bt_str asked = tenant_text(request->tenant);
  const bt_trace_id *id = &request->ids[index];
  *out = (bt_read_trace){.index = index};
  pthread_mutex_lock(&memory->mutex);
  bt_status status = hold_pieces(memory, asked, id, a, error);
  pthread_mutex_unlock(&memory->mutex);
  if (status != BT_OK || !a->count) return status;
  status = build_trace(a, id, error);
  if (status == BT_OK && (request->with_own || !bt_trace_is_own(&a->trace, asked))) out->trace = &a->trace;
  return status;
}

static bt_status read_memory(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                             bt_source_account *account, bt_error *error) {
  (void)account;
  memory_source *memory = of(source);
  assembly a = {0};
  size_t evicted = 0;
  bt_status status = BT_OK;
  bt_arena_init(&a.arena, max_trace_bytes);
  for (size_t i = 0; status == BT_OK && i < request->count; i++) {
    bt_read_trace read = {0};
    if (is_cancelled(request->cancel)) {
      status = bt_error_set(error, BT_CANCELLED, "cancelled");
      break;
    }
    status = read_one(memory, request, i, &a, &read, error);
    if (status == BT_OK && a.is_evicted)
      evicted++;
    else if (status == BT_OK)
      status = sink(context, &read, error);
    release_held(memory, &a);
  }
  dispose_assembly(memory, &a);
  if (status == BT_OK && evicted)
    return bt_error_set(error, BT_REFUSED, "%zu of the traces were evicted: the memory source holds %zu bytes", evicted,
                        memory->cap_bytes);
  return status;
}

/* ---- searching ---- */

/* Under the mutex. Only traces whose every span bears BeTrace's service are put together for this. */
static bt_status check_own(const entry *e, bool *out, bt_error *error) {
  assembly a = {.was_evicted = e->was_evicted};
  bt_memory_piece *pieces[] = {e->newest};
  *out = false;
  if (!e->may_be_own) return BT_OK;
  bt_arena_init(&a.arena, max_trace_bytes);
  a.held = pieces;
  a.count = 1;
  bt_status status = build_trace(&a, &e->id, error);
  if (status == BT_OK) *out = bt_trace_is_own(&a.trace, bt_str_from(e->of->name));
  bt_arena_dispose(&a.arena);
  return status;
}

static bt_status find_entries(const memory_source *memory, const bt_search_request *request, bt_found_list *found,
                              bt_error *error) {
  bt_str asked = tenant_text(request->tenant);
  for (size_t i = 0; i < memory->count; i++) {
    const entry *e = memory->entries[i];
    bool hidden = false;
    if (i % LOOK_AT_CANCEL == 0 && is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
    if (e->start_ns >= request->range.end_ns || e->end_ns < request->range.start_ns) continue;
    if (!is_named(asked, e->of)) continue;
    bt_status status = check_own(e, &hidden, error);
    if (status != BT_OK) return status;
    bt_found bounds = {e->id, e->start_ns, e->end_ns};
    if (!hidden && !bt_found_list_add(found, &bounds)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

/* Under the mutex. Names the part of the range that evicted traces may have lain in. */
static bt_status tell_evicted(const memory_source *memory, const bt_search_request *request, bt_source_account *account,
                              bt_error *error) {
  bt_str asked = tenant_text(request->tenant);
  int64_t end_ns = INT64_MIN;
  bool has_evicted = false;
  for (size_t i = 0; i < memory->tenant_count; i++) {
    const tenant *t = memory->tenants[i];
    if (!t->has_evicted || !is_named(asked, t)) continue;
    has_evicted = true;
    if (t->evicted_end_ns > end_ns) end_ns = t->evicted_end_ns;
  }
  if (!has_evicted || end_ns < request->range.start_ns) return BT_OK;
  bt_time_range gap = {request->range.start_ns, end_ns < request->range.end_ns ? end_ns + 1 : request->range.end_ns};
  return bt_source_account_fail(account, gap, "the memory source is full: traces up to this time were evicted")
             ? BT_OK
             : bt_error_no_memory(error);
}

static bt_status search_memory(bt_source *source, const bt_search_request *request, bt_found_list *found,
                               bt_source_account *account, bt_error *error) {
  memory_source *memory = of(source);
  if (is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
  if (request->range.start_ns >= request->range.end_ns) return BT_OK;
  pthread_mutex_lock(&memory->mutex);
  bt_status status = find_entries(memory, request, found, error);
  if (status == BT_OK) status = tell_evicted(memory, request, account, error);
  pthread_mutex_unlock(&memory->mutex);
  bt_found_list_sort(found); /* one id may lie with two tenants */
  if (status == BT_OK && request->max_found && found->count > request->max_found)
    return bt_error_set(error, BT_LIMIT, "more than %zu traces lie in the range; ask for a shorter one",
                        request->max_found);
  return status;
}

/* The ids first; then each trace as a read puts it together. */
static bt_status tags_of_memory(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  memory_source *memory = of(source);
  bt_search_request search = {.filter = BT_STR("{}"), .range = request->range, .tenant = request->tenant};
  bt_found_list found = {0};
  assembly a = {0};
  int64_t deadline_ms = bt_monotonic_ms() + request->timeout_ms;
  bt_source_account account = {0};
  bt_arena_init(&a.arena, max_trace_bytes);
  bt_status status = search_memory(source, &search, &found, &account, error);
  for (size_t i = 0; status == BT_OK && i < found.count && bt_monotonic_ms() <= deadline_ms; i++) {
    bt_read_request read = {.ids = &found.items[i].id, .count = 1, .tenant = request->tenant};
    bt_read_trace one = {0};
    if (is_cancelled(request->cancel)) status = bt_error_set(error, BT_CANCELLED, "cancelled");
    if (status == BT_OK) status = read_one(memory, &read, 0, &a, &one, error);
    if (status == BT_OK && one.trace && !bt_tags_of_trace(one.trace, request, list)) status = bt_error_no_memory(error);
    release_held(memory, &a);
  }
  if (bt_monotonic_ms() > deadline_ms) list->is_cut = true;
  dispose_assembly(memory, &a);
  bt_source_account_dispose(&account);
  bt_found_list_dispose(&found);
  return status;
}

static bt_status check_memory(bt_source *source, bt_error *error) {
  (void)source;
  (void)error;
  return BT_OK; /* it is where we are */
}

static void free_memory(bt_source *source) {
  memory_source *memory = of(source);
  for (size_t i = 0; i < memory->count; i++) {
    bt_memory_piece_release(memory->entries[i]->newest);
    free(memory->entries[i]);
  }
  for (size_t i = 0; i < memory->tenant_count; i++) tenant_free(memory->tenants[i]);
  pthread_mutex_destroy(&memory->mutex);
  free(memory->entries);
  free(memory->tenants);
  free(memory->filter);
  free(memory);
}

bt_status bt_memory_source_new(size_t cap_bytes, bt_source **out, bt_error *error) {
  static const bt_source_operations operations = {.search = search_memory,
                                                  .read = read_memory,
                                                  .tags = tags_of_memory,
                                                  .check = check_memory,
                                                  .free = free_memory,
                                                  .filters = false,
                                                  .is_static = false};
  *out = NULL;
  memory_source *memory = calloc(1, sizeof *memory);
  if (!memory) return bt_error_no_memory(error);
  memory->cap_bytes = cap_bytes ? cap_bytes : default_cap_bytes;
  memory->filter_bytes = FILTER_LEAST_BYTES;
  while (memory->filter_bytes * 2 <= memory->cap_bytes / FILTER_SHARE) memory->filter_bytes *= 2;
  memory->filter = calloc(1, memory->filter_bytes);
  if (!memory->filter || pthread_mutex_init(&memory->mutex, NULL)) {
    free(memory->filter);
    free(memory);
    return bt_error_no_memory(error);
  }
  memory->source = (bt_source){.operations = &operations, .name = "memory"};
  memory->seed = (uint64_t)(uintptr_t)memory * 0x9E3779B97F4A7C15u;
  *out = &memory->source;
  return BT_OK;
}
