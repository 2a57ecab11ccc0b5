/* Random families of linked traces, whole, with gaps and with hidden links, and rules that follow links. Names and
 * times are few, so that they meet. There are fan-out, fan-in and cycles of links, links to the own trace and to traces
 * that nobody has. Trace ids begin with zeros, and two traces have equal span ids. Only for tests. */
#ifndef BT_TESTS_RANDOM_FAMILY_H
#define BT_TESTS_RANDOM_FAMILY_H

#include "dsl/base/text.h"
#include "dsl/trace/family.h"
#include "tests/support/random.h"

enum { FAMILY_MAX = 6 };

typedef struct random_family {
  bt_arena arena;
  bt_buffer texts[FAMILY_MAX]; /* of its traces */
  bt_family_trace whole[FAMILY_MAX], partial[FAMILY_MAX], shown[FAMILY_MAX];
  bt_family family, gaps, hidden; /* everything is known; some of it; of that some traces with the last link of a span
                                     at most */
  bool is_own_incomplete;         /* in `gaps` and `hidden` */
} random_family;

/* A family is made anew; disposed of with random_family_dispose. */
void random_family_make(test_random *random, random_family *out);
void random_family_dispose(random_family *family);
/* Appends a rule with at least one relation to linked spans. */
void random_family_rule(test_random *random, bt_buffer *out);

#endif
