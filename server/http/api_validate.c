/* POST /v1/rules/validate: what a text means before it is saved. See routes.h. */
#include <string.h>

#include "dsl/compile.h"
#include "dsl/example/example.h"
#include "server/rules/rule_compile.h"
#include "server/http/body_fields.h"
#include "server/http/routes.h"
#include "server/json/editor_json.h"
#include "server/json/examples_json.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "server/json/plan_json.h"
#include "server/rules/rule_definition.h"

/* Formatted text with comments kept; null for a text that does not parse. */
static json_t *formatted_json(bt_str text) {
  bt_buffer out = {0};
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, &out, &diagnostics, &error);
  if (status == BT_NO_MEMORY) bt_json_memory_lacks();
  json_t *formatted = status ? json_null() : json_stringn(out.ptr ? out.ptr : "", out.len);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&out);
  return formatted;
}

/* Null for an invalid rule. */
static json_t *examples_json(const bt_rule_definition *definition) {
  bt_examples examples;
  if (!definition) return json_null();
  if (bt_examples_find(definition->rule, &examples, NULL)) bt_json_memory_lacks();
  json_t *object = bt_examples_json(&examples);
  bt_examples_dispose(&examples);
  return object;
}

static json_t *comparison_json(const bt_rule_definition *definition, const bt_rule *other) {
  bt_meaning meaning;
  if (!definition) return json_null();
  if (bt_meaning_compare(other, definition->rule, &meaning, NULL)) bt_json_memory_lacks();
  json_t *object = bt_meaning_json(&meaning, "compared_with", "dsl");
  bt_meaning_dispose(&meaning);
  return object;
}

/* What the caller asks for besides. */
typedef struct wishes {
  bool examples;
  bt_rule *other; /* NULL: nothing is compared */
} wishes;

static void answer_valid(bt_call *call, const bt_rule_definition *definition, const bt_diagnostics *diagnostics,
                         bt_str text, const wishes *wanted) {
  json_t *explain = definition ? bt_plan_json(definition->rule) : json_null();
  json_t *hash = definition ? json_string(definition->condition_hash) : json_null();
  json_t *answer = json_pack("{s:b, s:o, s:o, s:o, s:o}", "valid", definition != NULL, "diagnostics",
                             bt_positioned_diagnostics_json(text, diagnostics), "formatted", formatted_json(text),
                             "condition_hash", hash, "explain", explain);
  if (wanted->examples) bt_json_set(answer, "examples", examples_json(definition));
  if (wanted->other) bt_json_set(answer, "comparison", comparison_json(definition, wanted->other));
  bt_call_json(call, 200, answer);
}

static void validate_text(bt_call *call, const char *dsl, const wishes *wanted) {
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  fields.id = strdup("validate-me");
  fields.dsl = strdup(dsl);
  bt_diagnostics_init(&diagnostics);
  bt_status status = fields.id && fields.dsl ? BT_OK : bt_error_no_memory(&error);
  if (status)
    bt_rule_fields_dispose(&fields);
  else
    status = bt_rule_definition_new(&fields, &definition, &diagnostics, &error);
  if (status && !diagnostics.error_count)
    bt_call_error(call, status, &error);
  else
    answer_valid(call, definition, &diagnostics, bt_str_from(dsl), wanted);
  bt_rule_definition_unref(definition);
  bt_diagnostics_dispose(&diagnostics);
}

static void read_other(json_t *body, bt_field_errors *errors, bt_rule **out) {
  const char *text = bt_body_text(body, "compared_with", errors);
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (text && bt_compile_rule(bt_str_from(text), true, out, &diagnostics, NULL))
    bt_field_errors_add(errors, "compared_with", "has to be a valid rule: %.*s",
                        BT_FMT(diagnostics.count ? diagnostics.items[0].message : BT_STR("it cannot be compiled")));
  bt_diagnostics_dispose(&diagnostics);
}

static void read_wishes(json_t *body, bt_field_errors *errors, wishes *out) {
  json_t *examples = bt_body_value(body, "examples");
  if (examples && !json_is_boolean(examples)) bt_field_errors_add(errors, "examples", "has to be true or false");
  out->examples = json_is_true(examples);
  read_other(body, errors, &out->other);
}

void bt_api_rules_validate(void *service, bt_call *call) {
  static const char *const names[] = {"dsl", "examples", "compared_with", NULL};
  wishes wanted = {0};
  (void)service;
  json_t *body = bt_call_body(call, false);
  if (!body) return;
  bt_field_errors errors = {0};
  bt_field_errors_unknown(&errors, body, names);
  const char *dsl = json_string_value(json_object_get(body, "dsl"));
  if (!dsl) bt_field_errors_add(&errors, "dsl", "has to be there: the rule's text, a string");
  read_wishes(body, &errors, &wanted);
  if (!bt_call_refuse_fields(call, &errors) && dsl) validate_text(call, dsl, &wanted);
  bt_rule_free(wanted.other);
  json_decref(body);
}
