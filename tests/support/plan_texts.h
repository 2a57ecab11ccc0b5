/* Everything that is made of a rule for a store, as text. Only for tests. */
#ifndef BT_TESTS_PLAN_TEXTS_H
#define BT_TESTS_PLAN_TEXTS_H

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"

/* The plan; its searches as they are sent, and in their wider form where they have one; the reads of its projection:
 * the usual ones, those of what is doubted, those of lists. */
enum { PLAN_TEXT, SEARCH_TEXT, WIDER_TEXT, READ_TEXT, DOUBTED_TEXT, LISTS_TEXT, PLAN_TEXTS };

typedef struct plan_texts {
  bt_buffer items[PLAN_TEXTS];
} plan_texts;

/* Appends to the texts; dispose them in every case. BT_NO_MEMORY alone. */
bt_status plan_texts_add(plan_texts *texts, const bt_rule *rule, bt_error *error);
void plan_texts_dispose(plan_texts *texts);

#endif
