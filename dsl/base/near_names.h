/* The nearest of many names: spelt alike, or with a word in common. What is kept rests on the names alone, and not on
 * the order in which they come. Thread: no state. */
#ifndef BT_DSL_BASE_NEAR_NAMES_H
#define BT_DSL_BASE_NEAR_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

enum { BT_NEAR_NAMES = 3 };

typedef struct bt_near_names { /* all-zero: none */
  bt_str names[BT_NEAR_NAMES]; /* the nearest first; borrowed */
  unsigned scores[BT_NEAR_NAMES];
  size_t count;
} bt_near_names;

/* Takes the name if it is one of the nearest so far. Returns its place, or BT_NEAR_NAMES: it was not taken. */
size_t bt_near_names_consider(bt_near_names *near, bt_str wanted, bt_str name);
/* Appends the name that has this place in a list of near names: "; near: refund" for place 0, then ", refunds". */
void bt_near_name_write(bt_str name, size_t place, bt_buffer *out);

#endif
