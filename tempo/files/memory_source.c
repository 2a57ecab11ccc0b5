/* Pushed spans as a trace source: taking them, reading and searching them. See memory_source.h; what is held lies in
 * memory_table.c. */
#include "tempo/files/memory_source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/files/memory_table.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/tags_trace.h"

enum { LOOK_AT_CANCEL = 256 /* entries of a search between two looks */ };
static const size_t default_cap_bytes = (size_t)256 << 20;
static const size_t max_trace_bytes = (size_t)1 << 30; /* put together; texts are not copied for it */

typedef struct memory_source {
  bt_source source;      /* first: a bt_source is one of these */
  pthread_mutex_t mutex; /* all below */
  bt_memory_table table;
} memory_source;

static memory_source *memory_source_of(bt_source *source) {
  return (memory_source *)source;
}

static bt_str tenant_text(const char *name) {
  return name ? bt_str_from(name) : BT_STR("");
}

/* ---- pushing ---- */

typedef struct push {
  bt_memory_piece **pieces;
  bt_memory_entry **spare; /* one for each piece, for traces that are new */
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
                      memory->table.cap_bytes);
}

static bt_status copy_trace(const memory_source *memory, push *p, const bt_trace *trace, bt_error *error) {
  size_t bytes = bt_memory_piece_bytes(trace), left = memory->table.cap_bytes - p->bytes;
  if (left < sizeof(bt_memory_entry) || bytes > left - sizeof(bt_memory_entry)) return too_large(memory, error);
  p->bytes += bytes + sizeof(bt_memory_entry);
  bt_memory_piece *piece = bt_memory_piece_new(trace, bytes);
  bt_memory_entry *spare = calloc(1, sizeof *spare);
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

/* Under the mutex. Nothing can fail once the first piece is linked. */
static bt_status link_push(memory_source *memory, bt_str name, push *p, bt_error *error) {
  bt_memory_tenant *t = NULL;
  bt_status status = bt_memory_table_tenant(&memory->table, name, &t, error);
  if (status == BT_OK) status = bt_memory_table_reserve(&memory->table, p->count, error);
  if (status != BT_OK) return status;
  memory->table.pushes++;
  for (size_t i = 0; i < p->count; i++) {
    bt_memory_entry *e = bt_memory_table_find(&memory->table, &p->pieces[i]->id, t);
    if (!e) {
      e = p->spare[i];
      *e = (bt_memory_entry){.id = p->pieces[i]->id,
                             .of = t,
                             .was_evicted = bt_memory_table_may_be_evicted(&memory->table, t, &p->pieces[i]->id)};
      p->spare[i] = NULL;
      bt_memory_table_add(&memory->table, e);
    }
    bt_memory_table_link(&memory->table, e, p->pieces[i]);
    p->pieces[i] = NULL;
  }
  bt_memory_table_evict(&memory->table);
  return BT_OK;
}

bt_status bt_memory_source_add(bt_source *source, const char *tenant_name, const bt_span_batch *batch,
                               bt_error *error) {
  memory_source *memory = memory_source_of(source);
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

size_t bt_memory_source_bytes(bt_source *source) {
  memory_source *memory = memory_source_of(source);
  pthread_mutex_lock(&memory->mutex);
  size_t bytes = memory->table.used_bytes;
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
  bt_memory_walk walk = bt_memory_table_all(&memory->table, id);
  for (const bt_memory_entry *e; (e = bt_memory_table_next(&memory->table, &walk));) {
    if (!bt_memory_tenant_is_named(asked, e->of)) continue;
    a->was_evicted = a->was_evicted || e->was_evicted;
    bt_memory_piece **held = bt_grow_array(a->held, a->count, &a->capacity, sizeof *held);
    if (!held) return bt_error_no_memory(error);
    a->held = held;
    e->newest->references++;
    held[a->count++] = e->newest;
  }
  for (size_t i = 0; i < memory->table.tenant_count; i++) { /* of "a|b" one may have lost its part */
    const bt_memory_tenant *t = memory->table.tenants[i];
    if (t->has_evicted && bt_memory_tenant_is_named(asked, t) && bt_memory_table_may_be_evicted(&memory->table, t, id))
      a->was_evicted = true;
  }
  a->is_evicted = a->was_evicted && !a->count;
  return BT_OK;
}

static bt_status build_trace(assembly *a, const bt_trace_id *id, bt_error *error) {
  bt_arena_reset(&a->arena);
  bt_trace_builder *builder = bt_trace_builder_new(&a->arena, id);
  if (!builder) return bt_error_no_memory(error);
  bool partial = a->was_evicted, differs = false, has_more = false;
  for (size_t i = 0; i < a->count; i++) {
    bt_status status = bt_memory_piece_add_to(a->held[i], builder, error);
    if (status != BT_OK) return status;
    for (const bt_memory_piece *piece = a->held[i]; piece; piece = piece->before) {
      partial = partial || piece->partial;
      differs = differs || piece->differing_copies;
      has_more = has_more || piece->has_more_copies;
    }
  }
  a->trace = *bt_trace_builder_finish(builder);
  a->trace.partial = partial;
  a->trace.differing_copies = a->trace.differing_copies || differs;
  a->trace.has_more_copies = a->trace.has_more_copies || has_more;
  return BT_OK;
}

static bt_status read_trace(memory_source *memory, const bt_read_request *request, size_t index, assembly *a,
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
  memory_source *memory = memory_source_of(source);
  assembly a = {0};
  size_t evicted = 0;
  bt_status status = BT_OK;
  bt_arena_init(&a.arena, max_trace_bytes);
  for (size_t i = 0; status == BT_OK && i < request->count; i++) {
    bt_read_trace read = {0};
    if (bt_is_cancelled(request->cancel)) {
      status = bt_error_set(error, BT_CANCELLED, "cancelled");
      break;
    }
    status = read_trace(memory, request, i, &a, &read, error);
    if (status == BT_OK && a.is_evicted)
      evicted++;
    else if (status == BT_OK)
      status = sink(context, &read, error);
    release_held(memory, &a);
  }
  dispose_assembly(memory, &a);
  if (status == BT_OK && evicted)
    return bt_error_set(error, BT_REFUSED, "%zu of the traces were evicted: the memory source holds %zu bytes", evicted,
                        memory->table.cap_bytes);
  return status;
}

/* ---- searching ---- */

/* Under the mutex. Only traces whose every span bears BeTrace's service are put together for this. */
static bt_status check_own(const bt_memory_entry *e, bool *out, bt_error *error) {
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
  for (size_t i = 0; i < memory->table.count; i++) {
    const bt_memory_entry *e = memory->table.entries[i];
    bool hidden = false;
    if (i % LOOK_AT_CANCEL == 0 && bt_is_cancelled(request->cancel))
      return bt_error_set(error, BT_CANCELLED, "cancelled");
    bt_found bounds = bt_found_of_bounds(&e->id, e->start_ns, e->end_ns);
    if (!bt_found_overlaps(&bounds, request->range)) continue;
    if (!bt_memory_tenant_is_named(asked, e->of)) continue;
    bt_status status = check_own(e, &hidden, error);
    if (status != BT_OK) return status;
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
  for (size_t i = 0; i < memory->table.tenant_count; i++) {
    const bt_memory_tenant *t = memory->table.tenants[i];
    if (!t->has_evicted || !bt_memory_tenant_is_named(asked, t)) continue;
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
  memory_source *memory = memory_source_of(source);
  if (bt_is_cancelled(request->cancel)) return bt_error_set(error, BT_CANCELLED, "cancelled");
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

static bool links_to_any(const bt_memory_piece *newest, const bt_trace_id *sorted, size_t count) {
  for (const bt_memory_piece *piece = newest; piece; piece = piece->before) {
    const bt_link *link;
    bt_link_place place = {0};
    while ((link = bt_spans_next_link(piece->spans, piece->span_count, &place)))
      if (bsearch(&link->trace_id, sorted, count, sizeof *sorted, bt_trace_id_order)) return true;
  }
  return false;
}

/* Under the mutex: of what a search found, the traces of which some tenant's pieces link to one of the ids. */
static void keep_linking(const memory_source *memory, bt_str asked, const bt_trace_id *sorted, size_t count,
                         bt_found_list *found) {
  size_t kept = 0;
  for (size_t i = 0; i < found->count; i++) {
    bool links = false;
    bt_memory_walk walk = bt_memory_table_all(&memory->table, &found->items[i].id);
    for (const bt_memory_entry *e; !links && (e = bt_memory_table_next(&memory->table, &walk));)
      links = bt_memory_tenant_is_named(asked, e->of) && links_to_any(e->newest, sorted, count);
    if (links) found->items[kept++] = found->items[i];
  }
  found->count = kept;
}

static size_t sort_ids(const bt_links_request *request, bt_trace_id *sorted) {
  size_t count = 0;
  for (size_t i = 0; i < request->count; i++)
    if (!bt_trace_id_is_zero(&request->ids[i])) sorted[count++] = request->ids[i];
  if (count) qsort(sorted, count, sizeof *sorted, bt_trace_id_order);
  return count;
}

/* One look at the table, so that what is evicted meanwhile is not lost unsaid. */
static bt_status find_linking_in_memory(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                        bt_source_account *account, bt_error *error) {
  memory_source *memory = memory_source_of(source);
  bt_search_request search = {
      .query = bt_query_all(), .range = request->range, .tenant = request->tenant, .cancel = request->cancel};
  bt_found_list all = {0};
  if (request->range.start_ns >= request->range.end_ns) return BT_OK;
  bt_trace_id *sorted = bt_realloc_array(NULL, request->count, sizeof *sorted);
  if (!sorted) return bt_error_no_memory(error);
  size_t count = sort_ids(request, sorted);
  pthread_mutex_lock(&memory->mutex);
  bt_status status = find_entries(memory, &search, &all, error);
  keep_linking(memory, tenant_text(request->tenant), sorted, count, &all);
  if (status == BT_OK) status = tell_evicted(memory, &search, account, error);
  pthread_mutex_unlock(&memory->mutex);
  for (size_t i = 0; status == BT_OK && i < all.count; i++)
    if (!bt_found_list_add(found, &all.items[i])) status = bt_error_no_memory(error);
  free(sorted);
  bt_found_list_dispose(&all);
  bt_found_list_sort(found);
  return status;
}

/* The ids first; then each trace as a read puts it together. */
static bt_status tags_of_memory(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  memory_source *memory = memory_source_of(source);
  bt_search_request search = {.query = bt_query_all(), .range = request->range, .tenant = request->tenant};
  bt_found_list found = {0};
  assembly a = {0};
  int64_t deadline_ms = bt_monotonic_ms() + request->timeout_ms;
  bt_source_account account = {0};
  bt_arena_init(&a.arena, max_trace_bytes);
  bt_status status = search_memory(source, &search, &found, &account, error);
  for (size_t i = 0; status == BT_OK && i < found.count && bt_monotonic_ms() <= deadline_ms; i++) {
    bt_read_request read = {.ids = &found.items[i].id, .count = 1, .tenant = request->tenant};
    bt_read_trace one = {0};
    if (bt_is_cancelled(request->cancel)) status = bt_error_set(error, BT_CANCELLED, "cancelled");
    if (status == BT_OK) status = read_trace(memory, &read, 0, &a, &one, error);
    if (status == BT_OK && one.trace && !bt_tags_of_trace(one.trace, request, list)) status = bt_error_no_memory(error);
    release_held(memory, &a);
  }
  if (bt_monotonic_ms() > deadline_ms) list->is_cut = true;
  dispose_assembly(memory, &a);
  bt_source_account_dispose(&account);
  bt_found_list_dispose(&found);
  return status;
}

static bt_status check_memory(bt_source *source, const bt_cancel *cancel, bt_error *error) {
  (void)cancel;
  (void)source;
  (void)error;
  return BT_OK; /* it is where we are */
}

static void free_memory(bt_source *source) {
  memory_source *memory = memory_source_of(source);
  bt_memory_table_dispose(&memory->table);
  pthread_mutex_destroy(&memory->mutex);
  free(memory);
}

bt_status bt_memory_source_new(size_t cap_bytes, bt_source **out, bt_error *error) {
  static const bt_source_operations operations = {.search = search_memory,
                                                  .read = read_memory,
                                                  .find_linking = find_linking_in_memory,
                                                  .tags = tags_of_memory,
                                                  .check = check_memory,
                                                  .free = free_memory};
  *out = NULL;
  memory_source *memory = calloc(1, sizeof *memory);
  if (!memory) return bt_error_no_memory(error);
  bool has_table = bt_memory_table_init(&memory->table, cap_bytes ? cap_bytes : default_cap_bytes);
  if (!has_table || pthread_mutex_init(&memory->mutex, NULL)) {
    bt_memory_table_dispose(&memory->table);
    free(memory);
    return bt_error_no_memory(error);
  }
  memory->source = (bt_source){.operations = &operations, .name = "memory"};
  *out = &memory->source;
  return BT_OK;
}
