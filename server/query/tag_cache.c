/* A small table behind a mutex; the entry that was fetched longest ago makes room. See tag_cache.h. */
#include "server/query/tag_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"

static const int64_t KEPT_NS = INT64_C(10000000000), FAILURE_KEPT_NS = INT64_C(5000000000);

struct bt_cached_tags {
  atomic_size_t references;
  const bt_source *source; /* which answered */
  char *tenant, *key;      /* key NULL: names */
  bt_tag_scope scope;
  bt_tag_list list;
  bool is_available;
  char problem[300];
  int64_t fetched_at_ns; /* monotonic */
};

enum { FETCHES_AT_ONCE = 4 };
static const size_t KEPT_BYTES = (size_t)16 << 20;

struct bt_tag_cache {
  atomic_int fetching; /* requests that wait for a source: each holds a place of a lane */
  pthread_mutex_t lock;
  bt_cached_tags *entries[BT_TAG_CACHE_ENTRIES]; /* NULL: free */
};

bt_status bt_tag_cache_new(bt_tag_cache **out, bt_error *error) {
  *out = calloc(1, sizeof **out);
  if (!*out) return bt_error_no_memory(error);
  pthread_mutex_init(&(*out)->lock, NULL);
  return BT_OK;
}

void bt_tag_cache_free(bt_tag_cache *cache) {
  if (!cache) return;
  for (size_t i = 0; i < BT_TAG_CACHE_ENTRIES; i++) bt_cached_tags_unref(cache->entries[i]);
  pthread_mutex_destroy(&cache->lock);
  free(cache);
}

void bt_cached_tags_unref(bt_cached_tags *tags) {
  if (!tags || atomic_fetch_sub_explicit(&tags->references, 1, memory_order_acq_rel) != 1) return;
  bt_tag_list_dispose(&tags->list);
  free(tags->tenant);
  free(tags->key);
  free(tags);
}

static bt_cached_tags *ref_tags(bt_cached_tags *tags) {
  atomic_fetch_add_explicit(&tags->references, 1, memory_order_relaxed);
  return tags;
}

const bt_tag_list *bt_cached_tags_list(const bt_cached_tags *tags, const char **problem) {
  *problem = tags->problem;
  return tags->is_available ? &tags->list : NULL;
}

static bool is_about(const bt_cached_tags *tags, const bt_source *source, const bt_tag_request *request) {
  return tags->source == source && tags->scope == request->scope &&
         strcmp(tags->tenant, request->tenant ? request->tenant : "") == 0 && !tags->key == !request->key.ptr &&
         (!tags->key || bt_str_equal(bt_str_from(tags->key), request->key));
}

static bool is_fresh(const bt_cached_tags *tags, int64_t now_ns) {
  return now_ns - tags->fetched_at_ns < (tags->is_available ? KEPT_NS : FAILURE_KEPT_NS);
}

/* A reference, or NULL. */
static bt_cached_tags *find_tags(bt_tag_cache *cache, const bt_source *source, const bt_tag_request *request) {
  int64_t now_ns = bt_clock_monotonic_ns();
  bt_cached_tags *found = NULL;
  pthread_mutex_lock(&cache->lock);
  for (size_t i = 0; i < BT_TAG_CACHE_ENTRIES && !found; i++) {
    bt_cached_tags *entry = cache->entries[i];
    if (entry && is_about(entry, source, request) && is_fresh(entry, now_ns)) found = ref_tags(entry);
  }
  pthread_mutex_unlock(&cache->lock);
  return found;
}

/* The answer that was fetched longest ago, but for `but`; BT_TAG_CACHE_ENTRIES: there is none. *bytes: of all. */
static size_t find_oldest(const bt_tag_cache *cache, const bt_cached_tags *but, size_t *bytes) {
  size_t oldest = BT_TAG_CACHE_ENTRIES;
  *bytes = 0;
  for (size_t i = 0; i < BT_TAG_CACHE_ENTRIES; i++) {
    const bt_cached_tags *entry = cache->entries[i];
    if (!entry) continue;
    *bytes += entry->list.arena.total_bytes + entry->list.capacity * sizeof(bt_tag);
    bool is_older = oldest == BT_TAG_CACHE_ENTRIES || entry->fetched_at_ns < cache->entries[oldest]->fetched_at_ns;
    if (entry != but && is_older) oldest = i;
  }
  return oldest;
}

/* Long lists are few: the oldest go until what is kept is small again. Under the lock. */
static void trim_cache(bt_tag_cache *cache, const bt_cached_tags *newest) {
  size_t bytes, oldest;
  while ((oldest = find_oldest(cache, newest, &bytes)) < BT_TAG_CACHE_ENTRIES && bytes > KEPT_BYTES) {
    bt_cached_tags_unref(cache->entries[oldest]);
    cache->entries[oldest] = NULL;
  }
}

/* In the place of the same question, else of the oldest answer. */
static void keep_tags(bt_tag_cache *cache, bt_cached_tags *tags, const bt_tag_request *request) {
  size_t place = 0;
  pthread_mutex_lock(&cache->lock);
  for (size_t i = 0; i < BT_TAG_CACHE_ENTRIES; i++) {
    const bt_cached_tags *entry = cache->entries[i], *best = cache->entries[place];
    if (entry && is_about(entry, tags->source, request)) {
      place = i;
      break;
    }
    if (best && (!entry || entry->fetched_at_ns < best->fetched_at_ns)) place = i;
  }
  bt_cached_tags *old = cache->entries[place];
  cache->entries[place] = ref_tags(tags);
  trim_cache(cache, tags);
  pthread_mutex_unlock(&cache->lock);
  bt_cached_tags_unref(old);
}

static bt_cached_tags *new_tags(const bt_source *source, const bt_tag_request *request) {
  bt_cached_tags *tags = calloc(1, sizeof *tags);
  if (!tags) return NULL;
  atomic_init(&tags->references, 1);
  tags->source = source;
  tags->scope = request->scope;
  tags->tenant = strdup(request->tenant ? request->tenant : "");
  tags->key = request->key.ptr ? strndup(request->key.ptr, request->key.len) : NULL;
  if (tags->tenant && (tags->key || !request->key.ptr)) return tags;
  bt_cached_tags_unref(tags);
  return NULL;
}

static void fetch_tags(bt_cached_tags *tags, bt_source *source, const bt_tag_request *request) {
  bt_error error = {0};
  bool has_values = request->key.ptr || request->scope >= BT_TAG_SPAN_NAME;
  bt_status status = has_values ? bt_source_tag_values(source, request, &tags->list, &error)
                                : bt_source_tag_names(source, request, &tags->list, &error);
  tags->is_available = status == BT_OK;
  tags->fetched_at_ns = bt_clock_monotonic_ns();
  if (status) snprintf(tags->problem, sizeof tags->problem, "%.*s", (int)sizeof tags->problem - 1, error.message);
}

bt_cached_tags *bt_tag_cache_get(bt_tag_cache *cache, bt_source *source, const bt_tag_request *request) {
  bt_cached_tags *tags = find_tags(cache, source, request);
  if (tags) return tags;
  tags = new_tags(source, request);
  if (!tags) return NULL;
  if (atomic_fetch_add(&cache->fetching, 1) < FETCHES_AT_ONCE) {
    fetch_tags(tags, source, request);
    if (!bt_is_cancelled(request->cancel)) keep_tags(cache, tags, request); /* else others would hear that it was cut */
  } else {
    snprintf(tags->problem, sizeof tags->problem, "%d questions to the source are under way already", FETCHES_AT_ONCE);
  }
  atomic_fetch_sub(&cache->fetching, 1);
  return tags;
}
