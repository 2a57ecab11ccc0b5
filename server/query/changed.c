/* Reading two sides and comparing them. See changed.h. */
#include "server/query/changed.h"

enum { LEAST_TRACES = 20 };

static bool has_value(const bt_attributes *attributes, const bt_changed_side *side) {
  const bt_value *value = bt_attributes_find(attributes, side->key);
  return value && value->type == BT_VALUE_STRING && bt_str_equal(value->string, side->value);
}

static bool is_of_side(const bt_trace *trace, const bt_changed_side *side) {
  int64_t start_ns = bt_trace_start_ns(trace);
  if (start_ns < side->range.start_ns || start_ns >= side->range.end_ns) return false;
  for (uint32_t i = 0; i < trace->span_count && side->key.len; i++)
    if (has_value(&trace->spans[i].resource->attributes, side) || has_value(&trace->spans[i].attributes, side))
      return true;
  return !side->key.len;
}

static bt_status take_trace(void *context, const bt_trace *trace, bt_error *error) {
  bt_changed *changed = context;
  for (int g = BT_MINE_GROUPS; g-- > 0;)
    if (is_of_side(trace, &changed->sides[g])) return bt_mine_sample_add(changed->traces, trace, g, error);
  return BT_OK;
}

static bool is_same_range(const bt_changed *changed) {
  const bt_changed_side *sides = changed->sides;
  return sides[0].range.start_ns == sides[1].range.start_ns && sides[0].range.end_ns == sides[1].range.end_ns;
}

/* Sides that are told by what traces carry are told when these are read: then more are read. */
static bt_status read_sides(bt_source *source, const bt_replay_request *replay, bt_changed *changed, bt_error *error) {
  bt_status status = BT_OK;
  int ranges = is_same_range(changed) ? 1 : BT_MINE_GROUPS;
  for (int g = 0; g < ranges && !status; g++) {
    bt_replay_request request = *replay;
    size_t many = changed->sides[0].key.len || changed->sides[1].key.len ? 8 * changed->sample : changed->sample;
    bt_trace_sample_size size = {BT_CHANGED_LISTED, many, false};
    request.range = changed->sides[g].range;
    status = bt_trace_sample_read(source, &request, size, take_trace, changed, &changed->account, error);
  }
  if (!status && changed->account.is_cut)
    return bt_error_set(error, BT_LIMIT,
                        "a range has more than %d traces, too many to list for a random sample: name a shorter one",
                        BT_CHANGED_LISTED);
  return status;
}

static bool are_apart(const bt_mine_sample *traces) {
  const bt_mine_group *before = &traces->groups[BT_MINE_BASELINE], *after = &traces->groups[BT_MINE_CANDIDATE];
  return before->count && after->count && before->traces[before->count - 1]->start_ns <= after->traces[0]->start_ns;
}

bt_status bt_changed_find(bt_source *source, const bt_replay_request *replay, bt_changed *changed, bt_error *error) {
  bt_status status = bt_mine_sample_new(changed->seed, changed->sample, BT_CHANGED_BYTES, &changed->traces, error);
  if (!status) status = read_sides(source, replay, changed, error);
  if (!status) status = bt_mine_sample_finish(changed->traces, error);
  if (status) return status;
  bool is_by_value = changed->sides[0].key.len || changed->sides[1].key.len;
  if (is_by_value) changed->matched_count = bt_marks_match(changed->traces, changed->matched);
  changed->is_timed = are_apart(changed->traces);
  return bt_changes_find(changed->traces, changed->is_timed, &changed->changes, error);
}

const char *bt_changed_is_unknown(const bt_changed *changed) {
  const bt_changes *c = &changed->changes;
  if (c->sizes[BT_MINE_BASELINE] < 2 * LEAST_TRACES) return "the baseline has too few traces";
  if (c->sizes[BT_MINE_CANDIDATE] < LEAST_TRACES) return "the candidate has too few traces";
  if (!c->looked_at) return "no behaviour is in traces of both sides";
  return c->least_seen ? NULL : "there are too few traces to tell any change from chance";
}

void bt_changed_dispose(bt_changed *changed) {
  bt_changes_dispose(&changed->changes);
  bt_mine_sample_free(changed->traces);
}
