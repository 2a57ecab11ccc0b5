/* Finding traces of both sides, reading a sample of each, counting their marks. See contrast.h. The traces come from
 * one replay. For traces that it did not read, perhaps only a read tells whether they exercise the rule. So this judges
 * satisfying and violating traces again when it reads them. */
#include "server/query/contrast.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/rule/rule_walk.h"
#include "dsl/base/time_sum.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/keeping.h"
#include "dsl/evaluate/link_reach.h"
#include "server/base/clock.h"
#include "server/base/eval_limit.h"
#include "server/query/contrast_parts.h"
#include "server/query/shares.h"
#include "server/replay/given_families.h"
#include "tempo/wire/pause.h"

enum {
  TURNS = 4,
  LEAST_PART = 50, /* a batch costs about the same with fewer */
  LEAST_BY_ID = 1  /* of what a replay reads only to check its batches and searches: here all of the samples are read */
};

typedef struct keyed {
  uint64_t key;
  bt_trace_id id;
  bool is_read; /* by the replay, part by part; else known without */
} keyed;

typedef struct reservoir { /* the traces with the smallest keys, in their order */
  keyed *items;
  size_t count, room;
} reservoir;

typedef struct contrast {
  bt_source *source;
  bool is_static; /* the source (bt_promises) */
  const bt_contrast_request *request;
  bt_replay_request replay;
  const bt_replay_observer *observer;
  bt_contrast_result *result;
  bt_assumptions assumptions; /* the rule's */
  reservoir found[2];
  uint64_t satisfying, unsure; /* told by the replay: exercised, and not known to be */
  uint64_t last_key;           /* of the parts that were read to their end; with: */
  bool has_part;
  uint64_t read_satisfying;    /* told of those that were read */
  bool are_mixed;              /* some that had to be read satisfy the rule, and others need no reading */
  bool is_of_all;              /* the rule is about every trace: compared with others of the same entry span */
  bool are_listed;             /* the others are of a list of the range, and not of the replay */
  bt_contrast_entries entries; /* of the violating traces that were sampled */
  const bt_span *root;         /* of the trace that is counted; or NULL */
  uint32_t sample;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_contrast_rule rule;
  int side;         /* that is being read */
  size_t own_bytes; /* of found, and a page that is read */
} contrast;

/* ---- choosing ---- */

static void offer_trace(reservoir *r, uint64_t seed, const bt_trace_verdict *verdict) {
  keyed item = {bt_seeded_key(seed, &verdict->trace_id), verdict->trace_id, verdict->is_read};
  size_t low = 0, high = r->count;
  if (r->count == r->room && item.key >= r->items[r->count - 1].key) return;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (r->items[middle].key < item.key)
      low = middle + 1;
    else
      high = middle;
  }
  if (r->count < r->room) r->count++;
  memmove(&r->items[low + 1], &r->items[low], (r->count - 1 - low) * sizeof *r->items);
  r->items[low] = item;
}

static bt_status take_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  contrast *c = context;
  (void)error;
  if (!verdict->is_settled) return BT_OK;
  if (verdict->verdict == BT_VIOLATED) offer_trace(&c->found[BT_VIOLATING], c->result->seed, verdict);
  if (verdict->verdict != BT_SATISFIED || (verdict->exercised == BT_FALSE && !c->is_of_all)) return BT_OK;
  if (verdict->exercised == BT_TRUE || c->is_of_all)
    c->satisfying++;
  else
    c->unsure++;
  c->read_satisfying += verdict->is_read;
  offer_trace(&c->found[BT_SATISFYING], c->result->seed, verdict);
  return BT_OK;
}

/* Whether the samples can be had of what was read so far. Traces that need no reading are of the whole range; where
 * some that were read satisfy the rule too, only those with keys of the same part can be compared with them, else the
 * others would count for more than their share. */
static bool has_enough(void *context, const bt_part_read *so_far) {
  contrast *c = context;
  c->has_part = true;
  c->last_key = so_far->last_key;
  c->are_mixed = c->read_satisfying > LEAST_BY_ID; /* so many are read although they need not be */
  size_t sure = c->are_mixed ? so_far->within : so_far->later;
  size_t unsure = c->are_mixed ? so_far->within_unsure : so_far->later_unsure;
  uint64_t satisfying = c->read_satisfying + sure + unsure / BT_CONTRAST_ATTEMPTS;
  return c->found[BT_VIOLATING].count == c->found[BT_VIOLATING].room && satisfying >= c->sample;
}

/* After a replay that did not read all: leaves those of whole parts, and beside them of the satisfying ones what
 * has_enough says. */
static void keep_whole_parts(contrast *c) {
  for (int side = 0; side < 2; side++) {
    reservoir *r = &c->found[side];
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
      bool is_within = c->has_part && r->items[i].key <= c->last_key;
      if (is_within || (!r->items[i].is_read && !c->are_mixed)) r->items[kept++] = r->items[i];
    }
    r->count = kept;
  }
}

static void take_result(contrast *c, bt_replay_result *replay) {
  bt_contrast_result *result = c->result;
  const bt_rule_result *rule = &replay->rules[0];
  bool is_whole = replay->outcome == BT_REPLAY_COMPLETED && !rule->inconclusive;
  result->outcome = replay->outcome;
  result->is_sampled =
      replay->is_sampled && strncmp(replay->reason, "sampled: ", 9) == 0; /* nothing worse is to be said */
  snprintf(result->reason, sizeof result->reason, "%s", replay->reason);
  result->coverage = replay->coverage;
  replay->coverage = (bt_coverage){0};
  result->requests = replay->requests;
  result->bytes_inspected = replay->bytes_inspected;
  result->bytes_received = replay->bytes_received;
  result->sides[BT_VIOLATING].total = rule->violations_found - rule->violations_provisional;
  result->sides[BT_VIOLATING].total_is_exact = is_whole;
  result->counted = *rule;
  result->counted.violations_found = result->sides[BT_VIOLATING].total;
  result->sides[BT_SATISFYING].total = c->satisfying;
  result->sides[BT_SATISFYING].total_is_exact =
      is_whole && !c->unsure && (rule->exercised_is_exact || rule->evaluated_is_exact);
}

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  const contrast *c = context;
  if (c->observer && c->observer->progress) c->observer->progress(c->observer->context, fraction, so_far);
}

static bt_status find_verdicts(contrast *c, bt_error *error) {
  bt_replay_observer observer = {
      .context = c, .progress = show_progress, .verdict = take_verdict, .enough = has_enough};
  bt_replay_result replay = {0};
  bt_status status = bt_replay_run(c->source, &c->replay, &observer, &replay, error);
  if (!status) take_result(c, &replay);
  bool is_part = replay.is_sampled || replay.outcome == BT_REPLAY_CANCELLED;
  if (!status && is_part && !c->is_static) keep_whole_parts(c);
  bt_replay_result_dispose(&replay);
  return status;
}

/* ---- reading ---- */

/* With the same root span both sides begin, so what is on it may tell them apart. */
static bool counts_span(void *context, const bt_span *span) {
  contrast *c = context;
  bt_contrast_others others = c->result->compared_with;
  bool is_entry = others == BT_OTHERS_SAME_ENTRY && span == c->root;
  bool counts = is_entry || !bt_contrast_rule_decides_by(&c->rule, others, span);
  c->result->spans_left_out += !counts;
  return counts;
}

static bt_eval_options options_of(const contrast *c, const bt_trace *trace) {
  bool is_young =
      !c->is_static && bt_trace_end_ns(trace) > bt_time_subtract(c->replay.now_ns, c->assumptions.settle_ns);
  bool lacks_parent = c->assumptions.require_complete && trace->missing_parents;
  bt_eval_options options = bt_assumptions_options(&c->assumptions);
  options.incomplete = trace->partial || is_young || lacks_parent;
  options.sampled = bt_keeping_may_lack(trace, bt_source_known(c->source).apart_threshold);
  return options;
}

static const bt_cancel *reading_cancel(const contrast *c) {
  return c->request->reading_cancel ? c->request->reading_cancel : c->replay.cancel;
}

static const size_t PAGE_BYTES = (size_t)2 << 20; /* of traces as they are read; of a small limit a part */
enum { PAGE_PART = 32 };

static size_t bytes_of_page(const contrast *c) {
  size_t part = bt_memory_limit(c->replay.memory) / PAGE_PART;
  return part < PAGE_BYTES ? part : PAGE_BYTES;
}

static size_t bytes_held(const contrast *c) {
  return c->own_bytes + bt_tally_bytes(&c->result->tally, sizeof *c->result->findings);
}

/* Before a trace is counted, so that it counts with all its marks or not at all. What it did not need is given back. */
static bool has_room_for(contrast *c, const bt_trace *trace) {
  bt_contrast_result *result = c->result;
  size_t most = bytes_held(c) + (trace ? bt_tally_added_bytes(&result->tally, trace, sizeof *result->findings) : 0);
  bool has_room = bt_memory_hold_set(&result->hold, most);
  result->has_no_room = result->has_no_room || !has_room;
  return has_room;
}

/* As a replay has it: a trace belongs where it begins. */
static bool is_in_range(const contrast *c, const bt_trace *trace) {
  int64_t start_ns = bt_trace_start_ns(trace);
  return start_ns >= c->replay.range.start_ns && start_ns < c->replay.range.end_ns;
}

/* Whether it counts for its side. Other traces that need not exercise the rule are compared only where they begin as a
 * violating one does: else what is named would be what tells one kind of request from another. */
static bool is_comparable(contrast *c, const bt_trace *trace, const bt_rule_verdict *verdict) {
  bt_contrast_result *result = c->result;
  if (c->side == BT_VIOLATING) {
    bool violates = verdict->verdict == BT_VIOLATED;
    if (violates) bt_contrast_entries_add(&c->entries, trace);
    return violates;
  }
  bool satisfies = verdict->verdict == BT_SATISFIED;
  if (result->compared_with == BT_OTHERS_SATISFYING) return satisfies && verdict->exercised == BT_TRUE;
  if (!satisfies && verdict->verdict != BT_NOT_APPLICABLE) return false;
  bool begins_so = bt_contrast_entries_have(&c->entries, trace);
  result->begun_otherwise += !begins_so;
  return begins_so && (!c->are_listed || is_in_range(c, trace));
}

/* Resources that are not kept apart are no loss: what they have is there. */
static bool has_lost(const bt_trace *trace) {
  if (trace->partial || trace->doubts & BT_DOUBT_ATTRIBUTES) return true;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    uint32_t dropped = trace->spans[i].resource->attributes.dropped;
    if (dropped && dropped < BT_NOT_APART) return true;
  }
  return false;
}

/* family: NULL where the rule follows no links. */
static bt_status take_trace(contrast *c, const bt_trace *trace, const bt_family *family, bt_error *error) {
  bt_contrast_side *side = &c->result->sides[c->side];
  const bt_rule_verdict *verdict = NULL;
  if (!trace) return side->gone++, BT_OK;
  bt_eval_options options = options_of(c, trace);
  bt_eval_limit limit = {.cancel = reading_cancel(c)};
  bt_status status = family ? bt_eval_run_family_within(&limit, c->evaluator, family, &options, &verdict, error)
                            : bt_eval_run_within(&limit, c->evaluator, trace, &options, &verdict, error);
  if (status == BT_LIMIT) return side->other++, BT_OK;
  if (status) return status;
  if (!has_room_for(c, trace))
    return bt_error_set(error, BT_LIMIT, "there is no room for more of the samples in --memory-limit");
  if (!is_comparable(c, trace, verdict)) return side->other++, BT_OK;
  uint32_t root = bt_trace_root(trace);
  c->root = root == BT_NO_SPAN ? NULL : &trace->spans[root];
  side->sampled++;
  c->result->sampled_ids[c->result->tally.traces + 1] = trace->id;
  side->lost += has_lost(trace);
  status = bt_tally_add(&c->result->tally, trace, c->side, counts_span, c, error);
  bt_memory_hold_shrink(&c->result->hold, bytes_held(c));
  return status;
}

/* One look at traces, by their ids. missing: room for as many ids; NULL in the last look. */
typedef struct look {
  contrast *c;
  const bt_trace_id *ids;
  bt_trace_id *missing;
  size_t missing_count;
} look;

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  look *l = context;
  if (read->trace || !l->missing) return take_trace(l->c, read->trace, NULL, error);
  l->missing[l->missing_count++] = l->ids[read->index];
  return BT_OK;
}

static bt_status take_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  (void)index;
  return take_trace(context, family ? family->traces[0].trace : NULL, family, error);
}

static bt_status read_families(contrast *c, const keyed *items, size_t count, bt_source_account *account,
                               bt_error *error) {
  bt_given_trace *traces = bt_realloc_array(NULL, count, sizeof *traces);
  bt_replay_request request = c->replay;
  if (!traces) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) traces[i] = (bt_given_trace){items[i].id, c->replay.range};
  request.cancel = reading_cancel(c);
  bt_status status = bt_given_families_gather(c->source, &request, traces, count, take_family, c, account, error);
  free(traces);
  return status;
}

static bt_status look_at(look *l, size_t count, bt_source_account *account, bt_error *error) {
  contrast *c = l->c;
  bt_read_request request = {.ids = l->ids,
                             .count = count,
                             .range = {0, c->replay.now_ns},
                             .by_id = true,
                             .tenant = c->replay.tenant,
                             .cancel = reading_cancel(c),
                             .rule_id = c->replay.rules[0]->fields.id,
                             .priority = c->replay.priority};
  return bt_source_read(c->source, &request, take_read, l, account, error);
}

/* A Tempo that hands a block over does not find its traces by id for a moment: what is not there is looked for once
 * more. */
static bt_status read_traces(contrast *c, const keyed *items, size_t count, bt_source_account *account,
                             bt_error *error) {
  bt_trace_id *ids = bt_realloc_array(NULL, count, 2 * sizeof *ids);
  if (!ids) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) ids[i] = items[i].id;
  look first = {c, ids, ids + count, 0};
  bt_status status = look_at(&first, count, account, error);
  if (!status && first.missing_count) {
    bt_pause_ms(reading_cancel(c), BT_LOOK_AGAIN_MS);
    status = look_at(&(look){c, first.missing, NULL, 0}, first.missing_count, account, error);
  }
  free(ids);
  return status;
}

static bt_status read_some(contrast *c, const keyed *items, size_t count, bt_error *error) {
  bt_link_reach reach = bt_link_reach_of(c->replay.rules[0]->rule);
  bt_source_account account = {0};
  c->result->sides[c->side].wanted += (uint32_t)count;
  bt_status status = bt_link_reach_is_none(&reach) ? read_traces(c, items, count, &account, error)
                                                   : read_families(c, items, count, &account, error);
  c->result->requests += account.requests;
  c->result->bytes_inspected += account.bytes_inspected;
  c->result->bytes_received += account.bytes_received;
  bt_source_account_dispose(&account);
  return status;
}

/* In rounds, each of as many as are still missing: a trace more is never read, so that the sample does not depend on
 * the order of answers. */
static bt_status read_side(contrast *c, int number, uint32_t most, bt_error *error) {
  const reservoir *from = &c->found[number];
  bt_contrast_side *side = &c->result->sides[number];
  bt_status status = BT_OK;
  c->side = number;
  while (!status && side->sampled < most && side->wanted < from->count) {
    size_t count = most - side->sampled, left = from->count - side->wanted;
    status = read_some(c, &from->items[side->wanted], count < left ? count : left, error);
  }
  return status;
}

/* By turns, so that a time that is over leaves two samples of about one size: those tell most. */
static bt_status read_by_turns(contrast *c, bt_error *error) {
  uint32_t step = c->sample / TURNS + 1;
  bt_status status = BT_OK;
  for (uint32_t most = 0; !status && most < c->sample;) {
    most = c->sample - most > step ? most + step : c->sample;
    status = read_side(c, BT_VIOLATING, most, error);
    if (!status) status = read_side(c, BT_SATISFYING, most, error);
  }
  return status;
}

/* ---- the others of the same entry span ---- */

/* All was looked at, and nothing that satisfies the rule is there to be compared. */
static bool lacks_others(const contrast *c) {
  const bt_contrast_result *result = c->result;
  bool is_over = result->outcome == BT_REPLAY_COMPLETED || result->is_sampled;
  bool has_none = !result->sides[BT_SATISFYING].sampled && (c->is_of_all || !c->satisfying);
  return is_over && has_none && result->sides[BT_VIOLATING].sampled;
}

static bool is_found_violating(const contrast *c, const bt_trace_id *id) {
  const reservoir *r = &c->found[BT_VIOLATING];
  for (size_t i = 0; i < r->count; i++)
    if (!memcmp(&r->items[i].id, id, sizeof *id)) return true;
  return false;
}

static const size_t LISTED_MOST = 100000;
enum { LISTED_PART = 16 }; /* of a small --memory-limit */

static size_t most_listed(const contrast *c) {
  size_t part = bt_memory_limit(c->replay.memory) / LISTED_PART / sizeof(bt_found);
  return part < LISTED_MOST ? part : LISTED_MOST;
}

static bt_status list_others(contrast *c, bt_found_list *found, bt_error *error) {
  bt_contrast_result *result = c->result;
  bt_source_account account = {0};
  bt_search_request request = {.query = bt_query_all(),
                               .range = c->replay.range,
                               .max_found = most_listed(c),
                               .tenant = c->replay.tenant,
                               .cancel = reading_cancel(c),
                               .rule_id = c->replay.rules[0]->fields.id,
                               .priority = c->replay.priority};
  bt_memory_hold listed = {c->replay.memory, BT_MEMORY_CONTRASTS, 0};
  if (!bt_memory_hold_set(&listed, request.max_found * sizeof(bt_found))) {
    result->has_no_room = true;
    return bt_error_set(error, BT_LIMIT, "there is no room for a list of the other traces in --memory-limit");
  }
  bt_status status = bt_contrast_entries_list(&c->entries, c->source, &request, found, &account, error);
  if (status == BT_LIMIT) result->too_many = request.max_found;
  if (!status && account.failed_count) status = bt_error_set(error, BT_UNAVAILABLE, "%.200s", account.failed[0].reason);
  result->requests += account.requests;
  result->bytes_inspected += account.bytes_inspected;
  result->bytes_received += account.bytes_received;
  bt_source_account_dispose(&account);
  bt_memory_hold_shrink(&listed, 0);
  return status == BT_LIMIT ? BT_OK : status;
}

static bt_status begin_tally(contrast *c, bt_error *error) {
  bt_status status = bt_tally_init(&c->result->tally, error);
  c->result->tally.ids = c->result->sampled_ids;
  return status;
}

/* They were counted for a comparison in which both sides exercise the rule: of other spans than this one leaves out. */
static bt_status forget_violating(contrast *c, bt_error *error) {
  bt_contrast_side *side = &c->result->sides[BT_VIOLATING];
  *side = (bt_contrast_side){.total = side->total, .total_is_exact = side->total_is_exact};
  c->result->spans_left_out = 0;
  bt_tally_dispose(&c->result->tally);
  return begin_tally(c, error);
}

/* Nothing satisfies the rule, as where its condition describes a bad trace and every trace that exercises it violates
 * it. Or none of those that were read begins as a violating one. The other side then are all that begin so. */
static bt_status read_others(contrast *c, bt_error *error) {
  bt_contrast_result *result = c->result;
  bt_contrast_side *side = &result->sides[BT_SATISFYING];
  reservoir *chosen = &c->found[BT_SATISFYING];
  bt_found_list found = {0};
  bt_status status = list_others(c, &found, error);
  chosen->count = 0;
  c->are_listed = true;
  result->begun_otherwise = 0;
  *side = (bt_contrast_side){0};
  bool is_whole = !status && !result->too_many && found.count <= chosen->room;
  for (size_t i = 0; i < found.count && !status && !result->too_many; i++)
    if (!is_found_violating(c, &found.items[i].id))
      offer_trace(chosen, result->seed, &(bt_trace_verdict){.trace_id = found.items[i].id});
  bt_found_list_dispose(&found);
  if (!status && result->compared_with == BT_OTHERS_SATISFYING) status = forget_violating(c, error);
  result->compared_with = BT_OTHERS_SAME_ENTRY;
  if (!status) status = read_by_turns(c, error);
  side->total = side->sampled;
  side->total_is_exact = is_whole && !status && side->wanted == chosen->count && !side->gone;
  return status;
}

/* A source that stops answering, and a time that is over, leave a smaller sample; the outcome says so. */
static bt_status read_both(contrast *c, bt_error *error) {
  bt_error why = {0};
  bt_contrast_result *result = c->result;
  bt_status status = read_by_turns(c, &why);
  if (!status && lacks_others(c)) status = read_others(c, &why);
  if (status) result->is_sampled = false;
  if (status == BT_LIMIT && result->has_no_room) {
    if (result->outcome == BT_REPLAY_COMPLETED) result->outcome = BT_REPLAY_INCOMPLETE;
    snprintf(result->reason, sizeof result->reason,
             "results_full: there was no room in --memory-limit for larger samples; what is said is of those that were "
             "read until then");
    return BT_OK;
  }
  if (status == BT_CANCELLED) {
    result->outcome = BT_REPLAY_CANCELLED;
    snprintf(result->reason, sizeof result->reason,
             "cancelled: it was cancelled, or its time was over, before both samples were read");
    return BT_OK;
  }
  if (status == BT_UNAVAILABLE || status == BT_REFUSED) {
    result->outcome = BT_REPLAY_INCOMPLETE;
    snprintf(result->reason, sizeof result->reason, "source: the samples could not be read: %.180s", why.message);
    return BT_OK;
  }
  if (status && error) *error = why;
  return status;
}

/* ---- the whole ---- */

static bt_status prepare_samples(contrast *c, bt_error *error) {
  const bt_rule *rule = c->replay.rules[0]->rule;
  c->is_of_all = bt_contrast_rule_is_of_all(rule);
  c->result->compared_with = c->is_of_all ? BT_OTHERS_SAME_ENTRY : BT_OTHERS_SATISFYING;
  size_t rooms[2] = {c->sample, (size_t)c->sample * BT_CONTRAST_ATTEMPTS};
  size_t id_bytes = (2 * (size_t)c->sample + 1) * sizeof(bt_trace_id);
  c->own_bytes = bytes_of_page(c) + (rooms[0] + rooms[1]) * sizeof(keyed) + id_bytes;
  c->result->hold = (bt_memory_hold){c->replay.memory, BT_MEMORY_CONTRASTS, 0};
  if (!has_room_for(c, NULL))
    return bt_error_set(error, BT_LIMIT,
                        "there is no room for the samples of a contrast: what runs and what is kept fills "
                        "--memory-limit; try again later, or ask for fewer traces of each side");
  for (int side = 0; side < 2; side++) {
    c->found[side].room = rooms[side];
    c->found[side].items = bt_realloc_array(NULL, rooms[side], sizeof *c->found[side].items);
    if (!c->found[side].items) return bt_error_no_memory(error);
  }
  c->result->sampled_ids = malloc(id_bytes);
  if (!c->result->sampled_ids) return bt_error_no_memory(error);
  bt_status status = begin_tally(c, error);
  if (!status) status = bt_contrast_rule_init(&c->rule, rule, error);
  if (!status) status = bt_ruleset_new(&rule, 1, &c->ruleset, error);
  return status ? status : bt_evaluator_new(c->ruleset, &c->evaluator, error);
}

static bt_status check_request(const bt_contrast_request *request, bt_error *error) {
  if (request->replay.rule_count != 1)
    return bt_error_set(error, BT_INVALID, "a contrast is of one rule, not of %zu", request->replay.rule_count);
  if (request->replay.range.start_ns >= request->replay.range.end_ns)
    return bt_error_set(error, BT_INVALID, "the range has to start before it ends");
  if (request->sample > BT_SAMPLE_SIDE_MAX)
    return bt_error_set(error, BT_INVALID, "at most %d traces of each side are read, not %" PRIu32, BT_SAMPLE_SIDE_MAX,
                        request->sample);
  return BT_OK;
}

/* Whether what was found is to be read: also when only the time for finding it was over. Of files that would be the
 * earliest traces: what differs between them and the others may be nothing but the time. */
static bool goes_on(const contrast *c) {
  const bt_cancel *cancel = reading_cancel(c);
  bt_contrast_result *result = c->result;
  bool is_cancelled = result->outcome == BT_REPLAY_CANCELLED;
  if (result->outcome == BT_REPLAY_FAILED || bt_is_cancelled(cancel)) return false;
  if (is_cancelled && c->is_static) {
    snprintf(result->reason, sizeof result->reason,
             "cancelled: there was no time left to find traces. Files are read in order of time, so these traces are "
             "no sample of the range. Ask for a shorter range, or give more time");
    return false;
  }
  if (is_cancelled)
    snprintf(result->reason, sizeof result->reason,
             "cancelled: the time for finding traces was over; the samples are of those that were judged until then");
  return !is_cancelled || c->found[BT_VIOLATING].count;
}

static void say_sampled(bt_contrast_result *result) {
  bt_buffer said = {0};
  size_t length = strlen(result->explanation);
  bt_share_say(&result->coverage.sampling, bt_share_basis_of(&result->coverage.sampling), &said);
  if (said.len)
    snprintf(result->explanation + length, sizeof result->explanation - length, "; %.*s", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

bt_status bt_contrast_run(bt_source *source, const bt_contrast_request *request, const bt_replay_observer *observer,
                          bt_contrast_result *result, bt_error *error) {
  *result = (bt_contrast_result){.seed = request->replay.sample_seed};
  bt_status status = check_request(request, error);
  if (status) return status;
  int64_t started_ns = bt_clock_monotonic_ns();
  contrast c = {
      .source = source, .request = request, .replay = request->replay, .observer = observer, .result = result};
  if (!c.replay.now_ns) c.replay.now_ns = bt_clock_wall_ns();
  c.replay.count = BT_COUNT_AUTO;
  c.replay.is_live = true; /* it explains what was found, and says of nothing that it is not there */
  c.replay.sample_size = LEAST_BY_ID;
  c.sample = request->sample ? request->sample : BT_CONTRAST_SAMPLE;
  /* The first one is small: a part that is not finished in time is lost, and one that is can be compared. */
  c.replay.random_part = c.sample / 2 > LEAST_PART ? c.sample / 2 : LEAST_PART;
  bt_promises promises = bt_source_promises(source, BT_PROMISES_ALL, c.replay.cancel);
  bt_assumptions service = bt_assumptions_over(&c.replay.assumptions, &promises);
  c.is_static = promises.is_static;
  c.assumptions = bt_assumptions_of(&service, request->replay.rules[0]);
  size_t most = request->most_findings ? request->most_findings : BT_CONTRAST_FINDINGS;
  status = prepare_samples(&c, error);
  if (!status) status = find_verdicts(&c, error);
  if (!status && goes_on(&c)) status = read_both(&c, error);
  if (!status) status = bt_contrast_conclude(result, &c.rule, most, error);
  if (!status) say_sampled(result);
  bt_evaluator_free(c.evaluator);
  bt_ruleset_free(c.ruleset);
  bt_contrast_rule_dispose(&c.rule);
  free(c.found[0].items);
  free(c.found[1].items);
  result->duration_ns = bt_clock_monotonic_ns() - started_ns;
  return status;
}

const char *bt_contrast_status_name(const bt_contrast_result *result) {
  return result->is_sampled ? "sampled" : bt_replay_outcome_name(result->outcome);
}

void bt_contrast_result_dispose(bt_contrast_result *result) {
  free(result->findings);
  free(result->excluded);
  free(result->sampled_ids);
  bt_coverage_dispose(&result->coverage);
  bt_tally_dispose(&result->tally);
  bt_memory_hold_shrink(&result->hold, 0);
  *result = (bt_contrast_result){0};
}

void bt_contrast_words_find(bt_source *source, const bt_replay_request *asked, const bt_contrast_result *result,
                            bt_rule_words *out) {
  const bt_contrast_side *violating = &result->sides[BT_VIOLATING], *satisfying = &result->sides[BT_SATISFYING];
  bool is_known = result->outcome == BT_REPLAY_COMPLETED && violating->total_is_exact && !violating->total;
  bool is_exercised = satisfying->total || bt_rule_is_exercised_by_all(asked->rules[0]->rule);
  bt_exercise exercise = is_known && satisfying->total_is_exact && !is_exercised ? BT_NOT_EXERCISED : BT_EXERCISED;
  bool is_clean = is_known && is_exercised;
  bt_rule_words_find(source, asked, &exercise, &is_clean, out);
}
