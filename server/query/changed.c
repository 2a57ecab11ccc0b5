/* Reading two sides and comparing them. See changed.h. */
#include "server/query/changed.h"

#include <inttypes.h>
#include <stdio.h>

enum { LEAST_TRACES = 20, SAMPLE_PART = 4, LISTED_PART = 8, STEP_BYTES = 4 << 20, TURNS = 10 };

typedef struct reader {
  bt_changed *changed;
  bt_sampling_setting setting;
  int group;    /* whose range is read */
  bool is_both; /* it is that of both */
} reader;

static bool has_value(const bt_attributes *attributes, const bt_changed_side *side) {
  const bt_value *value = bt_attributes_find(attributes, side->key);
  return value && value->type == BT_VALUE_STRING && bt_str_equal(value->string, side->value);
}

static bool is_span_of_side(const bt_span *span, const bt_changed_side *side) {
  bool is_of_service = !side->service_count;
  for (size_t i = 0; i < side->service_count && !is_of_service; i++)
    is_of_service = bt_str_equal(span->resource->service, side->services[i]);
  if (!is_of_service) return false;
  if (!side->key.len) return true;
  return (side->where != BT_CHANGED_SPAN && has_value(&span->resource->attributes, side)) ||
         (side->where != BT_CHANGED_RESOURCE && has_value(&span->attributes, side));
}

static bool is_of_side(const bt_trace *trace, const bt_changed_side *side) {
  int64_t start_ns = bt_trace_start_ns(trace);
  if (start_ns < side->range.start_ns || start_ns >= side->range.end_ns) return false;
  bool is_any = !side->key.len && !side->service_count;
  for (uint32_t i = 0; i < trace->span_count && !is_any; i++) is_any = is_span_of_side(&trace->spans[i], side);
  return is_any;
}

/* ---- room ---- */

static bt_status say_no_room(bt_changed *changed, bt_error *error) {
  changed->has_no_room = true;
  return bt_error_set(error, BT_LIMIT,
                      "there is no room in --memory-limit for the samples of what changed: ask again, for a smaller "
                      "sample or a shorter range");
}

static size_t part_of_limit(const bt_changed *changed, size_t part, size_t most) {
  size_t bytes = bt_memory_limit(changed->hold.account) / part;
  return bytes < most ? bytes : most;
}

static size_t most_listed(const bt_changed *changed) {
  static const size_t one = sizeof(bt_found);
  return part_of_limit(changed, LISTED_PART, BT_CHANGED_LISTED * one) / one;
}

/* In steps, before a trace is kept. What a trace adds is far less than a step. */
static bool has_room_for_trace(bt_changed *changed) {
  size_t wanted = changed->traces->bytes + STEP_BYTES;
  return wanted <= changed->hold.bytes || bt_memory_hold_set(&changed->hold, wanted + STEP_BYTES);
}

/* The most that comparing takes: of each behaviour two bits for each trace, and what a behaviour is. */
static bool has_room_to_compare(bt_changed *changed) {
  const bt_mine_group *groups = changed->traces->groups;
  size_t traces = groups[BT_MINE_BASELINE].count + groups[BT_MINE_CANDIDATE].count;
  size_t one = sizeof(bt_behaviour) + traces / 4 + sizeof(uint64_t[8]);
  return bt_memory_hold_grow(&changed->hold, BT_MINE_BEHAVIOURS * one);
}

/* ---- reading ---- */

/* A trace may be in the ranges of both sides, and be listed in the one that it does not begin in. */
static bt_status take_trace(void *context, const bt_trace *trace, bt_error *error) {
  const reader *r = context;
  bt_changed *changed = r->changed;
  const bt_trace_sample_account *account = &changed->account;
  if (changed->progress && bt_trace_sample_shows(account))
    changed->progress(changed->progress_context, (double)account->read / (double)account->chosen);
  int side = BT_MINE_GROUPS - 1;
  while (side >= 0 && !is_of_side(trace, &changed->sides[side])) side--;
  if (side < 0 || (side != r->group && !r->is_both)) return BT_OK;
  bt_kept_trace kept = bt_kept_trace_of(trace, &r->setting);
  bt_sampled_traces_add(&changed->sampling, trace, &kept);
  if (!has_room_for_trace(changed)) return say_no_room(changed, error);
  return bt_mine_sample_add(changed->traces, trace, side, error);
}

static bool is_same_range(const bt_changed *changed) {
  const bt_changed_side *sides = changed->sides;
  return sides[0].range.start_ns == sides[1].range.start_ns && sides[0].range.end_ns == sides[1].range.end_ns;
}

static bool is_by_value(const bt_changed *changed) {
  return changed->sides[0].key.len || changed->sides[1].key.len;
}

/* What is to be read of one side's range. */
static bt_status choose_range(bt_source *source, const bt_replay_request *replay, bt_changed *changed,
                              bt_trace_choice *choice, bt_error *error) {
  size_t many = is_by_value(changed) ? 8 * changed->sample : changed->sample;
  bt_trace_sample_size size = {most_listed(changed), many, false};
  bt_memory_hold listed = {changed->hold.account, changed->hold.kind, 0};
  if (replay->range.start_ns >= replay->range.end_ns) return BT_OK; /* nothing of it is settled */
  if (listed.account && !bt_memory_hold_set(&listed, size.most_listed * sizeof(bt_found)))
    return say_no_room(changed, error);
  bt_status status = bt_trace_sample_choose(source, replay, size, choice, &changed->account, error);
  bt_memory_hold_shrink(&listed, 0);
  if (!status && changed->account.is_cut)
    return bt_error_set(error, BT_LIMIT,
                        "a range has more than %zu traces, too many to list for a random sample: name a shorter one",
                        size.most_listed);
  return status;
}

/* By turns, so that one that is interrupted leaves two samples of about one size. Files are read in one go. */
static bt_status read_by_turns(bt_source *source, const bt_replay_request *replays, int count, reader *r,
                               bt_trace_choice *choices, bt_error *error) {
  size_t turns = bt_source_known(source).is_static ? 1 : TURNS;
  bt_status status = BT_OK;
  for (size_t t = 1; t <= turns && !status; t++)
    for (int g = 0; g < count && !status; g++) {
      r->group = g;
      status = bt_trace_sample_read_until(source, &replays[g], &choices[g], choices[g].count * t / turns, false,
                                          take_trace, r, &r->changed->account, error);
    }
  return status;
}

/* Sides that are told by what traces carry are told when these are read: then more are read. */
static bt_status read_sides(bt_source *source, const bt_replay_request *replay, bt_changed *changed, bt_error *error) {
  reader r = {.changed = changed, .is_both = is_same_range(changed)};
  bt_replay_request replays[BT_MINE_GROUPS];
  bt_trace_choice choices[BT_MINE_GROUPS] = {0};
  bt_status status = BT_OK;
  int count = r.is_both ? 1 : BT_MINE_GROUPS;
  if (!bt_sampling_setting_parse(replay->assumptions.sampling, &r.setting))
    return bt_error_set(error, BT_INVALID, "--sampling has to be %s", BT_SAMPLING_EXPECTED);
  changed->sampling.declared = r.setting.declared;
  for (int g = 0; g < count && !status; g++) {
    replays[g] = *replay;
    replays[g].range = changed->sides[g].range;
    status = choose_range(source, &replays[g], changed, &choices[g], error);
  }
  if (!status) status = read_by_turns(source, replays, count, &r, choices, error);
  for (int g = 0; g < count; g++) bt_trace_choice_dispose(&choices[g]);
  if (status != BT_CANCELLED || !changed->keeps_part) return status;
  snprintf(changed->stopped, sizeof changed->stopped,
           changed->account.read ? "interrupted after %" PRIu64 " of %" PRIu64 " traces"
                                 : "interrupted before any of the traces was read",
           changed->account.read, changed->account.chosen);
  return BT_OK;
}

static bool are_apart(const bt_mine_sample *traces) {
  const bt_mine_group *before = &traces->groups[BT_MINE_BASELINE], *after = &traces->groups[BT_MINE_CANDIDATE];
  return before->count && after->count && before->traces[before->count - 1]->start_ns <= after->traces[0]->start_ns;
}

bt_status bt_changed_find(bt_source *source, const bt_replay_request *replay, bt_changed *changed, bt_error *error) {
  changed->hold = (bt_memory_hold){replay->memory, BT_MEMORY_READS, 0};
  size_t most_bytes = part_of_limit(changed, SAMPLE_PART, BT_CHANGED_BYTES);
  bt_status status = bt_mine_sample_new(changed->seed, changed->sample, most_bytes, &changed->traces, error);
  if (!status) status = read_sides(source, replay, changed, error);
  if (!status) status = bt_mine_sample_finish(changed->traces, error);
  if (!status && !has_room_to_compare(changed)) status = say_no_room(changed, error);
  if (status) return status;
  if (is_by_value(changed)) changed->matched_count = bt_marks_match(changed->traces, changed->matched);
  changed->is_timed = are_apart(changed->traces);
  return bt_changes_find(changed->traces, changed->is_timed, &changed->changes, error);
}

bt_status bt_changed_answer(bt_source *source, const bt_replay_request *replay, bt_changed *changed, bt_error *error) {
  bt_error why = {0};
  bt_status status = bt_changed_find(source, replay, changed, &why);
  if (status == BT_CANCELLED)
    snprintf(changed->stopped, sizeof changed->stopped, "its time was over before both sides were read");
  else if (status == BT_UNAVAILABLE)
    snprintf(changed->stopped, sizeof changed->stopped, "the source did not answer: %.200s", why.message);
  else if (status && error)
    *error = why;
  return changed->stopped[0] ? BT_OK : status;
}

const char *bt_changed_is_unknown(const bt_changed *changed) {
  const bt_changes *c = &changed->changes;
  if (changed->stopped[0]) return changed->stopped;
  if (c->sizes[BT_MINE_BASELINE] < 2 * LEAST_TRACES) return "the baseline has too few traces";
  if (c->sizes[BT_MINE_CANDIDATE] < LEAST_TRACES) return "the candidate has too few traces";
  if (!c->looked_at) return "no behaviour is in traces of both sides";
  if (!c->least_seen) return "there are too few traces to tell any change from chance";
  return !c->count && changed->account.unread[0] ? "a part of the range was not read, and nothing changed in the rest"
                                                 : NULL;
}

void bt_changed_dispose(bt_changed *changed) {
  bt_changes_dispose(&changed->changes);
  bt_mine_sample_free(changed->traces);
  bt_memory_hold_shrink(&changed->hold, 0);
}
