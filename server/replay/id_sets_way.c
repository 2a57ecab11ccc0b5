/* Deciding candidates by what under-queries find: such traces do not violate, so that they are subtracted and need no
 * reading. What is subtracted may lack anything: less found only means that more is read. Thread: the replay's. */
#include "server/replay/decision.h"
#include "server/replay/pruned_traces.h"
#include "server/replay/strategy.h"

enum { SUBTRACTED_PER_CANDIDATE = 16, SUBTRACTED_AT_LEAST = 20000 };

/* Whether it is worth asking what may be subtracted from the rule's candidates, as many as are left. */
static bool is_worth_asking(const bt_decider *decider, const bt_rule_sets *rule) {
  if (decider->account->result->rules[rule - decider->rules].strategy != BT_STRATEGY_ID_SETS) return false;
  size_t least = decider->plan->request.strategy == BT_STRATEGY_ID_SETS ? 1 : BT_STRATEGY_FROM;
  return bt_bits_count(decider->table, rule->unread) >= least;
}

/* More traces than that cost more than the reads they save: what was found until then is subtracted. */
static void limit_subtracted(const bt_decider *decider, const bt_rule_sets *rule, bt_question *question) {
  question->is_subtracted = question->keeps_part = true;
  question->max_found = SUBTRACTED_PER_CANDIDATE * bt_bits_count(decider->table, rule->unread) + SUBTRACTED_AT_LEAST;
}

/* Asks the question number `round` of every rule that still has so many candidates. */
static bt_status ask_subtracted(bt_decider *decider, uint32_t round, bool *any, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++) {
    const bt_rule_sets *rule = &decider->rules[i];
    size_t index = 0;
    if (round >= rule->planned->plan->subtract_count || !is_worth_asking(decider, rule)) continue;
    *any = true;
    status = bt_questions_add(decider->questions, rule->planned->plan->subtract[round].filter, false, &index, error);
    if (status != BT_OK) return status;
    bt_question *question = decider->questions->items[index];
    if (!question->is_asked) limit_subtracted(decider, rule, question);
    if (!question->is_asked && round == 0) question->expected = rule->subtracted_found;
    status = bt_question_desk_add(decider->questions->desk, question, false, error);
  }
  return status;
}

static void subtract_round(bt_decider *decider, bt_rule_sets *rule, uint32_t round) {
  if (round >= rule->planned->plan->subtract_count || !is_worth_asking(decider, rule)) return;
  const bt_question *question =
      decider->questions->items[bt_questions_find(decider->questions, rule->planned->plan->subtract[round].filter)];
  if (question->account.was_widened) return; /* another rule searched for the same, and found more than it means */
  for (size_t w = 0; question->bits && w < decider->table->word_count; w++) rule->unread[w] &= ~question->bits[w];
  bt_pruned_traces_join(decider->questions, rule->planned, rule->unread);
}

/* Rules share what they subtract. Less found only means that more is read. */
static bt_status subtract_found(bt_decider *decider, bt_error *error) {
  bt_status status = BT_OK;
  bool any = decider->plan->filters;
  for (uint32_t round = 0; status == BT_OK && any; round++) {
    any = false;
    status = ask_subtracted(decider, round, &any, error);
    if (status == BT_OK && any) status = bt_questions_gather(decider->questions, false, error);
    for (size_t i = 0; status == BT_OK && any && i < decider->plan->rule_count; i++)
      subtract_round(decider, &decider->rules[i], round);
  }
  return status;
}

const bt_decision_way bt_id_sets_way = {.narrow = subtract_found};
