/* /v1/rules: rules and their versions. See routes.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/rule_body.h"
#include "server/http/routes.h"
#include "server/report/rule_json.h"
#include "server/service.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

/* Answers one rule with its ETag; takes the reference. */
static void answer_rule(bt_call *call, int status, const bt_rule_definition *definition) {
  char etag[32];
  snprintf(etag, sizeof etag, "\"%lld\"", (long long)definition->version);
  bt_call_header_set(call, "etag", bt_str_from(etag));
  bt_call_json(call, status, bt_rule_definition_json(definition));
  bt_rule_definition_unref(definition);
}

/* Reads If-Match: "3", W/"3" or *; 0 when any version will do. False: answered 400. */
static bool if_match_of(bt_call *call, int64_t *version) {
  bt_str text = call->if_match;
  *version = 0;
  if (text.len == 0 || bt_str_equal(text, BT_STR("*"))) return true;
  if (bt_str_starts_with(text, BT_STR("W/"))) text = (bt_str){text.ptr + 2, text.len - 2};
  bool valid = text.len >= 3 && text.len < 20 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
  for (size_t i = 1; valid && i + 1 < text.len; i++) {
    valid = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    *version = *version * 10 + (text.ptr[i] - '0');
  }
  if (!valid || *version == 0)
    bt_call_problem(call, 400, "invalid-header",
                    "If-Match has to be the ETag of a version, as in \"3\", or *; %.*s came.", BT_FMT(call->if_match));
  return valid && *version != 0;
}

/* BT_CONFLICT on a write with If-Match is a failed precondition. */
static void answer_store_error(bt_call *call, bt_status status, const bt_error *error) {
  if (status == BT_CONFLICT && call->if_match.len)
    bt_call_problem(call, 412, "version-changed", "%s", error->message);
  else
    bt_call_error(call, status, error);
}

/* ---- list ---- */

typedef struct rule_filter {
  bt_str enabled, severity, framework, q, cursor;
  const bt_rule_definition *candidate;
  bool matches;
} rule_filter;

static bool contains_nocase(const char *text, bt_str part) {
  bt_str rest = bt_str_from(text);
  for (; rest.len >= part.len; rest.ptr++, rest.len--) {
    if (bt_str_equal_nocase((bt_str){rest.ptr, part.len}, part)) return true;
    if (!rest.len) break;
  }
  return false;
}

static void match_label(void *context, bt_str wanted) {
  rule_filter *filter = context;
  const bt_rule_fields *fields = &filter->candidate->fields;
  const char *colon = wanted.len ? memchr(wanted.ptr, ':', wanted.len) : NULL;
  bt_str key = colon ? (bt_str){wanted.ptr, (size_t)(colon - wanted.ptr)} : wanted;
  bt_str value = colon ? (bt_str){colon + 1, wanted.len - key.len - 1} : (bt_str){0};
  bool found = false;
  for (size_t i = 0; i < fields->label_count && !found; i++)
    found = bt_str_equal(bt_str_from(fields->labels[i].key), key) &&
            (!colon || bt_str_equal(bt_str_from(fields->labels[i].value), value));
  filter->matches = filter->matches && found;
}

static bool has_framework(const bt_rule_definition *definition, bt_str framework) {
  for (size_t i = 0; i < definition->control_count; i++)
    if (bt_str_equal_nocase(bt_str_from(definition->controls[i].key), framework)) return true;
  return false;
}

static bool rule_matches(bt_call *call, rule_filter *filter, const bt_rule_definition *definition) {
  const bt_rule_fields *fields = &definition->fields;
  filter->candidate = definition;
  filter->matches = true;
  if (filter->enabled.len && fields->enabled != bt_str_equal(filter->enabled, BT_STR("true"))) return false;
  if (filter->severity.len && !bt_str_equal_nocase(filter->severity, bt_str_from(bt_severity_name(fields->severity))))
    return false;
  if (filter->framework.len && !has_framework(definition, filter->framework)) return false;
  if (filter->q.len && !contains_nocase(fields->id, filter->q) && !contains_nocase(fields->name, filter->q) &&
      !contains_nocase(fields->dsl, filter->q) &&
      !(fields->description && contains_nocase(fields->description, filter->q)))
    return false;
  bt_call_query_each(call, "label", match_label, filter);
  return filter->matches;
}

static bool read_filter(bt_call *call, rule_filter *filter, size_t *limit) {
  static const char *const names[] = {"enabled", "severity", "label", "framework", "q", "limit", "cursor", NULL};
  bt_severity severity;
  if (!bt_call_query_allows(call, names) || !bt_call_limit(call, PAGE_DEFAULT, PAGE_MAX, limit)) return false;
  bt_call_query(call, "enabled", &filter->enabled);
  bt_call_query(call, "severity", &filter->severity);
  bt_call_query(call, "framework", &filter->framework);
  bt_call_query(call, "q", &filter->q);
  bt_call_query(call, "cursor", &filter->cursor);
  if (filter->enabled.len && !bt_str_equal(filter->enabled, BT_STR("true")) &&
      !bt_str_equal(filter->enabled, BT_STR("false"))) {
    bt_call_problem(call, 400, "invalid-parameter", "enabled has to be true or false; \"%.*s\" came.",
                    BT_FMT(filter->enabled));
    return false;
  }
  if (filter->severity.len && !bt_severity_parse(filter->severity, &severity)) {
    bt_call_problem(call, 400, "invalid-parameter",
                    "severity has to be one of info, low, warning, medium, high, error, critical; \"%.*s\" came.",
                    BT_FMT(filter->severity));
    return false;
  }
  return true;
}

static int compare_ids(const void *a, const void *b) {
  const bt_rule_definition *left = *(const bt_rule_definition *const *)a,
                           *right = *(const bt_rule_definition *const *)b;
  return strcmp(left->fields.id, right->fields.id);
}

/* Every stored rule by id, also those that are not checked because their text does not compile: who looks has to see them. */
static bt_status list_all(const bt_service *service, const char *tenant, bt_rule_list *out, bt_error *error) {
  bt_rule_list broken = {0};
  bt_status status = bt_rule_store_snapshot(service->store, tenant, out, error);
  if (!status) status = bt_rule_store_broken(service->store, tenant, &broken, error);
  if (!status && broken.count) {
    const bt_rule_definition **items = bt_realloc_array(out->items, out->count + broken.count, sizeof *items);
    if (items) {
      out->items = items;
      for (size_t i = 0; i < broken.count; i++) items[out->count++] = bt_rule_definition_ref(broken.items[i]);
      qsort(items, out->count, sizeof *items, compare_ids);
    } else {
      status = bt_error_no_memory(error);
    }
  }
  bt_rule_list_dispose(&broken);
  if (status) bt_rule_list_dispose(out);
  return status;
}

void bt_api_rules_list(void *context, bt_call *call) {
  const bt_service *service = context;
  rule_filter filter = {0};
  bt_rule_list list = {0};
  bt_error error = {0};
  size_t limit;
  if (!read_filter(call, &filter, &limit)) return;
  bt_status status = list_all(service, bt_call_tenant(call), &list, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  json_t *rules = json_array();
  const char *cursor = NULL;
  for (size_t i = 0; i < list.count && !cursor; i++) {
    const char *id = list.items[i]->fields.id;
    /* The list is by id and the cursor is the last id given: it stays right when rules come and go between pages. */
    if (filter.cursor.len && bt_str_compare(bt_str_from(id), filter.cursor) <= 0) continue;
    if (!rule_matches(call, &filter, list.items[i])) continue;
    if (json_array_size(rules) == limit)
      cursor = json_string_value(json_object_get(json_array_get(rules, limit - 1), "id"));
    else
      json_array_append_new(rules, bt_rule_definition_json(list.items[i]));
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
  bt_rule_definition *definition = bt_rule_body_read(call, NULL);
  if (!definition) return;
  bt_status status =
      bt_rule_store_create(service->store, bt_call_tenant(call), definition, call->user, &stored, &error);
  if (status) {
    bt_call_error(call, status, &error);
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
    answer_rule(call, 200, definition);
  else
    bt_call_error(call, status, &error);
}

void bt_api_rule_put(void *context, bt_call *call) {
  const bt_service *service = context;
  const bt_rule_definition *stored = NULL;
  bt_error error = {0};
  int64_t version;
  if (!if_match_of(call, &version)) return;
  bt_rule_definition *definition = bt_rule_body_read(call, bt_call_id(call));
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
  if (!if_match_of(call, &version)) return;
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
  if (!if_match_of(call, &version)) return;
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
    if (rule) json_object_set_new(rule, "deleted", json_boolean(versions[i].deleted));
    json_array_append_new(array, rule);
  }
  bt_rule_versions_free(versions, count);
  bt_call_json(call, 200, json_pack("{s:o}", "versions", array));
}
