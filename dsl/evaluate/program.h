/* The compiled form of rules that the evaluator runs: the tree of rule.h with what can be worked out beforehand. That
 * is which bindings a part depends on, which span tests several rules share (matchers), and where results can be kept
 * (slots). Only the evaluator's files include it. Thread: immutable once compiled. */
#ifndef BT_DSL_EVALUATE_PROGRAM_H
#define BT_DSL_EVALUATE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/symbol.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/value_comparison.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/value.h"

typedef struct bt_program_expression bt_program_expression;
typedef struct bt_program_predicate bt_program_predicate;
typedef struct bt_program_selection bt_program_selection;
typedef struct bt_program_condition bt_program_condition;

/* One bit for each binding that a part reads and does not bind itself. */
typedef uint8_t bt_binding_set;

struct bt_program_expression {
  bt_expression_kind kind;
  bt_value literal; /* durations as whole numbers of nanoseconds */
  bt_field field;
  bool is_point;        /* start or end of a span, or when an event was: compared with another one, clock skew counts */
  bool is_time_of_some; /* the earliest or latest time of several spans: likewise */
  bt_aggregate aggregate;
  const bt_program_selection *selection;
  const bt_program_predicate *part;          /* PART_COUNT: of the kind EVENT or LINK */
  const bt_program_expression *left, *right; /* AGGREGATE other than count: left is what is aggregated */
  uint32_t tests;                            /* AGGREGATE: what that costs for each span */
  bt_binding_set depends;                    /* AGGREGATE: bindings that it reads */
};

typedef struct bt_program_comparison {
  bt_comparator comparator; /* EQUAL for IN, NOT_IN */
  bool is_list, is_negated; /* IN, NOT_IN: is_list; NOT_IN: is_negated too */
  uint32_t tests;           /* what it costs: 1 for each value on the right, 16 where it is a pattern */
  bool reads_event, reads_link;
  bool is_of_whole_numbers; /* both sides are known to be, if they have a value */
  const bt_program_expression *left;
  const bt_program_expression **rights; /* one, or the list */
  uint32_t right_count;
} bt_program_comparison;

struct bt_program_predicate {
  bt_predicate_kind kind;
  bool is_static;  /* depends on the one span only, and compares fields with literals: true or false, matcher.h tests it
                    */
  uint8_t cost;    /* how dear a test is; items of AND and OR stand in this order */
  uint32_t tests;  /* comparisons in it, as the budget counts them (bt_program_comparison) */
  bool walks_text; /* there is a pattern or a `contains` in it */
  bool reads_event, reads_link;
  const bt_program_predicate **items;
  uint32_t item_count;
  bt_str name;
  bt_field field;
  bt_program_comparison comparison;
};

typedef struct bt_program_reference {
  int binding;
  const bt_program_selection *selection;
  bool is_end;
} bt_program_reference;

typedef struct bt_program_relation {
  bt_relation_kind kind;
  bt_program_reference first, second;
  int64_t within_ns;
  uint32_t max_links;
} bt_program_relation;

/* What members of a selection must have in common with something that is known before they are looked at. */
typedef enum bt_key_kind {
  BT_KEY_EQUAL,    /* the field of the span equals the other side */
  BT_KEY_CHILD_OF, /* the others: of a bound span */
  BT_KEY_PARENT_OF,
  BT_KEY_SIBLING_OF,
  BT_KEY_ANY /* one of the alternatives */
} bt_key_kind;

typedef struct bt_program_key bt_program_key;
struct bt_program_key {
  bt_key_kind kind;
  const bt_field *field;              /* EQUAL */
  const bt_program_expression *other; /* EQUAL: reads neither the span nor an aggregate */
  int binding;                        /* CHILD_OF, PARENT_OF, SIBLING_OF */
  const bt_program_key *alternatives; /* ANY: of the kind EQUAL */
  uint32_t alternative_count;
  bt_binding_set needs; /* what has to be bound for it */
};

enum { BT_MATCH_ALL = 0, BT_MAX_KEYS = 4 }; /* of one selection; also alternatives of one key */

struct bt_program_selection {
  bt_range range;
  int base_binding;
  bool is_foreign;                  /* rule.h */
  uint32_t matcher;                 /* the static part of the predicate; BT_MATCH_ALL: none */
  const bt_program_predicate *rest; /* the other part, or NULL */
  const bt_program_relation *relations;
  uint32_t relation_count;
  bt_binding_set depends;
  uint32_t slot;              /* of its members, kept when it depends on no binding; of what finds them by key */
  const bt_program_key *keys; /* of its own tests and relations */
  uint32_t key_count;         /* BT_MAX_KEYS at most */
};

static inline bool bt_program_selection_is_pick(const bt_program_selection *selection) {
  return selection->relation_count > 0 && bt_relation_is_pick(selection->relations[0].kind);
}

/* All spans that its matcher finds are members, and no others. */
static inline bool bt_selection_is_matcher(const bt_program_selection *selection) {
  return selection->base_binding == BT_NO_BINDING && !selection->rest && selection->relation_count == 0;
}

struct bt_program_condition {
  bt_condition_kind kind;
  bt_range range;
  const bt_program_condition **items;
  uint32_t item_count;
  const bt_program_selection *selection, *other;
  int binding;
  bool binds_choice; /* EXISTS: its binding is one of the choice */
  /* EXISTS with a binding: what further conjuncts ask of that span. Where a span fails one of these, the conjunction is
   * false. */
  const bt_program_selection *
      *joined; /* selections of the binding itself: their keys and their relations hold for it */
  uint32_t joined_count;
  const bt_program_key *join_keys; /* of comparisons */
  uint32_t join_key_count;         /* BT_MAX_KEYS at most */
  bt_program_comparison comparison;
  bt_binding_set depends;
  uint32_t slot; /* of its truth, kept when it depends on no binding */
};

typedef struct bt_program {
  const bt_rule *rule;
  const bt_program_condition *trigger; /* `when`, or the bare condition, or NULL: true */
  const bt_program_condition *always, *never;
  bool is_bare;
  bool is_exercised_by_all;
  bool is_linked; /* some relation reaches into other traces */
  uint32_t selection_slots, condition_slots;
  uint64_t tests_of_spans, tests_of_events, tests_of_links; /* of all its matchers, for each span, event and link */
  bool has_gate;
  uint32_t gate;                  /* a matcher: in a complete trace where it finds nothing the trigger does not hold */
  bool is_gate_behind_comparison; /* of trace fields with literals: free, and maybe false */
} bt_program;

/* Where the spans that can meet a matcher are looked for; later ones leave fewer spans, as far as one can tell
 * beforehand. */
typedef enum bt_anchor_kind {
  BT_ANCHOR_ALL,
  BT_ANCHOR_VALUE, /* an attribute equals a string */
  BT_ANCHOR_SERVICE,
  BT_ANCHOR_NAME_OR_SERVICE,
  BT_ANCHOR_NAME
} bt_anchor_kind;

typedef struct bt_anchor {
  bt_anchor_kind kind;
  uint32_t symbol; /* of the ruleset's strings; VALUE: of the values of the field */
  uint32_t field;  /* VALUE: number of the ruleset's compared field */
} bt_anchor;

typedef struct bt_compared_field { /* an attribute that matchers compare with strings */
  bt_field field;
  bt_symbols values;
  uint32_t matcher_count; /* that look there */
} bt_compared_field;

typedef struct bt_matcher {
  const bt_program_predicate *predicate; /* static; NULL: every span */
  bt_anchor anchor;
  bool is_exact;   /* the anchor alone decides (VALUE: where the attribute is no array) */
  bool walks_text; /* a test of it takes as long as a text is: rules pay for its length */
  bool needs_test; /* spans that the anchor lets through have to be tested */
  bool is_grouped; /* candidates come from groups of spans, which several matchers share; else all spans are looked
                      through */
  bool asks_name, asks_service; /* what is compared with `string` then */
  bt_str string;
} bt_matcher;

struct bt_ruleset {
  bt_arena arena; /* everything below but the tables */
  bt_program *programs;
  size_t count;
  bt_matcher *matchers; /* [0] is BT_MATCH_ALL */
  size_t matcher_capacity;
  uint32_t matcher_count;
  bt_symbols strings;    /* names and services that rules ask for */
  bt_symbols field_keys; /* kind and key of a compared field → its number + 1 */
  bt_compared_field *fields;
  size_t field_capacity;
  bt_symbols matcher_keys; /* canonical text of a static predicate → its matcher */
  uint32_t max_selection_slots, max_condition_slots;
  bool has_groups; /* there are matchers enough for groups to be worth their while */
};

/* Compiles one rule into the ruleset. False: no memory. */
bool bt_program_compile(struct bt_ruleset *ruleset, const bt_rule *rule, bt_program *out) BT_MUST_CHECK;
/* Numbers the matcher of a static predicate; equal ones get one number. False: no memory. */
bool bt_ruleset_add_matcher(struct bt_ruleset *ruleset, const bt_program_predicate *predicate,
                            uint32_t *number) BT_MUST_CHECK;

#endif
