/* Rules that nothing exercised in a run of tests. See listen_idle.h. */
#include "server/cli/lab/listen_idle.h"

#include <stdlib.h>

#include "dsl/rule/rule_walk.h"
#include "dsl/rule/used_names.h"
#include "server/cli/idle_print.h"
#include "server/json/json_values.h"
#include "server/replay/idle_rules.h"
#include "server/replay/rule_names.h"
#include "tempo/files/file_source.h"

static const bt_rule_definition *rule_at(const bt_listen_report *report, size_t i) {
  return report->options->shared.rules.items[i];
}

static size_t rule_count(const bt_listen_report *report) {
  return report->options->shared.rules.count;
}

void bt_listen_note_exercise(bt_listen_rule *rule, const bt_rule_verdict *verdict) {
  rule->may_be_exercised = rule->may_be_exercised || verdict->exercised != BT_FALSE;
}

bool bt_listen_is_exercised(const bt_listen_report *report, size_t i) {
  bool by_all = bt_rule_is_exercised_by_all(rule_at(report, i)->rule);
  return report->traces && (by_all || report->rules[i].may_be_exercised);
}

/* ---- what nothing exercised ---- */

static bt_status explain_rule(bt_listen_report *report, bt_source *source, const bt_replay_request *all, size_t i,
                              bt_error *error) {
  const bt_rule_definition *rule = rule_at(report, i);
  const bt_exercise exercise = BT_NOT_EXERCISED;
  bt_idle_rules idle;
  bt_replay_request asked = *all;
  asked.rules = &rule;
  asked.rule_count = 1;
  bt_status status = bt_idle_rules_find(source, &asked, &exercise, &idle, error);
  if (!status && idle.count) {
    json_t *said = bt_idle_rules_json(&idle);
    bt_idle_rule_write(&idle.items[0], &report->rules[i].idle);
    bt_json_append(report->unexercised, json_incref(json_array_get(said, 0)));
    json_decref(said);
  }
  bt_idle_rules_dispose(&idle);
  return status;
}

/* ---- rules without `when` ---- */

static bt_status look_for_names(bt_source *source, const bt_replay_request *asked, const bt_known_names *known,
                                const bt_rule *rule, bool *lacks_all, bt_error *error) {
  bt_used_names names = {0};
  bt_status status = bt_used_names_add(&names, rule->always, error);
  if (!status) status = bt_used_names_add(&names, rule->never, error);
  if (!status) status = bt_used_names_add(&names, rule->condition, error);
  *lacks_all = names.count > 0;
  for (size_t i = 0; i < names.count && *lacks_all && !status; i++) {
    bt_presence presence;
    status = bt_name_presence(source, asked, known, &names.items[i], &presence, error);
    *lacks_all = !status && presence == BT_NAME_ABSENT;
  }
  bt_used_names_dispose(&names);
  return status;
}

/* ---- all ---- */

bt_status bt_listen_idle_find(bt_listen_report *report, bt_source *source, bt_error *error) {
  size_t explained = 0;
  bt_known_names known = {0};
  bt_replay_request asked = bt_replay_options_request(
      &report->options->shared, (const bt_rule_definition *const *)report->options->shared.rules.items,
      rule_count(report), bt_file_source_range(source));
  bt_status status = bt_known_names_read(source, &asked, &known, error);
  for (size_t i = 0; i < rule_count(report) && !status && report->traces; i++) {
    bool is_exercised = bt_listen_is_exercised(report, i);
    if (!is_exercised && explained++ < BT_LISTEN_EXPLAINED)
      status = explain_rule(report, source, &asked, i, error);
    else if (is_exercised && !rule_at(report, i)->rule->when)
      status = look_for_names(source, &asked, &known, rule_at(report, i)->rule, &report->rules[i].lacks_names, error);
  }
  bt_known_names_dispose(&known);
  return status;
}
