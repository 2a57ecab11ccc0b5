/* What two programs say of one rule. See program_change.h. */
#include "server/cli/lab/program_change.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/evaluate/eval.h"

typedef struct comparison {
  const bt_two_answers *two;
  size_t rule;
  bt_program_change *out;
  uint64_t alone[2]; /* traces that one program alone speaks of */
  uint64_t unsettled;
  bool has_memory;
} comparison;

static const bt_rule_answer *side_of(const bt_two_answers *two, size_t rule, int side) {
  return &two->answers[side]->rules[rule];
}

int bt_program_change_verdict(const bt_two_answers *two, size_t rule, const bt_told_change *item, int side) {
  const bt_told *told = side ? item->after : item->before;
  if (told) return told->verdict;
  return side_of(two, rule, side)->inconclusive ? BT_NOT_LISTED : BT_NOT_VIOLATED;
}

void bt_program_change_say(const bt_two_answers *two, size_t rule, const bt_told_change *item, int side,
                           bt_buffer *out) {
  const bt_told *told = side ? item->after : item->before;
  int verdict = bt_program_change_verdict(two, rule, item, side);
  if (!told) {
    bt_buffer_append(out, bt_str_from(verdict == BT_NOT_LISTED ? "not violated, or inconclusive" : "not violated"));
    return;
  }
  bt_buffer_append(out, bt_str_from(bt_verdict_name((bt_verdict)verdict)));
  if (told->reason) bt_buffer_printf(out, " (%s)", bt_program_answer_reason(two->answers[side], told));
}

uint64_t bt_program_change_total(const bt_program_change *change) {
  return change->count + change->unlisted;
}

void bt_program_change_dispose(bt_program_change *change) {
  free(change->items);
  bt_buffer_dispose(&change->not_known);
  *change = (bt_program_change){0};
}

/* ---- trace by trace ---- */

static void add_change(comparison *c, const bt_told *before, const bt_told *after) {
  bt_program_change *out = c->out;
  bt_told_change *items = bt_grow_array(out->items, out->count, &out->capacity, sizeof *items);
  if (!items) {
    c->has_memory = false;
    return;
  }
  out->items = items;
  items[out->count++] = (bt_told_change){before, after};
  bool was = before && before->verdict == BT_VIOLATED, is = after && after->verdict == BT_VIOLATED;
  out->newly_violated += is && !was;
  out->no_longer_violated += was && !is;
}

static bool has_same_reason(const comparison *c, const bt_told *before, const bt_told *after) {
  return strcmp(bt_program_answer_reason(c->two->answers[0], before),
                bt_program_answer_reason(c->two->answers[1], after)) == 0;
}

static void take_pair(comparison *c, const bt_told *before, const bt_told *after) {
  if (before->verdict != after->verdict)
    add_change(c, before, after);
  else if (before->verdict == BT_INCONCLUSIVE && !has_same_reason(c, before, after))
    c->out->reasons_changed++;
}

static bool judged_as_many(const comparison *c) {
  const bt_rule_answer *before = side_of(c->two, c->rule, 0), *after = side_of(c->two, c->rule, 1);
  return !before->evaluated_is_exact || !after->evaluated_is_exact || before->evaluated == after->evaluated;
}

/* A trace that one program alone speaks of. Of replays it is a violation that the other does not list: that is a change
 * where the other looked at everything, and the trace was settled before either did. */
static void take_lone_trace(comparison *c, const bt_told *told, int side) {
  if (!c->two->of_replays || !c->two->answers[!side]->is_complete || !judged_as_many(c))
    c->alone[side]++;
  else if (told->provisional)
    c->unsettled++;
  else
    add_change(c, side ? NULL : told, side ? told : NULL);
}

static void compare_traces(comparison *c) {
  const bt_rule_answer *before = side_of(c->two, c->rule, 0), *after = side_of(c->two, c->rule, 1);
  size_t b = 0, a = 0;
  while (b < before->told_count || a < after->told_count) {
    int order = b == before->told_count  ? 1
                : a == after->told_count ? -1
                                         : bt_trace_id_compare(&before->told[b].trace_id, &after->told[a].trace_id);
    if (order == 0)
      take_pair(c, &before->told[b++], &after->told[a++]);
    else if (order < 0)
      take_lone_trace(c, &before->told[b++], 0);
    else
      take_lone_trace(c, &after->told[a++], 1);
  }
}

/* ---- what is not known ---- */

/* Starts a sentence behind what is there. */
static bt_buffer *begin_reason(comparison *c) {
  if (c->out->not_known.len) bt_buffer_append(&c->out->not_known, BT_STR("; "));
  return &c->out->not_known;
}

static bool is_told_twice(const bt_rule_answer *rule) {
  for (size_t i = 1; i < rule->told_count; i++)
    if (bt_trace_id_compare(&rule->told[i - 1].trace_id, &rule->told[i].trace_id) == 0) return true;
  return false;
}

static void check_side(comparison *c, int side) {
  const bt_program_answer *answer = c->two->answers[side];
  const bt_rule_answer *rule = side_of(c->two, c->rule, side);
  const char *name = c->two->names[side];
  if (is_told_twice(rule)) bt_buffer_printf(begin_reason(c), "%s speaks of a trace twice", name);
  if (c->two->of_replays) {
    if (!rule->has_counts)
      bt_buffer_printf(begin_reason(c), "%s does not speak of this rule", name);
    else if (rule->violations != rule->told_count)
      bt_buffer_printf(begin_reason(c), "%s counts %" PRIu64 " violations and lists %zu", name, rule->violations,
                       rule->told_count);
    if (!answer->is_complete)
      bt_buffer_printf(begin_reason(c), "the replay of %s was not completed%s%s", name, answer->stopped ? ": " : "",
                       answer->stopped ? answer->stopped : "");
  } else if (!rule->is_there) {
    bt_buffer_printf(begin_reason(c), "%s does not speak of this rule", name);
  } else if (rule->told_count != answer->traces) {
    bt_buffer_printf(begin_reason(c), "%s judged %" PRIu64 " traces and has %zu verdicts of this rule", name,
                     answer->traces, rule->told_count);
  }
}

static void check_both(comparison *c) {
  const bt_rule_answer *before = side_of(c->two, c->rule, 0), *after = side_of(c->two, c->rule, 1);
  for (int side = 0; side < 2; side++)
    if (c->alone[side])
      bt_buffer_printf(begin_reason(c), "%s alone speaks of %" PRIu64 " trace%s", c->two->names[side], c->alone[side],
                       c->alone[side] == 1 ? "" : "s");
  if (c->unsettled)
    bt_buffer_printf(begin_reason(c), "%" PRIu64 " violation%s of one program %s not settled yet when it looked",
                     c->unsettled, c->unsettled == 1 ? "" : "s", c->unsettled == 1 ? "was" : "were");
  if (!c->two->of_replays || !before->has_counts || !after->has_counts) return;
  if (!judged_as_many(c))
    bt_buffer_printf(begin_reason(c), "%s judged %" PRIu64 " traces and %s %" PRIu64, c->two->names[0],
                     before->evaluated, c->two->names[1], after->evaluated);
  if (before->inconclusive && before->inconclusive == after->inconclusive)
    bt_buffer_printf(begin_reason(c),
                     "both leave %" PRIu64 " trace%s open, and a replay does not say which (a file of traces does)",
                     before->inconclusive, before->inconclusive == 1 ? "" : "s");
}

/* Each verdict that begins or ceases to be inconclusive may be one that was or is a violation, and is listed then. */
static void count_unlisted(comparison *c) {
  const bt_rule_answer *before = side_of(c->two, c->rule, 0), *after = side_of(c->two, c->rule, 1);
  bool is_known = c->two->answers[0]->is_complete && c->two->answers[1]->is_complete && before->has_counts &&
                  after->has_counts && !c->unsettled && judged_as_many(c);
  if (!c->two->of_replays || !is_known) return;
  bool grows = after->inconclusive > before->inconclusive;
  uint64_t moved = grows ? after->inconclusive - before->inconclusive : before->inconclusive - after->inconclusive;
  uint64_t listed = grows ? c->out->no_longer_violated : c->out->newly_violated;
  c->out->unlisted = moved > listed ? moved - listed : 0;
}

static void count_told(comparison *c, int side) {
  const bt_rule_answer *rule = side_of(c->two, c->rule, side);
  uint64_t violations = 0, inconclusive = 0;
  for (size_t i = 0; i < rule->told_count; i++) {
    violations += rule->told[i].verdict == BT_VIOLATED;
    inconclusive += rule->told[i].verdict == BT_INCONCLUSIVE;
  }
  c->out->violations[side] = violations;
  c->out->inconclusive[side] = c->two->of_replays ? rule->inconclusive : inconclusive;
}

bt_status bt_program_change_find(const bt_two_answers *two, size_t rule, bt_program_change *out, bt_error *error) {
  comparison c = {.two = two, .rule = rule, .out = out, .has_memory = true};
  *out = (bt_program_change){0};
  for (int side = 0; side < 2; side++) {
    count_told(&c, side);
    check_side(&c, side);
  }
  if (side_of(two, rule, 0)->is_there && side_of(two, rule, 1)->is_there) {
    compare_traces(&c);
    check_both(&c);
    count_unlisted(&c);
  }
  return c.has_memory && !out->not_known.failed ? BT_OK : bt_error_no_memory(error);
}
