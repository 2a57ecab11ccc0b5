/* Relations that reach into other traces, for the naive evaluator: each as its definition says, over all spans of the
 * family. See naive_world.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/naive/naive_world.h"

__extension__ typedef __int128 wide_integer;

static bool is_place(const naive_world *world, uint32_t span) {
  return !naive_is_unseen(span) && !naive_is_summary(world, span);
}

static int64_t capped(wide_integer ns) {
  return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

/* At most D before b starts and, but for `linked from`, at most D after; that no later than b's end. */
static int64_t lowest(const naive_world *world, const bt_relation *relation, uint32_t b) {
  if (naive_lacks_time(world, b, false)) return INT64_MIN;
  return capped((wide_integer)world->spans[b].start_ns - relation->within_ns);
}

static int64_t highest(const naive_world *world, const bt_relation *relation, uint32_t b) {
  bool is_from = relation->kind == BT_LINKED_FROM;
  if (naive_lacks_time(world, b, is_from)) return INT64_MAX;
  if (is_from) return world->spans[b].end_ns;
  return capped((wide_integer)world->spans[b].start_ns + relation->within_ns);
}

static bt_truth starts_in(const naive_world *world, const bt_relation *relation, uint32_t span, uint32_t b) {
  int64_t start_ns = world->spans[span].start_ns;
  if (naive_lacks_time(world, span, false)) return BT_UNKNOWN;
  if (start_ns < lowest(world, relation, b) || start_ns > highest(world, relation, b)) return BT_FALSE;
  bool is_from = relation->kind == BT_LINKED_FROM;
  return naive_lacks_time(world, b, false) || (is_from && naive_lacks_time(world, b, true)) ? BT_UNKNOWN : BT_TRUE;
}

static bool links_to(const naive_world *world, uint32_t from, uint32_t to) {
  const bt_trace_id *id = &world->family->traces[world->home[to]].trace->id;
  const bt_span_id *span_id = &world->spans[to].id;
  if (bt_span_id_is_zero(span_id)) return false;
  for (uint32_t i = 0; i < world->spans[from].link_count; i++) {
    const bt_link *link = &world->spans[from].links[i];
    if (memcmp(&link->trace_id, id, sizeof *id) == 0 && memcmp(&link->span_id, span_id, sizeof *span_id) == 0)
      return true;
  }
  return false;
}

static bool is_child(const naive_world *world, uint32_t span, uint32_t parent) {
  return naive_is_child(world, span, parent) == BT_TRUE;
}

/* How many links it takes to come to each span, at most `most`; -1: it is not reached. By spans alone that are in the
 * window at least so surely. New. */
static int *count_links(const naive_world *world, const bt_relation *relation, uint32_t b, bt_truth at_least) {
  int most = (int)relation->max_links;
  int *links = calloc(world->span_count + 1, sizeof *links);
  if (!links) abort();
  for (uint32_t i = 0; i < world->span_count; i++) links[i] = i == b ? 0 : -1;
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (uint32_t from = 0; from < world->span_count; from++)
      for (uint32_t to = 0; links[from] >= 0 && to < world->span_count; to++) {
        if (!is_place(world, to) || starts_in(world, relation, to, b) < at_least) continue;
        int count = is_child(world, to, from) ? links[from] : links_to(world, to, from) ? links[from] + 1 : most + 1;
        if (count > most || (links[to] >= 0 && links[to] <= count)) continue;
        links[to] = count;
        has_changed = true;
      }
  }
  return links;
}

bool naive_is_whole(const naive_world *world, uint32_t trace) {
  const bt_family_trace *member = &world->family->traces[trace];
  return !member->is_incomplete && !member->trace->pruned && !member->trace->partial;
}

static bool hides_links(const naive_world *world, uint32_t span) {
  return world->family->traces[world->home[span]].hides_links;
}

/* Nothing of the family is missing, but for what the rule's own trace lacks: no span, and no link of any. */
static bool has_no_gaps(const naive_world *world) {
  for (uint32_t t = 0; t < world->family->trace_count; t++)
    if (world->family->traces[t].hides_links || (t && !naive_is_whole(world, t))) return false;
  return true;
}

/* All spans are there that link to the trace of `span` and start in the window around b. */
static bool has_all_linking(const naive_world *world, const bt_relation *relation, uint32_t span, uint32_t b) {
  const bt_family_trace *trace = &world->family->traces[world->home[span]];
  int64_t low = lowest(world, relation, b), high = highest(world, relation, b);
  return has_no_gaps(world) && trace->asked_from_ns <= low && trace->asked_until_ns >= high;
}

static bool has_all_downstream(const naive_world *world, const bt_relation *relation, uint32_t b, const int *links) {
  bool has_all = has_no_gaps(world);
  for (uint32_t i = 0; i < world->span_count; i++)
    if (links[i] >= 0 && links[i] < (int)relation->max_links)
      has_all = has_all && has_all_linking(world, relation, i, b);
  return has_all;
}

static bool has_all_linked(const naive_world *world, uint32_t b) {
  if (hides_links(world, b)) return false;
  for (uint32_t i = 0; i < world->spans[b].link_count; i++) {
    const bt_link *link = &world->spans[b].links[i];
    if (bt_trace_id_is_zero(&link->trace_id) || bt_span_id_is_zero(&link->span_id)) continue;
    bool is_there = false;
    for (uint32_t t = 0; t < world->family->trace_count; t++)
      if (memcmp(&world->family->traces[t].trace->id, &link->trace_id, sizeof link->trace_id) == 0)
        is_there = t == 0 || naive_is_whole(world, t);
    if (!is_there) return false;
  }
  return true;
}

static bool has_all(const naive_world *world, const bt_relation *relation, uint32_t b) {
  if (!is_place(world, b)) return false;
  if (relation->kind == BT_LINKED_FROM) return has_all_linked(world, b);
  if (relation->kind == BT_LINKED_TO) return has_all_linking(world, relation, b, b);
  int *links = count_links(world, relation, b, BT_UNKNOWN);
  bool all = has_all_downstream(world, relation, b, links);
  free(links);
  return all;
}

bt_truth naive_is_linked(const naive_world *world, const bt_relation *relation, uint32_t span, uint32_t other) {
  if (!world->family || !is_place(world, span) || !is_place(world, other)) return BT_UNKNOWN;
  if (relation->kind == BT_DOWNSTREAM_OF) {
    int *links = count_links(world, relation, other, BT_UNKNOWN);
    int *sure_links = count_links(world, relation, other, BT_TRUE);
    bool is_reached = span != other && links[span] >= 0, is_sure = is_reached && sure_links[span] >= 0;
    bool is_known = !world->incomplete && !naive_is_pruned(world) &&
                    (span == other || has_all_downstream(world, relation, other, links));
    free(links);
    free(sure_links);
    if (is_reached && !is_sure) return BT_UNKNOWN;
    return is_reached ? BT_TRUE : is_known ? BT_FALSE : BT_UNKNOWN;
  }
  uint32_t from = relation->kind == BT_LINKED_TO ? span : other, to = relation->kind == BT_LINKED_TO ? other : span;
  bt_truth is_linked = links_to(world, from, to) ? BT_TRUE : hides_links(world, from) ? BT_UNKNOWN : BT_FALSE;
  return naive_and(starts_in(world, relation, span, other), is_linked);
}

/* ---- what may be missing ---- */

static bool is_structure(bt_relation_kind kind) {
  return kind == BT_UNDER || kind == BT_ABOVE || kind == BT_CHILD_OF || kind == BT_PARENT_OF || kind == BT_SIBLING_OF;
}

static bool may_lack_of_selection(const naive_world *world, const bt_relation *relation) {
  const bt_selection *selection = relation->first.selection;
  if (naive_is_open(world, selection) || is_structure(relation->kind)) return true;
  for (uint32_t i = 0; i < naive_candidate_count(world, selection); i++) {
    uint32_t other = naive_candidate(world, selection, i);
    if (naive_is_member(world, selection, other) != BT_FALSE && !has_all(world, relation, other)) return true;
  }
  return false;
}

static bool relation_may_lack(const naive_world *world, const bt_relation *relation) {
  if (bt_relation_is_pick(relation->kind)) return naive_is_open(world, relation->first.selection);
  bool is_linked = bt_relation_is_linked(relation->kind);
  if (!is_linked && !is_structure(relation->kind)) return true;
  if (relation->first.binding == BT_NO_BINDING) return may_lack_of_selection(world, relation);
  uint32_t other = world->bound[relation->first.binding];
  if (is_linked) return !has_all(world, relation, other);
  return !is_place(world, other) || (world->home[other] && !naive_is_whole(world, world->home[other]));
}

bool naive_may_lack(const naive_world *world, const bt_selection *selection) {
  if (!world->family) return true;
  for (uint32_t i = 0; i < selection->relation_count; i++)
    if (!relation_may_lack(world, &selection->relations[i])) return false;
  return true;
}
