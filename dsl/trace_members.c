/* The spans that meet a matcher, found one after another and only as far as somebody asks. See trace_index.h.
 * Few matchers look through all spans, because grouping the spans by name costs as much as some such looks; many matchers share the groups. */
#include <string.h>

#include "dsl/matcher.h"
#include "dsl/trace_index.h"

enum {
  FEW_MATCHERS = 8,
  FEW_COMPARISONS = 2, /* of a field with strings, for which it is not worth to group all spans by it */
  FIRST_MEMBERS = 16
};

bool bt_trace_index_has_groups(const bt_trace_index *index) {
  return index->ruleset->matcher_count > FEW_MATCHERS;
}

static bool strings_equal(bt_str a, bt_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool is_of_service(const bt_span *span, bt_str service) {
  return span->resource->service.ptr && strings_equal(span->resource->service, service);
}

static bool meets_anchor(const bt_span *span, bt_anchor_kind kind, bt_str string) {
  switch (kind) {
  case BT_ANCHOR_ALL:
  case BT_ANCHOR_VALUE: return true;
  case BT_ANCHOR_NAME: return strings_equal(span->name, string);
  case BT_ANCHOR_SERVICE: return is_of_service(span, string);
  case BT_ANCHOR_NAME_OR_SERVICE: return strings_equal(span->name, string) || is_of_service(span, string);
  }
  return false;
}

/* The next span of the trace that the anchor lets through. */
static uint32_t scan_candidates(const bt_trace_index *index, const bt_matcher *matcher, bt_members *members) {
  const bt_trace *trace = index->trace;
  const bt_anchor *anchor = &matcher->anchor;
  bool has_string = anchor->kind != BT_ANCHOR_ALL && anchor->kind != BT_ANCHOR_VALUE;
  bt_str string = has_string ? index->ruleset->strings.strings[anchor->symbol - 1] : (bt_str){0};
  for (uint32_t i = members->next_span; i < trace->span_count; i++) {
    if (!meets_anchor(&trace->spans[i], anchor->kind, string)) continue;
    members->next_span = i + 1;
    return i;
  }
  members->next_span = trace->span_count;
  return BT_NO_SPAN;
}

/* The same from the groups; a span that stands in both comes once. */
static uint32_t merge_candidates(bt_members *members) {
  bt_span_list group = members->group, second = members->second_group;
  uint32_t a = members->next_span < group.count ? group.spans[members->next_span] : BT_NO_SPAN;
  uint32_t b = members->next_of_second < second.count ? second.spans[members->next_of_second] : BT_NO_SPAN;
  uint32_t first = a < b ? a : b;
  if (first == BT_NO_SPAN) return first;
  if (a == first) members->next_span++;
  if (b == first) members->next_of_second++;
  return first;
}

static uint32_t next_candidate(const bt_trace_index *index, const bt_matcher *matcher, bt_members *members) {
  return members->has_groups ? merge_candidates(members) : scan_candidates(index, matcher, members);
}

static bool has_groups(const bt_trace_index *index, const bt_anchor *anchor) {
  if (anchor->kind == BT_ANCHOR_ALL || !bt_trace_index_has_groups(index)) return false;
  return anchor->kind != BT_ANCHOR_VALUE || index->ruleset->fields[anchor->field].matcher_count > FEW_COMPARISONS;
}

static bool find_groups(bt_trace_index *index, const bt_anchor *anchor, bt_members *members) {
  switch (anchor->kind) {
  case BT_ANCHOR_ALL: return true;
  case BT_ANCHOR_VALUE: return bt_trace_index_value_group(index, anchor, &members->group, &members->second_group);
  case BT_ANCHOR_SERVICE: return bt_trace_index_service_group(index, anchor->symbol, &members->group);
  case BT_ANCHOR_NAME: return bt_trace_index_name_group(index, anchor->symbol, &members->group);
  case BT_ANCHOR_NAME_OR_SERVICE:
    return bt_trace_index_name_group(index, anchor->symbol, &members->group) &&
           bt_trace_index_service_group(index, anchor->symbol, &members->second_group);
  }
  return false;
}

/* Sets out to look for the members. Where they are one group as it stands there is nothing to look for. */
static bool start_members(bt_trace_index *index, const bt_matcher *matcher, bt_members *members) {
  bt_anchor_kind kind = matcher->anchor.kind;
  members->has_started = true;
  members->has_groups = has_groups(index, &matcher->anchor);
  members->needs_test = matcher->predicate && (!matcher->is_exact || kind == BT_ANCHOR_VALUE);
  if (!members->has_groups) return true;
  if (!find_groups(index, &matcher->anchor, members)) return false;
  bool is_one_group = members->group.count == 0 || members->second_group.count == 0;
  if (!matcher->is_exact || !is_one_group) return true;
  if (kind == BT_ANCHOR_VALUE && members->second_group.count) return true;
  members->list = members->group.count ? members->group : members->second_group;
  members->is_whole = true;
  return true;
}

static bool add_member(bt_trace_index *index, bt_members *members, uint32_t span) {
  if (members->list.count == members->capacity) {
    uint32_t capacity = members->capacity ? members->capacity * 2 : FIRST_MEMBERS;
    uint32_t *spans = bt_arena_array(index->arena, capacity, sizeof *spans);
    if (!spans) return false;
    if (members->list.count) memcpy(spans, members->spans, members->list.count * sizeof *spans);
    members->spans = spans;
    members->list.spans = spans;
    members->capacity = capacity;
  }
  members->spans[members->list.count++] = span;
  return true;
}

/* Looks until there are more than `number` members or no more spans. */
static void find_members(bt_trace_index *index, const bt_matcher *matcher, bt_members *members, uint32_t number,
                         bt_status *status) {
  if (!members->has_started && !start_members(index, matcher, members)) *status = BT_NO_MEMORY;
  while (*status == BT_OK && !members->is_whole && members->list.count <= number) {
    uint32_t span = next_candidate(index, matcher, members);
    if (span == BT_NO_SPAN) {
      members->is_whole = true;
      return;
    }
    bool is_member =
        !members->needs_test || bt_matcher_test(matcher->predicate, &index->trace->spans[span], NULL, status);
    if (is_member && *status == BT_OK && !add_member(index, members, span)) *status = BT_NO_MEMORY;
  }
}

uint32_t bt_trace_index_member(bt_trace_index *index, uint32_t matcher, uint32_t number, bt_status *status) {
  bt_members *members = &index->members[matcher];
  if (number >= members->list.count && !members->is_whole)
    find_members(index, &index->ruleset->matchers[matcher], members, number, status);
  return *status == BT_OK && number < members->list.count ? members->list.spans[number] : BT_NO_SPAN;
}

bt_span_list bt_trace_index_members(bt_trace_index *index, uint32_t matcher, bt_status *status) {
  bt_members *members = &index->members[matcher];
  if (!members->is_whole) find_members(index, &index->ruleset->matchers[matcher], members, UINT32_MAX, status);
  return *status == BT_OK ? members->list : (bt_span_list){0};
}
