/* The spans that meet a matcher, found one after another and only as far as somebody asks. See trace_index.h.
 * Candidates come from groups of spans, or from a look through all of them (bt_matchers_finish decides). */
#include <string.h>

#include "dsl/evaluate/doubt.h"
#include "dsl/evaluate/matcher.h"
#include "dsl/evaluate/trace_index.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/untyped_text.h"

enum { FIRST_MEMBERS = 16 };

/* Where a search for members stands. */
typedef struct search_place {
  uint32_t next_span, next_of_second;
} search_place;

/* Here, and not a call of bt_str_equal: most names differ in their length or their first letter, and all spans of a
 * trace pass here. */
static bool strings_equal(bt_str a, bt_str b) {
  if (a.len != b.len || a.len == 0) return a.len == b.len;
  return *a.ptr == *b.ptr && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_of_service(const bt_resource *resource, bt_str service) {
  return resource->service.ptr && strings_equal(resource->service, service);
}

/* The next span of the trace that the anchor lets through. Spans of one resource follow one another: it is compared
 * once. */
static uint32_t scan_candidates(const bt_trace *trace, const bt_matcher *matcher, uint32_t *next_span) {
  const bt_resource *compared = NULL;
  bool is_of_compared = false, asks = matcher->asks_name || matcher->asks_service;
  uint32_t i = *next_span;
  for (; asks && i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    if (matcher->asks_name && strings_equal(span->name, matcher->string)) break;
    if (!matcher->asks_service) continue;
    if (span->resource != compared) is_of_compared = is_of_service(span->resource, matcher->string);
    compared = span->resource;
    if (is_of_compared) break;
  }
  *next_span = i + 1;
  return i < trace->span_count ? i : BT_NO_SPAN;
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

/* Where the members are one group as it stands there is nothing to look for. */
static bool start_groups(bt_trace_index *index, const bt_matcher *matcher, bt_members *members) {
  members->group = members->second_group = (bt_span_list){0};
  if (!find_groups(index, &matcher->anchor, members)) return false;
  bool is_one_group = members->group.count == 0 || members->second_group.count == 0;
  if (!matcher->is_exact || !is_one_group) return true;
  if (matcher->anchor.kind == BT_ANCHOR_VALUE && members->second_group.count) return true;
  members->list = members->group.count ? members->group : members->second_group;
  members->is_whole = true;
  return true;
}

/* A span whose attributes (or its resource's) were dropped or cut may be a member, though it is in no group of a
 * value. */
static bool is_grouped(const bt_trace_index *index, const bt_matcher *matcher) {
  static const unsigned hiding = BT_DOUBT_ATTRIBUTES | BT_DOUBT_PARTS | BT_DOUBT_CUT | BT_DOUBT_TYPE;
  return matcher->is_grouped && !(matcher->anchor.kind == BT_ANCHOR_VALUE && index->trace->doubts & hiding);
}

/* Sets out to look for the members. */
static bool start_members(bt_trace_index *index, const bt_matcher *matcher, bt_members *members) {
  members->run = index->run;
  members->list = (bt_span_list){0};
  members->capacity = members->next_span = 0;
  members->text = members->payer = 0;
  members->next_of_second = 0;
  members->is_whole = false;
  return !is_grouped(index, matcher) || start_groups(index, matcher, members);
}

static bool grow_texts(bt_trace_index *index, bt_members *members, uint32_t capacity) {
  uint64_t *text_at = bt_arena_array(index->arena, capacity, sizeof *text_at);
  if (!text_at) return false;
  if (members->list.count) memcpy(text_at, members->text_at, members->list.count * sizeof *text_at);
  members->text_at = text_at;
  return true;
}

static bool grow_members(bt_trace_index *index, bt_members *members, bool walks_text) {
  uint32_t capacity = members->capacity ? members->capacity * 2 : FIRST_MEMBERS;
  uint32_t *spans = bt_arena_array(index->arena, capacity, sizeof *spans);
  if (!spans || (walks_text && !grow_texts(index, members, capacity))) return false;
  if (members->list.count) memcpy(spans, members->spans, members->list.count * sizeof *spans);
  members->spans = spans;
  members->list.spans = spans;
  members->capacity = capacity;
  return true;
}

static bool add_member(bt_trace_index *index, bt_members *members, bool walks_text, uint32_t span) {
  if (members->list.count == members->capacity && !grow_members(index, members, walks_text)) return false;
  if (walks_text) members->text_at[members->list.count] = members->text;
  members->spans[members->list.count++] = span;
  return true;
}

/* ---- text that was walked over ---- */

/* Each rule pays for a shared matcher as if it were its own, so that sharing changes no verdict. */
static void pay_text(bt_members *members, uint64_t due, bt_work *work) {
  if (members->payer != work->turn) members->paid = 0;
  members->payer = work->turn;
  if (work->status != BT_OK || due <= members->paid) return;
  if (bt_work_pay(work, due - members->paid)) members->paid = due;
}

/* Up to the member that it asks for. */
static void pay_text_up_to(bt_members *members, uint32_t number, bt_work *work) {
  pay_text(members, number < members->list.count ? members->text_at[number] : members->text, work);
}

/* Whether the candidate is a member, or may be one. Where the budget does not suffice to tell, it is the next one
 * again, for a rule that has more. */
static bool test_candidate(bt_trace_index *index, const bt_matcher *matcher, bt_members *members, search_place before,
                           uint32_t span, bt_work *work) {
  uint64_t text_before = bt_work_text(work);
  const bt_span *tested = &index->trace->spans[span];
  bool is_member = tested->doubts ? bt_doubt_test(matcher->predicate, tested, NULL, work).truth != BT_FALSE
                                  : bt_matcher_test(matcher->predicate, tested, NULL, work);
  if (work->status == BT_OK) {
    members->text += text_before - bt_work_text(work);
    members->paid = members->text;
    return is_member;
  }
  members->next_span = before.next_span;
  members->next_of_second = before.next_of_second;
  return false;
}

/* Looks until there are more than `number` members or no more spans. */
static void find_members(bt_trace_index *index, uint32_t matcher_number, uint32_t number, bt_work *work) {
  const bt_matcher *matcher = &index->ruleset->matchers[matcher_number];
  bt_members *members = &index->members[matcher_number];
  if (members->run != index->run && !start_members(index, matcher, members)) work->status = BT_NO_MEMORY;
  if (work->status == BT_OK && matcher->walks_text) pay_text(members, members->text, work);
  while (work->status == BT_OK && !members->is_whole && members->list.count <= number) {
    search_place before = {members->next_span, members->next_of_second};
    uint32_t span = is_grouped(index, matcher) ? merge_candidates(members)
                                               : scan_candidates(index->trace, matcher, &members->next_span);
    members->is_whole = span == BT_NO_SPAN;
    if (members->is_whole) break;
    bool is_member = !matcher->needs_test || test_candidate(index, matcher, members, before, span, work);
    if (is_member && work->status == BT_OK && !add_member(index, members, matcher->walks_text, span))
      work->status = BT_NO_MEMORY;
  }
}

bool bt_trace_index_sees_none(const bt_trace_index *index, uint32_t matcher_number) {
  const bt_matcher *matcher = &index->ruleset->matchers[matcher_number];
  uint32_t next_span = 0;
  if (matcher->is_grouped || matcher->walks_text) return false;
  return scan_candidates(index->trace, matcher, &next_span) == BT_NO_SPAN;
}

uint32_t bt_trace_index_member(bt_trace_index *index, uint32_t matcher, uint32_t number, bt_work *work) {
  bt_members *members = &index->members[matcher];
  if (members->run != index->run || (number >= members->list.count && !members->is_whole))
    find_members(index, matcher, number, work);
  if (members->text) pay_text_up_to(members, number, work);
  return work->status == BT_OK && number < members->list.count ? members->list.spans[number] : BT_NO_SPAN;
}

bt_span_list bt_trace_index_members(bt_trace_index *index, uint32_t matcher, bt_work *work) {
  bt_members *members = &index->members[matcher];
  if (members->run != index->run || !members->is_whole) find_members(index, matcher, UINT32_MAX, work);
  if (members->text) pay_text_up_to(members, UINT32_MAX, work);
  return work->status == BT_OK ? members->list : (bt_span_list){0};
}
