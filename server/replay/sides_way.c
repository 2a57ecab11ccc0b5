/* Asks the source what a rule's sides make of each trace (bt_side), before anything else: one search finds what may
 * violate or exercise the rule, and says of most of it which. No span of it comes here. What the source leaves open is
 * read whole; where that is much, nothing of the answer is used. Of what it says the sample of traces that are not read
 * is held against the evaluator, and so are the first violations and the last. Thread: the replay's. */
#include <stdlib.h>

#include "server/replay/decision.h"
#include "server/replay/spans_verdict.h"

enum { MOST_OPEN = 8 /* one of so many */ };

static bt_spans_verdict verdict_of(const bt_decider *decider, bt_found_as as) {
  if (as == BT_FOUND_EXERCISING) return BT_SPANS_EXERCISED;
  return as == BT_FOUND_VIOLATING && bt_spans_may_count(decider) ? BT_SPANS_VIOLATION : BT_SPANS_UNDECIDED;
}

static bool decides_most(const bt_found_list *found) {
  size_t open = 0;
  for (size_t i = 0; i < found->count; i++) open += found->items[i].as == BT_FOUND_OPEN;
  return open <= found->count / MOST_OPEN;
}

static bt_status use_answer(bt_decider *decider, bt_found_list found, bt_error *error) {
  bt_projection_first *first = &decider->first;
  first->found = found;
  for (size_t i = 0; i < found.count; i++) {
    bt_spans_verdict verdict = verdict_of(decider, found.items[i].as);
    bool has_room = verdict == BT_SPANS_UNDECIDED || bt_projection_first_decide(first, &found.items[i].id, verdict);
    if (!has_room) return bt_error_no_memory(error);
  }
  return bt_projection_first_use(decider, error);
}

/* Where the source cannot, the rule is decided in another way. */
static bt_status ask_sides(bt_decider *decider, bt_error *error) {
  const bt_plan *plan = decider->plan->rules[0].plan;
  if (!decider->plan->asks_sides) return BT_OK;
  bt_question question = {.query = plan->spans.asked, .sides = plan->sides, .side_count = plan->side_count};
  bt_found_list found = {0};
  bt_error why = {0};
  bt_status status = bt_questions_ask_apart(decider->questions, &question, &found, &why);
  if (status == BT_OK && decides_most(&found)) return use_answer(decider, found, error);
  bt_found_list_dispose(&found);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

const bt_decision_way bt_sides_way = {.ask_first = ask_sides};
