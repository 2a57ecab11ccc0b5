/* A Collector's file held against rules. See collector_check.h. Names are looked for in the text (policy_name.h), so
 * that a file which BeTrace cannot read as YAML still shows what it lacks. */
#include "server/sampler/collector_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsl/base/arena.h"
#include "server/sampler/policy.h"
#include "server/sampler/sampler.h"
#include "server/rules/policy_name.h"

const char *bt_policy_fault_name(bt_policy_fault fault) {
  static const char *const names[] = {"missing", "edited", "stale", "left_over"};
  return names[fault];
}

static bt_status add_finding(bt_collector_check *check, bt_policy_fault fault, bt_str name, bt_error *error) {
  bt_policy_finding *grown = bt_grow_array(check->items, check->count, &check->capacity, sizeof *grown);
  if (!grown) return bt_error_no_memory(error);
  check->items = grown;
  grown[check->count++] = (bt_policy_finding){fault, name};
  check->counts[fault]++;
  return BT_OK;
}

/* ---- what rules need ---- */

/* A slice of a text that stays, where it has this name. */
static bt_str name_in(const bt_buffer *text, bt_str name) {
  bt_str whole = bt_buffer_str(text);
  for (size_t at = 0; at + name.len <= whole.len; at++)
    if (bt_str_starts_with((bt_str){whole.ptr + at, whole.len - at}, name)) return (bt_str){whole.ptr + at, name.len};
  return (bt_str){0};
}

/* Of several with one name each has to be as it is needed: one may be that of another processor. */
static bool is_found(const bt_policy_file *file, const bt_policy *needed, bt_policy_fault *fault) {
  bool is_there = false, is_same = true;
  for (size_t i = 0; i < file->count; i++) {
    if (!bt_str_equal(file->items[i].name, needed->name)) continue;
    is_there = true;
    is_same = is_same && bt_policy_same(&file->items[i], needed);
  }
  *fault = is_there ? BT_POLICY_EDITED : BT_POLICY_MISSING;
  return is_there && is_same;
}

static bool is_named(bt_str text, bt_str needed) {
  bt_policy_name name;
  size_t at = 0;
  return bt_policy_name_next(needed, &at, &name) ? bt_policy_name_is_in(text, &name) : bt_str_contains(text, needed);
}

static bt_status add_lacking(bt_collector_check *check, const bt_policy_file *needed, const bt_policy_file *file,
                             bt_str text, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < needed->count && !status; i++) {
    bt_policy_fault fault = BT_POLICY_MISSING;
    bt_str name = needed->items[i].name;
    bool is_fine = check->uncompared[0] ? is_named(text, name) : is_found(file, &needed->items[i], &fault);
    if (!is_fine) status = add_finding(check, fault, name_in(&check->needed, name), error);
  }
  return status;
}

/* ---- what it has besides ---- */

static bool is_rule(const bt_rule_definition *const *rules, size_t count, bt_str id) {
  for (size_t i = 0; i < count; i++)
    if (bt_str_equal(id, bt_str_from(rules[i]->fields.id))) return true;
  return false;
}

static bt_status add_others(bt_collector_check *check, const bt_rule_definition *const *rules, size_t count,
                            bt_str text, bt_error *error) {
  bt_status status = BT_OK;
  bt_policy_name name;
  for (size_t at = 0; !status && bt_policy_name_next(text, &at, &name);) {
    if (bt_policy_name_is_in(bt_buffer_str(&check->needed), &name)) continue;
    status = add_finding(check, is_rule(rules, count, name.rule_id) ? BT_POLICY_STALE : BT_POLICY_LEFT_OVER, name.whole,
                         error);
  }
  return status;
}

static bt_status compare_files(bt_collector_check *check, bt_str text, const char *file_name, bt_error *error) {
  bt_policy_file needed = {0}, file = {0};
  bt_error why = {0};
  bt_status status = bt_policy_file_read(&needed, bt_buffer_str(&check->needed), "what betrace wrote", error);
  bt_status read = status ? BT_OK : bt_policy_file_read(&file, text, file_name, &why);
  if (read == BT_NO_MEMORY) status = bt_error_no_memory(error);
  if (read) snprintf(check->uncompared, sizeof check->uncompared, "%.290s", why.message);
  if (!read) bt_buffer_append(&check->dropper, file.dropper);
  if (!status) status = add_lacking(check, &needed, &file, text, error);
  bt_policy_file_dispose(&file);
  bt_policy_file_dispose(&needed);
  return status;
}

static bt_status write_needed(bt_collector_check *check, const bt_rule_definition *const *rules, size_t count,
                              double keep_percent, bt_error *error) {
  bt_sampler_policies *policies = calloc(count + 1, sizeof *policies);
  if (!policies) return bt_error_no_memory(error);
  bt_status status = bt_sampler_write(rules, count, keep_percent, &check->needed, policies, error);
  for (size_t i = 0; i < count; i++) bt_sampler_policies_dispose(&policies[i]);
  free(policies);
  return status;
}

bt_status bt_collector_check_run(bt_collector_check *check, const bt_rule_definition *const *rules, size_t count,
                                 double keep_percent, bt_str file, const char *file_name, bt_error *error) {
  bt_status status = write_needed(check, rules, count, keep_percent, error);
  if (!status) status = compare_files(check, file, file_name, error);
  if (!status) status = add_others(check, rules, count, file, error);
  if (!status && check->dropper.failed) status = bt_error_no_memory(error);
  return status;
}

bool bt_collector_is_behind(const bt_collector_check *check) {
  return check->counts[BT_POLICY_MISSING] || check->counts[BT_POLICY_EDITED] || check->counts[BT_POLICY_STALE];
}

void bt_collector_check_dispose(bt_collector_check *check) {
  free(check->items);
  bt_buffer_dispose(&check->needed);
  bt_buffer_dispose(&check->dropper);
}
