/* /v1/rules: rules and their versions. See routes.h. */
#include <stdio.h>
#include <string.h>

#include "server/http/routes.h"
#include "server/http/rule_body.h"
#include "server/http/rule_filter.h"
#include "server/http/service.h"
#include "server/json/json_values.h"
#include "server/json/rule_json.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

static void set_etag(bt_call *call, const bt_rule_definition *definition) {
  char etag[32];
  snprintf(etag, sizeof etag, "\"%lld\"", (long long)definition->version);
  bt_call_header_set(call, "etag", bt_str_from(etag));
}

/* Answers one rule from the text that an earlier answer left with this version: making JSON costs more than all the
 * rest of a read. Takes the reference. */
static void answer_known_rule(bt_call *call, const bt_rule_definition *definition) {
  set_etag(call, definition);
  const char *text = bt_rule_definition_kept_text(definition);
  if (text) {
    bt_call_text(call, 200, "application/json", bt_str_from(text));
  } else {
    bt_call_json(call, 200, bt_rule_definition_json(definition));
    char *copy = call->status == 200 ? strndup(call->answer.ptr, call->answer.len) : NULL;
    if (copy) bt_rule_definition_keep_text(definition, copy);
  }
  bt_rule_definition_unref(definition);
}

/* Answers one rule with its ETag; takes the reference. */
static void answer_rule(bt_call *call, int status, const bt_rule_definition *definition) {
  set_etag(call, definition);
  bt_call_json(call, status, bt_rule_definition_json(definition));
  bt_rule_definition_unref(definition);
}

/* Of calls that change a rule: one that is not known may have meant that they should not. */
static const char *const no_parameter[] = {NULL};

/* Reads If-Match: "3" or *; 0 when any version will do. False: answered 400, or 412 for W/"3": only strong tags match
 * here (RFC 9110, 13.1.1). */
static bool if_match_of(bt_call *call, int64_t *version) {
  bt_str text = call->if_match;
  *version = 0;
  if (text.len == 0 || bt_str_equal(text, BT_STR("*"))) return true;
  bool is_weak = bt_str_starts_with(text, BT_STR("W/"));
  if (is_weak) text = (bt_str){text.ptr + 2, text.len - 2};
  bool valid = text.len >= 3 && text.len < 20 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
  for (size_t i = 1; valid && i + 1 < text.len; i++) {
    valid = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    *version = *version * 10 + (text.ptr[i] - '0');
  }
  valid = valid && *version != 0;
  if (!valid)
    bt_call_problem(call, 400, "invalid-header",
                    "If-Match has to be the ETag of a version, as in \"3\", or *; %.*s came.", BT_FMT(call->if_match));
  else if (is_weak)
    bt_call_problem(call, 412, "version-changed",
                    "A weak ETag never matches; send it as it came, without W/. Nothing was changed.");
  return valid && !is_weak;
}

/* BT_LIMIT: the tenant has as many rules, or versions of them, as it may, or no memory left for its regexes. */
static void answer_write_error(bt_call *call, bt_status status, const bt_error *error) {
  if (status == BT_LIMIT)
    bt_call_problem(call, 413, "limit", "%s", error->message);
  else
    bt_call_error(call, status, error);
}

/* BT_CONFLICT on a write with If-Match is a failed precondition. */
static void answer_store_error(bt_call *call, bt_status status, const bt_error *error) {
  if (status == BT_CONFLICT && call->if_match.len)
    bt_call_problem(call, 412, "version-changed", "%s", error->message);
  else
    answer_write_error(call, status, error);
}

/* ---- list ---- */

void bt_api_rules_list(void *context, bt_call *call) {
  static const char *const names[] = {BT_RULE_FILTER_PARAMETERS, "limit", "cursor", NULL};
  const bt_service *service = context;
  bt_rule_filter filter;
  bt_rule_list list = {0};
  bt_str after = {0};
  size_t limit;
  if (!bt_call_query_allows(call, names) || !bt_call_limit(call, PAGE_DEFAULT, PAGE_MAX, &limit) ||
      !bt_rule_filter_read(call, &filter) || !bt_rule_filter_list(service, call, &filter, &list))
    return;
  bt_call_query(call, "cursor", &after);
  json_t *rules = json_array();
  const char *cursor = NULL;
  for (size_t i = 0; i < list.count && !cursor; i++) {
    /* The list is by id and the cursor is the last id given: it stays right when rules come and go between pages. */
    if (after.len && bt_str_compare(bt_str_from(list.items[i]->fields.id), after) <= 0) continue;
    if (json_array_size(rules) == limit)
      cursor = json_string_value(json_object_get(json_array_get(rules, limit - 1), "id"));
    else
      bt_json_append(rules, bt_rule_definition_json(list.items[i]));
  }
  json_t *next = cursor ? json_string(cursor) : json_null();
  bt_call_json(call, 200, json_pack("{s:o, s:o}", "rules", rules, "cursor", next));
  bt_rule_list_dispose(&list);
}

/* ---- one rule ---- */

void bt_api_rules_create(void *context, bt_call *call) {
  const bt_service *service = context;
  const bt_rule_definition *stored = NULL;
  bt_error error = {0};
  bt_rule_definition *definition = bt_rule_body_read(service, call, NULL);
  if (!definition) return;
  bt_status status =
      bt_rule_store_create(service->store, bt_call_tenant(call), definition, call->user, &stored, &error);
  if (status) {
    answer_write_error(call, status, &error);
    return;
  }
  char location[BT_RULE_ID_MAX + 16];
  snprintf(location, sizeof location, "/v1/rules/%s", stored->fields.id);
  bt_call_header_set(call, "location", bt_str_from(location));
  answer_rule(call, 201, stored);
}

/* NULL: there is no broken rule of this id. */
static const bt_rule_definition *find_broken(const bt_service *service, const char *tenant, const char *id) {
  bt_rule_list broken = {0};
  bt_error error = {0};
  const bt_rule_definition *found = NULL;
  if (bt_rule_store_broken(service->store, tenant, &broken, &error)) return NULL;
  for (size_t i = 0; i < broken.count && !found; i++)
    if (strcmp(broken.items[i]->fields.id, id) == 0) found = bt_rule_definition_ref(broken.items[i]);
  bt_rule_list_dispose(&broken);
  return found;
}

void bt_api_rule_get(void *context, bt_call *call) {
  const bt_service *service = context;
  const bt_rule_definition *definition = NULL;
  bt_error error = {0};
  bt_status status = bt_rule_store_get(service->store, bt_call_tenant(call), bt_call_id(call), &definition, &error);
  if (status == BT_INVALID) definition = find_broken(service, bt_call_tenant(call), bt_call_id(call));
  if (definition)
    answer_known_rule(call, definition);
  else
    bt_call_error(call, status, &error);
}

void bt_api_rule_put(void *context, bt_call *call) {
  const bt_service *service = context;
  const bt_rule_definition *stored = NULL;
  bt_error error = {0};
  int64_t version;
  if (!if_match_of(call, &version)) return;
  bt_rule_definition *definition = bt_rule_body_read(service, call, bt_call_id(call));
  if (!definition) return;
  bt_status status =
      bt_rule_store_update(service->store, bt_call_tenant(call), definition, version, call->user, &stored, &error);
  if (status)
    answer_store_error(call, status, &error);
  else
    answer_rule(call, 200, stored);
}

void bt_api_rule_delete(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  int64_t version;
  if (!bt_call_query_allows(call, no_parameter) || !if_match_of(call, &version)) return;
  bt_status status =
      bt_rule_store_delete(service->store, bt_call_tenant(call), bt_call_id(call), version, call->user, &error);
  if (status)
    answer_store_error(call, status, &error);
  else
    bt_call_no_content(call);
}

static void set_enabled(const bt_service *service, bt_call *call, bool enabled) {
  const bt_rule_definition *stored = NULL;
  bt_error error = {0};
  int64_t version;
  if (!bt_call_query_allows(call, no_parameter) || !if_match_of(call, &version)) return;
  bt_status status = bt_rule_store_set_enabled(service->store, bt_call_tenant(call), bt_call_id(call), enabled, version,
                                               call->user, &stored, &error);
  if (status)
    answer_store_error(call, status, &error);
  else
    answer_rule(call, 200, stored);
}

void bt_api_rule_enable(void *service, bt_call *call) {
  set_enabled(service, call, true);
}

void bt_api_rule_disable(void *service, bt_call *call) {
  set_enabled(service, call, false);
}

void bt_api_rule_versions(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_rule_version *versions = NULL;
  size_t count = 0;
  bt_error error = {0};
  bt_status status =
      bt_rule_store_versions(service->store, bt_call_tenant(call), bt_call_id(call), &versions, &count, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) {
    json_t *rule = bt_rule_definition_json(versions[i].definition);
    if (rule) bt_json_set(rule, "deleted", json_boolean(versions[i].deleted));
    bt_json_append(array, rule);
  }
  bt_rule_versions_free(versions, count);
  bt_call_json(call, 200, json_pack("{s:o}", "versions", array));
}
