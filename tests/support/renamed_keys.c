/* Random tables of renames. See renamed_keys.h. */
#include "tests/support/renamed_keys.h"

#include <string.h>

static bool has_given_up(const renamed_keys *keys, size_t count, const char *key) {
  for (size_t i = 0; i < count; i++)
    if (bt_str_equal(keys->renames[i].from, bt_str_from(key))) return true;
  return false;
}

/* Of one step it must not matter which comes first. */
static bool is_apart(const renamed_keys *keys, size_t count, const char *from, const char *to, uint16_t step) {
  for (size_t i = 0; i < count; i++) {
    const bt_rename *rename = &keys->renames[i];
    bool meets = bt_str_equal(rename->from, bt_str_from(from)) || bt_str_equal(rename->from, bt_str_from(to)) ||
                 bt_str_equal(rename->to, bt_str_from(from));
    if (rename->step == step && meets) return false;
  }
  return true;
}

void renamed_keys_make(test_random *random, const char *const *keys, size_t count, bool is_forward, renamed_keys *out) {
  static const unsigned scopes[] = {BT_NAMES_OF_SPANS, BT_NAMES_OF_RESOURCES, BT_NAMES_OF_EVENTS,
                                    BT_NAMES_OF_SPANS | BT_NAMES_OF_RESOURCES | BT_NAMES_OF_EVENTS,
                                    BT_NAMES_OF_SPANS | BT_NAMES_OF_RESOURCES | BT_NAMES_OF_EVENTS};
  size_t made = 0, wanted = 1 + test_random_below(random, RENAMED_KEYS_MAX);
  uint16_t step = 1;
  *out = (renamed_keys){0};
  for (size_t i = 0; i < wanted; i++) {
    const char *from = keys[test_random_below(random, (unsigned)count)];
    const char *to = keys[test_random_below(random, (unsigned)count)];
    unsigned of = scopes[test_random_below(random, sizeof scopes / sizeof *scopes)];
    if (test_random_below(random, 3)) step++;
    if (strcmp(from, to) == 0 || !is_apart(out, made, from, to, step)) continue;
    if (is_forward && (has_given_up(out, made, from) || has_given_up(out, made, to))) continue;
    out->renames[made++] = (bt_rename){
        .step = step, .release = BT_RELEASE(1, step, 0), .of = of, .from = bt_str_from(from), .to = bt_str_from(to)};
  }
  out->conventions = (bt_conventions){BT_RELEASE(2, 0, 0), out->renames, made};
}

bt_str renamed_keys_newest(const renamed_keys *keys, bt_names_of of, bt_str key) {
  for (size_t i = 0; i < keys->conventions.rename_count; i++)
    if ((keys->renames[i].of & (unsigned)of) && bt_str_equal(keys->renames[i].from, key)) key = keys->renames[i].to;
  return key;
}

static uint32_t find_key(const bt_attributes *attributes, bt_str key) {
  uint32_t at = 0;
  while (at < attributes->count && !bt_str_equal(attributes->items[at].key, key)) at++;
  return at;
}

/* What no rule reads is not there. */
static bool is_there(const bt_attributes *attributes, uint32_t at) {
  return at < attributes->count && attributes->items[at].value.type != BT_VALUE_OTHER &&
         attributes->items[at].value.type != BT_VALUE_MISSING;
}

static void leave_out(bt_attributes *attributes, uint32_t at) {
  bt_attribute *items = (bt_attribute *)(uintptr_t)attributes->items;
  memmove(&items[at], &items[at + 1], (attributes->count - at - 1) * sizeof *items);
  attributes->count--;
}

static void translate_one(const bt_rename *rename, bt_attributes *attributes) {
  uint32_t from = find_key(attributes, rename->from);
  if (from == attributes->count) return;
  uint32_t to = find_key(attributes, rename->to);
  if (is_there(attributes, to) || !is_there(attributes, from)) {
    leave_out(attributes, from);
    return;
  }
  ((bt_attribute *)(uintptr_t)attributes->items)[from].key = rename->to;
  if (to < attributes->count) leave_out(attributes, to);
}

void renamed_keys_translate(const renamed_keys *keys, bt_names_of of, bt_attributes *attributes) {
  for (size_t i = 0; i < keys->conventions.rename_count; i++)
    if (keys->renames[i].of & (unsigned)of) translate_one(&keys->renames[i], attributes);
}
