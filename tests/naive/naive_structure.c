/* Order and ancestry of two spans, for the naive evaluator: every question walks the whole trace. See naive_world.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/naive/naive_world.h"

/* Nothing is known of a span that has not come, not even that it is not before itself. */
bool naive_is_unseen(uint32_t span) {
  return span >= NAIVE_FIRST_UNSEEN;
}

/* Neither in time nor in the tree. */
static bool has_no_place(const naive_world *world, uint32_t span) {
  return naive_is_unseen(span) || naive_is_summary(world, span);
}

bool naive_lacks_time(const naive_world *world, uint32_t span, bool is_end) {
  const bt_span *seen = &world->spans[span];
  return !world->takes_zero_times && (is_end ? seen->end_ns : seen->start_ns) == 0;
}

static const bt_span *span_at(const naive_world *world, uint32_t span) {
  return &world->spans[span];
}

static bool ids_equal(const bt_span_id *a, const bt_span_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_seen_child(const naive_world *world, uint32_t span, uint32_t parent) {
  const bt_span_id *parent_id = &span_at(world, span)->parent_id;
  return span != parent && world->home[span] == world->home[parent] && !bt_span_id_is_zero(parent_id) &&
         ids_equal(parent_id, &span_at(world, parent)->id);
}

/* Names a parent, and no span of the trace has that id. */
static bool has_lost_parent(const naive_world *world, uint32_t span) {
  const bt_span_id *parent_id = &span_at(world, span)->parent_id;
  if (bt_span_id_is_zero(parent_id)) return false;
  for (uint32_t i = 0; i < world->span_count; i++)
    if (world->home[i] == world->home[span] && ids_equal(parent_id, &span_at(world, i)->id)) return false;
  return true;
}

/* Marks `span` and all that is reached from it by parent ids that are known, each once, so that a cycle ends. */
static void mark_chain(const naive_world *world, uint32_t span, bool *is_marked) {
  is_marked[span] = true;
  if (!naive_knows(world, span, BT_FIELD_PARENT_ID)) return;
  for (uint32_t i = 0; i < world->span_count; i++)
    if (!is_marked[i] && is_seen_child(world, span, i)) mark_chain(world, i, is_marked);
}

bt_truth naive_is_under(const naive_world *world, uint32_t span, uint32_t ancestor) {
  if (has_no_place(world, span) || has_no_place(world, ancestor)) return BT_UNKNOWN;
  if (span == ancestor || world->home[span] != world->home[ancestor]) return BT_FALSE;
  bool is_own = world->home[span] == 0;
  bool has_gaps = is_own ? world->incomplete || naive_is_pruned(world) : !naive_is_whole(world, world->home[span]);
  bool *is_marked = calloc(world->span_count, sizeof *is_marked);
  if (!is_marked) abort();
  mark_chain(world, span, is_marked);
  bool leaves_the_trace = false;
  for (uint32_t i = 0; i < world->span_count; i++)
    if (is_marked[i] && (has_lost_parent(world, i) || !naive_knows(world, i, BT_FIELD_PARENT_ID)))
      leaves_the_trace = true;
  bt_truth result = BT_FALSE;
  if (is_marked[ancestor])
    result = BT_TRUE;
  else if (has_gaps && leaves_the_trace)
    result = BT_UNKNOWN;
  free(is_marked);
  return result;
}

bt_truth naive_is_child(const naive_world *world, uint32_t span, uint32_t parent) {
  if (has_no_place(world, span) || has_no_place(world, parent)) return BT_UNKNOWN;
  if (span == parent || world->home[span] != world->home[parent]) return BT_FALSE;
  if (!naive_knows(world, span, BT_FIELD_PARENT_ID)) return BT_UNKNOWN;
  return is_seen_child(world, span, parent) ? BT_TRUE : BT_FALSE;
}

bt_truth naive_is_sibling(const naive_world *world, uint32_t a, uint32_t b) {
  if (has_no_place(world, a) || has_no_place(world, b)) return BT_UNKNOWN;
  if (a == b || world->home[a] != world->home[b]) return BT_FALSE;
  if (!naive_knows(world, a, BT_FIELD_PARENT_ID) || !naive_knows(world, b, BT_FIELD_PARENT_ID)) return BT_UNKNOWN;
  const bt_span_id *id = &span_at(world, a)->parent_id;
  return !bt_span_id_is_zero(id) && ids_equal(id, &span_at(world, b)->parent_id) ? BT_TRUE : BT_FALSE;
}

static bool are_of_one_service(const bt_span *a, const bt_span *b) {
  bool a_has = a->resource->service.ptr != NULL, b_has = b->resource->service.ptr != NULL;
  if (!a_has || !b_has) return a_has == b_has;
  return bt_str_equal(a->resource->service, b->resource->service);
}

static int64_t point_of(const naive_world *world, uint32_t span, bool is_end) {
  return is_end ? span_at(world, span)->end_ns : span_at(world, span)->start_ns;
}

/* The distance of two times has up to 65 bits. */
static bool is_apart_at_most(int64_t a, int64_t b, int64_t limit_ns) {
  uint64_t distance = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
  return distance <= (uint64_t)limit_ns;
}

/* Which of two starts within the skew is first: that of the ancestor, if one of them is one. */
static bt_truth is_ancestor_first(const naive_world *world, uint32_t first, uint32_t second) {
  bool is_above = naive_is_under(world, second, first) == BT_TRUE;
  bool is_below = naive_is_under(world, first, second) == BT_TRUE;
  if (is_above == is_below) return BT_UNKNOWN;
  return is_above ? BT_TRUE : BT_FALSE;
}

bool naive_is_coarse(const naive_world *world, uint32_t span) {
  for (uint32_t i = 0; i < world->span_count; i++)
    if (world->home[i] == world->home[span] && are_of_one_service(span_at(world, i), span_at(world, span)) &&
        span_at(world, i)->start_ns % 1000000 != 0)
      return false;
  return true;
}

/* Two starts of one millisecond, of services that do not tell more. */
static bool is_tie(const naive_world *world, uint32_t a, uint32_t b) {
  return world->coarse_clocks_unknown && !world->takes_zero_times &&
         span_at(world, a)->start_ns == span_at(world, b)->start_ns && naive_is_coarse(world, a) &&
         naive_is_coarse(world, b);
}

bt_truth naive_is_first(const naive_world *world, uint32_t a, bool a_is_end, uint32_t b, bool b_is_end) {
  if (has_no_place(world, a) || has_no_place(world, b)) return BT_UNKNOWN;
  if (a == b && a_is_end == b_is_end) return BT_FALSE;
  if (naive_lacks_time(world, a, a_is_end) || naive_lacks_time(world, b, b_is_end)) return BT_UNKNOWN;
  int64_t a_ns = point_of(world, a, a_is_end), b_ns = point_of(world, b, b_is_end);
  bool is_within_skew = world->skew_ns > 0 && is_apart_at_most(a_ns, b_ns, world->skew_ns) &&
                        !are_of_one_service(span_at(world, a), span_at(world, b));
  if (is_within_skew) return a_is_end || b_is_end ? BT_UNKNOWN : is_ancestor_first(world, a, b);
  if (!a_is_end && !b_is_end && is_tie(world, a, b)) return BT_UNKNOWN;
  return a_ns < b_ns ? BT_TRUE : BT_FALSE;
}

/* Whether the clocks of the event's span and of the other one say which is first. */
static bool clocks_tell(const naive_world *world, naive_subject subject, uint32_t other, bool other_is_end) {
  return are_of_one_service(span_at(world, subject.span), span_at(world, other)) ||
         !is_apart_at_most(subject.event->time_ns, point_of(world, other, other_is_end), world->skew_ns) ||
         world->skew_ns == 0;
}

bt_truth naive_is_event_before(const naive_world *world, naive_subject subject, uint32_t other, bool other_is_end) {
  if (has_no_place(world, subject.span) || has_no_place(world, other)) return BT_UNKNOWN;
  if (naive_lacks_time(world, other, other_is_end)) return BT_UNKNOWN;
  if (!clocks_tell(world, subject, other, other_is_end)) return BT_UNKNOWN;
  return subject.event->time_ns < point_of(world, other, other_is_end) ? BT_TRUE : BT_FALSE;
}

bt_truth naive_is_event_after(const naive_world *world, naive_subject subject, uint32_t other, bool other_is_end) {
  if (has_no_place(world, subject.span) || has_no_place(world, other)) return BT_UNKNOWN;
  if (naive_lacks_time(world, other, other_is_end)) return BT_UNKNOWN;
  if (!clocks_tell(world, subject, other, other_is_end)) return BT_UNKNOWN;
  return subject.event->time_ns > point_of(world, other, other_is_end) ? BT_TRUE : BT_FALSE;
}

bt_truth naive_is_before(const naive_world *world, uint32_t span, uint32_t other, bool other_is_end) {
  return naive_is_first(world, span, false, other, other_is_end);
}

bt_truth naive_is_after(const naive_world *world, uint32_t span, uint32_t other, bool other_is_end) {
  return naive_is_first(world, other, other_is_end, span, false);
}

bt_truth naive_is_within(const naive_world *world, uint32_t span, uint32_t other, bool other_is_end,
                         int64_t within_ns) {
  if (has_no_place(world, span) || has_no_place(world, other)) return BT_UNKNOWN;
  if (span == other && !other_is_end) return BT_TRUE;
  if (naive_lacks_time(world, span, false) || naive_lacks_time(world, other, other_is_end)) return BT_UNKNOWN;
  bool is_near = is_apart_at_most(point_of(world, span, false), point_of(world, other, other_is_end), within_ns);
  return is_near ? BT_TRUE : BT_FALSE;
}
