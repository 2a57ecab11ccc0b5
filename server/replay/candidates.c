/* Candidates of rules. See candidates.h. The over-formula of each rule is evaluated to sets of trace ids over the whole
 * range with margins. What is searched may miss nothing, so that a window that failed is said. */
#include "server/replay/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/replay/marked_traces.h"

/* ---- one filter that stands for several ---- */

bool bt_filter_union_takes(const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) return bt_filter_has_no_key(over->query.asked.filter);
  if (over->kind != BT_OVER_OR) return false;
  for (uint32_t i = 0; i < over->item_count; i++)
    if (!bt_filter_union_takes(over->items[i])) return false;
  return true;
}

bt_status bt_filter_union_make(const bt_dialect *dialect, const bt_over *const *overs, size_t count,
                               bt_filter_union *out, bt_error *error) {
  const bt_over **taken = bt_realloc_array(NULL, count + 1, sizeof(bt_over *));
  size_t taken_count = 0;
  *out = (bt_filter_union){0};
  bt_arena_init(&out->arena, BT_JOINED_FILTERS_BYTES);
  if (!taken) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++)
    if (bt_filter_union_takes(overs[i])) taken[taken_count++] = overs[i];
  bool is_joined = taken_count > 1 || (taken_count && taken[0]->kind == BT_OVER_OR);
  if (is_joined) out->any = bt_over_union(&out->arena, dialect, taken, taken_count);
  free(taken);
  return is_joined && !out->any ? bt_error_no_memory(error) : BT_OK;
}

void bt_filter_union_dispose(bt_filter_union *joined) {
  bt_arena_dispose(&joined->arena);
  joined->any = NULL;
}

/* ---- what is asked, and what follows from the answers ---- */

static bt_status add_over(bt_decider *decider, const bt_over *over, bool is_over, bt_error *error) {
  size_t index = 0;
  bt_status status = BT_OK;
  switch (over->kind) {
  case BT_OVER_NONE:
  case BT_OVER_ALL: break;
  case BT_OVER_QUERY: status = bt_questions_add(decider->questions, over->query.asked, is_over, &index, error); break;
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; status == BT_OK && i < over->item_count; i++)
      status = add_over(decider, over->items[i], is_over, error);
    break;
  }
  return status;
}

/* surely: without what only surplus queries find. */
static bt_status combine_over(bt_decider *decider, const bt_over *over, bool surely, uint64_t *out, bt_error *error);

static bt_status combine_items(bt_decider *decider, const bt_over *over, bool surely, uint64_t *out, bt_error *error) {
  uint64_t *item = bt_bits_new(decider->table);
  if (!item) return bt_error_no_memory(error);
  bt_status status = combine_over(decider, over->items[0], surely, out, error);
  for (uint32_t i = 1; status == BT_OK && i < over->item_count; i++) {
    status = combine_over(decider, over->items[i], surely, item, error);
    for (size_t w = 0; w < decider->table->word_count; w++)
      out[w] = over->kind == BT_OVER_AND ? out[w] & item[w] : out[w] | item[w];
  }
  free(item);
  return status;
}

static void set_all(const bt_decider *decider, uint64_t *out) {
  memset(out, 0, decider->table->word_count * sizeof *out);
  for (size_t i = 0; i < decider->table->count; i++) bt_bit_set(out, i);
}

/* What counts for nothing need not have been asked: is_answered, which comes first, is true of it all the same. */
static void copy_bits(const bt_decider *decider, const bt_over *over, bool surely, uint64_t *out) {
  size_t bytes = decider->table->word_count * sizeof *out;
  memset(out, 0, bytes);
  if (surely ? over->is_surplus : over->is_found_twice) return;
  const bt_question *question = bt_questions_get(decider->questions, over->query.asked);
  bool tells = !decider->plan->request.only || (question->is_complete && !decider->plan->request.every_part);
  if (tells)
    memcpy(out, question->bits, bytes);
  else
    set_all(decider, out);
}

/* ALL is every trace that is known: when a rule needs it, the listing has been asked without a maximum. */
static bt_status combine_over(bt_decider *decider, const bt_over *over, bool surely, uint64_t *out, bt_error *error) {
  switch (over->kind) {
  case BT_OVER_NONE: memset(out, 0, decider->table->word_count * sizeof *out); return BT_OK;
  case BT_OVER_ALL: set_all(decider, out); return BT_OK;
  case BT_OVER_QUERY: copy_bits(decider, over, surely, out); return BT_OK;
  case BT_OVER_AND:
  case BT_OVER_OR: return combine_items(decider, over, surely, out, error);
  }
  return BT_OK;
}

static const bt_over *violating_of(const bt_decider *decider, const bt_rule_sets *rule) {
  if (!decider->plan->filters) return bt_over_all();
  if (decider->stand_in) return decider->stand_in;
  bool is_joined = decider->joined.any && bt_filter_union_takes(rule->planned->plan->violating);
  return is_joined ? decider->joined.any : rule->planned->plan->violating;
}

/* Whether every filter of the formula was asked and answered in full. surely: also those that only tell what is surely
 * meant. */
static bool is_answered(const bt_decider *decider, const bt_over *over, bool surely) {
  switch (over->kind) {
  case BT_OVER_NONE: return true;
  case BT_OVER_ALL: return decider->table->is_listed;
  case BT_OVER_QUERY: {
    if (over->is_found_twice && !surely) return true;
    size_t index = bt_questions_find(decider->questions, over->query.asked);
    return index < decider->questions->count && decider->questions->items[index]->is_complete;
  }
  case BT_OVER_AND:
  case BT_OVER_OR: break;
  }
  for (uint32_t i = 0; i < over->item_count; i++)
    if (!is_answered(decider, over->items[i], surely)) return false;
  return true;
}

/* Whether some filter of the formula that counts was answered in a wider form: what was found need not be meant. */
static bool was_widened(const bt_decider *decider, const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) {
    size_t index = bt_questions_find(decider->questions, over->query.asked);
    return !over->is_surplus && index < decider->questions->count &&
           decider->questions->items[index]->account.was_widened;
  }
  for (uint32_t i = 0; i < over->item_count; i++)
    if (was_widened(decider, over->items[i])) return true;
  return false;
}

static bt_status make_candidate_bits(bt_decider *decider, bt_rule_sets *rule, bt_error *error) {
  rule->candidates = bt_bits_new(decider->table);
  rule->unread = bt_bits_new(decider->table);
  if (!rule->candidates || !rule->unread) return bt_error_no_memory(error);
  bt_status status = combine_over(decider, violating_of(decider, rule), false, rule->candidates, error);
  bt_pruned_traces_join(decider->questions, rule->planned, rule->candidates);
  rule->is_answered =
      is_answered(decider, violating_of(decider, rule), false) && bt_pruned_traces_are_known(decider->questions);
  memcpy(rule->unread, rule->candidates, decider->table->word_count * sizeof *rule->unread);
  return status;
}

static bt_status make_exercising_bits(bt_decider *decider, bt_rule_sets *rule, bt_error *error) {
  const bt_over *exercising = decider->plan->filters ? rule->planned->plan->exercising : bt_over_all();
  bool is_replaced = decider->stand_in && exercising->kind != BT_OVER_ALL;
  if (is_replaced) exercising = decider->stand_in;
  if (!is_answered(decider, exercising, false)) return BT_OK;
  bool is_exact = rule->planned->counts_by_search && !is_replaced && is_answered(decider, exercising, true) &&
                  !was_widened(decider, exercising);
  rule->exercising = bt_bits_new(decider->table);
  if (is_exact) rule->surely_exercising = bt_bits_new(decider->table);
  if (!rule->exercising || (is_exact && !rule->surely_exercising)) return bt_error_no_memory(error);
  bt_status status = combine_over(decider, exercising, false, rule->exercising, error);
  return status || !is_exact ? status : combine_over(decider, exercising, true, rule->surely_exercising, error);
}

bt_status bt_candidates_make(bt_decider *decider, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++) {
    status = make_candidate_bits(decider, &decider->rules[i], error);
    if (status == BT_OK) status = make_exercising_bits(decider, &decider->rules[i], error);
  }
  return status;
}

/* ---- traces of which a part of the range shows a part only ---- */

static bool needs_several(const bt_over *over) {
  bool several = over->kind == BT_OVER_AND;
  for (uint32_t i = 0; over->kind == BT_OVER_OR && !several && i < over->item_count; i++)
    several = needs_several(over->items[i]);
  return several;
}

/* Whether every trace that is meant is among those that were found: of all that it needs one search tells in full. */
static bool is_covered(const bt_decider *decider, const bt_over *over) {
  bool is_and = over->kind == BT_OVER_AND;
  if (over->kind != BT_OVER_OR && !is_and) return is_answered(decider, over, false);
  for (uint32_t i = 0; i < over->item_count; i++)
    if (is_covered(decider, over->items[i]) == is_and) return is_and;
  return !is_and;
}

static void leave_others(const bt_decider *decider, const bt_seen_traces *only) {
  for (size_t i = 0; i < decider->table->count; i++)
    if (!bt_seen_traces_has(only, &decider->table->traces[i].matched.id))
      decider->rules[0].unread[i / 64] &= ~((uint64_t)1 << (i % 64));
}

static bt_status add_half(bt_seen_traces *halves, const bt_trace_id *id, bt_error *error) {
  bt_trace_id *items = bt_grow_array(halves->items, halves->count, &halves->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  halves->items = items;
  items[halves->count++] = *id;
  return BT_OK;
}

static bt_status list_halves(const bt_decider *decider, const bt_replay_request *request, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->table->count; i++) {
    const bt_known *known = &decider->table->traces[i];
    bool is_early = known->matched.in_doubt || known->matched.start_ns <= request->halves_until_ns;
    bool is_decided = request->seen && bt_seen_traces_has(request->seen, &known->matched.id);
    bool is_half = known->flags & BT_KNOWN_MATCHED && !bt_bit_get(decider->rules[0].candidates, i);
    if (is_half && is_early && !is_decided) status = add_half(request->halves, &known->matched.id, error);
  }
  bt_seen_traces_sort(request->halves);
  return status;
}

bt_status bt_candidates_look_at_parts(bt_decider *decider, bt_error *error) {
  const bt_replay_request *request = &decider->plan->request;
  const bt_over *over = decider->rules[0].planned->plan->violating;
  bool is_several = decider->plan->filters && needs_several(over);
  decider->account->result->needs_several = is_several;
  if (request->only) {
    leave_others(decider, request->only);
    decider->rules[0].is_answered = false;
    if (!request->every_part && !is_covered(decider, over)) decider->account->result->may_lack = true;
  }
  return request->halves && is_several ? list_halves(decider, request, error) : BT_OK;
}

/* ---- what is asked ---- */

static bt_status join_rules(bt_decider *decider, bt_error *error) {
  if (!decider->plan->joins_searches) return BT_OK;
  const bt_over **overs = bt_realloc_array(NULL, decider->plan->rule_count, sizeof(bt_over *));
  if (!overs) return bt_error_no_memory(error);
  for (size_t i = 0; i < decider->plan->rule_count; i++) overs[i] = decider->plan->rules[i].plan->violating;
  bt_status status =
      bt_filter_union_make(decider->plan->dialect, overs, decider->plan->rule_count, &decider->joined, error);
  free(overs);
  return status;
}

bt_status bt_candidates_add(bt_decider *decider, bt_error *error) {
  bt_status status = join_rules(decider, error);
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++)
    status = add_over(decider, violating_of(decider, &decider->rules[i]), true, error);
  return status;
}

/* Counting exercised traces by search is worth a question only where it gives the exact number. */
bt_status bt_candidates_add_exercising(bt_decider *decider, bt_error *error) {
  bt_status status = BT_OK;
  if (!decider->plan->counts_exercised || decider->stand_in) return BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++)
    if (decider->plan->rules[i].counts_by_search)
      status = add_over(decider, decider->plan->rules[i].plan->exercising, false, error);
  return status;
}
