/* Names that a rule file gives: other keys that an attribute goes by, and words for spans. A rule's text says them by
 * @alias(…) and @name(…), and who reads a rule file gives them next to the text. Thread: no state. */
#ifndef BT_DSL_RULE_OWN_NAMES_H
#define BT_DSL_RULE_OWN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"

enum { BT_ALIAS_KEYS = 16 }; /* of one attribute, with the one that rules say */

/* An attribute is worth what the first of these keys is that is there. */
typedef struct bt_alias {
  const bt_str *keys; /* the first is what rules say */
  uint32_t key_count;
} bt_alias;

/* Where rules say the word, they mean the spans. */
typedef struct bt_own_name {
  bt_str word;
  bt_str spans; /* a selection by tests of one span, as text: span(…) */
} bt_own_name;

typedef struct bt_own_names {
  const bt_alias *aliases;
  size_t alias_count;
  const bt_own_name *names;
  size_t name_count;
} bt_own_names;

bool bt_alias_equal(const bt_alias *a, const bt_alias *b);
/* Appends what is wrong with it: "expected …, got …". Nothing: it is right. */
void bt_alias_fault(const bt_alias *alias, bt_buffer *out);

#endif
