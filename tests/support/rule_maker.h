/* Random rules and random traces over one small vocabulary, so that they meet; half of the keys have a column of their
 * own in Tempo (column_keys.h). For tests that hold one way of judging traces against another. Everything follows from
 * the seed. Only for tests. */
#ifndef BT_TESTS_RULE_MAKER_H
#define BT_TESTS_RULE_MAKER_H

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "tests/support/random.h"

enum { MAKER_MAX_SPANS = 6, MAKER_MAX_ATTRIBUTES = 7, MAKER_MAX_EVENTS = 2 };

typedef struct maker {
  test_random random;
  bt_buffer text;    /* the rule that was made last; dispose it in the end */
  unsigned bindings; /* whether the binding p is visible */
} maker;

typedef struct made_trace {
  bt_span spans[MAKER_MAX_SPANS];
  bt_attribute span_attributes[MAKER_MAX_SPANS][MAKER_MAX_ATTRIBUTES],
      resource_attributes[MAKER_MAX_SPANS][MAKER_MAX_ATTRIBUTES];
  bt_resource resources[MAKER_MAX_SPANS];
  bt_event events[MAKER_MAX_SPANS][MAKER_MAX_EVENTS];
  bt_attribute event_attributes[MAKER_MAX_SPANS][MAKER_MAX_EVENTS][MAKER_MAX_ATTRIBUTES];
  bt_trace trace;
} made_trace;

/* Writes a rule into m->text. */
void maker_say_rule(maker *m);
/* Fills the struct, which the trace points into. */
void maker_make_trace(maker *m, made_trace *made);

#endif
