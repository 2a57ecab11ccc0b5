/* Traces that are looked for once, whatever the rules are. See marked_traces.h. */
#include "server/replay/marked_traces.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"
#include "dsl/trace/trace_pruned.h"
#include "tempo/wire/own_trace.h"

/* ---- BeTrace's own: violation spans, checkpoints and reports that it sent to the source it reads from ---- */

/* One search finds the suspects by name, and a read of the few attributes that ids are derived from proves each: a name
 * alone would let anybody hide a trace. When the source fails here, own traces are recognised where they are read, and
 * counts are not exact. */

typedef struct own_read {
  bt_questions *questions;
  const bt_trace_id *ids;
} own_read;

static bt_status take_own(void *context, const bt_read_trace *read, bt_error *error) {
  own_read *own = context;
  bt_str tenant = bt_str_from(own->questions->plan->request.tenant ? own->questions->plan->request.tenant : "");
  if (bt_replay_plan_is_cancelled(own->questions->plan)) return bt_replay_plan_cancelled(error);
  if (read->trace && bt_trace_is_own(read->trace, tenant))
    bt_trace_table_find(own->questions->table, &own->ids[read->index])->flags |= BT_KNOWN_OWN;
  return BT_OK;
}

static bt_status read_suspects(bt_questions *questions, const bt_trace_id *ids, size_t count, bt_time_range range,
                               bt_error *error) {
  bt_projected attributes[] = {{BT_PROJECTED_SPAN, BT_STR(BT_OWN_RULE_ID)},
                               {BT_PROJECTED_SPAN, BT_STR(BT_OWN_CONDITION_HASH)},
                               {BT_PROJECTED_SPAN, BT_STR(BT_OWN_TRACE_ID)},
                               {BT_PROJECTED_SPAN, BT_STR(BT_OWN_UNTIL)},
                               {BT_PROJECTED_SPAN, BT_STR(BT_OWN_REPORT_ID)}};
  bt_projection projection = {.attributes = attributes, .attribute_count = sizeof attributes / sizeof *attributes};
  bt_read_request read = bt_replay_plan_read(questions->plan, ids, count, range);
  read.projection = &projection;
  read.with_own = true;
  own_read own = {questions, ids};
  bt_answer answer;
  bt_status added = bt_questions_read(questions, &read, take_own, &own, false, &answer, error);
  if (answer.status != BT_OK || !answer.is_whole) questions->own_are_known = false;
  if (answer.status != BT_OK && error) *error = answer.why;
  return answer.status == BT_OK ? added : answer.status;
}

/* Suspects that matter: those that would be read or counted. */
static size_t choose_suspects(const bt_questions *questions, const bt_found_list *found, bt_trace_id *ids) {
  size_t count = 0;
  for (size_t i = 0; i < found->count; i++) {
    const bt_known *known = bt_trace_table_find(questions->table, &found->items[i].id);
    if (!known || known->flags & BT_KNOWN_OWN || bt_trace_table_is_outside(questions->table, known)) continue;
    ids[count++] = found->items[i].id;
  }
  return count;
}

static bt_status verify_suspects(bt_questions *questions, const bt_found_list *found, bt_error *error) {
  bt_trace_id *ids = bt_realloc_array(NULL, found->count, sizeof *ids);
  if (!ids) return bt_error_no_memory(error);
  size_t count = choose_suspects(questions, found, ids);
  bt_status status = count ? read_suspects(questions, ids, count, questions->plan->search_range, error) : BT_OK;
  free(ids);
  return status;
}

static bt_status search_suspects(bt_questions *questions, bt_found_list *found, bt_error *error) {
  bt_search_request search =
      bt_replay_plan_search(questions->plan, bt_own_traces_query(BT_OWN_ANY), questions->plan->search_range);
  bt_source_account account = {0};
  search.expected = BT_EXPECTS_FEW;
  bt_status status = bt_source_search(questions->source, &search, found, &account, error);
  questions->own_are_known = status == BT_OK && account.failed_count == 0;
  bt_found_list_keep_own(found);
  bt_status added = bt_account_add(questions->account, &account, false, error);
  bt_source_account_dispose(&account);
  return status == BT_OK ? added : status;
}

bt_status bt_own_traces_mark(bt_questions *questions, bt_error *error) {
  if (!questions->table->count) questions->own_are_known = true;
  if (questions->source_lost || !questions->table->count) return BT_OK;
  bt_found_list found = {0};
  bt_status status = search_suspects(questions, &found, error);
  if (status == BT_OK && found.count) status = verify_suspects(questions, &found, error);
  bt_found_list_dispose(&found);
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : BT_OK;
}

/* ---- traces of which spans were summed up before they were stored (dsl/trace/trace_pruned.h) ---- */

/* One search finds them; mostly it finds none, which costs Tempo a few milliseconds. Where there are some, batches give
 * the marks too, so that the evaluator sees what it must not conclude. */

static const bt_filter has_summary = {
    .kind = BT_FILTER_TEST,
    .test = {.field = BT_FILTER_SPAN,
             .key = {BT_PRUNED_PREFIX BT_PRUNED_SUMMARY, sizeof BT_PRUNED_PREFIX BT_PRUNED_SUMMARY - 1},
             .op = BT_FILTER_EQUAL,
             .literal = {.type = BT_VALUE_BOOL, .boolean = true}}};

bt_query bt_pruned_query(void) {
  return (bt_query){.filter = &has_summary};
}

static const bt_question *query_of(const bt_questions *questions) {
  return questions->pruned ? questions->items[questions->pruned] : NULL;
}

bt_status bt_pruned_traces_add(bt_questions *questions, bt_error *error) {
  if (!questions->plan->filters) return BT_OK;
  bt_status status = bt_questions_add(questions, bt_pruned_query(), true, &questions->pruned, error);
  if (status != BT_OK) return status;
  questions->items[questions->pruned]->expected = BT_EXPECTS_FEW;
  questions->items[questions->pruned]->is_asked = true;
  return BT_OK;
}

void bt_pruned_traces_begin(bt_questions *questions) {
  if (questions->pruned) bt_questions_begin(questions, questions->items[questions->pruned]);
}

bool bt_pruned_traces_are_known(const bt_questions *questions) {
  const bt_question *question = query_of(questions);
  return !question || (question->is_taken && question->is_complete);
}

bt_status bt_pruned_traces_look(bt_questions *questions, bt_time_range range, bool *none, bt_error *error) {
  bt_found_list found = {0};
  bt_error why = {0};
  bt_status status = bt_questions_try(questions, bt_pruned_query(), range, 1, &found, &why);
  *none = status == BT_OK && !found.count;
  bt_found_list_dispose(&found);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
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
