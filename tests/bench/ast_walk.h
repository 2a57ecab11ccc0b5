/* The plain way to evaluate a checked rule: walk its tree, and for each part look at all spans. No index, nothing kept, nothing shared between
 * rules. What the bench compares the evaluator with. Complete traces without clock skew only, so that everything is true or false; event
 * fields and predicates are not among the shapes that it knows (it ends the program). It says verdicts and numbers of violating choices,
 * no witnesses. */
#ifndef BT_TESTS_AST_WALK_H
#define BT_TESTS_AST_WALK_H

#include "dsl/eval.h"

typedef struct ast_verdict {
  bt_verdict verdict;
  uint64_t violating; /* choices */
} ast_verdict;

typedef struct ast_identified { /* a span under its id, to be sorted */
  bt_span_id id;
  uint32_t span;
} ast_identified;

/* Parents are the one thing that is worked out once for a trace, when a rule first asks for them; to climb by searching all spans for an id
 * would be no fair opponent. `parents` and `sorted` have room for all spans; ids must differ. */
typedef struct ast_walk {
  const bt_trace *trace;
  bool has_parents;
  uint32_t *parents; /* of each span, or BT_NO_SPAN */
  ast_identified *sorted;
  uint32_t bound[BT_MAX_BINDINGS];
} ast_walk;

ast_verdict ast_walk_rule(ast_walk *walk, const bt_rule *rule);

#endif
