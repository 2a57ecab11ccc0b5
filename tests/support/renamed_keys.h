/* Random tables of renames over a few keys, and a translation of attributes that knows nothing of how the program does
 * it: one rename after the other. Only for tests. */
#ifndef BT_TESTS_RENAMED_KEYS_H
#define BT_TESTS_RENAMED_KEYS_H

#include "dsl/rule/conventions.h"
#include "dsl/trace/trace.h"
#include "tests/support/random.h"

enum { RENAMED_KEYS_MAX = 6 };

typedef struct renamed_keys {
  bt_rename renames[RENAMED_KEYS_MAX];
  bt_conventions conventions; /* points into it */
} renamed_keys;

/* Renames of some of the keys to others of them. is_forward: a key that was given up never comes again, and none is
 * given up twice, so that a name alone says what it means. */
void renamed_keys_make(test_random *random, const char *const *keys, size_t count, bool is_forward, renamed_keys *out);
/* The newest name of a key. */
bt_str renamed_keys_newest(const renamed_keys *keys, bt_names_of of, bt_str key);
/* Each attribute by its newest name, in place; of two that come to one name the one stays that had it first. */
void renamed_keys_translate(const renamed_keys *keys, bt_names_of of, bt_attributes *attributes);

#endif
