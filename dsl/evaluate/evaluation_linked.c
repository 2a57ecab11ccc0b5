/* Relations that reach into other traces: which spans of a family are in one, and whether spans may be that were not
 * seen (dsl.md §9). Without a family nothing is known of such a relation. See evaluation.h.
 *
 * All three have a window of starts around the span b that they are about. It begins D before b starts, and ends D
 * after that; of `linked from` it ends where b ends. Of `downstream of` every span on the way is in it. */
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "dsl/evaluate/evaluation.h"

/* Its start is known, maybe but for the end that a store cut. */
static bool has_start(const bt_span *span) {
  return !(span->doubts & BT_DOUBT_START) || !bt_span_lacks_time(span, false);
}

/* is_sure: for certain; else it may be. */
static bool is_in(bt_window window, const bt_span *span, bool is_sure) {
  int64_t latest_ns = bt_time_add(span->start_ns, span->time_slack_ns);
  if (is_sure) return span->start_ns >= window.low && latest_ns <= window.high;
  return latest_ns >= window.low && span->start_ns <= window.high;
}

/* The range in which a span of the relation to `other` starts, or may start. A side that is not known is open. */
static bt_window window_of(const bt_program_relation *relation, const bt_span *other, bool is_sure) {
  bt_window window = {INT64_MIN, INT64_MAX};
  int64_t slack_ns = other->time_slack_ns;
  if (has_start(other)) {
    window.low = bt_time_add(bt_time_add(other->start_ns, is_sure ? slack_ns : 0), -relation->within_ns);
    window.high = bt_time_add(bt_time_add(other->start_ns, is_sure ? 0 : slack_ns), relation->within_ns);
  }
  bool has_end = !(other->doubts & BT_DOUBT_END) || !bt_span_lacks_time(other, true);
  if (relation->kind == BT_LINKED_FROM)
    window.high = has_end ? bt_time_add(other->end_ns, is_sure ? 0 : slack_ns) : INT64_MAX;
  return window;
}

/* Whether the span starts there. */
static bt_kleene starts_in(const bt_program_relation *relation, const bt_span *span, const bt_span *other) {
  bool lacks_end = relation->kind == BT_LINKED_FROM && other->doubts & BT_DOUBT_END && bt_span_lacks_time(other, true);
  if (!has_start(span)) return bt_kleene_unknown(BT_WHY_TIME);
  if (!is_in(window_of(relation, other, false), span, false)) return bt_kleene_from(false);
  bool is_sure = has_start(other) && !lacks_end && is_in(window_of(relation, other, true), span, true);
  return is_sure ? bt_kleene_from(true) : bt_kleene_unknown(BT_WHY_TIME);
}

/* False, and that is noted: there is none. */
static bool has_family(bt_evaluator *evaluator) {
  if (!evaluator->relatives.family) evaluator->was_family_missed = true;
  return evaluator->relatives.family != NULL;
}

static bool has_ties(bt_evaluator *evaluator) {
  if (bt_relatives_find_ties(&evaluator->relatives)) return true;
  evaluator->work.status = BT_NO_MEMORY;
  return false;
}

/* ---- what is known of a trace ---- */

static bool hides_links(const bt_evaluator *evaluator, uint32_t span) {
  return evaluator->relatives.family->traces[bt_evaluator_trace_of(evaluator, span)].hides_links;
}

/* No trace of the family but the rule's own lacks spans, none hides links, and every span that links to this one's and
 * starts in the window is there. What the own one lacks is said apart. */
static bool knows_linkers(const bt_evaluator *evaluator, uint32_t trace, bt_window window) {
  const bt_family_trace *asked = &evaluator->relatives.family->traces[trace];
  if (evaluator->links_sampled) return false;
  return !evaluator->relatives.has_gaps && asked->asked_from_ns <= window.low && asked->asked_until_ns >= window.high;
}

/* Every span that one of its links may name is there, or is known not to be. */
static bool knows_linked(const bt_evaluator *evaluator, uint32_t number) {
  const bt_span *span = bt_evaluator_span(evaluator, number);
  uint32_t trace;
  if (hides_links(evaluator, number)) return false;
  for (uint32_t i = 0; i < span->link_count; i++) {
    const bt_link *link = &span->links[i];
    if (bt_trace_id_is_zero(&link->trace_id) || bt_span_id_is_zero(&link->span_id)) continue;
    if (!bt_relatives_find_trace(&evaluator->relatives, &link->trace_id, &trace)) return false;
    if (trace && !bt_relatives_is_whole(&evaluator->relatives, trace)) return false;
  }
  return true;
}

/* ---- downstream ---- */

typedef struct walk {
  bt_evaluator *evaluator;
  bt_window window;
  uint32_t count; /* of the queue: the first is the span that it starts from */
  bool is_whole;
  bool is_sure; /* it does not go over spans of which nobody knows when they were */
} walk;

static void reach_spans(walk *w, bt_span_list spans) {
  bt_relatives *relatives = &w->evaluator->relatives;
  for (uint32_t i = 0; i < spans.count; i++) {
    if (!bt_evaluator_step(w->evaluator)) return;
    if (bt_relatives_is_marked(relatives, spans.spans[i])) continue;
    const bt_span *span = bt_evaluator_span(w->evaluator, spans.spans[i]);
    bool may_be = has_start(span) ? is_in(w->window, span, w->is_sure) : !w->is_sure;
    if (may_be && bt_relatives_mark(relatives, spans.spans[i])) relatives->queue[w->count++] = spans.spans[i];
  }
}

/* From all spans from number `from` of the queue on, in their own traces. */
static void reach_children(walk *w, uint32_t from) {
  const bt_relatives *relatives = &w->evaluator->relatives;
  for (uint32_t i = from; i < w->count && !w->evaluator->is_exhausted; i++) {
    uint32_t span = relatives->queue[i], trace = bt_evaluator_trace_of(w->evaluator, span);
    reach_spans(w, bt_relatives_children(relatives, trace, &bt_evaluator_span(w->evaluator, span)->id));
  }
}

static void reach_linkers(walk *w, uint32_t from) {
  const bt_relatives *relatives = &w->evaluator->relatives;
  uint32_t end = w->count;
  for (uint32_t i = from; i < end && !w->evaluator->is_exhausted; i++) {
    uint32_t span = relatives->queue[i], trace = bt_evaluator_trace_of(w->evaluator, span);
    reach_spans(w, bt_relatives_linkers(relatives, trace, &bt_evaluator_span(w->evaluator, span)->id));
    w->is_whole = w->is_whole && knows_linkers(w->evaluator, trace, w->window);
  }
}

static int compare_numbers(const void *left, const void *right) {
  const uint32_t *a = left, *b = right;
  return (*a > *b) - (*a < *b);
}

/* The span itself is none of them. */
static bool keep_walk(const walk *w, bt_downstream *out) {
  uint32_t count = w->count - 1, *spans = bt_arena_array(&w->evaluator->rule_arena, count, sizeof *spans);
  if (!spans) return false;
  if (count) memcpy(spans, w->evaluator->relatives.queue + 1, count * sizeof *spans);
  if (count > 1) qsort(spans, count, sizeof *spans, compare_numbers);
  out->spans = (bt_span_list){spans, count};
  out->is_whole = w->is_whole && !w->evaluator->is_exhausted;
  return true;
}

/* By steps "child of" as many as there are, and by as many links as the relation allows. NULL: no room. */
static const bt_downstream *find_downstream(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t of,
                                            bool is_sure) {
  bt_downstream *found = &evaluator->downstream[is_sure];
  if (found->turn == evaluator->turn && found->relation == relation && found->of == of) return found;
  if (!has_ties(evaluator)) return NULL;
  bt_relatives *relatives = &evaluator->relatives;
  walk w = {.evaluator = evaluator, .count = 1};
  w.window = window_of(relation, bt_evaluator_span(evaluator, of), is_sure);
  w.is_sure = is_sure;
  w.is_whole = !relatives->has_gaps;
  bt_relatives_start_walk(relatives);
  (void)bt_relatives_mark(relatives, of);
  relatives->queue[0] = of;
  uint32_t from = 0;
  for (uint32_t links = 0; links <= relation->max_links && from < w.count; links++) {
    reach_children(&w, from);
    uint32_t end = w.count;
    if (links < relation->max_links) reach_linkers(&w, from);
    from = end;
  }
  *found = (bt_downstream){.relation = relation, .of = of, .is_sure = is_sure};
  if (!keep_walk(&w, found)) {
    evaluator->work.status = BT_NO_MEMORY;
    return NULL;
  }
  if (!evaluator->is_exhausted) found->turn = evaluator->turn;
  return found;
}

static bool has_number(bt_span_list list, uint32_t span) {
  return list.count && bsearch(&span, list.spans, list.count, sizeof span, compare_numbers);
}

/* One that may be: by starts that are known. */
static bt_kleene is_surely_downstream(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span,
                                      uint32_t of) {
  if (!(evaluator->relatives.doubts & BT_DOUBT_START)) return bt_kleene_from(true);
  if (bt_evaluator_has_no_time(evaluator, of, false)) return bt_kleene_unknown(BT_WHY_TIME);
  const bt_downstream *found = find_downstream(evaluator, relation, of, true);
  if (!found) return bt_kleene_unknown(BT_WHY_BUDGET);
  if (has_number(found->spans, span)) return bt_kleene_from(true);
  return bt_kleene_unknown(evaluator->is_exhausted ? BT_WHY_BUDGET : BT_WHY_TIME);
}

static bt_kleene is_downstream(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span,
                               uint32_t of) {
  const bt_downstream *found = find_downstream(evaluator, relation, of, false);
  if (!found) return bt_kleene_unknown(BT_WHY_BUDGET);
  if (has_number(found->spans, span)) return is_surely_downstream(evaluator, relation, span, of);
  if (evaluator->is_exhausted) return bt_kleene_unknown(BT_WHY_BUDGET);
  if (bt_evaluator_lacks_spans(evaluator)) return bt_evaluator_missing(evaluator);
  return found->is_whole || span == of ? bt_kleene_from(false) : bt_kleene_unknown(BT_WHY_LINKED);
}

/* ---- two spans ---- */

static bt_kleene has_link(const bt_evaluator *evaluator, uint32_t from, uint32_t to) {
  const bt_span *a = bt_evaluator_span(evaluator, from), *b = bt_evaluator_span(evaluator, to);
  const bt_trace_id *id = &evaluator->relatives.family->traces[bt_evaluator_trace_of(evaluator, to)].trace->id;
  for (uint32_t i = 0; i < a->link_count; i++) {
    const bt_link *link = &a->links[i];
    bool names_it = memcmp(link->span_id.bytes, b->id.bytes, sizeof b->id.bytes) == 0;
    if (names_it && bt_trace_id_compare(&link->trace_id, id) == 0) return bt_kleene_from(!bt_span_id_is_zero(&b->id));
  }
  return hides_links(evaluator, from) ? bt_kleene_unknown(BT_WHY_LINKED) : bt_kleene_from(false);
}

bt_kleene bt_evaluate_linked(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span,
                             uint32_t other) {
  if (!has_family(evaluator)) return bt_kleene_unknown(BT_WHY_LINKED);
  if (relation->kind == BT_DOWNSTREAM_OF) return is_downstream(evaluator, relation, span, other);
  bt_kleene is_near = starts_in(relation, bt_evaluator_span(evaluator, span), bt_evaluator_span(evaluator, other));
  if (is_near.truth == BT_FALSE) return is_near;
  return bt_kleene_and(is_near, relation->kind == BT_LINKED_TO ? has_link(evaluator, span, other)
                                                               : has_link(evaluator, other, span));
}

/* ---- the spans that can be members ---- */

static bt_span_list targets_of(bt_evaluator *evaluator, const bt_span *span) {
  bt_relatives *relatives = &evaluator->relatives;
  uint32_t count = 0, trace;
  bt_relatives_start_walk(relatives);
  for (uint32_t i = 0; i < span->link_count; i++) {
    if (!bt_relatives_find_trace(relatives, &span->links[i].trace_id, &trace)) continue;
    bt_span_list named = bt_relatives_with_id(relatives, trace, &span->links[i].span_id);
    for (uint32_t k = 0; k < named.count; k++)
      if (bt_relatives_mark(relatives, named.spans[k])) relatives->queue[count++] = named.spans[k];
  }
  uint32_t *spans = bt_arena_array(&evaluator->rule_arena, count, sizeof *spans);
  if (!spans) {
    evaluator->work.status = BT_NO_MEMORY;
    return (bt_span_list){0};
  }
  if (count) memcpy(spans, relatives->queue, count * sizeof *spans);
  if (count > 1) qsort(spans, count, sizeof *spans, compare_numbers);
  return (bt_span_list){spans, count};
}

/* Every span that was seen and may stand in the relation to that one, and maybe others. False: it leaves out none. */
static bool list_related(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t other,
                         bt_span_list *out) {
  const bt_relatives *relatives = &evaluator->relatives;
  const bt_span *span = bt_evaluator_span(evaluator, other);
  uint32_t trace = bt_evaluator_trace_of(evaluator, other);
  if (relation->kind == BT_LINKED_FROM) {
    if (hides_links(evaluator, other)) return false;
    return *out = targets_of(evaluator, span), true;
  }
  if (relation->kind == BT_LINKED_TO) {
    if (relatives->hides_links) return false;
    return *out = bt_relatives_linkers(relatives, trace, &span->id), true;
  }
  if (bt_relation_is_family(relation->kind)) return *out = bt_relatives_of_trace(relatives, trace), true;
  if (relation->kind != BT_DOWNSTREAM_OF) return false;
  const bt_downstream *found = find_downstream(evaluator, relation, other, false);
  if (!found || !found->is_whole || bt_evaluator_lacks_spans(evaluator)) return false; /* others may be, over gaps */
  return *out = found->spans, true;
}

bt_span_list bt_linked_candidates(bt_evaluator *evaluator, const bt_program_selection *selection) {
  bt_relatives *relatives = &evaluator->relatives;
  if (!has_family(evaluator) || !has_ties(evaluator)) return (bt_span_list){0};
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_program_relation *relation = &selection->relations[i];
    if (relation->first.binding == BT_NO_BINDING) continue;
    uint32_t other = evaluator->bound[relation->first.binding];
    bt_span_list list;
    if (!bt_evaluator_has_no_place(evaluator, other) && list_related(evaluator, relation, other, &list)) return list;
  }
  return (bt_span_list){relatives->all, relatives->span_count};
}

/* ---- the spans that were not seen ---- */

/* To that span. */
static bool may_lack_linked(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t other) {
  if (bt_evaluator_has_no_place(evaluator, other)) return true;
  const bt_span *span = bt_evaluator_span(evaluator, other);
  if (relation->kind == BT_LINKED_FROM) return !knows_linked(evaluator, other);
  if (relation->kind == BT_LINKED_TO)
    return !knows_linkers(evaluator, bt_evaluator_trace_of(evaluator, other), window_of(relation, span, false));
  const bt_downstream *found = find_downstream(evaluator, relation, other, false);
  return !found || !found->is_whole;
}

/* To any of a selection's spans. */
static bool may_lack_of_selection(bt_evaluator *evaluator, const bt_program_relation *relation) {
  const bt_program_selection *selection = relation->first.selection;
  if (bt_selection_unseen(evaluator, selection).truth == BT_UNKNOWN) return true;
  if (bt_relation_is_family(relation->kind)) return true;
  bt_cursor cursor;
  bt_member other;
  bt_cursor_open(&cursor, evaluator, selection);
  while (bt_cursor_next(&cursor, evaluator, &other))
    if (may_lack_linked(evaluator, relation, other.span)) return true;
  return evaluator->is_exhausted;
}

static bool relation_may_lack(bt_evaluator *evaluator, const bt_program_relation *relation) {
  if (bt_relation_is_pick(relation->kind))
    return bt_selection_unseen(evaluator, relation->first.selection).truth == BT_UNKNOWN;
  bool is_linked = bt_relation_is_linked(relation->kind);
  if (!is_linked && !bt_relation_is_family(relation->kind)) return true;
  if (relation->first.binding == BT_NO_BINDING) return may_lack_of_selection(evaluator, relation);
  uint32_t other = evaluator->bound[relation->first.binding];
  if (is_linked) return may_lack_linked(evaluator, relation, other);
  if (bt_evaluator_has_no_place(evaluator, other)) return true;
  uint32_t trace = bt_evaluator_trace_of(evaluator, other);
  return trace && !bt_relatives_is_whole(&evaluator->relatives, trace);
}

/* A span has to stand in all relations, so one of which all spans are known is enough. */
bool bt_linked_may_lack(bt_evaluator *evaluator, const bt_program_selection *selection) {
  if (!has_family(evaluator)) return true;
  for (uint32_t i = 0; i < selection->relation_count; i++)
    if (!relation_may_lack(evaluator, &selection->relations[i])) return false;
  return true;
}

/* ---- structure in another trace ---- */

/* False: the chain of parents may go on where nothing was seen. */
static bool reach_parents(walk *w, uint32_t span, uint32_t trace) {
  const bt_span *child = bt_evaluator_span(w->evaluator, span);
  if (bt_evaluator_may_have_moved(w->evaluator, span)) return false;
  if (bt_span_id_is_zero(&child->parent_id)) return true;
  bt_span_list parents = bt_relatives_with_id(&w->evaluator->relatives, trace, &child->parent_id);
  reach_spans(w, parents);
  return parents.count > 0;
}

bt_kleene bt_evaluate_under_abroad(bt_evaluator *evaluator, uint32_t descendant, uint32_t ancestor) {
  bt_relatives *relatives = &evaluator->relatives;
  uint32_t trace = bt_evaluator_trace_of(evaluator, descendant);
  if (descendant == ancestor || trace != bt_evaluator_trace_of(evaluator, ancestor)) return bt_kleene_from(false);
  if (!has_ties(evaluator)) return bt_kleene_unknown(BT_WHY_BUDGET);
  walk w = {.evaluator = evaluator, .window = {INT64_MIN, INT64_MAX}, .count = 1, .is_whole = true};
  bt_relatives_start_walk(relatives);
  (void)bt_relatives_mark(relatives, descendant);
  relatives->queue[0] = descendant;
  for (uint32_t i = 0; i < w.count; i++) {
    if (relatives->queue[i] == ancestor) return bt_kleene_from(true);
    if (evaluator->is_exhausted) return bt_kleene_unknown(BT_WHY_BUDGET);
    if (!reach_parents(&w, relatives->queue[i], trace)) w.is_whole = false;
  }
  if (w.is_whole || bt_relatives_is_whole(relatives, trace)) return bt_kleene_from(false);
  return bt_kleene_unknown(BT_WHY_LINKED);
}
