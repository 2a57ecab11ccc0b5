/* first(…), last(…): which member of a selection is it. Members are in order of their starts, and those that start at
 * one time in order of their ids and then of their kinds. A member is the first when no other one comes before it. So
 * it is unknown where another one may, for clock skew, a summary, or because that one may be no member; and of an open
 * selection every member's place is unknown. What a selection is picked from is worked out once for the spans that it
 * depends on. See evaluation.h. */
#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/evaluation.h"

typedef struct pick {
  bt_evaluator *evaluator;
  bt_pick_slot *slot;
  bool is_last, is_plain; /* is_plain: every member so far is certain, and so is where it stands */
  bt_kleene unseen;       /* whether spans that were not seen could be among them */
  bool has_certain;       /* member with a place: the furthest on the wanted side starts at */
  int64_t extreme_ns;
  uint32_t slack_ns; /* the most of them so far (bt_span.time_slack_ns) */
} pick;

/* ---- order ---- */

/* Of two that start at one time. */
static bool is_lower(const bt_span *a, const bt_span *b) {
  int order = memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
  return order ? order < 0 : a->kind < b->kind;
}

/* `a` comes before `b` in the order of all spans. */
static bt_kleene precedes_span(bt_evaluator *evaluator, uint32_t a, uint32_t b) {
  bt_kleene before = bt_evaluate_before(evaluator, a, false, b, false);
  if (before.truth != BT_FALSE) return before;
  const bt_span *x = bt_evaluator_span(evaluator, a), *y = bt_evaluator_span(evaluator, b);
  if (x->start_ns != y->start_ns || !is_lower(x, y)) return before;
  return bt_kleene_not(bt_evaluate_before(evaluator, b, false, a, false));
}

static bt_kleene stands_in_front(const pick *p, uint32_t other, uint32_t span) {
  return p->is_last ? precedes_span(p->evaluator, span, other) : precedes_span(p->evaluator, other, span);
}

/* ---- gathering ---- */

static bool make_room(pick *p) {
  bt_pick_slot *slot = p->slot;
  if (slot->count < slot->capacity) return true;
  uint32_t capacity = slot->capacity ? slot->capacity * 2 : 4;
  /* The second half is for those that are left. */
  bt_member *room = bt_arena_array(&p->evaluator->rule_arena, (size_t)capacity * 2, sizeof *room);
  uint32_t *spans = bt_arena_array(&p->evaluator->rule_arena, capacity, sizeof *spans);
  if (!room || !spans) {
    p->evaluator->work.status = BT_NO_MEMORY;
    return false;
  }
  if (slot->count) memcpy(room, slot->room, slot->count * sizeof *room);
  slot->room = room;
  slot->spans = spans;
  slot->capacity = capacity;
  return true;
}

static bool is_beyond(const pick *p, int64_t a_ns, int64_t b_ns) {
  return p->is_last ? a_ns < b_ns : a_ns > b_ns;
}

static bool has_start(const bt_evaluator *evaluator, uint32_t span) {
  return !bt_evaluator_has_no_place(evaluator, span) && !bt_evaluator_has_no_time(evaluator, span, false);
}

/* So much further from the wanted side than the furthest certain member. */
static bool lies_behind(const pick *p, uint32_t span, unsigned skews) {
  if (!p->has_certain || !has_start(p->evaluator, span)) return false;
  uint64_t skew_ns = p->evaluator->clock_skew_ns > 0 ? (uint64_t)p->evaluator->clock_skew_ns * skews : 0;
  const bt_span *seen = bt_evaluator_span(p->evaluator, span);
  int64_t start_ns = seen->start_ns;
  skew_ns += (uint64_t)(seen->time_slack_ns > p->slack_ns ? seen->time_slack_ns : p->slack_ns) * skews;
  if (!is_beyond(p, start_ns, p->extreme_ns)) return false;
  return (p->is_last ? (uint64_t)p->extreme_ns - (uint64_t)start_ns : (uint64_t)start_ns - (uint64_t)p->extreme_ns) >
         skew_ns;
}

static void note_certain(pick *p, const bt_member *member) {
  if (member->truth.truth != BT_TRUE || !has_start(p->evaluator, member->span)) return;
  const bt_span *seen = bt_evaluator_span(p->evaluator, member->span);
  int64_t start_ns = seen->start_ns;
  if (seen->time_slack_ns > p->slack_ns) p->slack_ns = seen->time_slack_ns;
  if (!p->has_certain || is_beyond(p, p->extreme_ns, start_ns)) p->extreme_ns = start_ns;
  p->has_certain = true;
}

static void add_member(pick *p, const bt_member *member) {
  bt_pick_slot *slot = p->slot;
  p->is_plain = p->is_plain && member->truth.truth == BT_TRUE;
  bool replaces = p->is_plain && slot->count == 1;
  if (replaces && stands_in_front(p, slot->room[0].span, member->span).truth == BT_TRUE) return;
  if (replaces) slot->count = 0;
  if (make_room(p)) slot->room[slot->count++] = *member;
}

/* Those that may matter: a member that lies behind a certain one by more than the skew is not the first, and one that
 * lies behind by more than twice the skew is not even in front of one that may be. */
static void gather_members(pick *p, const bt_program_selection *from) {
  bt_cursor cursor;
  bt_member member;
  bt_cursor_open(&cursor, p->evaluator, from);
  bool can_stop = cursor.spans && cursor.is_by_start && !p->evaluator->is_pruned;
  cursor.is_backward = can_stop && p->is_last;
  while (p->evaluator->work.status == BT_OK && bt_cursor_next(&cursor, p->evaluator, &member)) {
    if (lies_behind(p, member.span, 2)) {
      if (can_stop) break;
      continue;
    }
    note_certain(p, &member);
    add_member(p, &member);
  }
}

/* ---- who is it ---- */

static bt_kleene is_first(pick *p, const bt_member *member) {
  bt_kleene first = member->truth;
  first = bt_kleene_and(first, bt_kleene_not(p->unseen));
  for (uint32_t i = 0; i < p->slot->count && first.truth != BT_FALSE; i++) {
    const bt_member *other = &p->slot->room[i];
    if (other->span == member->span || lies_behind(p, other->span, 2)) continue;
    if (!bt_evaluator_step(p->evaluator)) return bt_kleene_unknown(BT_WHY_BUDGET);
    bt_kleene in_front = bt_kleene_and(other->truth, stands_in_front(p, other->span, member->span));
    first = bt_kleene_and(first, bt_kleene_not(in_front));
  }
  return first;
}

static int compare_members(const void *left, const void *right) {
  const bt_member *a = left, *b = right;
  return (a->span > b->span) - (a->span < b->span);
}

/* The members that may be it, in place of all that were gathered. */
static bool settle_members(pick *p) {
  bt_pick_slot *slot = p->slot;
  uint32_t count = 0;
  if (!slot->room) return true; /* nothing was gathered */
  bt_member *found = slot->room + slot->capacity;
  for (uint32_t i = 0; i < slot->count; i++) {
    bt_member member = slot->room[i];
    if (lies_behind(p, member.span, 1)) continue;
    member.truth = is_first(p, &member);
    if (p->evaluator->is_exhausted || p->evaluator->work.status != BT_OK) return false;
    if (member.truth.truth != BT_FALSE) found[count++] = member;
  }
  if (count > 1) qsort(found, count, sizeof *found, compare_members);
  if (count) memcpy(slot->room, found, count * sizeof *found);
  slot->count = count;
  return true;
}

/* ---- what was worked out ---- */

static bool is_of(const bt_evaluator *evaluator, const bt_pick_slot *slot, bt_binding_set depends) {
  if (slot->turn != evaluator->turn) return false;
  for (int b = 0; depends >> b; b++)
    if ((depends >> b & 1) && slot->bound[b] != evaluator->bound[b]) return false;
  return true;
}

const bt_pick_slot *bt_evaluate_pick(bt_evaluator *evaluator, const bt_program_relation *relation) {
  const bt_program_selection *from = relation->first.selection;
  bt_pick_slot *slot = &evaluator->pick_slots[from->slot];
  if (is_of(evaluator, slot, from->depends)) return slot;
  /* Room of another rule is gone. */
  if (slot->room_turn != evaluator->turn) *slot = (bt_pick_slot){.room_turn = evaluator->turn};
  slot->turn = 0;
  slot->count = 0;
  pick p = {.evaluator = evaluator,
            .slot = slot,
            .is_last = relation->kind == BT_LAST_OF,
            .is_plain = bt_evaluator_knows_order(evaluator),
            .unseen = bt_selection_unseen(evaluator, from)};
  gather_members(&p, from);
  if (evaluator->is_exhausted || evaluator->work.status != BT_OK) return NULL;
  if ((p.unseen.truth == BT_UNKNOWN || !p.is_plain) && !settle_members(&p)) return NULL;
  for (uint32_t i = 0; i < slot->count; i++) slot->spans[i] = slot->room[i].span;
  memcpy(slot->bound, evaluator->bound, sizeof slot->bound);
  slot->turn = evaluator->turn;
  return slot;
}

bt_kleene bt_evaluate_is_picked(bt_evaluator *evaluator, const bt_program_relation *relation, uint32_t span) {
  const bt_pick_slot *slot = bt_evaluate_pick(evaluator, relation);
  if (!slot) return bt_kleene_unknown(BT_WHY_BUDGET);
  uint32_t low = 0, high = slot->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (slot->room[middle].span < span)
      low = middle + 1;
    else
      high = middle;
  }
  bool is_there = low < slot->count && slot->room[low].span == span;
  return is_there ? slot->room[low].truth : bt_kleene_from(false);
}
