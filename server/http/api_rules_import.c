/* POST /v1/rules/import and GET /v1/rules/export: rules as files. An import is one transaction of the store; a file
 * with anything wrong in it changes nothing. See routes.h. */
#include <stdio.h>
#include <stdlib.h>

#include "server/http/routes.h"
#include "server/http/rule_filter.h"
#include "server/http/service.h"
#include "server/http/store_choice.h"
#include "server/json/check_json.h"
#include "server/json/json_values.h"
#include "server/json/test_report.h"
#include "server/rulefile/yaml_writer.h"

static const char file_name[] = "import";

/* ---- export ---- */

void bt_api_rules_export(void *context, bt_call *call) {
  static const char *const names[] = {BT_RULE_FILTER_PARAMETERS, NULL};
  const bt_service *service = context;
  bt_rule_filter filter;
  bt_rule_list list = {0};
  bt_buffer text = {0};
  bt_error error = {0};
  if (!bt_call_query_allows(call, names) || !bt_rule_filter_read(call, &filter) ||
      !bt_rule_filter_list(service, call, &filter, &list))
    return;
  bt_status status = bt_rulefile_write(list.items, list.count, &text, &error);
  if (status)
    bt_call_error(call, status, &error);
  else
    bt_call_text(call, 200, "application/yaml", bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  bt_rule_list_dispose(&list);
}

/* ---- import: what was asked ---- */

typedef struct importing {
  const bt_service *service;
  bt_call *call;
  bool is_dry_run, wants_tests;
  bt_checked_file file;
  bt_rule_import *rules; /* as many as the file has, in its order */
  size_t passed, failed, errors;
  char if_state[BT_IMPORT_STATE_BYTES]; /* "": whatever it is */
  bt_import_options options;
  json_t *tests; /* every result */
  json_t *bad_tests;
} importing;

/* ?name, ?name=true or ?name=false. */
static bool read_flag(bt_call *call, const char *name, bool *out) {
  bt_str text = {0};
  *out = bt_call_query(call, name, &text);
  if (!*out || text.len == 0 || bt_str_equal(text, BT_STR("true"))) return true;
  *out = false;
  if (bt_str_equal(text, BT_STR("false"))) return true;
  bt_call_problem(call, 400, "invalid-parameter", "%s has to be true or false; \"%.*s\" came.", name, BT_FMT(text));
  return false;
}

/* If-Match: what a dry run answered as `state`, or *. */
static bool read_state(bt_call *call, char out[BT_IMPORT_STATE_BYTES]) {
  bt_str text = call->if_match;
  out[0] = '\0';
  if (text.len == 0 || bt_str_equal(text, BT_STR("*"))) return true;
  bool is_weak = bt_str_starts_with(text, BT_STR("W/\""));
  bool is_state = text.len == BT_IMPORT_STATE_BYTES + 1 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
  if (is_state)
    snprintf(out, BT_IMPORT_STATE_BYTES, "%.*s", BT_IMPORT_STATE_BYTES - 1, text.ptr + 1);
  else if (is_weak)
    bt_call_problem(call, 412, "version-changed",
                    "A weak If-Match never matches; send the state without W/. Nothing was changed.");
  else
    bt_call_problem(call, 400, "invalid-header",
                    "If-Match has to be the state that a dry run answered, in quotes, or *; %.*s came.", BT_FMT(text));
  return is_state;
}

/* ---- import: what is wrong ---- */

static void refuse_file(importing *import, const bt_error *error) {
  bt_file_problem problem = bt_file_problem_of(file_name, error->message);
  json_t *errors = bt_file_problems_json(import->call->body, file_name, error->message);
  size_t count = json_array_size(errors);
  if (count > 1)
    bt_call_problem_with(import->call, 422, "rules-invalid", errors,
                         "%zu problems, the first in line %u, column %u: %s; nothing was changed.", count, problem.line,
                         problem.column, problem.message);
  else
    bt_call_problem_with(import->call, 422, "rules-invalid", errors, "Line %u, column %u: %s; nothing was changed.",
                         problem.line, problem.column, problem.message);
}

static void refuse_rules(importing *import) {
  json_t *errors = json_array();
  size_t wrong = 0;
  for (size_t i = 0; i < import->file.rule_count; i++) {
    json_t *found = bt_checked_rule_json(&import->file.rules[i]);
    wrong += !import->file.rules[i].definition;
    bt_json_append_all(errors, found);
  }
  bt_call_problem_with(import->call, 422, "rules-invalid", errors, "%zu of %zu rules are wrong; nothing was changed.",
                       wrong, import->file.rule_count);
}

static bt_status keep_test(void *context, const bt_test_result *result, bt_error *error) {
  importing *import = context;
  json_t *json = bt_test_report_json(result);
  if (!json) return bt_error_no_memory(error);
  json_object_del(json, "file");
  import->passed += result->outcome == BT_TEST_PASSED;
  import->failed += result->outcome == BT_TEST_FAILED;
  import->errors += result->outcome == BT_TEST_ERROR;
  if (result->outcome != BT_TEST_PASSED) bt_json_append(import->bad_tests, json_incref(json));
  bt_json_append(import->tests, json);
  return BT_OK;
}

/* False: answered. */
static bool run_tests(importing *import) {
  bt_error error = {0};
  if (!import->wants_tests) return true;
  import->tests = json_array();
  import->bad_tests = json_array();
  bt_status status = import->tests && import->bad_tests ? bt_tests_run(&import->file, NULL, keep_test, import, &error)
                                                        : bt_error_no_memory(&error);
  if (status) {
    bt_call_error(import->call, status, &error);
    return false;
  }
  if (!json_array_size(import->bad_tests)) return true;
  bt_call_problem_with(import->call, 422, "tests-failed", json_incref(import->bad_tests),
                       "%zu of %zu tests failed; nothing was changed.", import->failed + import->errors,
                       json_array_size(import->tests));
  return false;
}

/* ---- import: the answer ---- */

static const char *change_name(bt_import_change change) {
  switch (change) {
  case BT_IMPORT_CREATED: return "created";
  case BT_IMPORT_UPDATED: return "updated";
  case BT_IMPORT_UNCHANGED: break;
  }
  return "unchanged";
}

static json_t *rule_json(const importing *import, size_t at) {
  const bt_rule_definition *stored = import->rules[at].stored;
  const bt_checked_rule *rule = &import->file.rules[at];
  return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:o}", "id", stored->fields.id, "name", stored->fields.name,
                   "result", change_name(import->rules[at].change), "version", (json_int_t)stored->version,
                   "condition_hash", stored->condition_hash, "line", (json_int_t)rule->source->line, "diagnostics",
                   bt_rule_diagnostics_json(rule->id, &rule->diagnostics));
}

static json_t *tests_json(const importing *import) {
  if (!import->wants_tests) return json_null();
  return json_pack("{s:I, s:I, s:I, s:O}", "passed", (json_int_t)import->passed, "failed", (json_int_t)import->failed,
                   "errors", (json_int_t)import->errors, "results", import->tests);
}

static void answer_import(importing *import) {
  json_int_t counts[3] = {0};
  json_t *rules = json_array();
  for (size_t i = 0; i < import->file.rule_count; i++) {
    counts[import->rules[i].change]++;
    bt_json_append(rules, rule_json(import, i));
  }
  bt_call_json(import->call, 200,
               json_pack("{s:b, s:s, s:I, s:I, s:I, s:o, s:o}", "dry_run", import->is_dry_run, "state",
                         import->options.state, "created", counts[BT_IMPORT_CREATED], "updated",
                         counts[BT_IMPORT_UPDATED], "unchanged", counts[BT_IMPORT_UNCHANGED], "rules", rules, "tests",
                         tests_json(import)));
}

/* False: answered. */
static bool has_stores(importing *import) {
  bt_field_errors errors = {0};
  for (size_t i = 0; i < import->file.rule_count; i++) {
    bt_buffer why = {0};
    if (!bt_rule_names_store(import->service, bt_call_tenant(import->call), import->file.rules[i].definition, &why))
      bt_field_errors_add(&errors, "store", "%s (line %u of the file)", why.ptr ? why.ptr : "",
                          import->file.rules[i].source->line);
    bt_buffer_dispose(&why);
  }
  return !bt_call_refuse_fields(import->call, &errors);
}

static void store_rules(importing *import) {
  bt_error error = {0};
  size_t count = import->file.rule_count;
  import->rules = calloc(count ? count : 1, sizeof *import->rules);
  for (size_t i = 0; i < count && import->rules; i++) {
    import->rules[i].definition = import->file.rules[i].definition;
    import->file.rules[i].definition = NULL;
  }
  import->options.user = import->call->user;
  import->options.is_dry_run = import->is_dry_run;
  import->options.if_state = import->if_state[0] ? import->if_state : NULL;
  bt_status status = import->rules ? bt_rule_store_import(import->service->store, bt_call_tenant(import->call),
                                                          import->rules, count, &import->options, &error)
                                   : bt_error_no_memory(&error);
  if (status == BT_CONFLICT && import->if_state[0]) {
    bt_call_problem(import->call, 412, "version-changed", "%s", error.message);
  } else if (status == BT_LIMIT) {
    bt_call_problem(import->call, 413, "limit", "%s", error.message);
  } else if (status) {
    bt_call_error(import->call, status, &error);
  } else {
    answer_import(import);
    bt_rule_imports_dispose(import->rules, count);
  }
  free(import->rules);
}

void bt_api_rules_import(void *context, bt_call *call) {
  static const char *const names[] = {"dry_run", "test", NULL};
  importing import = {.service = context, .call = call};
  bt_error error = {0};
  if (!bt_call_query_allows(call, names) || !read_flag(call, "dry_run", &import.is_dry_run) ||
      !read_flag(call, "test", &import.wants_tests) || !read_state(call, import.if_state))
    return;
  bt_status status = bt_checked_file_read(call->body, file_name, NULL, false, &import.file, &error);
  if (status == BT_INVALID)
    refuse_file(&import, &error);
  else if (status)
    bt_call_error(call, status, &error);
  else if (import.file.error_count)
    refuse_rules(&import);
  else if (has_stores(&import) && run_tests(&import))
    store_rules(&import);
  json_decref(import.tests);
  json_decref(import.bad_tests);
  bt_checked_file_dispose(&import.file);
}
