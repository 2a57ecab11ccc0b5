/* Shared patterns. See pattern_table.h. A lock of one flag guards it: dsl/ has no threads of its own, and what is done
 * under it are a few comparisons. Nothing is compiled, allocated or freed there. */
#include "dsl/pattern/pattern_table.h"

#include <stdatomic.h>

#include "dsl/base/table.h"

enum {
  BUCKETS = 4096,
  MAX_IDLE = 16,
  MAX_IDLE_BYTES = 2 * 1024 * 1024 /* of their programs together */
};

static atomic_flag lock = ATOMIC_FLAG_INIT;
static bt_pattern *buckets[BUCKETS];
static bt_pattern *idle[MAX_IDLE]; /* a ring; NULL: free */
static int next_idle;
static size_t idle_bytes, all_bytes;

static void take_lock(void) {
  while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
  }
}

static void give_lock(void) {
  atomic_flag_clear_explicit(&lock, memory_order_release);
}

static bt_pattern_link *link_of(bt_pattern *pattern) {
  return (bt_pattern_link *)pattern;
}

static bt_pattern *find_pattern(bt_str text, bool is_whole, uint64_t hash) {
  for (bt_pattern *pattern = buckets[hash % BUCKETS]; pattern; pattern = link_of(pattern)->next) {
    const bt_pattern_link *link = link_of(pattern);
    if (link->hash == hash && link->is_whole == is_whole && bt_str_equal(link->text, text)) return pattern;
  }
  return NULL;
}

/* No longer among those that were let go. */
static void wake_pattern(bt_pattern *pattern) {
  bt_pattern_link *link = link_of(pattern);
  if (link->idle_place < 0) return;
  idle[link->idle_place] = NULL;
  idle_bytes -= bt_pattern_bytes(pattern);
  link->idle_place = -1;
}

static void unlink_pattern(bt_pattern *pattern) {
  bt_pattern **at = &buckets[link_of(pattern)->hash % BUCKETS];
  while (*at != pattern) at = &link_of(*at)->next;
  *at = link_of(pattern)->next;
  all_bytes -= bt_pattern_bytes(pattern);
}

size_t bt_patterns_held_bytes(void) {
  take_lock();
  size_t bytes = all_bytes;
  give_lock();
  return bytes;
}

static bt_pattern *use_pattern(bt_pattern *pattern) {
  if (!pattern) return NULL;
  wake_pattern(pattern);
  link_of(pattern)->users++;
  return pattern;
}

bt_pattern *bt_pattern_table_find(bt_str text, bool is_whole) {
  uint64_t hash = bt_hash_text(text);
  take_lock();
  bt_pattern *found = use_pattern(find_pattern(text, is_whole, hash));
  give_lock();
  return found;
}

bt_pattern *bt_pattern_table_add(bt_pattern *pattern, bt_pattern **other) {
  bt_pattern_link *link = link_of(pattern);
  size_t bytes = bt_pattern_bytes(pattern);
  link->hash = bt_hash_text(link->text);
  link->users = 1;
  link->idle_place = -1;
  *other = NULL;
  take_lock();
  bt_pattern *found = use_pattern(find_pattern(link->text, link->is_whole, link->hash));
  if (!found) {
    link->next = buckets[link->hash % BUCKETS];
    buckets[link->hash % BUCKETS] = pattern;
    all_bytes += bytes;
  }
  give_lock();
  if (!found) return pattern;
  *other = pattern;
  return found;
}

/* Takes out those that were let go longest ago until `bytes` more have room in the next place. They come as a chain. */
static bt_pattern *make_room(size_t bytes) {
  bt_pattern *gone = NULL;
  for (int i = 0; i < MAX_IDLE && (idle[next_idle] || idle_bytes + bytes > MAX_IDLE_BYTES); i++) {
    bt_pattern *oldest = idle[next_idle];
    if (oldest) {
      wake_pattern(oldest);
      unlink_pattern(oldest);
      link_of(oldest)->next = gone;
      gone = oldest;
    }
    if (idle_bytes + bytes > MAX_IDLE_BYTES) next_idle = (next_idle + 1) % MAX_IDLE;
  }
  return gone;
}

bt_pattern *bt_pattern_table_leave(bt_pattern *pattern) {
  bt_pattern *gone = NULL;
  size_t bytes = bt_pattern_bytes(pattern);
  bt_pattern_link *link = link_of(pattern);
  take_lock();
  if (--link->users == 0) {
    gone = make_room(bytes);
    link->idle_place = next_idle;
    idle[next_idle] = pattern;
    idle_bytes += bytes;
    next_idle = (next_idle + 1) % MAX_IDLE;
  }
  give_lock();
  return gone;
}
