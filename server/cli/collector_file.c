/* A Collector's file held against rules, for people and programs. See collector_file.h. */
#include "server/cli/collector_file.h"

#include <stdlib.h>

#include "server/cli/printer.h"
#include "server/json/json_values.h"

enum { MOST_FILE_BYTES = 16 * 1024 * 1024 };

bt_status bt_collector_file_check(bt_collector_file *file, const char *path, const bt_cli_rules *rules,
                                  double keep_percent, bt_error *error) {
  size_t length = 0;
  file->path = path;
  file->text = bt_cli_read_file(path, MOST_FILE_BYTES, &length, error);
  if (!file->text) return error->status == BT_NO_MEMORY ? BT_NO_MEMORY : BT_INVALID;
  return bt_collector_check_run(&file->check, (const bt_rule_definition *const *)rules->items, rules->count,
                                keep_percent, (bt_str){file->text, length}, path, error);
}

void bt_collector_file_dispose(bt_collector_file *file) {
  bt_collector_check_dispose(&file->check);
  free(file->text);
}

void bt_collector_file_print(const bt_collector_file *file, size_t rule_count) {
  const bt_collector_check *check = &file->check;
  for (size_t i = 0; i < check->count; i++) {
    bt_str name = check->items[i].name;
    switch (check->items[i].fault) { /* a format has to be a literal */
    case BT_POLICY_MISSING: bt_print("missing %.*s\n", BT_FMT(name)); break;
    case BT_POLICY_EDITED: bt_print("edited %.*s: it keeps something else than the rule needs\n", BT_FMT(name)); break;
    case BT_POLICY_STALE: bt_print("stale %.*s: the rule has another condition now\n", BT_FMT(name)); break;
    case BT_POLICY_LEFT_OVER: bt_print("left over %.*s: none of these rules has this id\n", BT_FMT(name)); break;
    }
  }
  if (check->dropper.len)
    bt_print("drops %.*s: a policy of type drop goes before those of rules\n", BT_FMT(bt_buffer_str(&check->dropper)));
  if (check->uncompared[0]) bt_print("not compared: what policies keep, only their names: %s\n", check->uncompared);
  size_t missing = check->counts[BT_POLICY_MISSING];
  bt_print("%s: %zu rule%s, %zu polic%s missing, %zu edited, %zu stale, %zu left over\n", file->path, rule_count,
           bt_cli_plural(rule_count), missing, missing == 1 ? "y" : "ies", check->counts[BT_POLICY_EDITED],
           check->counts[BT_POLICY_STALE], check->counts[BT_POLICY_LEFT_OVER]);
}

json_t *bt_collector_file_json(const bt_collector_file *file) {
  const bt_collector_check *check = &file->check;
  json_t *lists[BT_POLICY_FAULTS];
  json_t *json =
      json_pack("{s:o, s:b, s:o, s:o}", "file", bt_text_json(bt_str_from(file->path)), "in_step",
                !bt_collector_is_behind(check) && !check->uncompared[0], "dropped_before",
                bt_optional_text_json(check->dropper.ptr), "not_compared", bt_optional_text_json(check->uncompared));
  for (int fault = 0; fault < BT_POLICY_FAULTS; fault++) lists[fault] = json_array();
  for (size_t i = 0; i < check->count; i++)
    bt_json_append(lists[check->items[i].fault], bt_text_json(check->items[i].name));
  for (int fault = 0; fault < BT_POLICY_FAULTS; fault++)
    bt_json_set(json, bt_policy_fault_name((bt_policy_fault)fault), lists[fault]);
  return json;
}

int bt_collector_file_exit(const bt_collector_file *file) {
  if (bt_collector_is_behind(&file->check)) return BT_EXIT_FOUND;
  return file->check.uncompared[0] ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}
