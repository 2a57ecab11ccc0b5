/* Traces of which spans were summed up before they were stored (dsl/trace_pruned.h). One search finds them; mostly
 * it finds none, which costs Tempo a few milliseconds. Where there are some, batches give the marks too, so that the
 * evaluator sees what it must not conclude. Thread: the replay's. */
#include "server/replay/pruned_traces.h"

#include "dsl/trace_pruned.h"

static const bt_question *query_of(const bt_questions *questions) {
  return questions->pruned ? questions->items[questions->pruned] : NULL;
}

bt_status bt_pruned_traces_ask(bt_questions *questions, bt_error *error) {
  if (!questions->plan->filters) return BT_OK;
  bt_status status = bt_questions_add(questions, BT_STR(BT_PRUNED_FILTER), true, &questions->pruned, error);
  if (status == BT_OK) questions->items[questions->pruned]->expected = BT_EXPECTS_FEW;
  return status;
}

bool bt_pruned_traces_are_known(const bt_questions *questions) {
  const bt_question *question = query_of(questions);
  return !question || (question->is_taken && question->is_complete);
}

bool bt_pruned_traces_has(const bt_questions *questions, size_t known) {
  const bt_question *question = query_of(questions);
  return question && question->bits && bt_bit_get(question->bits, known);
}

void bt_pruned_traces_join(const bt_questions *questions, const bt_planned_rule *rule, uint64_t *bits) {
  const bt_question *question = query_of(questions);
  bool can_violate = rule->plan->violating->kind != BT_OVER_NONE;
  for (size_t w = 0; question && question->bits && can_violate && w < questions->table->word_count; w++)
    bits[w] |= question->bits[w];
}

void bt_pruned_traces_take(bt_questions *questions) {
  const bt_question *question = query_of(questions);
  bool is_any = question && question->bits && bt_bits_count(questions->table, question->bits);
  if (is_any || !bt_pruned_traces_are_known(questions)) questions->projection = &questions->plan->marked_projection;
}
