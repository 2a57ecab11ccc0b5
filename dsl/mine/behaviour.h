/* Behaviours: what traces do, each as a condition and what then holds. Forms are those of declarative process mining
 * (M. Pesic and W. van der Aalst, "A declarative approach for flexible business processes management", 2006) for spans
 * of a tree, with times and attributes. A trace exercises a behaviour or not; of those that do, each keeps it or not,
 * and is one trial, however many spans it has. What bounds and values they have comes from the learned half of the
 * baseline; which names, calls and values there are at all, from all traces without looking at their groups. So the
 * groups stay exchangeable where nothing changed. Borrows the sample. Thread: one. Errors: BT_NO_MEMORY alone. Times
 * are nanoseconds. */
#ifndef BT_DSL_MINE_BEHAVIOUR_H
#define BT_DSL_MINE_BEHAVIOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/mine/sample.h"

typedef enum bt_behaviour_kind {
  BT_BEHAVE_CHILD,    /* every a has a child b */
  BT_BEHAVE_PRESENCE, /* with an a[p] there is a b */
  BT_BEHAVE_ABSENCE,  /* with an a[p] there is no b */
  BT_BEHAVE_ROOT,     /* no trace begins with an a */
  BT_BEHAVE_PARENT,   /* every b is a child of an a */
  BT_BEHAVE_COUNT,    /* no a has more than `bound` children b */
  BT_BEHAVE_ORDER,    /* the first b starts after the first a */
  BT_BEHAVE_SAME,     /* every b has the value of `key` that its parent a has */
  BT_BEHAVE_HAS,      /* every a has `key` */
  BT_BEHAVE_DOMAIN,   /* `key` of every a is one of `values` */
  BT_BEHAVE_VALUE,    /* `key` of every a is `value` */
  BT_BEHAVE_MOST,     /* `key` of every a is at most `bound` */
  BT_BEHAVE_LEAST,    /* `key` of every a is at least `bound` */
  BT_BEHAVE_STATUS,   /* no a ends with an error */
  BT_BEHAVE_DURATION, /* every a[p] takes less than `bound` */
  BT_BEHAVE_DELAY,    /* every b starts within `bound` after its parent a */
  BT_BEHAVE_KINDS
} bt_behaviour_kind;

typedef enum bt_mine_test_kind {
  BT_TEST_NONE,
  BT_TEST_ERROR,
  BT_TEST_LONGER,  /* than `bound` */
  BT_TEST_SHORTER, /* than `bound`, or as long */
  BT_TEST_HAS,     /* `key` */
  BT_TEST_IS,      /* `key` has the value */
  BT_TEST_ABOVE,   /* `key` is more than `bound` */
  BT_TEST_NOT_ABOVE,
  BT_TEST_NO_ERROR, /* these three: the opposites */
  BT_TEST_LACKS,
  BT_TEST_IS_NOT
} bt_mine_test_kind;

typedef struct bt_mine_test { /* of one span */
  bt_mine_test_kind kind;
  uint32_t key;
  double bound;
  bt_mine_attribute value; /* of IS */
} bt_mine_test;

typedef struct bt_behaviour {
  bt_behaviour_kind kind;
  uint32_t a, b; /* numbers of names */
  uint32_t key;  /* symbol; 0: none */
  bt_mine_test test;
  double bound;
  bt_mine_attribute value;
  const bt_mine_attribute *values; /* of DOMAIN: the most frequent first */
  uint32_t value_count;
} bt_behaviour;

enum { BT_MINE_BEHAVIOURS = 16384 };

typedef struct bt_catalog {
  const bt_mine_sample *sample;
  bt_behaviour *items;
  size_t count, capacity;
  uint64_t drifting; /* attributes of names whose numbers grow or fall within the baseline: not compared */
  uint64_t beyond;   /* not looked at, because there were more than BT_MINE_BEHAVIOURS */
  /* [a * names + b], of learned traces: with both · where the first a starts before the first b; of all traces: spans
   * b that are children of an a. above: b was seen under a, at any depth. */
  uint32_t *together, *before, *children;
  bool *above;
  uint32_t *learned; /* of each name: learned traces with it */
  uint32_t learned_count;
  bt_arena arena;
} bt_catalog;

/* Dispose in each case. */
bt_status bt_catalog_fill(const bt_mine_sample *sample, bt_catalog *catalog, bt_error *error) BT_MUST_CHECK;
void bt_catalog_dispose(bt_catalog *catalog);

/* One trace, with what is asked of it again and again. */
typedef struct bt_mine_view {
  const bt_mine_trace *trace;
  uint32_t first[BT_MINE_NAMES];                         /* its first span of each name; BT_NO_SPAN: it has none */
  uint32_t next[BT_MINE_SPANS];                          /* the next one of the same name */
  uint32_t child[BT_MINE_SPANS], sibling[BT_MINE_SPANS]; /* the first child · the next child of the same parent */
} bt_mine_view;
void bt_mine_look(const bt_mine_trace *trace, bt_mine_view *view);

typedef enum bt_trial { BT_TRIAL_NONE, BT_TRIAL_BROKEN, BT_TRIAL_KEPT } bt_trial;
bt_trial bt_behaviour_try(const bt_behaviour *behaviour, const bt_mine_view *view);
bool bt_mine_test_holds(const bt_mine_test *test, const bt_mine_span *span);

#endif
