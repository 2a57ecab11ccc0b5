/* The rules that two programs judge. See program_rules.h. */
#include "server/cli/lab/program_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dsl/base/arena.h"
#include "dsl/syntax/diagnostic.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/json/json_values.h"
#include "server/rulefile/checked_file.h"

/* ---- reading ---- */

static bt_judged_rule *add_rule(bt_judged_rules *rules, bt_str id, bt_str dsl) {
  bt_judged_rule *grown = bt_grow_array(rules->items, rules->count, &rules->capacity, sizeof *grown);
  if (grown) {
    rules->items = grown;
    bt_judged_rule *rule = &grown[rules->count++];
    *rule = (bt_judged_rule){.id = strndup(id.ptr, id.len), .dsl = strndup(dsl.ptr, dsl.len)};
    if (rule->id && rule->dsl) return rule;
  }
  bt_print_error_line("there is not enough memory");
  return NULL;
}

/* "error[E012]: expected …", the first one. */
static bool refuse_here(bt_judged_rules *rules, bt_judged_rule *rule, const bt_diagnostics *diagnostics) {
  bt_buffer text = {0};
  for (size_t i = 0; i < diagnostics->count && !text.len; i++)
    if (diagnostics->items[i].is_error)
      bt_buffer_printf(&text, "error[%s]: %.*s", diagnostics->items[i].code, BT_FMT(diagnostics->items[i].message));
  if (!text.len) bt_buffer_append(&text, BT_STR("it does not compile"));
  rule->refused[BT_NEW_PROGRAM] = text.ptr;
  rules->refused_count++;
  return !text.failed;
}

static bool has_id(const bt_judged_rules *rules, bt_str id) {
  for (size_t i = 0; i < rules->count; i++)
    if (bt_str_equal(bt_str_from(rules->items[i].id), id)) return true;
  return false;
}

/* A rule whose text alone is wrong may be one that another program takes; other mistakes are the file's. */
static bool add_checked(bt_judged_rules *rules, const bt_checked_file *file, bt_checked_rule *checked) {
  if (checked->problem.ptr || !checked->id.len) {
    bt_buffer text = {0};
    bt_checked_rule_print(file, checked, &text);
    bt_print_error_lines(bt_buffer_str(&text));
    bt_buffer_dispose(&text);
    return false;
  }
  if (has_id(rules, checked->id)) {
    bt_print_error("%s:%u: the id \"%.*s\" is taken by an earlier rule\n", file->name, checked->source->line,
                   BT_FMT(checked->id));
    return false;
  }
  bt_judged_rule *rule = add_rule(rules, checked->id, checked->dsl);
  if (!rule) return false;
  rule->definition = checked->definition;
  checked->definition = NULL;
  return rule->definition || refuse_here(rules, rule, &checked->diagnostics);
}

static bool add_file(bt_judged_rules *rules, const char *path) {
  size_t length = 0;
  bt_error error = {0};
  bt_checked_file file = {0};
  char *text = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &error);
  bool ok = text && !bt_checked_file_read((bt_str){text, length}, path, path, false, &file, &error);
  if (!ok) {
    bt_buffer problems = {0};
    if (text) bt_checked_file_say_problems((bt_str){text, length}, path, error.message, &problems);
    bt_print_message(problems.len ? problems.ptr : error.message);
    bt_buffer_dispose(&problems);
  }
  for (size_t i = 0; i < file.rule_count; i++) ok = add_checked(rules, &file, &file.rules[i]) && ok;
  bt_checked_file_dispose(&file);
  free(text);
  return ok;
}

static bool add_path(bt_judged_rules *rules, const char *path) {
  bt_rule_paths paths;
  bt_error error = {0};
  char *const given[] = {(char *)(uintptr_t)path}; /* read only */
  bool ok = bt_rule_paths_find(given, 1, &paths, &error) == BT_OK;
  if (!ok) bt_print_message(error.message);
  for (size_t i = 0; i < paths.count; i++) ok = add_file(rules, paths.items[i]) && ok;
  bt_rule_paths_dispose(&paths);
  return ok;
}

static bool add_text(bt_judged_rules *rules, const char *dsl) {
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule_fields fields;
  bt_judged_rule *rule = add_rule(rules, BT_STR("dsl"), bt_str_from(dsl));
  if (!rule) return false;
  bt_rule_fields_init(&fields);
  bt_diagnostics_init(&diagnostics);
  fields.id = strdup(rule->id);
  fields.dsl = strdup(dsl);
  bt_status status = fields.id && fields.dsl ? bt_rule_definition_new(&fields, &rule->definition, &diagnostics, &error)
                                             : bt_error_no_memory(&error);
  bt_rule_fields_dispose(&fields);
  if (status && !diagnostics.error_count) bt_print_message(error.message);
  bool ok = !status || (diagnostics.error_count && refuse_here(rules, rule, &diagnostics));
  bt_diagnostics_dispose(&diagnostics);
  return ok;
}

bool bt_judged_rules_read(const char *path, const char *text, bt_judged_rules *out) {
  *out = (bt_judged_rules){0};
  return text ? add_text(out, text) : add_path(out, path);
}

void bt_judged_rules_dispose(bt_judged_rules *rules) {
  for (size_t i = 0; i < rules->count; i++) {
    bt_judged_rule *rule = &rules->items[i];
    free(rule->id);
    free(rule->dsl);
    free(rule->refused[BT_OLD_PROGRAM]);
    free(rule->refused[BT_NEW_PROGRAM]);
    bt_rule_definition_unref(rule->definition);
  }
  free(rules->items);
  *rules = (bt_judged_rules){0};
}

/* ---- writing ---- */

static void set_duration(json_t *object, const char *name, int64_t ns) {
  char text[64];
  if (ns < 0) return;
  bt_duration_format(ns, text);
  bt_json_set(object, name, json_string(text));
}

/* What is not said is left out: an older program may not know the field. */
static json_t *rule_json(const bt_judged_rule *rule) {
  json_t *object = json_object();
  bt_json_set(object, "id", json_string(rule->id));
  bt_json_set(object, "dsl", bt_text_json(bt_str_from(rule->dsl)));
  if (!rule->definition) return object;
  const bt_rule_fields *fields = &rule->definition->fields;
  set_duration(object, "settle", fields->settle_ns);
  set_duration(object, "margin", fields->margin_ns);
  set_duration(object, "clock_skew", fields->clock_skew_ns);
  if (fields->require_complete >= 0) bt_json_set(object, "require_complete", json_boolean(fields->require_complete));
  if (fields->links_sampled >= 0) bt_json_set(object, "links_sampled", json_boolean(fields->links_sampled));
  if (fields->budget >= 0) bt_json_set(object, "budget", json_integer(fields->budget));
  return object;
}

static bool is_refused(const bt_judged_rule *rule) {
  return rule->refused[BT_OLD_PROGRAM] || rule->refused[BT_NEW_PROGRAM];
}

bt_status bt_judged_rules_write(const bt_judged_rules *rules, bool all, int *out, char path[40], bt_error *error) {
  json_t *list = json_array(), *object = json_object();
  size_t count = 0;
  for (size_t i = 0; i < rules->count; i++) {
    if (!all && is_refused(&rules->items[i])) continue;
    bt_json_append(list, rule_json(&rules->items[i]));
    count++;
  }
  bool is_whole = json_array_size(list) == count;
  bt_json_set(object, "rules", list);
  char *text = is_whole && object ? json_dumps(object, JSON_INDENT(1)) : NULL;
  json_decref(object);
  *out = text ? memfd_create("rules", 0) : -1; /* a child opens it by its own descriptor */
  bool ok = *out >= 0 && bt_cli_write_all(*out, bt_str_from(text));
  snprintf(path, 40, "/proc/self/fd/%d", *out);
  bt_status status = ok     ? BT_OK
                     : text ? bt_error_set(error, BT_IO, "rules cannot be kept in memory: %s", strerror(errno))
                            : bt_error_no_memory(error);
  free(text);
  return status;
}

/* ---- what a check says ---- */

static bool take_error(bt_judged_rules *rules, const json_t *item) {
  const char *id = json_string_value(json_object_get(item, "rule_id")),
             *code = json_string_value(json_object_get(item, "code")),
             *message = json_string_value(json_object_get(item, "message"));
  for (size_t i = 0; id && i < rules->count; i++) {
    bt_judged_rule *rule = &rules->items[i];
    bt_buffer text = {0};
    if (strcmp(rule->id, id) != 0) continue;
    if (rule->refused[BT_OLD_PROGRAM]) return true;
    bt_buffer_printf(&text, "error%s%s%s: %s", code ? "[" : "", code ? code : "", code ? "]" : "",
                     message ? message : "it does not say which");
    rules->refused_count += !is_refused(rule);
    rule->refused[BT_OLD_PROGRAM] = text.ptr;
    return text.ptr != NULL;
  }
  return false;
}

bool bt_judged_rules_take_check(bt_judged_rules *rules, bt_str answer) {
  json_t *object = json_loadb(answer.ptr, answer.len, 0, NULL), *diagnostics = json_object_get(object, "diagnostics"),
         *item;
  size_t index;
  bool ok = json_is_array(diagnostics);
  json_array_foreach(diagnostics, index, item) {
    const char *severity = json_string_value(json_object_get(item, "severity"));
    if (severity && strcmp(severity, "error") == 0) ok = take_error(rules, item) && ok;
  }
  json_decref(object);
  return ok;
}
