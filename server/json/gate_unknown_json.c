/* What changed next to the rules, as JSON. See gate_unknown_json.h. */
#include "server/json/gate_unknown_json.h"

#include "server/json/changed_json.h"
#include "server/json/json_values.h"

static json_t *ids_json(const bt_gate_unknown *unknown, const bt_change *change,
                        const bt_rule_definition *const *rules) {
  json_t *ids = json_array();
  for (size_t r = 0; r < unknown->rule_count; r++)
    if (bt_gate_unknown_speaks(unknown, change, r)) bt_json_append(ids, json_string(rules[r]->fields.id));
  return ids;
}

json_t *bt_gate_unknown_json(const bt_gate_unknown *unknown, const bt_rule_definition *const *rules) {
  json_t *all = bt_changed_json(&unknown->changed), *changes = json_object_get(all, "changes");
  for (size_t i = 0; i < json_array_size(changes); i++)
    bt_json_set(json_array_get(changes, i), "rule_ids", ids_json(unknown, &unknown->changed.changes.items[i], rules));
  if (all) bt_json_set(all, "result", json_string(bt_gate_word_name(bt_gate_unknown_judge(unknown))));
  return all;
}
