/* The names of spans, services and attributes that a rule asks for, and which of them it can do without. Whether they
 * are there somebody else finds out. Thread: no state. */
#ifndef BT_DSL_RULE_USED_NAMES_H
#define BT_DSL_RULE_USED_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"

typedef enum bt_name_kind { BT_NAME_SPAN_OR_SERVICE, BT_NAME_SPAN, BT_NAME_SERVICE, BT_NAME_ATTRIBUTE } bt_name_kind;
/* "span or service", "span", "service" or "attribute" */
const char *bt_name_kind_in_words(bt_name_kind kind);
typedef enum bt_presence { BT_NAME_THERE, BT_NAME_ABSENT, BT_NAME_UNKNOWN } bt_presence;
typedef struct bt_used_name {
  bt_name_kind kind;
  bt_str name;    /* the rule's */
  bt_range place; /* in the rule's text, where it is first asked for */
  bt_presence presence;
  bool is_spared; /* absent, but wherever it stands, another alternative of an `or` can hold */
} bt_used_name;
typedef struct bt_name_use bt_name_use;
typedef struct bt_used_names { /* all-zero is empty */
  bt_used_name *items;
  size_t count, capacity;
  bt_name_use *uses; /* where the names stand among alternatives, in the order of the text */
  size_t use_count, use_capacity;
  bool no_memory;
} bt_used_names;
/* Adds the names that a condition (may be NULL) asks spans for. BT_NO_MEMORY alone. */
bt_status bt_used_names_add(bt_used_names *names, const bt_condition *condition, bt_error *error) BT_MUST_CHECK;
/* Finds which names are spared, once the caller has set `presence` of each. */
void bt_used_names_spare(bt_used_names *names);
void bt_used_names_dispose(bt_used_names *names);

#endif
