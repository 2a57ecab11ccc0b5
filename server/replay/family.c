/* Gathering. See family.h. The traces of a group are read by id and kept as copies. Each hop asks once who links to
 * all that came with the last one, and reads what is not there yet. In the end each trace is given the part of the
 * group that its links reach. A group that grows too large is taken apart; a single trace that does keeps what came so
 * far. Several traces of a group with the same family share its kinship. */
#include "server/replay/family.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "dsl/trace/kinship.h"
#include "dsl/trace/trace_copy.h"
#include "server/replay/window.h"
#include "tempo/wire/pause.h"

enum { GROUP_MAX = 50 };

typedef struct member {
  bt_trace trace; /* a copy of its own */
  void *room;     /* of its spans */
  bool is_incomplete;
  bool hides_links; /* it was read in a way that shows none */
  bool is_asked;    /* who links to it, completely, over the group's range */
  size_t tied;      /* another one that links tie it to, on the way to one that stands for all of them; or itself */
  size_t asked_for; /* of one that stands for all: how many of those are given a family */
  const bt_kinship *kinship; /* and of them all, once it was made */
} member;

typedef struct group {
  const bt_family_request *request;
  bt_family_sink sink;
  void *context;
  member *members; /* the first are those that the group was asked for */
  size_t *by_id;   /* their numbers in order of their ids */
  size_t count, capacity, by_id_capacity;
  size_t first_count; /* so many, as far as they are there */
  size_t linked_spans, bytes;
  bt_memory_hold hold; /* of what is kept but the first, which whoever reads any trace has room for */
  bool is_full;        /* no more is kept, */
  bool lacks_memory;   /* and a larger memory would keep more */
  bt_arena kinships;
  bt_time_range range;
} group;

typedef struct id_list {
  bt_trace_id *ids;
  size_t count, capacity;
} id_list;

static bool add_id(id_list *list, const bt_trace_id *id) {
  bt_trace_id *ids = bt_grow_array(list->ids, list->count, &list->capacity, sizeof *ids);
  if (!ids) return false;
  list->ids = ids;
  ids[list->count++] = *id;
  return true;
}

/* Sorted, each once. */
static void sort_ids(id_list *list) {
  size_t kept = 0;
  if (list->count > 1) qsort(list->ids, list->count, sizeof *list->ids, bt_trace_id_order);
  for (size_t i = 0; i < list->count; i++)
    if (!kept || bt_trace_id_compare(&list->ids[kept - 1], &list->ids[i])) list->ids[kept++] = list->ids[i];
  list->count = kept;
}

/* The first place in by_id that does not stand before the id. */
static size_t find_place(const group *g, const bt_trace_id *id) {
  size_t low = 0, high = g->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (bt_trace_id_compare(&g->members[g->by_id[middle]].trace.id, id) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static member *find_member(const group *g, const bt_trace_id *id) {
  size_t place = find_place(g, id);
  member *found = place < g->count ? &g->members[g->by_id[place]] : NULL;
  return found && bt_trace_id_compare(&found->trace.id, id) == 0 ? found : NULL;
}

static void dispose_group(group *g) {
  for (size_t i = 0; i < g->count; i++) free(g->members[i].room);
  free(g->members);
  free(g->by_id);
  bt_arena_dispose(&g->kinships);
  bt_memory_hold_shrink(&g->hold, 0);
}

/* Asks before it is kept. */
static bool has_memory(group *g, size_t bytes) {
  if (g->bytes + bytes <= g->request->most_bytes && bt_memory_hold_grow(&g->hold, bytes)) return true;
  g->is_full = g->lacks_memory = true;
  return false;
}

/* ---- reading ---- */

typedef struct reading {
  group *group;
  bool is_own; /* the traces that the group was asked for: the first has room in any case */
  size_t came;
} reading;

/* Of the source's clock nothing is known here but what is settled. */
static bool lacks_spans(const group *g, const bt_trace *trace) {
  bool lacks_parent = g->request->require_complete && trace->missing_parents;
  return trace->partial || lacks_parent || bt_trace_end_ns(trace) > g->request->settled_ns;
}

static bt_status keep_member(group *g, const bt_trace *trace, bt_error *error) {
  size_t bytes = bt_trace_copy_bytes(trace);
  member *members = bt_grow_array(g->members, g->count, &g->capacity, sizeof *members);
  if (!members) return bt_error_no_memory(error);
  g->members = members;
  size_t *by_id = bt_grow_array(g->by_id, g->count, &g->by_id_capacity, sizeof *by_id);
  if (!by_id) return bt_error_no_memory(error);
  g->by_id = by_id;
  size_t place = find_place(g, &trace->id);
  member *m = &members[g->count];
  *m = (member){.trace = *trace, .room = calloc(1, bytes ? bytes : 1), .tied = g->count};
  if (!m->room) return bt_error_no_memory(error);
  m->trace.spans = bt_trace_copy_spans(trace, m->room);
  m->is_incomplete = lacks_spans(g, trace);
  memmove(by_id + place + 1, by_id + place, (g->count - place) * sizeof *by_id);
  by_id[place] = g->count++;
  g->bytes += bytes;
  return BT_OK;
}

static bt_status keep_own(group *g, const bt_trace *trace, bt_error *error) {
  return !g->count || has_memory(g, bt_trace_copy_bytes(trace)) ? keep_member(g, trace, error) : BT_OK;
}

/* With its links, where it was kept without. */
static bt_status replace_member(group *g, member *m, const bt_trace *trace, bt_error *error) {
  size_t bytes = bt_trace_copy_bytes(trace), before = bt_trace_copy_bytes(&m->trace);
  if (m != g->members && bytes > before && !has_memory(g, bytes - before)) return BT_OK;
  void *room = calloc(1, bytes ? bytes : 1);
  if (!room) return bt_error_no_memory(error);
  g->bytes += bytes - before;
  free(m->room);
  m->room = room;
  m->trace = *trace;
  m->trace.spans = bt_trace_copy_spans(trace, room);
  m->is_incomplete = lacks_spans(g, trace);
  m->hides_links = false;
  return BT_OK;
}

static bt_status keep_linked(group *g, const bt_trace *trace, bt_error *error) {
  bool is_counted_out =
      g->count - g->first_count >= BT_FAMILY_MAX_TRACES || g->linked_spans + trace->span_count > BT_FAMILY_MAX_SPANS;
  if (is_counted_out) g->is_full = true;
  if (is_counted_out || !has_memory(g, bt_trace_copy_bytes(trace))) return BT_OK;
  g->linked_spans += trace->span_count;
  return keep_member(g, trace, error);
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  reading *r = context;
  group *g = r->group;
  if (bt_replay_plan_is_cancelled(g->request->questions->plan)) return bt_replay_plan_cancelled(error);
  if (!read->trace || !read->trace->span_count || read->needs_by_id) return BT_OK;
  member *there = find_member(g, &read->trace->id);
  if (there && !there->hides_links) return BT_OK; /* given twice */
  r->came++;                                      /* what is not kept makes the group full */
  if (there) return replace_member(g, there, read->trace, error);
  return r->is_own ? keep_own(g, read->trace, error) : keep_linked(g, read->trace, error);
}

/* What was asked was not answered: it is named, because what rests on it is not decided. */
static bt_status take_failure(group *g, const bt_answer *answer, bt_time_range range, bt_error *error) {
  bt_questions *questions = g->request->questions;
  if (answer->status == BT_OK) return BT_OK;
  if (answer->status == BT_UNAVAILABLE) bt_questions_lose_source(questions, answer->why.message);
  if (answer->status == BT_CANCELLED || answer->status == BT_NO_MEMORY) {
    if (error) *error = answer->why;
    return answer->status;
  }
  return bt_account_fail(questions->account, range, answer->why.message, error);
}

/* *all: every one of them came. */
static bt_status read_members(group *g, const id_list *list, bool is_own, bool *all, bt_error *error) {
  bt_questions *questions = g->request->questions;
  bt_read_request read = bt_replay_plan_read(questions->plan, list->ids, list->count, questions->plan->search_range);
  reading r = {g, is_own, 0};
  bt_answer answer = {0};
  read.by_id = !questions->plan->is_static;
  read.with_own = true;
  *all = !list->count;
  if (!list->count || questions->source_lost) return BT_OK;
  bt_status status = bt_questions_read(questions, &read, take_read, &r, true, &answer, error);
  *all = answer.status == BT_OK && r.came == list->count;
  return status == BT_OK ? take_failure(g, &answer, read.range, error) : status;
}

/* ---- one hop ---- */

/* Traces that the spans of members from `from` on link to and that are not there. */
static bt_status list_named(const group *g, size_t from, id_list *out, bt_error *error) {
  for (size_t i = from; i < g->count; i++) {
    const bt_trace *trace = &g->members[i].trace;
    const bt_link *link;
    bt_link_place place = {0};
    while ((link = bt_spans_next_link(trace->spans, trace->span_count, &place))) {
      if (bt_trace_id_is_zero(&link->trace_id) || find_member(g, &link->trace_id)) continue;
      if (!add_id(out, &link->trace_id)) return bt_error_no_memory(error);
    }
  }
  sort_ids(out);
  return BT_OK;
}

static bt_status list_found(const group *g, const bt_found_list *found, id_list *out, bt_error *error) {
  for (size_t i = 0; i < found->count; i++) {
    const member *there = find_member(g, &found->items[i].id);
    bool is_wanted = !there || there->hides_links;
    if (is_wanted && !add_id(out, &found->items[i].id)) return bt_error_no_memory(error);
  }
  sort_ids(out);
  return BT_OK;
}

/* Of what is wanted, what was read before; only the rest stays. */
static bt_status take_indexed(group *g, id_list *wanted, bt_error *error) {
  reading r = {.group = g};
  size_t kept = 0;
  bt_status status = BT_OK;
  if (!g->request->index) return BT_OK;
  for (size_t i = 0; status == BT_OK && i < wanted->count; i++) {
    const bt_trace *trace = bt_linking_index_get(g->request->index, &wanted->ids[i]);
    if (trace)
      status = take_read(&r, &(bt_read_trace){.trace = trace}, error);
    else
      wanted->ids[kept++] = wanted->ids[i];
  }
  if (status == BT_OK) wanted->count = kept;
  return status;
}

/* A linking span that came late lies in a block that is dated by its arrival. */
static bt_time_range search_range(const group *g) {
  const bt_assumptions *assumptions = &g->request->questions->plan->request.assumptions;
  bt_window window = {.range = g->range, .margin_ns = assumptions->margin_ns};
  return bt_window_search_range(&window, assumptions->lateness_ns);
}

static bool is_inside(bt_time_range part, bt_time_range whole) {
  return whole.start_ns <= part.start_ns && part.end_ns <= whole.end_ns;
}

static bt_status ask_linking(group *g, const bt_trace_id *ids, const bt_trace *const *traces, size_t count,
                             bt_found_list *found, bool *is_whole, bt_error *error) {
  bt_questions *questions = g->request->questions;
  bt_links_request links = bt_replay_plan_links(questions->plan, ids, count, search_range(g));
  bt_answer answer = {0};
  links.traces = traces;
  if (bt_linking_index_covers(g->request->index, links.range)) {
    *is_whole = true;
    return bt_linking_index_find(g->request->index, ids, count, found, error);
  }
  if (is_inside(links.range, g->request->linking_range)) links.query = g->request->linking;
  bt_status status = bt_questions_find_linking(questions, &links, found, &answer, error);
  *is_whole = answer.status == BT_OK && answer.is_whole;
  return status == BT_OK ? take_failure(g, &answer, links.range, error) : status;
}

/* Who links to members `from` … `end` − 1, into *found; *is_whole: everybody was found. No rule asks
 * for a span that did not come with its trace. Where such a span may be missing, the links to it may be missing too. */
static bt_status find_linking(group *g, size_t from, size_t end, bt_found_list *found, bool *is_whole,
                              bt_error *error) {
  bt_trace_id *ids = bt_realloc_array(NULL, end - from + 1, sizeof *ids);
  const bt_trace **traces = bt_realloc_array(NULL, end - from + 1, sizeof *traces);
  bt_status status = ids && traces ? BT_OK : bt_error_no_memory(error);
  *is_whole = false;
  for (size_t i = from; status == BT_OK && i < end; i++) {
    ids[i - from] = g->members[i].trace.id;
    traces[i - from] = &g->members[i].trace;
  }
  if (status == BT_OK && !g->request->questions->source_lost)
    status = ask_linking(g, ids, traces, end - from, found, is_whole, error);
  free(ids);
  free(traces);
  return status;
}

/* A Tempo that hands a block over finds some traces and does not give them by id for a moment: they are asked for once
 * more. */
static bt_status read_found(group *g, const bt_found_list *found, id_list *wanted, bool *all, bt_error *error) {
  enum { PAUSE_MS = 500 };
  const bt_questions *questions = g->request->questions;
  bt_status status = read_members(g, wanted, false, all, error);
  if (status != BT_OK || *all || g->is_full || questions->source_lost || questions->plan->is_static) return status;
  bt_pause_ms(questions->plan->request.cancel, PAUSE_MS);
  wanted->count = 0;
  status = list_found(g, found, wanted, error);
  return status == BT_OK ? read_members(g, wanted, false, all, error) : status;
}

/* What came of it is claimed only where all that was found was read and kept. */
static bt_status follow_back(group *g, size_t from, size_t end, bt_error *error) {
  bt_found_list found = {0};
  id_list wanted = {0};
  bool is_whole = false, all = false;
  bt_status status = find_linking(g, from, end, &found, &is_whole, error);
  if (status == BT_OK) status = list_found(g, &found, &wanted, error);
  if (wanted.count > BT_FAMILY_MAX_TRACES) g->is_full = true;
  if (status == BT_OK && !g->is_full) status = take_indexed(g, &wanted, error);
  if (status == BT_OK && !g->is_full) status = read_found(g, &found, &wanted, &all, error);
  for (size_t i = from; i < end; i++) g->members[i].is_asked = is_whole && all && !g->is_full;
  bt_found_list_dispose(&found);
  free(wanted.ids);
  return status;
}

static bt_status follow_links(group *g, size_t from, bt_error *error) {
  id_list named = {0};
  bool all;
  bt_status status = list_named(g, from, &named, error);
  if (named.count > BT_FAMILY_MAX_TRACES) g->is_full = true;
  if (status == BT_OK && !g->is_full) status = read_members(g, &named, false, &all, error);
  free(named.ids);
  return status;
}

/* A span of another age makes the range no longer than that: its absences are asked for as far as this goes, and say
 * so (asked_from_ns). */
static const int64_t LONGEST_NS = (int64_t)35 * 24 * 3600 * 1000000000;

static void set_range(group *g) {
  int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, within_ns = g->request->reach.within_ns;
  for (size_t i = 0; i < g->count; i++) {
    int64_t start_ns = bt_trace_start_ns(&g->members[i].trace), end_ns = bt_trace_latest_start_ns(&g->members[i].trace);
    if (start_ns < first_ns) first_ns = start_ns;
    if (end_ns > last_ns) last_ns = end_ns;
  }
  last_ns = bt_time_earlier(last_ns, bt_time_later(g->request->settled_ns, bt_time_add(first_ns, LONGEST_NS)));
  first_ns = bt_time_later(first_ns, bt_time_subtract(last_ns, LONGEST_NS));
  g->range = (bt_time_range){bt_time_subtract(first_ns, within_ns), bt_time_add(bt_time_add(last_ns, within_ns), 1)};
}

/* All were asked for that link to the first `asked` members, which are those that links of the rule's own traces may
 * lead to: of one that was not found none does. */
static void settle_links(group *g, size_t asked) {
  bool all = !g->is_full;
  for (size_t i = 0; i < asked; i++) all = all && g->members[i].is_asked;
  for (size_t i = 0; all && i < g->first_count; i++) g->members[i].hides_links = false;
}

static bt_status gather_hops(group *g, bt_error *error) {
  const bt_link_reach *reach = &g->request->reach;
  size_t from = 0;
  bt_status status = BT_OK;
  for (uint32_t hop = 0; status == BT_OK && hop < reach->to + reach->from && from < g->count && !g->is_full; hop++) {
    size_t end = g->count;
    if (reach->to) status = follow_back(g, from, end, error);
    if (status == BT_OK && reach->from && !g->is_full) status = follow_links(g, from, error);
    from = end;
  }
  if (status == BT_OK) settle_links(g, from);
  return status;
}

/* ---- one family of the group ---- */

static size_t find_tied(const group *g, size_t number) {
  while (g->members[number].tied != number) number = g->members[number].tied;
  return number;
}

/* Links of any direction tie their traces. */
static void tie_members(group *g) {
  for (size_t i = 0; i < g->count; i++) {
    const bt_trace *trace = &g->members[i].trace;
    const bt_link *link;
    bt_link_place place = {0};
    while ((link = bt_spans_next_link(trace->spans, trace->span_count, &place))) {
      const member *to = find_member(g, &link->trace_id);
      size_t a = find_tied(g, i), b = to ? find_tied(g, (size_t)(to - g->members)) : a;
      if (a < b)
        g->members[b].tied = a;
      else
        g->members[a].tied = b;
    }
  }
  for (size_t i = 0; i < g->first_count; i++) g->members[find_tied(g, i)].asked_for++;
}

static bt_family_trace describe_member(const group *g, const member *m) {
  bt_family_trace out = {
      .trace = &m->trace, .is_incomplete = m->is_incomplete, .hides_links = m->hides_links, .asked_from_ns = 1};
  if (!m->is_asked) return out;
  out.asked_from_ns = g->range.start_ns;
  out.asked_until_ns = bt_time_subtract(g->range.end_ns, 1);
  if (out.asked_until_ns >= g->request->settled_ns) out.asked_until_ns = bt_time_subtract(g->request->settled_ns, 1);
  return out;
}

static int compare_members(const void *left, const void *right) {
  const bt_trace *a = ((const bt_family_trace *)left)->trace, *b = ((const bt_family_trace *)right)->trace;
  int64_t a_ns = bt_trace_start_ns(a), b_ns = bt_trace_start_ns(b);
  return a_ns != b_ns ? (a_ns > b_ns) - (a_ns < b_ns) : bt_trace_id_compare(&a->id, &b->id);
}

/* Of all traces of the family, by start and then id. Where there is no room for it, each evaluation makes its own. */
static bt_status make_kinship(group *g, const bt_family *family, const bt_kinship **out, bt_error *error) {
  size_t bytes = bt_kinship_most_bytes(family->traces, family->trace_count);
  if (g->bytes + bytes > g->request->most_bytes || !bt_memory_hold_grow(&g->hold, bytes)) return BT_OK;
  g->bytes += bytes;
  bt_family_trace *traces = bt_realloc_array(NULL, family->trace_count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  qsort(traces, family->trace_count, sizeof *traces, compare_members);
  *out = bt_kinship_make(traces, family->trace_count, &g->kinships);
  free(traces);
  return *out ? BT_OK : bt_error_no_memory(error);
}

static bt_status share_kinship(group *g, size_t own, bt_family *family, bt_error *error) {
  member *all = &g->members[find_tied(g, own)];
  bool is_wanted = all->asked_for > 1 && !all->kinship;
  bt_status status = is_wanted ? make_kinship(g, family, &all->kinship, error) : BT_OK;
  if (!all->kinship) all->asked_for = 0; /* once is enough */
  family->kinship = all->kinship;
  return status;
}

/* The rule's own trace first, then all that are tied to it, by start and then id, in whatever order they were read. */
static bt_status give_family(group *g, size_t own, size_t index, bt_error *error) {
  bt_family_trace *traces = bt_realloc_array(NULL, g->count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  bt_family family = {.traces = traces, .trace_count = 1};
  traces[0] = describe_member(g, &g->members[own]);
  for (size_t i = 0; i < g->count; i++)
    if (i != own && find_tied(g, i) == find_tied(g, own))
      traces[family.trace_count++] = describe_member(g, &g->members[i]);
  qsort(traces + 1, family.trace_count - 1, sizeof *traces, compare_members);
  bt_status status = share_kinship(g, own, &family, error);
  if (status == BT_OK) status = g->sink(g->context, index, &family, error);
  free(traces);
  return status;
}

static bt_status give_families(group *g, const bt_trace_id *ids, size_t at, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    const member *own = find_member(g, &ids[at + i]);
    bool is_there = own && (size_t)(own - g->members) < g->first_count;
    status =
        is_there ? give_family(g, (size_t)(own - g->members), at + i, error) : g->sink(g->context, at + i, NULL, error);
  }
  return status;
}

/* ---- groups ---- */

/* Those that were read already, and the others from the source. */
static bt_status take_own(group *g, const bt_trace_id *ids, size_t at, size_t count, bt_error *error) {
  const bt_trace *const *traces = g->request->own_traces;
  id_list unread = {0};
  bool all;
  bt_status status = BT_OK;
  for (size_t i = at; status == BT_OK && i < at + count; i++) {
    size_t before = g->count;
    if (traces && traces[i])
      status = keep_own(g, traces[i], error);
    else if (!add_id(&unread, &ids[i]))
      status = bt_error_no_memory(error);
    if (g->count > before) g->members[before].hides_links = g->request->own_hide_links && g->request->own_hide_links[i];
  }
  if (status == BT_OK) status = read_members(g, &unread, true, &all, error);
  free(unread.ids);
  return status;
}

static bt_status gather_group(const bt_family_request *request, const bt_trace_id *ids, size_t at, size_t count,
                              bt_family_sink sink, void *context, bt_error *error) {
  group g = {.request = request, .sink = sink, .context = context};
  bt_arena_init(&g.kinships, request->most_bytes);
  g.hold = (bt_memory_hold){.account = request->questions->plan->request.memory, .kind = BT_MEMORY_READS};
  bt_status status = take_own(&g, ids, at, count, error);
  g.first_count = g.count;
  set_range(&g);
  if (status == BT_OK) status = gather_hops(&g, error);
  bool is_divided = status == BT_OK && g.is_full && count > 1;
  if (request->lacked_memory) *request->lacked_memory = g.lacks_memory;
  if (status == BT_OK && !is_divided) tie_members(&g);
  if (status == BT_OK && !is_divided) status = give_families(&g, ids, at, count, error);
  dispose_group(&g);
  if (!is_divided) return status;
  size_t half = count / 2;
  status = gather_group(request, ids, at, half, sink, context, error);
  return status == BT_OK ? gather_group(request, ids, at + half, count - half, sink, context, error) : status;
}

enum { SHARE_OF_FAMILIES = 4 }; /* of the memory of a replay that families take at once */

bt_family_request bt_family_request_of(bt_questions *questions) {
  const bt_replay_plan *plan = questions->plan;
  bt_family_request request = {.questions = questions, .settled_ns = INT64_MAX};
  for (size_t i = 0; i < plan->rule_count; i++) {
    const bt_planned_rule *rule = &plan->rules[i];
    int64_t settled_ns = bt_time_subtract(plan->request.now_ns, rule->stored_ns);
    if (bt_link_reach_is_none(&rule->reach)) continue;
    bt_link_reach_widen(&request.reach, &rule->reach);
    if (!plan->is_static && settled_ns < request.settled_ns) request.settled_ns = settled_ns;
    request.require_complete = request.require_complete || rule->require_complete;
  }
  request.most_bytes = plan->request.memory_limit_bytes / SHARE_OF_FAMILIES;
  return request;
}

/* What is looked through for one trace alone is so much longer than the trace. */
static int64_t looked_through_ns(const bt_family_request *request) {
  const bt_assumptions *assumptions = &request->questions->plan->request.assumptions;
  bt_window window = {.margin_ns = assumptions->margin_ns};
  bt_time_range range = bt_window_search_range(&window, assumptions->lateness_ns);
  return bt_time_add(bt_time_subtract(range.end_ns, range.start_ns),
                     bt_time_add(request->reach.within_ns, request->reach.within_ns));
}

/* A group with a trace for which the source can only guess who links to it is hardly longer than what is looked through
 * for that trace alone: all that link in its range are read. */
static size_t group_size(const bt_family_request *request, const bt_trace_id *ids, size_t at, size_t count) {
  const int64_t *starts_ns = request->starts_ns, near_ns = looked_through_ns(request);
  bt_promises promises = bt_source_known(request->questions->source);
  bool is_guessed = false;
  size_t size = 0;
  while (size < count && size < GROUP_MAX) {
    const bt_trace *known = request->own_traces ? request->own_traces[at + size] : NULL;
    is_guessed = is_guessed || bt_promises_guess_linking(&promises, &ids[at + size], known);
    bool is_far = starts_ns && bt_time_subtract(starts_ns[at + size], starts_ns[at]) > near_ns;
    if (size && is_guessed && is_far) return size;
    size++;
  }
  return size;
}

bt_status bt_families_gather(const bt_family_request *request, const bt_trace_id *ids, size_t count,
                             bt_family_sink sink, void *context, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t at = 0, size; status == BT_OK && at < count; at += size) {
    size = group_size(request, ids, at, count - at);
    if (bt_replay_plan_is_cancelled(request->questions->plan)) return bt_replay_plan_cancelled(error);
    status = gather_group(request, ids, at, size, sink, context, error);
  }
  return status;
}
