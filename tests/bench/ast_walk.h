/* The plain way to evaluate a checked rule: walk its tree, and for each part look at all spans. No index, nothing kept,
 * nothing shared between rules. What the bench compares the evaluator with. Complete traces without clock skew only, so
 * that everything is true or false, and no verdict has a reason; event fields and predicates are not among the shapes
 * that it knows (it ends the program). It says the verdict and the number of violating choices alone, or the same
 * answer as the evaluator gives (eval.h), with witnesses. Thread: one walk's. */
#ifndef BT_TESTS_AST_WALK_H
#define BT_TESTS_AST_WALK_H

#include "dsl/evaluate/eval.h"

enum { AST_MAX_CHOICES = 10, AST_MAX_WITNESSES = 32, AST_MAX_WITNESSES_OF_SELECTION = 8 }; /* as eval.h promises */

typedef struct ast_verdict {
  bt_verdict verdict;
  uint64_t violating; /* choices */
} ast_verdict;

typedef struct ast_choice {
  bt_witness witnesses[AST_MAX_WITNESSES];
  uint32_t witness_count;
  bt_range failed;
} ast_choice;

typedef struct ast_answer { /* bt_rule_verdict with room of its own */
  bt_verdict verdict;
  bt_truth exercised;
  ast_choice choices[AST_MAX_CHOICES];
  uint32_t choice_count;
  uint64_t choice_total;
} ast_answer;

typedef struct ast_identified { /* a span under its id, to be sorted */
  bt_span_id id;
  uint32_t span;
} ast_identified;

/* Parents are the one thing that is worked out once for a trace, when a rule first asks for them; to climb by searching
 * all spans for an id would be no fair opponent. `parents` and `sorted` have room for all spans; ids must differ. */
typedef struct ast_walk {
  const bt_trace *trace;
  bool has_parents;
  uint32_t *parents; /* of each span, or BT_NO_SPAN */
  ast_identified *sorted;
  uint32_t bound[BT_MAX_BINDINGS];
} ast_walk;

ast_verdict ast_walk_rule(ast_walk *walk, const bt_rule *rule);
void ast_walk_answer(ast_walk *walk, const bt_rule *rule, ast_answer *out);

/* Between ast_walk.c and ast_witness.c: truths under the spans that are bound. `other` is the span that the relation's
 * first reference stands for; a conjunction is asked from item `from` on. */
bool ast_selection_holds(ast_walk *walk, const bt_selection *selection, uint32_t span);
bool ast_pair_holds(ast_walk *walk, const bt_relation *relation, uint32_t span, uint32_t other);
bool ast_condition_holds(ast_walk *walk, const bt_condition *condition);
bool ast_conjunction_holds(ast_walk *walk, const bt_condition *conjunction, uint32_t from);
/* What the violating choice that is bound has to show. */
void ast_walk_witnesses(ast_walk *walk, const bt_rule *rule, ast_choice *out);

#endif
