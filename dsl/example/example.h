/* Small traces that show what a rule means: one that violates it and one that keeps it, and of two rules one on which
 * they differ. The search makes spans of the rules' own terms, few first: names, keys, values just below, at and above
 * the rule's, order, structure. The evaluator judges each trace before it is handed out. None found is not none there.
 * The same rule has the same examples everywhere. Thread: any; nothing is shared between two calls. */
#ifndef BT_DSL_EXAMPLE_EXAMPLE_H
#define BT_DSL_EXAMPLE_EXAMPLE_H

#include <stdbool.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"

/* So many spans are tried, and as many more only where a rule counts further. */
enum { BT_EXAMPLE_SPANS = 5, BT_EXAMPLE_MOST_SPANS = 128 };

typedef struct bt_examples {
  const bt_trace *violating; /* NULL: none was found */
  const bt_trace *keeping;   /* the rule is exercised by it, and satisfied; NULL likewise */
  bool keeps_by_one_change;  /* of a rule that every trace exercises: `keeping` is `violating` with one thing changed */
  bt_arena arena;            /* of the traces, which borrow from the rule too */
} bt_examples;

/* Dispose in each case, before the rule goes. BT_NO_MEMORY alone. */
bt_status bt_examples_find(const bt_rule *rule, bt_examples *out, bt_error *error) BT_MUST_CHECK;
void bt_examples_dispose(bt_examples *examples);

/* Which traces violate one rule and not another: all that follows is about whole traces that nothing is missing of. */
typedef enum bt_meaning_kind {
  BT_MEANING_EQUIVALENT, /* proven: the same traces violate both */
  BT_MEANING_STRICTER,   /* some trace violates the second alone, and none was found that violates the first alone */
  BT_MEANING_LAXER,      /* the other way round */
  BT_MEANING_DIFFERENT,  /* some trace violates the first alone, and some the second alone */
  BT_MEANING_NOT_TOLD    /* no trace was found that tells them apart, which proves nothing */
} bt_meaning_kind;

typedef struct bt_meaning {
  bt_meaning_kind kind;
  bool first_is_within;                     /* proven: what violates the first violates the second */
  bool second_is_within;                    /* proven: what violates the second violates the first */
  const bt_trace *only_first, *only_second; /* violates that one alone; NULL: none was found */
  bt_arena arena;
} bt_meaning;

/* Dispose in each case, before the rules go. BT_NO_MEMORY alone. */
bt_status bt_meaning_compare(const bt_rule *first, const bt_rule *second, bt_meaning *out,
                             bt_error *error) BT_MUST_CHECK;
void bt_meaning_dispose(bt_meaning *meaning);
const char *
bt_meaning_name(bt_meaning_kind kind); /* "equivalent", "stricter", "laxer", "different", "not_told_apart" */

/* The family that an example is judged with: itself, of which everything is known. */
bt_family bt_example_family(const bt_trace *trace, bt_family_trace *room);

#endif
