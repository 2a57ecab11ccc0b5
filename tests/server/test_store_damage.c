/* A rule database with single bits turned over, everywhere: it is refused, or nothing changed, or what changed is
 * named. No rule silently becomes another one, disappears, or comes back. Flips in each page: FLIPS, or as many as
 * BETRACE_TEST_FLIPS says; the seed is printed when one fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/server/store_fixture.h"

enum { FLIPS = 3, PAGE_BYTES = 4096, RULES = 20, TENANTS = 2 };

static const char *const tenants[TENANTS] = {"acme", "globex"};
static bt_error error;

/* ---- a database with history ---- */

static bt_rule_definition *rich_definition(const char *id, int number) {
  char text[200], long_text[900];
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  bt_rule_definition *definition = NULL;
  snprintf(text, sizeof text, "@SOC2(controls = {CC%d_1}) when { read.number%d } always { audit.log }", 6 + number % 3,
           number);
  memset(long_text, 'd', sizeof long_text);
  long_text[number % 2 ? 899 : 20] = '\0';
  bt_rule_fields_init(&fields);
  fields.id = strdup(id);
  fields.dsl = strdup(text);
  fields.description = strdup(long_text);
  fields.shadow = number % 7 == 0;
  fields.settle_ns = number % 5 ? -1 : 60000000000;
  assert_true(bt_string_pairs_add(&fields.labels, &fields.label_count, BT_STR("team"), BT_STR("payments")));
  assert_true(bt_string_pairs_add(&fields.annotations, &fields.annotation_count, BT_STR("owner"), BT_STR("ann")));
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_definition_new(&fields, &definition, &diagnostics, &error)) fail_msg("%s", error.message);
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

/* Of every ten rules two have a second version, one is disabled, one deleted, and one deleted and made again. */
static void fill(const char *path) {
  bt_rule_store *store = open_store(path);
  for (int tenant = 0; tenant < TENANTS; tenant++)
    for (int i = 0; i < RULES; i++) {
      char id[32];
      const char *name = tenants[tenant];
      snprintf(id, sizeof id, "rule-%03d", i);
      bt_status status = bt_rule_store_create(store, name, rich_definition(id, i), "ann", NULL, &error);
      if (!status && i % 10 < 2)
        status = bt_rule_store_update(store, name, rich_definition(id, i + 1), 1, "bob", NULL, &error);
      if (!status && i % 10 == 3) status = bt_rule_store_set_enabled(store, name, id, false, 1, "bob", NULL, &error);
      if (!status && (i % 10 == 4 || i % 10 == 5)) status = bt_rule_store_delete(store, name, id, 1, "eve", &error);
      if (!status && i % 10 == 5)
        status = bt_rule_store_create(store, name, rich_definition(id, i + 2), "ann", NULL, &error);
      if (status) fail_msg("%s", error.message);
    }
  bt_rule_store_close(store);
}

static bt_buffer read_file(const char *path) {
  bt_buffer bytes = {0};
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  for (int c; (c = fgetc(file)) != EOF;) bt_buffer_append_char(&bytes, (char)c);
  fclose(file);
  return bytes;
}

static void write_file(const char *path, const bt_buffer *bytes) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes->ptr, 1, bytes->len, file), bytes->len);
  assert_int_equal(fclose(file), 0);
}

/* ---- what a store says of its rules ---- */

static void append_pairs(bt_buffer *out, const bt_string_pair *pairs, size_t count) {
  for (size_t i = 0; i < count; i++) bt_buffer_printf(out, "|%s=%s", pairs[i].key, pairs[i].value);
}

static void append_definition(bt_buffer *out, const bt_rule_definition *d) {
  const bt_rule_fields *f = &d->fields;
  bt_buffer_printf(out, "%s|%s|%s|%s|%d|%d|%d%d%d|%" PRId64 "|%" PRId64 "|%" PRId64 "|%d|%d|%s", f->id, f->name,
                   f->description, f->dsl, (int)f->severity, f->has_severity, f->enabled, f->shadow, f->watch_all,
                   f->settle_ns, f->margin_ns, f->clock_skew_ns, f->require_complete, f->links_sampled,
                   f->store ? f->store : "");
  append_pairs(out, f->labels, f->label_count);
  append_pairs(out, f->annotations, f->annotation_count);
  bt_buffer_printf(out, "|%s|%" PRId64 "|%" PRId64 "|%" PRId64 "|%s", d->condition_hash, d->version, d->created_at_ns,
                   d->updated_at_ns, d->updated_by ? d->updated_by : "");
}

typedef struct rule_record {
  char tenant[16], id[32];
  bt_buffer now;     /* empty: there is none */
  bt_buffer history; /* of undamaged versions */
  bool is_named;     /* broken, or in the list of what is damaged */
} rule_record;

enum { RECORDS = RULES * TENANTS };

static void append_history(bt_rule_store *store, rule_record *record) {
  bt_rule_version *versions = NULL;
  size_t count = 0;
  if (bt_rule_store_versions(store, record->tenant, record->id, &versions, &count, &error)) return;
  for (size_t i = 0; i < count; i++) {
    if (versions[i].definition->broken) continue;
    bt_buffer_printf(&record->history, "%d:", versions[i].deleted);
    append_definition(&record->history, versions[i].definition);
  }
  bt_rule_versions_free(versions, count);
}

static rule_record *find_record(rule_record *records, const char *tenant, const char *id) {
  for (size_t i = 0; i < RECORDS; i++)
    if (strcmp(records[i].tenant, tenant) == 0 && strcmp(records[i].id, id) == 0) return &records[i];
  return NULL;
}

static void name_damage(bt_rule_store *store, rule_record *records) {
  const bt_rule_damage *damage;
  size_t count = bt_rule_store_damage(store, &damage);
  for (size_t i = 0; i < count; i++) {
    rule_record *record = find_record(records, damage[i].tenant, damage[i].rule_id);
    if (record) record->is_named = true;
  }
}

/* How many rules there are that are none of ours and nevertheless could be evaluated. */
static size_t count_strangers(bt_rule_store *store, rule_record *records) {
  const char **names = NULL;
  size_t count, strangers = 0;
  assert_int_equal(bt_rule_store_tenants(store, &names, &count, &error), BT_OK);
  for (size_t i = 0; i < count; i++) {
    bt_rule_list list;
    assert_int_equal(bt_rule_store_snapshot(store, names[i], &list, &error), BT_OK);
    for (size_t j = 0; j < list.count; j++) strangers += !find_record(records, names[i], list.items[j]->fields.id);
    bt_rule_list_dispose(&list);
  }
  free(names);
  return strangers;
}

static void look(bt_rule_store *store, rule_record *records) {
  for (int i = 0; i < RECORDS; i++) {
    rule_record *record = &records[i];
    const bt_rule_definition *found = NULL;
    snprintf(record->tenant, sizeof record->tenant, "%s", tenants[i / RULES]);
    snprintf(record->id, sizeof record->id, "rule-%03d", i % RULES);
    bt_status status = bt_rule_store_get(store, record->tenant, record->id, &found, &error);
    record->is_named = status == BT_INVALID;
    if (found) append_definition(&record->now, found);
    bt_rule_definition_unref(found);
    append_history(store, record);
  }
  name_damage(store, records);
}

static void forget(rule_record *records) {
  for (int i = 0; i < RECORDS; i++) {
    bt_buffer_dispose(&records[i].now);
    bt_buffer_dispose(&records[i].history);
  }
  memset(records, 0, RECORDS * sizeof *records);
}

static bool is_same(const bt_buffer *a, const bt_buffer *b) {
  return bt_str_equal(bt_buffer_str(a), bt_buffer_str(b));
}

/* ---- flips ---- */

static uint64_t next_random(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *seed >> 33;
}

typedef struct flip_counts {
  size_t refused, named, harmless;
} flip_counts;

/* Nothing of this database is what it was not. */
static void judge(bt_rule_store *store, rule_record *before, const char *where, flip_counts *counts) {
  static rule_record after[RECORDS];
  bool is_named = false;
  look(store, after);
  for (int i = 0; i < RECORDS; i++) {
    bool is_equal = is_same(&before[i].now, &after[i].now) && is_same(&before[i].history, &after[i].history);
    if (!is_equal && !after[i].is_named)
      fail_msg("%s: rule %s of %s changed in silence:\n%.*s\n%.*s", where, before[i].id, before[i].tenant,
               BT_FMT(bt_buffer_str(&before[i].history)), BT_FMT(bt_buffer_str(&after[i].history)));
    if (after[i].now.len && !is_same(&before[i].now, &after[i].now))
      fail_msg("%s: rule %s of %s would be evaluated as another one", where, before[i].id, before[i].tenant);
    is_named = is_named || after[i].is_named;
  }
  if (count_strangers(store, before)) fail_msg("%s: a rule is there that nobody wrote", where);
  forget(after);
  if (is_named)
    counts->named++;
  else
    counts->harmless++;
}

static void remove_beside(const char *path) {
  char name[400];
  snprintf(name, sizeof name, "%s-wal", path);
  remove(name);
  snprintf(name, sizeof name, "%s-shm", path);
  remove(name);
}

static void try_flip(const char *path, bt_buffer *bytes, size_t bit, rule_record *before, flip_counts *counts) {
  char where[80];
  bt_rule_store *store = NULL;
  snprintf(where, sizeof where, "page %zu, byte %zu, bit %zu", bit / 8 / PAGE_BYTES + 1, bit / 8 % PAGE_BYTES, bit % 8);
  bytes->ptr[bit / 8] ^= (char)(1u << bit % 8);
  remove_beside(path);
  write_file(path, bytes);
  bytes->ptr[bit / 8] ^= (char)(1u << bit % 8);
  if (bt_rule_store_open(path, 0, &store, &error)) {
    if (!strstr(error.message, path)) fail_msg("%s: the file is not named: %s", where, error.message);
    if (strstr(error.message, "unexpected")) fail_msg("%s: it is not said what to do: %s", where, error.message);
    counts->refused++;
    return;
  }
  judge(store, before, where, counts);
  bt_rule_store_close(store);
}

static void test_single_bits(void **state) {
  (void)state;
  static rule_record before[RECORDS];
  const char *said = getenv("BETRACE_TEST_FLIPS"), *seed_said = getenv("BETRACE_TEST_SEED");
  size_t flips = said ? (size_t)strtoul(said, NULL, 10) : FLIPS;
  uint64_t seed = seed_said ? strtoull(seed_said, NULL, 10) : 20260310;
  store_folder folder;
  flip_counts counts = {0};
  store_folder_make(&folder);
  fill(folder.database);
  bt_buffer bytes = read_file(folder.database);
  assert_true(bytes.len > 12 * PAGE_BYTES && bytes.len % PAGE_BYTES == 0);
  bt_rule_store *store = open_store(folder.database);
  look(store, before);
  for (int i = 0; i < RECORDS; i++) assert_false(before[i].is_named);
  bt_rule_store_close(store);
  for (size_t page = 0; page < bytes.len / PAGE_BYTES; page++) {
    for (size_t i = 0; i < flips; i++)
      try_flip(folder.database, &bytes, page * PAGE_BYTES * 8 + next_random(&seed) % (PAGE_BYTES * 8), before, &counts);
    /* Its first bytes say the most: what it is, how many cells it has, and where. */
    try_flip(folder.database, &bytes, page * PAGE_BYTES * 8 + next_random(&seed) % 800, before, &counts);
  }
  print_message("of %zu flips %zu were refused, %zu named, %zu harmless\n",
                counts.refused + counts.named + counts.harmless, counts.refused, counts.named, counts.harmless);
  assert_true(counts.refused > 0 && counts.named > 0 && counts.harmless > 0);
  forget(before);
  bt_buffer_dispose(&bytes);
  store_folder_remove(&folder);
}

int main(void) {
  /* Thousands of databases are opened, each with its syncs: in memory where there is such a folder. */
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_single_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
