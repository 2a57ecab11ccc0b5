/* The cache of names and values: right answers under many threads, bounded requests and bytes, failures kept apart, and
 * every allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/query/tag_cache.h"
#include "tests/support/failing_alloc.h"

enum { THREADS = 8, ROUNDS = 400, KEYS = 100, TRIES = 200 };

typedef struct fake_source {
  bt_source source; /* first */
  atomic_int asked, at_once, most_at_once;
  size_t entries, entry_bytes;
} fake_source;

/* The key said back, and as many more as are wanted; "bad…" has no answer. */
static bt_status fake_tags(bt_source *source, const bt_tag_request *request, bt_tag_list *list, bt_error *error) {
  fake_source *fake = (fake_source *)source;
  atomic_fetch_add(&fake->asked, 1);
  int now = atomic_fetch_add(&fake->at_once, 1) + 1, most = atomic_load(&fake->most_at_once);
  while (now > most && !atomic_compare_exchange_weak(&fake->most_at_once, &most, now)) continue;
  bool is_good = bt_tag_list_add(list, request, request->key.len ? request->key : BT_STR("name"), BT_VALUE_STRING);
  for (size_t i = 0; i < fake->entries && is_good; i++) {
    char text[BT_TAG_TEXT_MAX];
    memset(text, 'x', sizeof text);
    int length = snprintf(text, sizeof text, "%zu", i);
    text[length] = 'x';
    is_good = bt_tag_list_add(list, request, (bt_str){text, fake->entry_bytes}, BT_VALUE_STRING);
  }
  atomic_fetch_sub(&fake->at_once, 1);
  if (!is_good) return bt_error_no_memory(error);
  return bt_str_starts_with(request->key, BT_STR("bad")) ? bt_error_set(error, BT_UNAVAILABLE, "nobody knows") : BT_OK;
}

static const bt_source_operations operations = {.tags = fake_tags};

static bt_tag_request about(const char *tenant, const char *key) {
  return (bt_tag_request){
      .scope = BT_TAG_SPAN, .key = key ? bt_str_from(key) : (bt_str){NULL, 0}, .tenant = tenant, .limit = 10000};
}

static bt_cached_tags *get(bt_tag_cache *cache, fake_source *fake, const char *tenant, const char *key) {
  bt_tag_request request = about(tenant, key);
  return bt_tag_cache_get(cache, &fake->source, &request);
}

static void expect(bt_cached_tags *tags, const char *text) {
  const char *problem;
  assert_non_null(tags);
  const bt_tag_list *list = bt_cached_tags_list(tags, &problem);
  assert_non_null(list);
  assert_true(list->count >= 1);
  bool is_there = false;
  for (size_t i = 0; i < list->count; i++) is_there |= bt_str_equal(list->items[i].text, bt_str_from(text));
  assert_true(is_there);
  bt_cached_tags_unref(tags);
}

static bt_tag_cache *new_cache(void) {
  bt_tag_cache *cache = NULL;
  assert_int_equal(bt_tag_cache_new(&cache, NULL), BT_OK);
  return cache;
}

static void test_what_is_kept(void **state) {
  (void)state;
  fake_source fake = {.source = {&operations, "fake"}};
  bt_tag_cache *cache = new_cache();
  for (int i = 0; i < 3; i++) {
    expect(get(cache, &fake, NULL, "a"), "a");
    expect(get(cache, &fake, NULL, "b"), "b");
    expect(get(cache, &fake, "t", "a"), "a"); /* another tenant's */
    expect(get(cache, &fake, NULL, NULL), "name");
    bt_cached_tags *bad = get(cache, &fake, NULL, "bad");
    const char *problem;
    assert_null(bt_cached_tags_list(bad, &problem));
    assert_string_equal(problem, "nobody knows");
    bt_cached_tags_unref(bad);
  }
  assert_int_equal(fake.asked, 5);
  for (int i = 0; i < KEYS; i++) { /* more than there is room for */
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    expect(get(cache, &fake, NULL, key), key);
  }
  expect(get(cache, &fake, NULL, "k99"), "k99");
  assert_int_equal(fake.asked, 5 + KEYS);
  expect(get(cache, &fake, NULL, "k0"), "k0"); /* made room long ago */
  assert_int_equal(fake.asked, 6 + KEYS);
  bt_tag_cache_free(cache);
}

/* Each list is some MiB: only few of them stay. */
static void test_long_lists_make_room(void **state) {
  (void)state;
  fake_source fake = {.source = {&operations, "fake"}, .entries = 3000, .entry_bytes = 2000};
  bt_tag_cache *cache = new_cache();
  static const char *const keys[] = {"a", "b", "c", "d", "e"};
  for (size_t i = 0; i < 5; i++) expect(get(cache, &fake, NULL, keys[i]), keys[i]);
  expect(get(cache, &fake, NULL, "e"), "e"); /* the newest is kept */
  assert_int_equal(fake.asked, 5);
  expect(get(cache, &fake, NULL, "a"), "a");
  assert_int_equal(fake.asked, 6);
  bt_tag_cache_free(cache);
}

typedef struct asker {
  bt_tag_cache *cache;
  fake_source *fake;
  unsigned number;
} asker;

/* An answer is about what was asked, or it says that too many ask. */
static void *ask(void *argument) {
  asker *a = argument;
  for (unsigned i = 0; i < ROUNDS; i++) {
    char key[16];
    const char *problem;
    snprintf(key, sizeof key, "k%u", (i * 7 + a->number * 13) % KEYS);
    bt_cached_tags *tags = get(a->cache, a->fake, i % 2 ? "t" : NULL, key);
    const bt_tag_list *list = tags ? bt_cached_tags_list(tags, &problem) : NULL;
    if (!tags || (list ? !bt_str_equal(list->items[0].text, bt_str_from(key)) : !strstr(problem, "under way"))) abort();
    bt_cached_tags_unref(tags);
  }
  return NULL;
}

static void test_many_threads(void **state) {
  (void)state;
  fake_source fake = {.source = {&operations, "fake"}};
  asker askers[THREADS];
  pthread_t threads[THREADS];
  bt_tag_cache *cache = new_cache();
  for (unsigned i = 0; i < THREADS; i++) {
    askers[i] = (asker){cache, &fake, i};
    assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_true(fake.most_at_once <= 4);
  bt_tag_cache_free(cache);
}

static void test_allocations_fail(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    assert_true(n < TRIES);
    fake_source fake = {.source = {&operations, "fake"}, .entries = 3, .entry_bytes = 10};
    bt_tag_cache *cache = NULL;
    failing_alloc_after(n);
    bt_status status = bt_tag_cache_new(&cache, NULL);
    bt_cached_tags *tags = status ? NULL : get(cache, &fake, "t", "a");
    bool was_refused = failing_alloc_stop();
    if (!was_refused) {
      expect(tags, "a");
      bt_tag_cache_free(cache);
      break;
    }
    bt_cached_tags_unref(tags);
    bt_tag_cache_free(cache);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_kept), cmocka_unit_test(test_long_lists_make_room),
                                     cmocka_unit_test(test_many_threads), cmocka_unit_test(test_allocations_fail)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
