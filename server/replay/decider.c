/* The walk from rules to what has to be read. See decider.h. */
#include "server/replay/decider.h"

#include <stdlib.h>

#include "server/replay/candidates.h"
#include "server/replay/data_gaps.h"
#include "server/replay/decision.h"
#include "server/replay/linked_evidence.h"
#include "server/replay/marked_traces.h"
#include "server/replay/strategy.h"

enum { AUTO_COUNT_MAX = 100000 /* traces that are listed only to be counted */ };

/* ---- a way: what under-queries find does not violate, and is subtracted ---- */

/* What is subtracted may lack anything: less found only means that more is read. */

enum { SUBTRACTED_PER_CANDIDATE = 16, SUBTRACTED_AT_LEAST = 20000 };

/* Whether it is worth asking what may be subtracted from the rule's candidates, as many as are left. */
static bool is_worth_asking(const bt_decider *decider, const bt_rule_sets *rule) {
  if (decider->account->result->rules[rule - decider->rules].strategy != BT_STRATEGY_ID_SETS) return false;
  size_t least = rule->planned->strategy == BT_STRATEGY_ID_SETS ? 1 : BT_STRATEGY_FROM;
  return bt_bits_count(decider->table, rule->unread) >= least;
}

/* More traces than that cost more than the reads they save: what was found until then is subtracted. */
static void limit_subtracted(bt_question *question, uint64_t candidates) {
  question->is_subtracted = question->keeps_part = true;
  question->max_found = SUBTRACTED_PER_CANDIDATE * candidates + SUBTRACTED_AT_LEAST;
}

/* Where the last replay of these rules subtracted, this one will too: what it subtracts first is asked with what finds
 * the candidates, and nothing waits for it. It is a guess that may cost a search, and no answer rests on it. What some
 * rule needs in full is in the table before, and stays so. */
static bt_status ask_subtracted_early(bt_decider *decider, bt_error *error) {
  uint64_t candidates = decider->plan->trust.subtracted_from;
  bt_status status = BT_OK;
  for (size_t i = 0; candidates && status == BT_OK && i < decider->plan->rule_count; i++) {
    const bt_planned_rule *planned = &decider->plan->rules[i];
    size_t others = decider->questions->count, index = 0;
    if (!planned->plan->subtract_count) continue;
    status = bt_questions_add(decider->questions, planned->plan->subtract[0].asked, false, &index, error);
    if (status == BT_OK && index == others) limit_subtracted(decider->questions->items[index], candidates);
  }
  return status;
}

/* Asks the question number `round` of every rule that still has so many candidates. */
static bt_status ask_subtracted(bt_decider *decider, uint32_t round, bool *any, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++) {
    bt_rule_sets *rule = &decider->rules[i];
    size_t index = 0;
    if (round >= rule->planned->plan->subtract_count || !is_worth_asking(decider, rule)) continue;
    *any = true;
    uint64_t candidates = bt_bits_count(decider->table, rule->unread);
    if (!round) rule->subtracted_from = candidates;
    status = bt_questions_add(decider->questions, rule->planned->plan->subtract[round].asked, false, &index, error);
    if (status != BT_OK) return status;
    bt_question *question = decider->questions->items[index];
    if (!question->is_asked) limit_subtracted(question, candidates);
    question->is_asked = true;
  }
  return status;
}

static void subtract_round(bt_decider *decider, bt_rule_sets *rule, uint32_t round) {
  if (round >= rule->planned->plan->subtract_count || !is_worth_asking(decider, rule)) return;
  const bt_question *question = bt_questions_get(decider->questions, rule->planned->plan->subtract[round].asked);
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
    if (status == BT_OK && any) status = bt_questions_gather(decider->questions, error);
    for (size_t i = 0; status == BT_OK && any && i < decider->plan->rule_count; i++)
      subtract_round(decider, &decider->rules[i], round);
  }
  return status;
}

uint64_t bt_decider_subtracted_from(const bt_decider *decider) {
  uint64_t fewest = 0;
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    uint64_t from = decider->rules[i].subtracted_from;
    if (!decider->rules[i].planned->plan->subtract_count) continue;
    if (!from) return 0;
    if (!fewest || from < fewest) fewest = from;
  }
  return fewest;
}

static const bt_decision_way id_sets_way = {.narrow = subtract_found};

/* ---- all ways ---- */

/* Each can be taken out here, and what it is made of deleted: then its rules' candidates are read. */
static const bt_decision_way *const ways[] = {&bt_projection_first_way, &id_sets_way, &bt_projection_way,
                                              &bt_links_way};
enum { WAYS = sizeof ways / sizeof *ways };

static bool is_possible(const bt_decider *decider, const bt_decision_way *way) {
  return !way->is_of_links || decider->plan->shows_links;
}

/* ---- what is decided of the traces ---- */

enum { SETS = 7 };

static void list_sets(bt_rule_sets *rule, uint64_t **sets[SETS]) {
  uint64_t **const all[SETS] = {&rule->candidates,        &rule->unread,  &rule->exercising,
                                &rule->surely_exercising, &rule->decided, &rule->decided_exercised,
                                &rule->violating};
  for (size_t i = 0; i < SETS; i++) sets[i] = all[i];
}

static size_t count_bytes(const void *context) {
  const bt_decider *decider = context;
  const bt_projection_first *first = &decider->first;
  size_t count = 0;
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    uint64_t **sets[SETS];
    list_sets(&decider->rules[i], sets);
    for (size_t s = 0; s < SETS; s++) count += *sets[s] ? 1 : 0;
  }
  return count * decider->table->word_count * sizeof(uint64_t) +
         (first->found.capacity + first->searched.capacity) * sizeof(bt_found) +
         first->decided_capacity * sizeof(bt_decided) +
         (decider->plan->shows_links ? bt_linker_table_bytes(&decider->evidence.linkers) : 0);
}

bt_status bt_decider_open(bt_decider *decider, bt_error *error) {
  decider->rules = calloc(decider->plan->rule_count, sizeof *decider->rules);
  if (!decider->rules) return bt_error_no_memory(error);
  for (size_t i = 0; i < decider->plan->rule_count; i++) decider->rules[i].planned = &decider->plan->rules[i];
  bt_trace_table_register(decider->table, (bt_trace_holder){decider, count_bytes});
  return BT_OK;
}

void bt_decider_dispose(bt_decider *decider) {
  bt_filter_union_dispose(&decider->joined);
  bt_projection_first_dispose(&decider->first);
  if (decider->plan->shows_links) bt_linked_evidence_clear(decider);
  for (size_t i = 0; decider->rules && i < decider->plan->rule_count; i++) {
    uint64_t **sets[SETS];
    list_sets(&decider->rules[i], sets);
    for (size_t s = 0; s < SETS; s++) free(*sets[s]);
  }
  free(decider->rules);
}

bool bt_decider_has_sets(const bt_decider *decider) {
  return decider->rules[decider->plan->rule_count - 1].unread != NULL;
}

bool bt_decider_is_candidate(const bt_decider *decider, size_t known) {
  for (size_t i = 0; i < decider->plan->rule_count; i++)
    if (bt_bit_get(decider->rules[i].candidates, known)) return true;
  return false;
}

bool bt_decider_wants(const bt_decider *decider, size_t known, bool *whole) {
  bool wanted = false;
  *whole = false;
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    if (!bt_bit_get(decider->rules[i].unread, known)) continue;
    wanted = true;
    if (decider->plan->rules[i].whole_trace) *whole = true;
  }
  return wanted;
}

/* ---- which way decides the candidates of each rule ---- */

/* It is chosen by estimated cost from what the first searches found. What is chosen wrongly costs time and never an
 * answer. */

/* What this rule's spans decided of a part, here or in an earlier replay, says more than what is usual. */
static double undecided_share(const bt_decider *decider) {
  const bt_trust_spans *here = &decider->first.probed, *before = &decider->plan->trust.spans;
  if (!decider->plan->projects_first) return bt_strategy_undecided_share;
  return here->is_known     ? here->undecided_share
         : before->is_known ? before->undecided_share
                            : bt_strategy_undecided_share;
}

static bt_strategy_facts facts_of(const bt_decider *decider, const bt_rule_sets *rule) {
  uint64_t candidates = bt_bits_count(decider->table, rule->unread);
  bool shows_links = rule->planned->shows_links;
  return (bt_strategy_facts){.costs = &decider->plan->costs,
                             .candidates = candidates,
                             .reads_by_id = rule->planned->whole_trace,
                             .can_subtract = bt_planned_rule_subtracts(decider->plan, rule->planned),
                             .subtracted_found = candidates,
                             .subtracted_share = bt_strategy_subtracted_share,
                             .can_project = shows_links || bt_planned_rule_projects(decider->plan, rule->planned),
                             .undecided_share = undecided_share(decider),
                             .projected_found = shows_links ? 2 * candidates : candidates};
}

/* Neither read nor decided again. */
static void leave_seen(const bt_decider *decider) {
  const bt_seen_traces *seen = decider->plan->request.seen;
  for (size_t i = 0; seen && i < decider->table->count; i++) {
    bt_known *known = &decider->table->traces[i];
    if (!bt_seen_traces_has(seen, &known->matched.id)) continue;
    known->flags |= BT_KNOWN_SEEN;
    for (size_t r = 0; r < decider->plan->rule_count; r++)
      decider->rules[r].unread[i / 64] &= ~((uint64_t)1 << (i % 64));
  }
}

static void choose_strategies(bt_decider *decider) {
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    bt_strategy *chosen = &decider->account->result->rules[i].strategy;
    *chosen = decider->stand_in ? BT_STRATEGY_PROJECTION : decider->plan->rules[i].strategy;
    if (*chosen != BT_STRATEGY_AUTO) continue;
    bt_strategy_facts facts = facts_of(decider, &decider->rules[i]);
    *chosen = bt_strategy_cheapest(&facts);
  }
}

/* ---- the walk ---- */

/* The questions in the order in which they are asked; the listing comes last. */
static bt_status add_searches(bt_decider *decider, bt_error *error) {
  const bt_replay_plan *plan = decider->plan;
  bt_questions *questions = decider->questions;
  size_t index = 0;
  bt_status status = bt_questions_add(questions, bt_query_all(), false, &index, error);
  if (status == BT_OK) status = bt_pruned_traces_add(questions, error);
  for (size_t i = 0; status == BT_OK && i < WAYS; i++)
    if (ways[i]->ask_first) status = ways[i]->ask_first(decider, error);
  if (status == BT_OK) status = bt_candidates_add(decider, error);
  if (status == BT_OK) status = bt_candidates_add_exercising(decider, error);
  if (status == BT_OK) status = ask_subtracted_early(decider, error);
  if (status != BT_OK) return status;
  for (size_t i = 1; i < questions->count; i++) {
    questions->items[i]->is_asked = true;
    if (plan->request.only) questions->items[i]->max_found = plan->request.most_found;
  }
  bt_question *all = questions->items[BT_QUESTION_ALL];
  all->is_asked = plan->asks_listing;
  all->max_found = plan->counts_all ? 0 : AUTO_COUNT_MAX;
  all->is_over = true; /* its failed windows are said: whether there is any data rests on it */
  return BT_OK;
}

bt_status bt_decider_find(bt_decider *decider, bt_error *error) {
  bt_status status = add_searches(decider, error);
  if (status == BT_OK) status = bt_questions_gather(decider->questions, error);
  bt_account_show(decider->account, 0.2);
  if (status == BT_OK) bt_pruned_traces_take(decider->questions);
  if (status == BT_OK) status = bt_candidates_make(decider, error);
  if (status == BT_OK) leave_seen(decider);
  if (status == BT_OK) status = bt_candidates_look_at_parts(decider, error);
  if (status == BT_OK) choose_strategies(decider);
  for (size_t i = 0; status == BT_OK && i < WAYS; i++)
    if (ways[i]->narrow) status = ways[i]->narrow(decider, error);
  if (status == BT_OK) leave_seen(decider); /* pruned ones come back while others are subtracted */
  if (status == BT_OK && decider->plan->filters) status = bt_own_traces_mark(decider->questions, error);
  for (size_t i = 0; status == BT_OK && i < WAYS; i++)
    if (ways[i]->decide && is_possible(decider, ways[i])) status = ways[i]->decide(decider, error);
  if (status == BT_OK) status = bt_listing_check(decider->questions, error);
  bt_account_show(decider->account, 0.3);
  return status;
}
