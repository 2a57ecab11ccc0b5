/* first(…) and last(…) for the naive evaluator: every member is held against every other one. See naive_world.h. */
#include <string.h>

#include "tests/naive/naive_world.h"

/* Which of two spans of one start has the lower id, or of two with one id the lower kind. */
static bool has_lower_id(const bt_span *a, const bt_span *b) {
  int difference = memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
  if (difference != 0) return difference < 0;
  return a->kind < b->kind;
}

/* One of two spans comes before the other in the order by start, id and kind. Clock skew and ancestry say of starts
 * what they say everywhere; ids tell apart only what certainly starts at one time. */
static bt_truth comes_first(const naive_world *world, uint32_t a, uint32_t b) {
  bt_truth a_first = naive_is_before(world, a, b, false), b_first = naive_is_before(world, b, a, false);
  if (a_first != BT_FALSE || b_first != BT_FALSE) return a_first;
  return has_lower_id(&world->spans[a], &world->spans[b]) ? BT_TRUE : BT_FALSE;
}

bt_truth naive_is_end_of(const naive_world *world, const bt_selection *selection, uint32_t span, bool is_first) {
  bt_truth result = naive_is_member(world, selection, span);
  if (naive_is_open(world, selection)) result = naive_and(result, BT_UNKNOWN);
  for (uint32_t i = 0; i < naive_candidate_count(world, selection) && result != BT_FALSE; i++) {
    uint32_t other = naive_candidate(world, selection, i);
    if (other == span) continue;
    bt_truth in_front = is_first ? comes_first(world, other, span) : comes_first(world, span, other);
    if (in_front == BT_FALSE) continue; /* whether it is a member says nothing then; asking takes long */
    result = naive_and(result, naive_not(naive_and(naive_is_member(world, selection, other), in_front)));
  }
  return result;
}
