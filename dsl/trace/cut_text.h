/* Texts of attributes that may have lost their end: a store may cut them to 2,048 bytes on the way in and does not say
 * so (tests/facts/facts_cut_values.py). A text of that length may be whole, or the beginning of any longer one. What
 * its beginning decides is decided, and else it is unknown, as what was dropped is. Elements of arrays are not cut, nor
 * are names, messages and services. Thread: no state. */
#ifndef BT_DSL_TRACE_CUT_TEXT_H
#define BT_DSL_TRACE_CUT_TEXT_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

enum {
  BT_CUT_BYTES = 2048,
  BT_DOUBT_CUT = 32 /* with those of trace.h: some attribute of the span may have been cut */
};

/* A text that was cut in the midst of a character ends in U+FFFD, three bytes for each of up to three that are left of
 * it. All before these is what is known; of a text that was not cut all is. */
bt_str bt_cut_beginning(bt_str text, bool *may_be_cut);

static inline bool bt_may_be_cut(const bt_value *value) {
  if (value->type != BT_VALUE_STRING || value->string.len < BT_CUT_BYTES) return false;
  bool may_be_cut;
  bt_cut_beginning(value->string, &may_be_cut);
  return may_be_cut;
}

/* A text that begins with one that the pattern matches is matched, too: for matches, and with `whole` for =~ and !~.
 * False says nothing. */
bool bt_pattern_is_open(bt_str pattern, bool whole);
/* A pattern for a whole text that is longer than what it could match: for =~ and !~. False says nothing. */
bool bt_pattern_is_short(bt_str pattern);

#endif
