/* Rules that nothing exercised. See idle_rules.h. */
#include "server/replay/idle_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/rule/rule_walk.h"
#include "server/rules/derived_rule.h"

/* ---- was it exercised? ---- */

/* Of what is settled the source shows no trace: that is said, and that it was none which exercised a rule says nothing.
 */
static bool shows_nothing_settled(const bt_coverage *coverage) {
  return !coverage->has_data_from || coverage->data_from_ns >= coverage->effective_end_ns;
}

bt_exercise bt_exercise_of_result(const bt_replay_result *result, const bt_rule_definition *rule, size_t index) {
  const bt_rule_result *counters = &result->rules[index];
  if (shows_nothing_settled(&result->coverage) || !bt_replay_has_whole(result, index) ||
      bt_rule_is_exercised_by_all(rule->rule))
    return BT_EXERCISED;
  if (counters->traces_exercised || counters->violations_found) return BT_EXERCISED;
  return counters->exercised_is_exact ? BT_NOT_EXERCISED : BT_EXERCISE_OPEN;
}

bt_exercise bt_exercise_of_first(const bt_first_result *result, const bt_rule_definition *rule) {
  bool is_open =
      !result->violation && result->outcome == BT_REPLAY_COMPLETED && !bt_rule_is_exercised_by_all(rule->rule);
  return is_open ? BT_EXERCISE_OPEN : BT_EXERCISED;
}

/* A replay of other rules over what was asked for. */
static bt_replay_request request_for(const bt_replay_request *asked, const bt_rule_definition *const *rules,
                                     size_t count) {
  return (bt_replay_request){.rules = rules,
                             .rule_count = count,
                             .range = asked->range,
                             .assumptions = asked->assumptions,
                             .tenant = asked->tenant,
                             .memory_limit_bytes = asked->memory_limit_bytes,
                             .memory = asked->memory,
                             .priority = asked->priority,
                             .cancel = asked->cancel};
}

static bt_status derive_exercising(const bt_rule_definition *rule, bt_rule_definition **out, bt_error *error) {
  return bt_derived_prefix(rule, bt_exercising_count(rule->rule), out, error);
}

static void say_unknown(bt_idle_rule *idle, const char *why) {
  idle->is_known = false;
  snprintf(idle->why, sizeof idle->why, "%.190s", why);
}

/* What exercises a rule violates its derived one, so the earliest such trace is looked for: where there is one, little
 * is read. */
static bt_status settle_exercise(bt_source *source, const bt_replay_request *asked, bt_idle_rule *idle,
                                 bool *is_exercised, bt_error *error) {
  bt_first_result first = {0};
  bt_error why = {0};
  const bt_rule_definition *derived = idle->exercising;
  bt_replay_request request = request_for(asked, &derived, 1);
  bt_status status = bt_first_violation_run(source, &request, NULL, &first, &why);
  *is_exercised = status == BT_OK && first.violation;
  if (status)
    say_unknown(idle, why.message);
  else if (!first.violation && first.outcome != BT_REPLAY_COMPLETED)
    say_unknown(idle, first.reason);
  bt_first_result_dispose(&first);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

/* ---- which names it lacks ---- */

static bt_status add_lacked(const bt_known_names *known, bt_idle_rule *idle, const bt_used_name *name,
                            bt_error *error) {
  bt_lacked_name *lacked = bt_grow_array(idle->lacked, idle->lacked_count, &idle->lacked_capacity, sizeof *lacked);
  if (!lacked) return bt_error_no_memory(error);
  idle->lacked = lacked;
  bt_lacked_name *added = &lacked[idle->lacked_count++];
  *added = (bt_lacked_name){.used = *name};
  bt_near_names near = bt_known_names_near(known, name->name, name->kind == BT_NAME_ATTRIBUTE);
  added->near_count = near.count;
  for (size_t i = 0; i < near.count; i++) added->near[i] = (bt_near_name){.name = near.names[i]};
  return BT_OK;
}

static bt_status look_at_part(bt_source *source, const bt_replay_request *asked, const bt_known_names *known,
                              const bt_condition *part, bt_idle_rule *idle, bt_error *error) {
  bt_used_names names = {0};
  if (!bt_condition_needs_spans(part)) return BT_OK;
  bt_status status = bt_used_names_add(&names, part, error);
  for (size_t i = 0; i < names.count && !status; i++)
    status = bt_name_presence(source, asked, known, &names.items[i], &names.items[i].presence, error);
  if (!status) bt_used_names_spare(&names);
  for (size_t i = 0; i < names.count && !status; i++)
    if (names.items[i].presence == BT_NAME_ABSENT && !names.items[i].is_spared)
      status = add_lacked(known, idle, &names.items[i], error);
  bt_used_names_dispose(&names);
  return status;
}

/* In files only, where a count is one pass; of a Tempo the name alone is said. */
static bt_status count_near(bt_source *source, const bt_replay_request *asked, const bt_idle_rule *idle,
                            bt_lacked_name *lacked, bt_error *error) {
  bt_rule_definition *rules[BT_NEAR_NAMES] = {NULL};
  bt_replay_result result = {0};
  bt_status status = BT_OK;
  bt_error why = {0};
  for (size_t i = 0; i < lacked->near_count && !status; i++) {
    bt_buffer text = {0};
    bt_name_rule_write(lacked->used.kind, lacked->near[i].name, &text);
    status = text.failed ? bt_error_no_memory(&why) : bt_derived_text(idle->rule, text.ptr, &rules[i], &why);
    bt_buffer_dispose(&text);
  }
  if (!status && lacked->near_count) {
    bt_replay_request request = request_for(asked, (const bt_rule_definition *const *)rules, lacked->near_count);
    bt_replay_observer nobody = {0};
    status = bt_replay_run(source, &request, &nobody, &result, &why);
  }
  for (size_t i = 0; i < result.rule_count && !status; i++) {
    lacked->near[i].traces = result.rules[i].violations_found;
    lacked->near[i].is_counted = bt_replay_has_whole(&result, i);
  }
  bt_replay_result_dispose(&result);
  for (size_t i = 0; i < BT_NEAR_NAMES; i++) bt_rule_definition_unref(rules[i]);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

static bt_status explain_rule(bt_source *source, const bt_replay_request *asked, const bt_known_names *known,
                              bt_idle_rule *idle, bt_error *error) {
  bt_status status = BT_OK;
  const bt_condition *whole = idle->exercising->rule->condition;
  bool is_and = whole->kind == BT_CONDITION_AND;
  for (uint32_t i = 0; i < (is_and ? whole->item_count : 1) && !status; i++)
    status = look_at_part(source, asked, known, is_and ? whole->items[i] : whole, idle, error);
  for (size_t i = 0; i < idle->lacked_count && !status && bt_source_known(source).is_static; i++)
    status = count_near(source, asked, idle, &idle->lacked[i], error);
  return status;
}

/* ---- all ---- */

static void dispose_rule(bt_idle_rule *idle) {
  bt_rule_definition_unref(idle->exercising);
  free(idle->lacked);
}

static bt_status take_rule(bt_source *source, const bt_replay_request *asked, const bt_rule_definition *rule,
                           bt_exercise exercise, bt_idle_rules *out, bt_error *error) {
  bool is_exercised = false;
  bt_idle_rule idle = {.rule = rule, .is_known = true};
  bt_status status = derive_exercising(rule, &idle.exercising, error);
  if (!status && exercise == BT_EXERCISE_OPEN) status = settle_exercise(source, asked, &idle, &is_exercised, error);
  if (status || is_exercised)
    dispose_rule(&idle);
  else
    out->items[out->count++] = idle;
  return status;
}

bt_status bt_idle_rules_find(bt_source *source, const bt_replay_request *asked, const bt_exercise *exercise,
                             bt_idle_rules *out, bt_error *error) {
  size_t count = asked->rule_count;
  *out = (bt_idle_rules){.items = calloc(count + 1, sizeof *out->items), .rule_count = count};
  bt_status status = out->items ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < count && !status; i++)
    if (exercise[i] != BT_EXERCISED) status = take_rule(source, asked, asked->rules[i], exercise[i], out, error);
  if (status || !out->count || out->count > BT_IDLE_EXPLAINED) return status;
  status = bt_known_names_read(source, asked, &out->known, error);
  for (size_t i = 0; i < out->count && !status; i++)
    if (out->items[i].is_known) status = explain_rule(source, asked, &out->known, &out->items[i], error);
  return status;
}

bt_status bt_idle_rules_of_replay(bt_source *source, const bt_replay_request *asked, const bt_replay_result *result,
                                  bt_idle_rules *out, bt_error *error) {
  const bt_rule_definition *const *rules = asked->rules;
  size_t count = result->rule_count;
  bt_exercise *exercise = calloc(count + 1, sizeof *exercise);
  *out = (bt_idle_rules){0};
  if (!exercise) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) exercise[i] = bt_exercise_of_result(result, rules[i], i);
  bt_status status = bt_idle_rules_find(source, asked, exercise, out, error);
  for (size_t i = 0, at = 0; i < count && at < out->count; i++)
    if (out->items[at].rule == rules[i]) out->items[at++].has_tail = result->rules[i].unsettled > 0;
  free(exercise);
  return status;
}

void bt_idle_rules_dispose(bt_idle_rules *idle) {
  for (size_t i = 0; i < idle->count; i++) dispose_rule(&idle->items[i]);
  free(idle->items);
  bt_known_names_dispose(&idle->known);
  *idle = (bt_idle_rules){0};
}

/* ---- words ---- */

static void write_near(const bt_lacked_name *lacked, bt_buffer *out) {
  for (size_t i = 0; i < lacked->near_count; i++) {
    const bt_near_name *near = &lacked->near[i];
    bt_near_name_write(near->name, i, out);
    if (near->is_counted) bt_buffer_printf(out, " (%" PRIu64 " trace%s)", near->traces, near->traces == 1 ? "" : "s");
  }
}

static void write_lacked(const bt_lacked_name *lacked, bt_buffer *out) {
  bool is_attribute = lacked->used.kind == BT_NAME_ATTRIBUTE;
  bt_buffer_printf(out, "no trace has %s%.*s", is_attribute ? "the attribute " : "", BT_FMT(lacked->used.name));
  write_near(lacked, out);
}

void bt_idle_rule_write(const bt_idle_rule *idle, bt_buffer *out) {
  if (!idle->is_known) {
    bt_buffer_printf(out, "UNKNOWN: whether anything exercised this rule: %s", idle->why);
    return;
  }
  bt_buffer_append(out, idle->has_tail ? BT_STR("nothing that is settled exercised this rule: ")
                                       : BT_STR("nothing exercised this rule: "));
  for (size_t i = 0; i < idle->lacked_count; i++) {
    if (i) bt_buffer_append(out, BT_STR("; "));
    write_lacked(&idle->lacked[i], out);
  }
  if (!idle->lacked_count)
    bt_buffer_printf(out, "no trace meets %s; betrace vacuity says which part of it",
                     idle->rule->rule->condition ? "what stands beside its `not`" : "its `when`");
}

static void write_many(const bt_idle_rules *idle, bt_buffer *out) {
  enum { MOST_NAMED = 3 };
  size_t unknown = 0;
  for (size_t i = 0; i < idle->count; i++) unknown += !idle->items[i].is_known;
  bt_buffer_printf(out, "nothing exercised %zu of %zu rules", idle->count - unknown, idle->rule_count);
  if (unknown) bt_buffer_printf(out, ", and of %zu more that is not known", unknown);
  for (size_t i = 0; i < MOST_NAMED; i++)
    bt_buffer_printf(out, "%s%s", i ? ", " : ": ", idle->items[i].rule->fields.id);
  bt_buffer_printf(out, " and %zu more; betrace vacuity says why\n", idle->count - MOST_NAMED);
}

void bt_idle_rules_write(const bt_idle_rules *idle, bt_buffer *out) {
  if (idle->count > BT_IDLE_EXPLAINED) {
    write_many(idle, out);
    return;
  }
  for (size_t i = 0; i < idle->count; i++) {
    bt_buffer_printf(out, "%s: ", idle->items[i].rule->fields.id);
    bt_idle_rule_write(&idle->items[i], out);
    bt_buffer_append_char(out, '\n');
  }
}

/* ---- for a service ---- */

static void keep_note(const bt_idle_rule *idle, size_t rule, bt_idle_note *out) {
  bt_buffer text = {0};
  bt_idle_rule_write(idle, &text);
  bt_str kept = bt_text_cut(bt_buffer_str(&text), sizeof out->text - 1);
  *out = (bt_idle_note){.rule = rule, .is_known = idle->is_known};
  if (kept.len) memcpy(out->text, kept.ptr, kept.len);
  bt_buffer_dispose(&text);
}

/* What only a search can tell costs requests: of the others nothing is said. */
static void spare_open(bt_exercise *exercise, size_t count) {
  size_t open = 0;
  for (size_t i = 0; i < count; i++)
    if (exercise[i] == BT_EXERCISE_OPEN && ++open > BT_IDLE_EXPLAINED) exercise[i] = BT_EXERCISED;
}

static void keep_notes(bt_idle_rules *idle, const bt_replay_request *asked, const bt_replay_result *tails,
                       bt_idle_note **notes, size_t *count) {
  size_t most = idle->count < BT_REPLAY_NOTES_MAX ? idle->count : BT_REPLAY_NOTES_MAX;
  *notes = most ? calloc(most, sizeof **notes) : NULL;
  for (size_t i = 0, at = 0; *notes && i < asked->rule_count && at < most; i++) {
    if (idle->items[at].rule != asked->rules[i]) continue;
    idle->items[at].has_tail = tails && tails->rules[i].unsettled > 0;
    keep_note(&idle->items[at++], i, &(*notes)[(*count)++]);
  }
}

static void explain_notes(bt_source *source, const bt_replay_request *asked, bt_exercise *exercise,
                          const bt_replay_result *tails, bt_idle_note **notes, size_t *count) {
  bt_idle_rules idle = {0};
  bt_error why = {0};
  spare_open(exercise, asked->rule_count);
  bt_status status = bt_idle_rules_find(source, asked, exercise, &idle, &why);
  if (status == BT_OK || status == BT_CANCELLED) keep_notes(&idle, asked, tails, notes, count);
  bt_idle_rules_dispose(&idle);
}

void bt_idle_notes_find(bt_source *source, const bt_replay_request *asked, bt_exercise *exercise, bt_idle_note **notes,
                        size_t *count) {
  explain_notes(source, asked, exercise, NULL, notes, count);
}

void bt_replay_explain_idle(bt_source *source, const bt_replay_request *asked, bt_replay_result *result) {
  bt_exercise *exercise = calloc(asked->rule_count + 1, sizeof *exercise);
  for (size_t i = 0; exercise && i < asked->rule_count && result->rule_count == asked->rule_count; i++)
    exercise[i] = bt_exercise_of_result(result, asked->rules[i], i);
  if (exercise && result->rule_count == asked->rule_count)
    explain_notes(source, asked, exercise, result, &result->idle, &result->idle_count);
  free(exercise);
}

void bt_first_explain_idle(bt_source *source, const bt_replay_request *asked, bt_first_result *result) {
  bt_idle_rules idle = {0};
  bt_error why = {0};
  bt_exercise exercise = bt_exercise_of_first(result, asked->rules[0]);
  bt_status status = bt_idle_rules_find(source, asked, &exercise, &idle, &why);
  result->is_idle = idle.count && (status == BT_OK || status == BT_CANCELLED);
  if (result->is_idle) {
    idle.items[0].has_tail = result->coverage.unsettled > 0;
    keep_note(&idle.items[0], 0, &result->idle);
  } else if (status == BT_CANCELLED) {
    bt_idle_rule unknown = {.rule = asked->rules[0], .why = "the time ran out before it was found"};
    keep_note(&unknown, 0, &result->idle);
    result->is_idle = true;
  }
  bt_idle_rules_dispose(&idle);
}
