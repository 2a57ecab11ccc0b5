/* POST /v1/rules/validate: what a text means before it is saved. See routes.h. */
#include <string.h>

#include "dsl/compile.h"
#include "server/http/routes.h"
#include "server/json/editor_json.h"
#include "server/json/json_memory.h"
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

static void answer_valid(bt_call *call, const bt_rule_definition *definition, const bt_diagnostics *diagnostics,
                         bt_str text) {
  json_t *explain = definition ? bt_plan_json(definition->rule) : json_null();
  json_t *hash = definition ? json_string(definition->condition_hash) : json_null();
  bt_call_json(call, 200,
               json_pack("{s:b, s:o, s:o, s:o, s:o}", "valid", definition != NULL, "diagnostics",
                         bt_positioned_diagnostics_json(text, diagnostics), "formatted", formatted_json(text),
                         "condition_hash", hash, "explain", explain));
}

static void validate_text(bt_call *call, const char *dsl) {
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
    answer_valid(call, definition, &diagnostics, bt_str_from(dsl));
  bt_rule_definition_unref(definition);
  bt_diagnostics_dispose(&diagnostics);
}

void bt_api_rules_validate(void *service, bt_call *call) {
  static const char *const names[] = {"dsl", NULL};
  (void)service;
  json_t *body = bt_call_body(call, false);
  if (!body) return;
  bt_field_errors errors = {0};
  bt_field_errors_unknown(&errors, body, names);
  const char *dsl = json_string_value(json_object_get(body, "dsl"));
  if (!dsl) bt_field_errors_add(&errors, "dsl", "has to be there: the rule's text, a string");
  if (!bt_call_refuse_fields(call, &errors) && dsl) validate_text(call, dsl);
  json_decref(body);
}
