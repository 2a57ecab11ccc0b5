/* Versions of services, and which of them came. See deploys.h. */
#include "server/query/deploys.h"

#include <math.h>
#include <stdlib.h>

#include "server/base/shown_text.h"
#include "server/base/time_text.h"

enum { MOST_SEEN = 1000000, MOST_TEXTS = 1 << 14, TEXT_BYTES = 200, ARENA_BYTES = 16 << 20, BEFORE = 50 };
static const double HARDLY = 1e-3;

/* ---- collecting ---- */

static bool keep_text(bt_versions *v, bt_str text, uint32_t *out) {
  bt_str copy;
  *out = bt_symbols_find(&v->texts, text);
  if (*out || !text.len || text.len > TEXT_BYTES || v->texts.count >= MOST_TEXTS) return true;
  return bt_arena_copy(&v->arena, text, &copy) && bt_symbols_add(&v->texts, copy, out);
}

static bt_str text_of(const bt_attributes *attributes, const char *key) {
  const bt_value *value = bt_attributes_find(attributes, bt_str_from(key));
  return value && value->type == BT_VALUE_STRING ? value->string : (bt_str){0};
}

/* What the resource says of where it runs, else the first span that has something of a region. */
static bt_str region_of(const bt_trace *trace, const bt_resource *resource) {
  bt_str region = text_of(&resource->attributes, "cloud.region");
  for (uint32_t i = 0; i < trace->span_count && !region.len; i++) {
    const bt_attributes *attributes = &trace->spans[i].attributes;
    for (uint32_t a = 0; a < attributes->count && !region.len; a++) {
      const bt_attribute *one = &attributes->items[a];
      bool is_region = bt_str_equal(one->key, BT_STR("region")) || bt_str_ends_with(one->key, BT_STR(".region"));
      if (is_region && one->value.type == BT_VALUE_STRING) region = one->value.string;
    }
  }
  return region;
}

static bool add_seen(bt_versions *v, const bt_trace *trace, const bt_resource *resource, size_t first) {
  bt_str version = text_of(&resource->attributes, "service.version");
  bt_version_seen seen = {.start_ns = bt_trace_start_ns(trace)};
  if (!version.len || !resource->service.len || v->count >= MOST_SEEN) return true;
  if (!keep_text(v, resource->service, &seen.service) || !keep_text(v, version, &seen.version)) return false;
  if (!seen.service || !seen.version) return true;
  for (size_t i = first; i < v->count; i++)
    if (v->seen[i].service == seen.service && v->seen[i].version == seen.version) return true;
  if (!keep_text(v, region_of(trace, resource), &seen.region)) return false;
  bt_version_seen *items = bt_grow_array(v->seen, v->count, &v->capacity, sizeof *items);
  if (!items) return false;
  v->seen = items;
  items[v->count++] = seen;
  return true;
}

bt_status bt_versions_add(bt_versions *versions, const bt_trace *trace, bt_error *error) {
  size_t first = versions->count;
  if (!versions->arena.cap_bytes) bt_arena_init(&versions->arena, ARENA_BYTES);
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_resource *resource = trace->spans[i].resource;
    if (i && resource == trace->spans[i - 1].resource) continue;
    if (!add_seen(versions, trace, resource, first)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

/* ---- deploys ---- */

static int compare_seen(const void *a, const void *b) {
  const bt_version_seen *x = a, *y = b;
  if (x->service != y->service) return x->service < y->service ? -1 : 1;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return (x->version > y->version) - (x->version < y->version);
}

static uint32_t most_frequent(const bt_version_seen *seen, size_t count) {
  uint32_t best = 0;
  size_t best_count = 0;
  for (size_t i = 0; i < count; i++) {
    size_t same = 0;
    for (size_t k = 0; k < count; k++) same += seen[k].version == seen[i].version;
    if (same > best_count) best = seen[i].version;
    if (same > best_count) best_count = same;
  }
  return best;
}

/* The region of all that is of the version; 0: there are several or none, or the service is in no other. */
static uint32_t only_region(const bt_version_seen *seen, size_t count, uint32_t version) {
  uint32_t region = 0;
  bool has_first = false, is_elsewhere = false;
  for (size_t i = 0; i < count; i++) {
    if (seen[i].version != version) continue;
    if (has_first && seen[i].region != region) return 0;
    region = seen[i].region;
    has_first = true;
  }
  for (size_t i = 0; i < count; i++) is_elsewhere = is_elsewhere || seen[i].region != region;
  return is_elsewhere ? region : 0;
}

/* Whether a version with this share of the traces since would hardly be missing in so many before. */
static bool is_news(const bt_version_seen *seen, size_t count, size_t at) {
  size_t own = 0;
  for (size_t i = at; i < count; i++) own += seen[i].version == seen[at].version;
  return (double)at * log1p(-(double)own / (double)(count - at + 1)) < log(HARDLY);
}

static bt_str string_of(const bt_versions *v, uint32_t symbol) {
  return symbol ? v->texts.strings[symbol - 1] : (bt_str){0};
}

/* Of one service. Versions are few, so that walking again for each of them costs little. last: of each version the
 * service in which it was met last. */
static bool find_in_service(bt_versions *v, const bt_version_seen *seen, size_t count, uint32_t *last,
                            size_t *capacity) {
  for (size_t at = 0; at < count; at++) {
    bool is_first = last[seen[at].version] != seen->service;
    last[seen[at].version] = seen->service;
    if (!at || !is_first || !is_news(seen, count, at)) continue;
    bt_deploy *items = bt_grow_array(v->deploys, v->deploy_count, capacity, sizeof *items);
    if (!items) return false;
    v->deploys = items;
    size_t from = at < BEFORE ? 0 : at - BEFORE;
    items[v->deploy_count++] = (bt_deploy){.service = string_of(v, seen->service),
                                           .from = string_of(v, most_frequent(&seen[from], at - from)),
                                           .to = string_of(v, seen[at].version),
                                           .region = string_of(v, only_region(seen, count, seen[at].version)),
                                           .first_seen_ns = seen[at].start_ns};
  }
  return true;
}

static int compare_deploys(const void *a, const void *b) {
  const bt_deploy *x = a, *y = b;
  if (x->first_seen_ns != y->first_seen_ns) return x->first_seen_ns > y->first_seen_ns ? -1 : 1;
  int order = bt_str_compare(x->service, y->service);
  return order ? order : bt_str_compare(x->to, y->to);
}

bt_status bt_versions_find_deploys(bt_versions *versions, bt_error *error) {
  bt_version_seen *seen = versions->seen;
  size_t capacity = 0, end;
  uint32_t *last = bt_realloc_array(NULL, versions->texts.count + 1, sizeof *last);
  bool has_memory = last;
  for (size_t i = 0; last && i <= versions->texts.count; i++) last[i] = 0;
  if (versions->count) qsort(seen, versions->count, sizeof *seen, compare_seen);
  for (size_t begin = 0; begin < versions->count && has_memory; begin = end) {
    for (end = begin; end < versions->count && seen[end].service == seen[begin].service;) end++;
    has_memory = find_in_service(versions, &seen[begin], end - begin, last, &capacity);
  }
  free(last);
  if (versions->deploy_count) qsort(versions->deploys, versions->deploy_count, sizeof(bt_deploy), compare_deploys);
  return has_memory ? BT_OK : bt_error_no_memory(error);
}

void bt_versions_dispose(bt_versions *versions) {
  free(versions->seen);
  free(versions->deploys);
  bt_symbols_dispose(&versions->texts);
  if (versions->arena.cap_bytes) bt_arena_dispose(&versions->arena);
  *versions = (bt_versions){0};
}

bool bt_deploys_are_one(const bt_deploy *a, const bt_deploy *b) {
  return bt_str_equal(a->from, b->from) && bt_str_equal(a->to, b->to);
}

int64_t bt_deploy_first_ns(const bt_versions *versions, const bt_deploy *deploy) {
  int64_t first_ns = deploy->first_seen_ns;
  for (size_t i = 0; i < versions->deploy_count; i++) {
    const bt_deploy *other = &versions->deploys[i];
    if (bt_deploys_are_one(other, deploy) && other->first_seen_ns < first_ns) first_ns = other->first_seen_ns;
  }
  return first_ns;
}

/* Returns whether all are in the same region. */
static bool write_services(const bt_versions *versions, const bt_deploy *deploy, bt_buffer *out) {
  enum { SHOWN = 5 };
  size_t count = 0;
  bool is_one_region = true;
  for (size_t i = 0; i < versions->deploy_count; i++) {
    const bt_deploy *other = &versions->deploys[i];
    if (!bt_deploys_are_one(other, deploy)) continue;
    is_one_region = is_one_region && bt_str_equal(other->region, deploy->region);
    if (count++ >= SHOWN) continue;
    bt_buffer_append(out, count > 1 ? BT_STR(", ") : BT_STR(""));
    bt_shown_append(other->service, out);
  }
  if (count > SHOWN) bt_buffer_printf(out, " and %zu more", count - SHOWN);
  return is_one_region;
}

void bt_deploy_write(const bt_versions *versions, const bt_deploy *deploy, bt_buffer *out) {
  char time[40];
  bt_time_format(bt_deploy_first_ns(versions, deploy), time);
  bool has_region = write_services(versions, deploy, out) && deploy->region.len;
  bt_buffer_append_char(out, ' ');
  bt_shown_append(deploy->from, out);
  bt_buffer_append(out, BT_STR(" → "));
  bt_shown_append(deploy->to, out);
  bt_buffer_printf(out, " at %.19sZ", time);
  bt_buffer_append(out, has_region ? BT_STR(", in ") : BT_STR(""));
  if (has_region) bt_shown_append(deploy->region, out);
}
