/* Selections: which spans belong to one, whether there is any, and has_before / has_after. See evaluation.h. */
#include "dsl/evaluate/evaluation.h"

bt_kleene bt_selection_unseen(bt_evaluator *evaluator, const bt_program_selection *selection) {
  bt_kleene unseen = bt_kleene_from(false);
  if (selection->base_binding != BT_NO_BINDING) return unseen;
  bool may_hide = evaluator->is_pruned && (selection->is_foreign || bt_pruned_may_hide(evaluator, selection));
  if (evaluator->is_incomplete || may_hide) unseen = bt_evaluator_missing(evaluator);
  if (selection->is_foreign && bt_linked_may_lack(evaluator, selection))
    unseen = bt_kleene_or(unseen, bt_kleene_unknown(BT_WHY_LINKED));
  return unseen;
}

/* The candidate against what a reference stands for: a bound span, or some member of a selection. */
static bt_kleene meets_reference(bt_evaluator *evaluator, const bt_program_relation *relation, bool is_second,
                                 uint32_t span) {
  const bt_program_reference *reference = is_second ? &relation->second : &relation->first;
  if (reference->binding != BT_NO_BINDING)
    return bt_evaluate_pair(evaluator, relation, is_second, span, evaluator->bound[reference->binding]);
  bt_kleene any = bt_selection_unseen(evaluator, reference->selection);
  bt_cursor cursor;
  bt_member other;
  bt_window starts = bt_window_of_others(evaluator, relation, is_second, span);
  bt_cursor_open_within(&cursor, evaluator, reference->selection, starts);
  while (any.truth != BT_TRUE && bt_cursor_next(&cursor, evaluator, &other)) {
    bt_kleene pair = bt_evaluate_pair(evaluator, relation, is_second, span, other.span);
    any = bt_kleene_or(any, bt_kleene_and(other.truth, pair));
  }
  return bt_evaluator_or_budget(evaluator, any);
}

static bt_kleene meets_relation(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span) {
  if (bt_relation_is_pick(relation->kind)) return bt_evaluate_is_picked(evaluator, relation, span);
  bt_kleene met = meets_reference(evaluator, relation, false, span);
  if (relation->kind != BT_BETWEEN || met.truth == BT_FALSE) return met;
  return bt_kleene_and(met, meets_reference(evaluator, relation, true, span));
}

/* The static part on the span that a binding holds or that was picked; other candidates come from the matcher's own
 * list, where those of which not everything is known only may be members. A summary may be in that for a field that is
 * not its own; where it is missing there for one, it is among the spans that the summary hides. */
static bt_kleene base_meets(bt_evaluator *evaluator, const bt_program_selection *selection, uint32_t span) {
  bool is_listed = selection->base_binding == BT_NO_BINDING && !selection->is_foreign &&
                   !bt_program_selection_is_pick(selection) && !bt_evaluator_may_have_moved(evaluator, span) &&
                   !bt_evaluator_span(evaluator, span)->doubts;
  if (is_listed || selection->matcher == BT_MATCH_ALL) return bt_kleene_from(true);
  const bt_program_predicate *predicate = evaluator->ruleset->matchers[selection->matcher].predicate;
  return bt_evaluate_predicate(evaluator, predicate, span, NULL);
}

/* What summaries hide of a linked selection is among what was not seen. */
static bt_kleene is_member(bt_evaluator *evaluator, const bt_program_selection *selection, uint32_t span) {
  bool is_of_family = selection->is_foreign && selection->base_binding == BT_NO_BINDING;
  if (is_of_family && bt_evaluator_is_summary(evaluator, span)) return bt_kleene_from(false);
  bt_kleene truth = base_meets(evaluator, selection, span);
  if (selection->rest && truth.truth != BT_FALSE)
    truth = bt_kleene_and(truth, bt_evaluate_predicate(evaluator, selection->rest, span, NULL));
  for (uint32_t i = 0; i < selection->relation_count && truth.truth != BT_FALSE; i++)
    truth = bt_kleene_and(truth, meets_relation(evaluator, &selection->relations[i], span));
  return truth;
}

/* Of a pick few spans are left. */
static void open_pick(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_relation *relation) {
  const bt_pick_slot *picked = bt_evaluate_pick(evaluator, relation);
  cursor->spans = picked ? picked->spans : NULL;
  cursor->count = picked ? picked->count : 0;
}

static void open_candidates(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_selection *selection,
                            const bt_program_condition *join, bt_window starts) {
  *cursor = (bt_cursor){.selection = selection, .count = 1};
  if (selection->base_binding != BT_NO_BINDING) {
    cursor->only_span = evaluator->bound[selection->base_binding];
    return;
  }
  if (bt_program_selection_is_pick(selection)) {
    open_pick(cursor, evaluator, &selection->relations[0]);
    return;
  }
  if (selection->is_foreign) {
    bt_span_list seen = bt_linked_candidates(evaluator, selection);
    cursor->spans = seen.spans;
    cursor->count = seen.count;
    return;
  }
  if (selection->relation_count > 0) starts = bt_window_meet(starts, bt_window_of_starts(evaluator, selection));
  bt_span_list list = {0};
  bt_reach reach = bt_window_reach(evaluator, selection, starts);
  cursor->is_whole_matcher = reach.order == BT_BY_NUMBER;
  if (!cursor->is_whole_matcher) list = bt_window_candidates(evaluator, selection, &reach);
  if ((selection->key_count || join) &&
      bt_lookup_candidates(evaluator, selection, join, &reach, list.count, &list, &cursor->merge))
    cursor->is_whole_matcher = false;
  cursor->spans = list.spans;
  cursor->count = list.count;
  cursor->is_by_start = reach.order == BT_BY_START && !cursor->merge && !cursor->is_whole_matcher;
  if (evaluator->is_exhausted) bt_evaluator_note_part(evaluator, selection->range);
}

/* BT_NO_SPAN: there is no more. */
static uint32_t peek_candidate(const bt_cursor *cursor, bt_evaluator *evaluator) {
  if (cursor->is_whole_matcher) {
    uint32_t matcher = cursor->selection->matcher;
    uint32_t span = bt_trace_index_member(&evaluator->index, matcher, cursor->next, &evaluator->work);
    if (!bt_evaluator_is_cut(evaluator)) return span;
    bt_evaluator_note_part(evaluator, cursor->selection->range);
    return BT_NO_SPAN;
  }
  if (cursor->merge) return bt_merge_peek(&evaluator->index, cursor->merge);
  if (cursor->next >= cursor->count) return BT_NO_SPAN;
  if (cursor->is_backward) return cursor->spans[cursor->count - 1 - cursor->next];
  return cursor->spans ? cursor->spans[cursor->next] : cursor->only_span;
}

static bool next_candidate(bt_cursor *cursor, bt_evaluator *evaluator, bt_member *member) {
  uint32_t span;
  while ((span = peek_candidate(cursor, evaluator)) != BT_NO_SPAN) {
    if (!bt_evaluator_step(evaluator)) return bt_evaluator_note_part(evaluator, cursor->selection->range), false;
    member->span = span;
    cursor->next++;
    if (cursor->merge) bt_merge_pass(cursor->merge, span);
    member->truth = is_member(evaluator, cursor->selection, member->span);
    if (member->truth.truth != BT_FALSE) return true;
  }
  return false;
}

static const bt_window all_starts = {INT64_MIN, INT64_MAX};

/* Works out all members once. What the budget cut short is not kept. */
static const bt_member_list *keep_members(bt_evaluator *evaluator, const bt_program_selection *selection) {
  bt_member_list *list = &evaluator->member_slots[selection->slot];
  if (list->turn == evaluator->turn) return list;
  bt_cursor cursor;
  open_candidates(&cursor, evaluator, selection, NULL, all_starts);
  size_t most = cursor.count;
  if (cursor.is_whole_matcher)
    most = bt_trace_index_members(&evaluator->index, selection->matcher, &evaluator->work).count;
  if (bt_evaluator_is_cut(evaluator) || evaluator->is_exhausted) return NULL;
  bt_member *members = bt_arena_array(&evaluator->rule_arena, most, sizeof *members);
  if (!members) {
    evaluator->work.status = BT_NO_MEMORY;
    return NULL;
  }
  uint32_t count = 0;
  while (next_candidate(&cursor, evaluator, &members[count])) count++;
  if (evaluator->is_exhausted) return NULL;
  *list = (bt_member_list){members, count, evaluator->turn};
  return list;
}

static bool is_worth_keeping(const bt_program_selection *selection) {
  return selection->depends == 0 && (selection->rest || selection->relation_count > 0);
}

static void open_cursor(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_selection *selection,
                        const bt_program_condition *join, bt_window starts) {
  if (is_worth_keeping(selection)) {
    const bt_member_list *kept = keep_members(evaluator, selection);
    *cursor = (bt_cursor){.selection = selection};
    cursor->members = kept ? kept->members : NULL;
    cursor->count = kept ? kept->count : 0;
    return;
  }
  open_candidates(cursor, evaluator, selection, join, starts);
}

void bt_cursor_open_within(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_selection *selection,
                           bt_window starts) {
  open_cursor(cursor, evaluator, selection, NULL, starts);
}

void bt_cursor_open_joined(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_condition *item, bool by_time) {
  bt_window starts = all_starts;
  for (uint32_t i = 0; by_time && i < item->joined_count; i++)
    starts = bt_window_meet(starts, bt_window_of_starts(evaluator, item->joined[i]));
  bool is_joined = item->joined_count || item->join_key_count;
  open_cursor(cursor, evaluator, item->selection, is_joined ? item : NULL, starts);
}

void bt_cursor_open(bt_cursor *cursor, bt_evaluator *evaluator, const bt_program_selection *selection) {
  bt_cursor_open_within(cursor, evaluator, selection, all_starts);
}

bool bt_cursor_next(bt_cursor *cursor, bt_evaluator *evaluator, bt_member *member) {
  if (!cursor->members) return next_candidate(cursor, evaluator, member);
  if (cursor->next >= cursor->count) return false;
  if (!bt_evaluator_step(evaluator)) return bt_evaluator_note_part(evaluator, cursor->selection->range), false;
  *member = cursor->members[cursor->next++];
  return true;
}

/* bt_evaluate_exists for what a matcher finds on a trace without gaps: the first span decides, and costs the one step.
 */
static bt_kleene matcher_finds(bt_evaluator *evaluator, const bt_program_selection *selection) {
  bool is_found = bt_trace_index_member(&evaluator->index, selection->matcher, 0, &evaluator->work) != BT_NO_SPAN;
  if (bt_evaluator_is_cut(evaluator)) is_found = false;
  if (is_found) is_found = bt_evaluator_step(evaluator);
  if (evaluator->is_exhausted) bt_evaluator_note_part(evaluator, selection->range);
  return bt_evaluator_or_budget(evaluator, bt_kleene_from(is_found));
}

/* Whether one member is as uncertain as another: all that is asked of them is where they stand to a span that was not
 * seen. */
static bool is_every_member_alike(const bt_evaluator *evaluator, const bt_program_selection *selection) {
  if (evaluator->has_summaries || evaluator->doubts || selection->rest || selection->relation_count != 1) return false;
  const bt_program_relation *relation = &selection->relations[0];
  if (relation->kind == BT_BETWEEN || relation->first.binding == BT_NO_BINDING) return false;
  return evaluator->bound[relation->first.binding] == BT_UNSEEN_SPAN;
}

bt_kleene bt_evaluate_exists(bt_evaluator *evaluator, const bt_program_selection *selection) {
  if (!bt_evaluator_lacks_spans(evaluator) && bt_selection_is_matcher(selection) &&
      bt_evaluator_trusts_matcher(evaluator, selection->matcher))
    return matcher_finds(evaluator, selection);
  bt_kleene any = bt_selection_unseen(evaluator, selection);
  bt_cursor cursor;
  bt_member member;
  /* Only as far as the first one, so they are not kept. */
  open_candidates(&cursor, evaluator, selection, NULL, all_starts);
  bool is_one_enough = is_every_member_alike(evaluator, selection);
  bool is_done = false;
  while (!is_done && next_candidate(&cursor, evaluator, &member)) {
    any = bt_kleene_or(any, member.truth);
    is_done = is_one_enough || any.truth == BT_TRUE;
  }
  return bt_evaluator_or_budget(evaluator, any);
}

/* `span` on its side of every member of `others`; *some becomes whether there is such a member. */
static bt_kleene is_beyond_all(bt_evaluator *evaluator, uint32_t span, const bt_program_condition *condition,
                               bt_kleene *some) {
  bt_kleene all = bt_kleene_from(true);
  bt_cursor cursor;
  bt_member other;
  *some = bt_kleene_from(false);
  bt_cursor_open(&cursor, evaluator, condition->other);
  while (all.truth != BT_FALSE && bt_cursor_next(&cursor, evaluator, &other)) {
    bt_kleene beyond = condition->kind == BT_CONDITION_HAS_BEFORE
                           ? bt_evaluate_before(evaluator, span, false, other.span, false)
                           : bt_evaluate_before(evaluator, other.span, false, span, false);
    all = bt_kleene_and(all, bt_kleene_or(bt_kleene_not(other.truth), beyond));
    *some = bt_kleene_or(*some, other.truth);
  }
  if (!evaluator->is_exhausted) return all;
  return bt_kleene_and(all, bt_kleene_unknown(BT_WHY_BUDGET));
}

typedef struct extreme {
  bool is_found, is_certain; /* is_certain: every member is */
  int64_t start_ns;          /* of the earliest for has_before, of the latest for has_after */
} extreme;

static bool is_further(const bt_program_condition *condition, int64_t start_ns, int64_t than_ns) {
  return condition->kind == BT_CONDITION_HAS_BEFORE ? start_ns < than_ns : start_ns > than_ns;
}

static extreme find_extreme(bt_evaluator *evaluator, const bt_program_condition *condition) {
  extreme found = {.is_certain = true};
  bt_cursor cursor;
  bt_member other;
  bt_cursor_open(&cursor, evaluator, condition->other);
  while (found.is_certain && bt_cursor_next(&cursor, evaluator, &other)) {
    int64_t start_ns = bt_evaluator_span(evaluator, other.span)->start_ns;
    found.is_certain = other.truth.truth == BT_TRUE;
    if (!found.is_found || is_further(condition, start_ns, found.start_ns)) found.start_ns = start_ns;
    found.is_found = true;
  }
  return found;
}

/* Where the order of all spans is known, and the others are members for certain, the extreme start of these decides. */
static bt_kleene is_any_beyond(bt_evaluator *evaluator, const bt_program_condition *condition, const extreme *others) {
  bt_kleene any = bt_kleene_from(false);
  bt_cursor cursor;
  bt_member member;
  if (evaluator->is_exhausted) return bt_kleene_unknown(BT_WHY_BUDGET);
  if (!others->is_found) return any;
  bt_cursor_open(&cursor, evaluator, condition->selection);
  while (any.truth != BT_TRUE && bt_cursor_next(&cursor, evaluator, &member)) {
    int64_t start_ns = bt_evaluator_span(evaluator, member.span)->start_ns;
    bt_evaluator_note_tie(evaluator, start_ns, others->start_ns);
    if (is_further(condition, start_ns, others->start_ns)) any = bt_kleene_or(any, member.truth);
  }
  return bt_evaluator_or_budget(evaluator, any);
}

/* Every member is held against every other one. */
static bt_kleene is_any_beyond_each(bt_evaluator *evaluator, const bt_program_condition *condition) {
  bt_kleene any = bt_kleene_from(false), some;
  bt_cursor cursor;
  bt_member member;
  bt_cursor_open(&cursor, evaluator, condition->selection);
  while (any.truth != BT_TRUE && bt_cursor_next(&cursor, evaluator, &member)) {
    bt_kleene beyond = is_beyond_all(evaluator, member.span, condition, &some);
    any = bt_kleene_or(any, bt_kleene_and(bt_kleene_and(member.truth, some), beyond));
  }
  return bt_evaluator_or_budget(evaluator, any);
}

bt_kleene bt_evaluate_before_all(bt_evaluator *evaluator, const bt_program_condition *condition) {
  bt_kleene unseen = bt_kleene_or(bt_selection_unseen(evaluator, condition->selection),
                                  bt_selection_unseen(evaluator, condition->other));
  if (unseen.truth == BT_UNKNOWN) return unseen;
  if (!bt_evaluator_knows_order(evaluator)) return is_any_beyond_each(evaluator, condition);
  extreme others = find_extreme(evaluator, condition);
  return others.is_certain ? is_any_beyond(evaluator, condition, &others) : is_any_beyond_each(evaluator, condition);
}
