/* What is read, and in which order: candidates that no way decided, and traces near an edge whose bounds do not tell
 * where they belong; in batches, and by id what a batch cannot give. Each trace that is there is read once each way at
 * most. See judge.h. */
#include "server/replay/judge.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/replay/counted_violations.h"
#include "server/replay/keeping_look.h"
#include "server/replay/decider.h"
#include "server/replay/delivery.h"
#include "server/replay/family.h"
#include "server/replay/marked_traces.h"
#include "server/replay/page_reader.h"
#include "server/replay/spans_verdict.h"
#include "server/replay/trace_judge.h"
#include "server/replay/violation_sample.h"
#include "tempo/wire/pause.h"

/* ---- what it keeps ---- */

static size_t count_sample_bytes(const bt_judge *judge, const bt_sampled *sampled) {
  size_t bytes = judge->plan->rule_count * sizeof *sampled->rules;
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (sampled->rules[i].violation) bytes += bt_violation_bytes(sampled->rules[i].violation);
  return bytes;
}

static size_t count_bytes(const void *context) {
  const bt_judge *judge = context;
  size_t bytes = judge->queue_capacity * sizeof *judge->queue + judge->linked_capacity * sizeof *judge->linked +
                 judge->linked_bytes;
  if (judge->linking.is_whole) bytes += bt_linking_index_bytes(&judge->linking);
  for (uint32_t i = 0; i < judge->sample_count; i++)
    if (judge->samples[i].rules) bytes += count_sample_bytes(judge, &judge->samples[i]);
  return bytes;
}

bt_status bt_judge_open(bt_judge *judge, bt_error *error) {
  judge->samples = calloc(judge->plan->request.sample_size, sizeof *judge->samples);
  judge->listed_ns = calloc(judge->plan->rule_count, sizeof *judge->listed_ns);
  if (!judge->samples || !judge->listed_ns) return bt_error_no_memory(error);
  bt_trace_table_register(judge->table, (bt_trace_holder){judge, count_bytes});
  return bt_rule_notes_open(judge, error);
}

void bt_judge_dispose(bt_judge *judge) {
  size_t rules = judge->plan->rule_count;
  for (uint32_t i = 0; i < judge->sample_count; i++) bt_judged_free(judge->samples[i].rules, rules);
  bt_rule_notes_dispose(judge);
  free(judge->samples);
  free(judge->listed_ns);
  free(judge->queue);
  for (size_t i = 0; i < judge->linked_count; i++) {
    free(judge->linked[i].room);
    free(judge->linked[i].shown_room);
  }
  free(judge->linked);
  if (judge->linking.is_whole) bt_linking_index_dispose(&judge->linking);
}

/* ---- what is due ---- */

/* What is to be read: by id (*whole) or in batches. */
static bool is_due(const bt_judge *judge, size_t index, bool *whole) {
  const bt_known *k = &judge->table->traces[index];
  bt_place place = bt_trace_table_place(judge->table, k);
  bool wanted = bt_decider_wants(judge->decider, index, whole) && !bt_trace_table_is_outside(judge->table, k);
  bool is_unclear = place == BT_PLACE_UNDECIDED && judge->table->is_listed && !(k->flags & BT_KNOWN_SEEN);
  return !(k->flags & BT_KNOWN_OWN) && (wanted || is_unclear);
}

/* It begins long before all that batches look through: they would show a part of it, or ask for all that time. */
static bool is_far(const bt_judge *judge, size_t index) {
  const bt_found *bounds = bt_known_bounds(&judge->table->traces[index]);
  int64_t margin_ns = judge->plan->window.margin_ns;
  return bounds->start_ns < bt_time_subtract(judge->plan->search_range.start_ns, margin_ns);
}

static bool is_projected(const bt_judge *judge) {
  return judge->plan->rules[0].shows_links && judge->account->result->rules[0].strategy == BT_STRATEGY_PROJECTION;
}

/* Of what is due. Of one rule that batches show but for links, which its families will show. A sample is read by id as
 * well, so who chooses his sample himself reads all so. */
static bool may_be_shown(const bt_judge *judge, size_t index) {
  const bt_replay_plan *plan = judge->plan;
  const bt_planned_rule *rule = &plan->rules[0];
  bool is_plain = plan->rule_count == 1 && plan->compares_some && !plan->reads_at_random;
  bool can_show = is_projected(judge) || (rule->lacks_links_alone && plan->weighs_ways);
  bt_place place = bt_trace_table_place(judge->table, &judge->table->traces[index]);
  if (!is_plain || !can_show || rule->reach.from) return false;
  return place != BT_PLACE_TAIL && bt_spans_may_decide(judge->decider, index);
}

/* Fills `known` with what is read in batches, `shown` with what they may show but for links, and the queue with what is
 * read by id. */
static bt_status choose_due(bt_judge *judge, bt_known_list *known, bt_known_list *shown, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < judge->table->count; i++) {
    bool whole = false;
    if (!is_due(judge, i, &whole)) continue;
    bool is_shown = whole && may_be_shown(judge, i);
    judge->to_judge++;
    judge->table->traces[i].flags |= BT_KNOWN_ASKED;
    if (is_shown)
      shown->items[shown->count++] = i;
    else if ((whole || is_far(judge, i)) && !judge->plan->is_static)
      status = bt_trace_judge_queue(judge, i, error);
    else
      known->items[known->count++] = i;
  }
  return status;
}

/* ---- some that need no reading ---- */

/* A seeded sample of the traces that are judged without being read: never found by the rule's searches, subtracted,
 * or decided from a projection. They are read whole and judged like any other; a violation among them shows that
 * Tempo's answers or our plan were wrong (delivery.c counts it), and then the replay is not complete. This is the
 * only check on "no violations" of what no batch gave: the sample that is read by id looks at what batches gave. */

enum {
  UNREAD_SAMPLE = 50, /* of a source that was not checked BT_UNCHECKED_TIMES as many, which is what a reservoir holds */
  SAMPLE_EARLIEST = 8, /* for who looks for the earliest violation, window by window */
  SAMPLE_BY_ID = 4     /* when no rule can be judged in a batch: each costs what many traces of a batch cost */
};

static size_t sample_room(const bt_judge *judge) {
  size_t room = UNREAD_SAMPLE;
  if (judge->plan->wants_earliest) room = SAMPLE_EARLIEST;
  if (!judge->plan->judges_batches) room = SAMPLE_BY_ID;
  room *= judge->plan->sample_times;
  return judge->plan->sample_is_fixed && judge->plan->request.sample_size < room ? judge->plan->request.sample_size
                                                                                 : room;
}

_Static_assert((int)UNREAD_SAMPLE *(int)BT_UNCHECKED_TIMES <= (int)BT_RESERVOIR_MAX, "a reservoir holds all");

static bool is_unread(const bt_judge *judge, const bt_known *known) {
  const uint16_t not_these = BT_KNOWN_OWN | BT_KNOWN_ASKED | BT_KNOWN_BY_ID | BT_KNOWN_SEEN;
  return !(known->flags & not_these) && bt_trace_table_place(judge->table, known) == BT_PLACE_SETTLED;
}

static bt_status take_chosen(bt_judge *judge, const bt_reservoir *from, size_t count, bt_known_list *out,
                             bt_error *error) {
  bool by_id = !judge->plan->judges_batches;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    judge->to_judge++;
    judge->table->traces[from->items[i].known].flags |= BT_KNOWN_ASKED;
    if (by_id)
      status = bt_trace_judge_queue(judge, from->items[i].known, error);
    else
      out->items[out->count++] = from->items[i].known;
  }
  return status;
}

/* Half of those that some search found, half of those that none did; where one kind has fewer, more of the other. */
static bt_status add_unread_sample(bt_judge *judge, bt_known_list *out, bt_error *error) {
  bt_reservoir found = {.count = 0}, unfound = {.count = 0};
  size_t room = sample_room(judge);
  if (!judge->plan->filters || judge->questions->source_lost) return BT_OK;
  for (size_t i = 0; i < judge->table->count; i++) {
    if (!is_unread(judge, &judge->table->traces[i])) continue;
    bt_keyed item = {bt_replay_plan_sample_key(judge->plan, &judge->table->traces[i].matched.id), i};
    bt_reservoir_offer(bt_decider_is_candidate(judge->decider, i) ? &found : &unfound, room, item);
  }
  size_t of_unfound = unfound.count < room / 2 ? unfound.count : room / 2;
  size_t of_found = found.count < room - of_unfound ? found.count : room - of_unfound;
  if (of_unfound < unfound.count) of_unfound = unfound.count < room - of_found ? unfound.count : room - of_found;
  bt_status status = take_chosen(judge, &found, of_found, out, error);
  return status == BT_OK ? take_chosen(judge, &unfound, of_unfound, out, error) : status;
}

/* ---- the walk ---- */

static int compare_times(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

bt_status bt_judge_cut(bt_judge *judge, bt_error *error) {
  const bt_window *window = &judge->plan->window;
  size_t count = 0, most = judge->plan->most_reads;
  bool whole = false;
  if (!most || judge->table->count <= most) return BT_OK;
  int64_t *starts = bt_realloc_array(NULL, judge->table->count, sizeof *starts);
  if (!starts) return bt_error_no_memory(error);
  for (size_t i = 0; i < judge->table->count; i++) {
    const bt_known *known = &judge->table->traces[i];
    if (known->flags & BT_KNOWN_OWN || bt_trace_table_is_outside(judge->table, known)) continue;
    if (bt_decider_wants(judge->decider, i, &whole)) starts[count++] = bt_known_bounds(known)->start_ns;
  }
  if (count > most) {
    qsort(starts, count, sizeof *starts, compare_times);
    int64_t nearest_ns = bt_time_add(window->range.start_ns, window->margin_ns);
    int64_t cut_ns = starts[most] > nearest_ns ? starts[most] : nearest_ns;
    judge->account->result->is_cut = cut_ns < window->range.end_ns;
    judge->account->result->cut_ns = cut_ns;
  }
  free(starts);
  return BT_OK;
}

static int compare_start(const void *a, const void *b, void *context) {
  const bt_judge *judge = context;
  int64_t x = bt_known_bounds(&judge->table->traces[*(const size_t *)a])->start_ns;
  int64_t y = bt_known_bounds(&judge->table->traces[*(const size_t *)b])->start_ns;
  return (x > y) - (x < y);
}

/* What only a read by id can give. Nothing is queued while it goes on, as by id is final. */
static bt_status read_queue(bt_judge *judge, bt_error *error) {
  size_t count = judge->queue_count;
  judge->to_judge += count;
  judge->queue_count = 0;
  return bt_page_reader_read(judge, judge->queue, count, true, error);
}

/* In parts of a random order. `by_id`: what only a read by id can give; else what of the part a batch could not give
 * is read by id with it. `asks`: whether that may be enough; not where other traces are still to be read that decide
 * it. */
static bt_status read_in_parts(bt_judge *judge, size_t *known, size_t count, bool by_id, bool asks, bt_error *error) {
  size_t part = judge->plan->first_part;
  bt_status status = BT_OK;
  if (count)
    qsort_r(known, count, sizeof *known, bt_page_reader_compare_seeded, judge); /* none: there may be no array either */
  for (size_t at = 0; status == BT_OK && at < count && !judge->account->result->is_sampled; at += part, part *= 2) {
    if (part > count - at) part = count - at;
    uint64_t last_key = bt_replay_plan_sample_key(judge->plan, &judge->table->traces[known[at + part - 1]].matched.id);
    status = bt_page_reader_read(judge, known + at, part, by_id, error);
    if (status == BT_OK) status = read_queue(judge, error);
    if (status == BT_OK && asks)
      judge->account->result->is_sampled = judge->has_enough(judge->context, last_key) && at + part < count;
  }
  return status;
}

/* What was chosen to be read by id alone waits in the queue; that fills again with what batches cannot give. */
static bt_status read_at_random(bt_judge *judge, bt_known_list *known, bt_error *error) {
  size_t *by_id = judge->queue, by_id_count = judge->queue_count;
  judge->queue = NULL;
  judge->queue_count = judge->queue_capacity = 0;
  judge->to_judge += by_id_count;
  bt_status status = read_in_parts(judge, known->items, known->count, false, !by_id_count, error);
  if (status == BT_OK) status = read_in_parts(judge, by_id, by_id_count, true, true, error);
  free(by_id);
  return status;
}

/* One look at the samples that have no answer yet, by their ids. */
typedef struct sample_read {
  bt_judge *judge;
  bt_trace_id *ids; /* what is asked for */
  uint32_t *asked;  /* which sample each of them is */
  bool *answered;
  size_t missing; /* so many were not there; they have no answer unless this is the last look */
  bool is_last;
} sample_read;

static bt_status take_sampled(void *context, const bt_read_trace *read, bt_error *error) {
  sample_read *look = context;
  uint32_t i = look->asked[read->index];
  if (bt_replay_plan_is_cancelled(look->judge->plan)) return bt_replay_plan_cancelled(error);
  if (look->answered[i]) return BT_OK;
  const bt_trace *trace = read->trace && read->trace->span_count ? read->trace : NULL;
  look->missing += !trace;
  if (!trace && !look->is_last) return BT_OK;
  look->answered[i] = true;
  return bt_trace_judge_take_sampled(look->judge, &look->judge->samples[i], trace, BT_SAMPLE_IS_GONE, error);
}

static bt_status look_at_samples(sample_read *look, bt_error *error) {
  bt_judge *judge = look->judge;
  uint32_t count = 0;
  for (uint32_t i = 0; i < judge->sample_count; i++) {
    if (look->answered[i]) continue;
    look->ids[count] = judge->table->traces[judge->samples[i].known].matched.id;
    look->asked[count++] = i;
  }
  bt_read_request request = bt_replay_plan_read(judge->plan, look->ids, count, judge->plan->search_range);
  request.by_id = true;
  bt_answer answer;
  bt_status added = bt_questions_read(judge->questions, &request, take_sampled, look, true, &answer, error);
  if (added == BT_OK && error) *error = answer.why;
  return added == BT_OK ? answer.status : added;
}

/* A Tempo that hands a block over does not find its traces by id for a moment: what is not there is looked for once
 * more. */
static bt_status ask_samples(sample_read *look, bt_error *error) {
  bt_status status = look_at_samples(look, error);
  if (status != BT_OK || !look->missing) return status;
  bt_pause_ms(look->judge->plan->request.cancel, BT_LOOK_AGAIN_MS);
  look->is_last = true;
  return look_at_samples(look, error);
}

/* Violations of samples that could not be read by id are reported as the batch showed them, and the coverage names
 * them. */
static bt_status read_samples(bt_judge *judge, bt_error *error) {
  if (!judge->sample_count) return BT_OK;
  sample_read look = {.judge = judge,
                      .ids = bt_realloc_array(NULL, judge->sample_count, sizeof *look.ids),
                      .asked = bt_realloc_array(NULL, judge->sample_count, sizeof *look.asked),
                      .answered = calloc(judge->sample_count, sizeof *look.answered)};
  bt_error why = {0};
  bt_status status = BT_NO_MEMORY;
  if (!look.ids || !look.asked || !look.answered)
    (void)bt_error_no_memory(&why);
  else
    status = judge->questions->source_lost ? BT_UNAVAILABLE : ask_samples(&look, &why);
  bool goes_on = status != BT_CANCELLED && status != BT_NO_MEMORY;
  bt_status delivered = BT_OK;
  for (uint32_t i = 0; goes_on && delivered == BT_OK && i < judge->sample_count; i++)
    if (!look.answered[i])
      delivered = bt_trace_judge_take_sampled(judge, &judge->samples[i], NULL, "it could not be read by id", error);
  if (!goes_on && error) *error = why;
  free(look.ids);
  free(look.asked);
  free(look.answered);
  return goes_on ? delivered : status;
}

/* A seeded sample of them is read by id as well: as many as of violations that batches show. */
static bt_status choose_compared(bt_judge *judge, const bt_known_list *shown, bt_error *error) {
  uint64_t wanted = bt_comparisons_wanted(judge, bt_violation_sample_size(judge, shown->count));
  bt_reservoir smallest = {.count = 0};
  bt_status status = BT_OK;
  size_t room = wanted < BT_RESERVOIR_MAX ? (size_t)wanted : (size_t)BT_RESERVOIR_MAX;
  for (size_t i = 0; room && i < shown->count; i++) {
    uint64_t key = bt_replay_plan_sample_key(judge->plan, &judge->table->traces[shown->items[i]].matched.id);
    bt_reservoir_offer(&smallest, room, (bt_keyed){key, shown->items[i]});
  }
  for (size_t i = 0; status == BT_OK && i < smallest.count; i++)
    status = bt_trace_judge_queue(judge, smallest.items[i].known, error);
  return status;
}

/* So few would be a batch, and by id as well. */
static bool are_few(bt_judge *judge, const bt_known_list *shown) {
  uint64_t compared = bt_comparisons_wanted(judge, bt_violation_sample_size(judge, shown->count));
  return !is_projected(judge) && shown->count < 2 * compared;
}

static bt_status read_shown(bt_judge *judge, bt_known_list *shown, bt_error *error) {
  bt_status status = BT_OK;
  bool by_id = shown->count && are_few(judge, shown);
  for (size_t i = 0; by_id && status == BT_OK && i < shown->count; i++)
    status = bt_trace_judge_queue(judge, shown->items[i], error);
  if (status != BT_OK || by_id || !shown->count) return status;
  status = choose_compared(judge, shown, error);
  return status == BT_OK ? bt_page_reader_read_shown(judge, shown->items, shown->count, error) : status;
}

static bt_status read_whole(bt_judge *judge, size_t *known, size_t count, bt_error *error) {
  bt_status status = bt_page_reader_read(judge, known, count, false, error);
  return status == BT_OK ? read_queue(judge, error) : status;
}

/* Of the violations that are later than those that are listed; not where spans and reads disagree. */
static bt_status count_later(bt_judge *judge, bt_known_list *later, bt_error *error) {
  size_t due = bt_counted_violations_sort(judge, later), rest = later->count - due;
  bt_status status = read_whole(judge, later->items, due, error);
  if (status == BT_OK && judge->spans_differ) return read_whole(judge, later->items + due, rest, error);
  return status == BT_OK ? bt_counted_violations_count(judge, later->items + due, rest, error) : status;
}

/* What begins before the first that may be counted is in pages of its own: listed_until is as late as the latest of
 * their traces. Not where large pages cost least, which are given in order of time. */
static bt_status read_batches(bt_judge *judge, const bt_known_list *known, const bt_known_list *later,
                              bt_error *error) {
  size_t before = 0;
  bool splits = !judge->plan->reads_agree && later->count;
  while (splits && before < known->count && compare_start(&known->items[before], later->items, judge) < 0) before++;
  bt_status status = bt_page_reader_read(judge, known->items, before, false, error);
  if (status != BT_OK) return status;
  return bt_page_reader_read(judge, known->items + before, known->count - before, false, error);
}

/* What is due: read in batches; shown by batches but for links; counted. */
typedef struct due_lists {
  bt_known_list known, shown, later;
} due_lists;

static bt_status read_listed(bt_judge *judge, due_lists *due, bt_error *error) {
  bt_known_list *known = &due->known;
  bt_status status = choose_due(judge, known, &due->shown, error);
  if (status == BT_OK) status = add_unread_sample(judge, known, error);
  if (status == BT_OK && judge->plan->reads_at_random) return read_at_random(judge, known, error);
  if (status != BT_OK) return status;
  qsort_r(known->items, known->count, sizeof *known->items, compare_start, judge);
  status = bt_counted_violations_choose(judge, known, &due->later, error);
  if (status != BT_OK) return status;
  bt_keeping_add(judge, known, &due->later);
  bt_violation_sample_choose(judge, known);
  status = read_batches(judge, known, &due->later, error);
  if (status == BT_OK) status = read_shown(judge, &due->shown, error);
  if (status == BT_OK) status = read_queue(judge, error);
  return status == BT_OK ? count_later(judge, &due->later, error) : status;
}

static bt_known_list list_new(const bt_judge *judge) {
  return (bt_known_list){bt_realloc_array(NULL, judge->table->count + 1, sizeof(size_t)), 0};
}

static bt_status read_due(bt_judge *judge, bt_error *error) {
  due_lists due = {.known = list_new(judge), .shown = list_new(judge)};
  bool has_room = due.known.items && due.shown.items;
  bt_status status = has_room ? read_listed(judge, &due, error) : bt_error_no_memory(error);
  free(due.known.items);
  free(due.shown.items);
  free(due.later.items);
  return status;
}

/* ---- with what links tie to them ---- */

static bt_status take_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  bt_judge *judge = context;
  return bt_trace_judge_take_family(judge, &judge->linked[index], family, error);
}

static int compare_awaiting(const void *a, const void *b, void *context) {
  const bt_awaiting *x = a, *y = b;
  return compare_start(&x->known, &y->known, context);
}

/* What is asked of each of judge->linked. */
typedef struct linked_lists {
  bt_trace_id *ids;
  int64_t *starts_ns;
  const bt_trace **traces;
  bool *hide_links;
} linked_lists;

/* What families of this replay look through, but for those of long traces. */
static bt_time_range range_of_families(const bt_judge *judge, int64_t within_ns) {
  const bt_replay_plan *plan = judge->plan;
  const bt_assumptions *assumptions = &plan->request.assumptions;
  int64_t around_ns = bt_time_add(bt_time_add(within_ns, assumptions->margin_ns), assumptions->lateness_ns);
  int64_t end_ns = bt_time_add(plan->search_range.end_ns, around_ns), now_ns = bt_time_add(plan->request.now_ns, 1);
  return (bt_time_range){bt_time_subtract(plan->search_range.start_ns, around_ns), end_ns > now_ns ? end_ns : now_ns};
}

enum { INDEXED_FROM = 50, LINKING_TIMES = 2 }; /* traces that wait: more than one look-up; for each that links */

/* What was summed up is not found by what it was: then all that links is looked for, which finds its other links. */
static bt_status choose_linking(bt_judge *judge, bt_family_request *request, bt_error *error) {
  const bt_replay_plan *plan = judge->plan;
  bool none = false, is_many = !plan->is_static && judge->linked_count > INDEXED_FROM && plan->linking_search_count;
  if ((!plan->linking.filter && !is_many) || judge->questions->source_lost) return BT_OK;
  request->linking_range = range_of_families(judge, request->reach.within_ns);
  bt_status status = bt_pruned_traces_look(judge->questions, request->linking_range, &none, error);
  if (status != BT_OK || !none) return status;
  request->linking = plan->linking;
  if (!is_many) return BT_OK;
  request->index = &judge->linking;
  return bt_linking_index_fill(&judge->linking, judge->questions, request->linking_range,
                               judge->linked_count / LINKING_TIMES, error);
}

static bt_status gather_linked(bt_judge *judge, const linked_lists *lists, bt_error *error) {
  qsort_r(judge->linked, judge->linked_count, sizeof *judge->linked, compare_awaiting, judge);
  for (size_t i = 0; i < judge->linked_count; i++) {
    const bt_awaiting *awaiting = &judge->linked[i];
    lists->ids[i] = judge->table->traces[awaiting->known].matched.id;
    lists->starts_ns[i] = bt_known_bounds(&judge->table->traces[awaiting->known])->start_ns;
    lists->traces[i] = awaiting->room ? &awaiting->trace : NULL;
    lists->hide_links[i] = awaiting->is_shown;
  }
  bt_family_request request = bt_family_request_of(judge->questions);
  request.lacked_memory = &judge->family_lacked_memory;
  request.own_traces = lists->traces;
  request.own_hide_links = lists->hide_links;
  request.starts_ns = lists->starts_ns;
  bt_status status = choose_linking(judge, &request, error);
  if (status != BT_OK) return status;
  return bt_families_gather(&request, lists->ids, judge->linked_count, take_family, judge, error);
}

static bt_status judge_linked(bt_judge *judge, bt_error *error) {
  size_t count = judge->linked_count;
  if (!count) return BT_OK;
  linked_lists lists = {
      bt_realloc_array(NULL, count, sizeof *lists.ids), bt_realloc_array(NULL, count, sizeof *lists.starts_ns),
      bt_realloc_array(NULL, count, sizeof *lists.traces), bt_realloc_array(NULL, count, sizeof *lists.hide_links)};
  bool has_room = lists.ids && lists.starts_ns && lists.traces && lists.hide_links;
  bt_status status = has_room ? gather_linked(judge, &lists, error) : bt_error_no_memory(error);
  free(lists.ids);
  free(lists.starts_ns);
  free(lists.traces);
  free(lists.hide_links);
  return status;
}

bt_status bt_judge_all(bt_judge *judge, bt_error *error) {
  bt_status status = read_due(judge, error);
  if (status == BT_OK) status = bt_violation_sample_settle(judge, error);
  if (status == BT_OK) status = read_samples(judge, error);
  if (status == BT_OK) status = bt_keeping_look(judge, error);
  bt_questions_end_ahead(judge->questions);
  return status == BT_OK ? judge_linked(judge, error) : status;
}
