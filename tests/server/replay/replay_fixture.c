/* Running replays in tests. See replay_fixture.h. */
#include "tests/server/replay/replay_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bt_rule_definition *rule_with(const char *id, const char *dsl, int64_t settle_ns, int64_t margin_ns) {
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  fields.id = strdup(id);
  fields.dsl = strdup(dsl);
  fields.settle_ns = settle_ns;
  fields.margin_ns = margin_ns;
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_error error = {0};
  if (bt_rule_definition_new(&fields, &definition, &diagnostics, &error) != BT_OK) {
    fprintf(stderr, "rule %s: %s\n", id, error.message);
    abort();
  }
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

bt_rule_definition *rule_of(const char *id, const char *dsl) {
  return rule_with(id, dsl, -1, -1);
}

void replay_run_init(replay_run *run) {
  *run = (replay_run){0};
  run->request = (bt_replay_request){.rules = run->rules,
                                     .range = {NOON_NS, NOON_NS + HOUR_NS},
                                     .now_ns = LATER_NS,
                                     .assumptions = bt_assumptions_default()};
}

void replay_run_add(replay_run *run, const char *id, const char *dsl) {
  run->rules[run->request.rule_count++] = rule_of(id, dsl);
}

void replay_run_add_own(replay_run *run, const char *id, const char *dsl, int64_t settle_ns, int64_t margin_ns) {
  run->rules[run->request.rule_count++] = rule_with(id, dsl, settle_ns, margin_ns);
}

static void see_progress(void *context, double fraction, const bt_replay_result *so_far) {
  replay_run *run = context;
  if (fraction < run->last_progress || fraction > 1 || so_far->rule_count != run->request.rule_count) abort();
  run->last_progress = fraction;
}

static bt_status see_violation(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  replay_run *run = context;
  bool is_full = run->seen_count == SEEN_MAX || (run->keep_max && run->seen_count == run->keep_max);
  if (!is_full)
    run->seen[run->seen_count++] = (seen_violation){rule,
                                                    violation->trace_id,
                                                    violation->id,
                                                    violation->time_ns,
                                                    violation->confirmed_by_id,
                                                    violation->provisional};
  bt_violation_free(violation);
  return is_full ? bt_error_set(error, BT_LIMIT, "full") : BT_OK;
}

void replay_run_go(replay_run *run, fake_source *fake) {
  replay_run_go_over(run, &fake->source);
}

void replay_run_go_over(replay_run *run, bt_source *source) {
  bt_replay_observer observer = {.context = run, .progress = see_progress, .violation = see_violation};
  bt_replay_result_dispose(&run->result);
  run->seen_count = 0;
  run->last_progress = 0;
  run->request.rules = run->rules;
  run->status = bt_replay_run(source, &run->request, &observer, &run->result, &run->error);
}

void replay_run_dispose(replay_run *run) {
  for (size_t i = 0; i < run->request.rule_count; i++) bt_rule_definition_unref(run->rules[i]);
  bt_replay_result_dispose(&run->result);
}

const seen_violation *replay_seen(const replay_run *run, size_t rule, uint64_t number) {
  bt_trace_id id = fake_id(number);
  for (size_t i = 0; i < run->seen_count; i++)
    if (run->seen[i].rule == rule && bt_trace_id_compare(&run->seen[i].trace_id, &id) == 0) return &run->seen[i];
  return NULL;
}

bool replay_saw(const replay_run *run, size_t rule, uint64_t number) {
  return replay_seen(run, rule, number) != NULL;
}
