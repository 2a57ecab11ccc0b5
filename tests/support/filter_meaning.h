/* What a filter means: whether a record of a span meets it. Every value is held against the literal as the language
 * means it, numbers by their exact value whatever their types, and of an array some element has to meet it. A store
 * that answers from spans in hand can filter by it. Only for tests: it stops the program where there is no memory. No
 * state, any thread. */
#ifndef BT_TESTS_SUPPORT_FILTER_MEANING_H
#define BT_TESTS_SUPPORT_FILTER_MEANING_H

#include "dsl/plan/filter.h"
#include "dsl/trace/trace.h"

/* Of the record itself, not of `other` ones. */
bool filter_is_met(const bt_filter *filter, const bt_span *record);

#endif
