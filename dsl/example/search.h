/* The search for a trace that a rule calls so: it takes a condition apart, and makes spans of which it should be true,
 * or false, by one choice at each fork. Nothing that it makes is believed: the evaluator judges it. Choices come of a
 * counted number, so that the same rule has the same examples everywhere. The files of this folder only. Thread: a
 * search belongs to one thread. */
#ifndef BT_DSL_EXAMPLE_SEARCH_H
#define BT_DSL_EXAMPLE_SEARCH_H

#include "dsl/evaluate/eval.h"
#include "dsl/example/model.h"

enum { SEARCH_RULES = 2, SEARCH_TERMS = 256 };

typedef enum term_kind { TERM_PREDICATE, TERM_COMPARISON, TERM_RELATION, TERM_SELECTION } term_kind;
typedef struct term { /* a part of a rule, which can be made true or false by itself */
  term_kind kind;
  unsigned rule;
  const void *part;
} term;

typedef struct search {
  const bt_rule *rules[SEARCH_RULES];
  unsigned rule_count;
  term terms[SEARCH_TERMS];
  uint32_t term_count;
  bt_arena texts; /* what patterns are met by */
  bt_arena trace; /* what is judged */
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bool no_memory;
  model model;
  bool names_spans_alone;                   /* a bare name is never a service's */
  uint32_t most;                            /* spans of it */
  int bound[SEARCH_RULES][BT_MAX_BINDINGS]; /* numbers of spans */
  unsigned rule, depth;                     /* whose condition is made */
  uint64_t seed, drawn;
} search;

/* BT_NO_MEMORY alone; close it in each case. */
bt_status search_open(search *s, const bt_rule *const *rules, unsigned count, bt_error *error) BT_MUST_CHECK;
void search_close(search *s);
/* Verdicts of the rules on the model, borrowed until the next call; false: there is none (too large, or s->no_memory).
 */
bool search_judge(search *s, const model *m, const bt_rule_verdict **out) BT_MUST_CHECK;

unsigned search_draw(search *s, unsigned below);
/* A draw that comes out true once in so many times. */
static inline bool search_once_in(search *s, unsigned tries) {
  return search_draw(s, tries) == 0;
}

/* Each: false, the choices that were taken do not go together, or something of it is not known how to make. */
bool search_make_condition(search *s, const bt_condition *condition, bool truth);
bool search_make_predicate(search *s, const bt_predicate *predicate, model_place place, bool truth);
bool search_make_comparison(search *s, const bt_comparison *comparison, model_place place, bool truth);
bool search_make_relation(search *s, const bt_relation *relation, int span, bool truth);
/* A span that is one of the selection, of those there or a new one; MODEL_NONE: none was made. */
int search_make_span(search *s, const bt_selection *selection);
bool search_make_selection_on(search *s, const bt_selection *selection, int span);
/* A trace that violates the rule with that number, or keeps it. */
bool search_make_rule(search *s, unsigned rule, bool is_violated);
/* Changes one thing about the model, mostly one that a rule speaks of. */
void search_change(search *s);

/* The value of an expression, as far as the model has one. */
bt_value search_value(search *s, const bt_expression *expression, model_place place);
bool search_set(search *s, const bt_expression *expression, model_place place, bt_value value);

#endif
