/* Reading a rule from a body. See rule_body.h. */
#include "server/http/rule_body.h"

#include <stdlib.h>
#include <string.h>

#include "server/http/store_choice.h"
#include "server/json/editor_json.h"
#include "server/json/json_memory.h"
#include "server/json/rule_json.h"

static void add_field_error(void *context, const char *field, const char *message) {
  bt_field_errors_add(context, field ? field : "body", "%s", message);
}

/* The body's id has to be the path's. */
static void settle_id(bt_rule_fields *fields, const char *path_id, bt_field_errors *errors) {
  if (!path_id) return;
  if (fields->id && strcmp(fields->id, path_id) != 0)
    bt_field_errors_add(errors, "id", "is \"%s\" while the path names \"%s\"; an id cannot be changed", fields->id,
                        path_id);
  if (fields->id || (fields->id = strdup(path_id))) return;
  bt_field_errors_add(errors, "body", "out of memory");
  bt_json_memory_lacks();
}

static void answer_bad_text(bt_call *call, bt_str text, const bt_diagnostics *diagnostics) {
  bt_call_problem_with(call, 422, "rule-invalid", bt_positioned_diagnostics_json(text, diagnostics),
                       "The rule's text has %zu error%s; nothing was changed.", diagnostics->error_count,
                       diagnostics->error_count == 1 ? "" : "s");
}

/* Compiles; takes the fields. */
static bt_rule_definition *compile_rule(bt_call *call, bt_rule_fields *fields) {
  bt_rule_definition *definition = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_str text = bt_str_from(fields->dsl ? fields->dsl : "");      /* kept for the places of what is wrong with it */
  if (text.len > BT_MAX_RULE_BYTES) text.len = BT_MAX_RULE_BYTES; /* behind that nothing is looked at */
  if (!bt_arena_copy(&call->arena, text, &text)) {
    bt_rule_fields_dispose(fields);
    bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
    return NULL;
  }
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_definition_new(fields, &definition, &diagnostics, &error);
  if (status && diagnostics.error_count)
    answer_bad_text(call, text, &diagnostics);
  else if (status == BT_INVALID || status == BT_LIMIT)
    bt_call_problem(call, 400, "invalid-field", "%s", error.message);
  else if (status)
    bt_call_error(call, status, &error);
  bt_diagnostics_dispose(&diagnostics);
  return definition;
}

/* Takes it where it names a store that there is not. */
static bt_rule_definition *check_store(const bt_service *service, bt_call *call, bt_rule_definition *definition) {
  bt_field_errors errors = {0};
  bt_buffer why = {0};
  if (definition && !bt_rule_names_store(service, bt_call_tenant(call), definition, &why))
    bt_field_errors_add(&errors, "store", "%s", why.ptr ? why.ptr : "");
  bt_buffer_dispose(&why);
  if (!bt_call_refuse_fields(call, &errors)) return definition;
  bt_rule_definition_unref(definition);
  return NULL;
}

bt_rule_definition *bt_rule_body_read(const bt_service *service, bt_call *call, const char *path_id) {
  json_t *body = bt_call_body(call, false);
  if (!body) return NULL;
  bt_field_errors errors = {0};
  bt_rule_fields fields;
  bt_field_errors_unknown(&errors, body, bt_rule_json_names);
  bt_rule_fields_from_json(body, &fields, add_field_error, &errors);
  json_decref(body);
  settle_id(&fields, path_id, &errors);
  if (bt_call_refuse_fields(call, &errors)) {
    bt_rule_fields_dispose(&fields);
    return NULL;
  }
  return check_store(service, call, compile_rule(call, &fields));
}

bt_rule_definition *bt_rule_body_adhoc(bt_call *call, const char *dsl) {
  bt_rule_fields fields;
  bt_rule_fields_init(&fields);
  fields.id = strdup("ad-hoc");
  fields.dsl = strdup(dsl);
  if (fields.id && fields.dsl) return compile_rule(call, &fields);
  bt_rule_fields_dispose(&fields);
  bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
  return NULL;
}
