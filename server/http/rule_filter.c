/* Filters of rules: query parameters against definitions. See rule_filter.h. */
#include "server/http/rule_filter.h"

#include <stdlib.h>
#include <string.h>

#include "server/rules/rule_controls.h"

static bool contains_nocase(const char *text, bt_str part) {
  bt_str rest = bt_str_from(text);
  for (; rest.len >= part.len; rest.ptr++, rest.len--) {
    if (bt_str_equal_nocase((bt_str){rest.ptr, part.len}, part)) return true;
    if (!rest.len) break;
  }
  return false;
}

static bool has_label(const bt_rule_fields *fields, const bt_label_filter *wanted) {
  for (size_t i = 0; i < fields->label_count; i++)
    if (bt_str_equal(bt_str_from(fields->labels[i].key), wanted->key) &&
        (wanted->any_value || bt_str_equal(bt_str_from(fields->labels[i].value), wanted->value)))
      return true;
  return false;
}

static bool has_framework(const bt_rule_definition *definition, bt_str framework) {
  for (size_t i = 0; i < definition->control_count; i++)
    if (bt_framework_is_same(bt_str_from(definition->controls[i].key), framework)) return true;
  return false;
}

static bool rule_matches(const bt_rule_filter *filter, const bt_rule_definition *definition) {
  const bt_rule_fields *fields = &definition->fields;
  if (filter->enabled.len && fields->enabled != bt_str_equal(filter->enabled, BT_STR("true"))) return false;
  if (filter->severity.len && !bt_str_equal_nocase(filter->severity, bt_str_from(bt_severity_name(fields->severity))))
    return false;
  if (filter->framework.len && !has_framework(definition, filter->framework)) return false;
  if (filter->q.len && !contains_nocase(fields->id, filter->q) && !contains_nocase(fields->name, filter->q) &&
      !contains_nocase(fields->dsl, filter->q) &&
      !(fields->description && contains_nocase(fields->description, filter->q)))
    return false;
  for (const bt_label_filter *label = filter->labels; label; label = label->next)
    if (!has_label(fields, label)) return false;
  return true;
}

typedef struct label_reader {
  bt_call *call;
  bt_rule_filter *filter;
  bool has_no_key;
} label_reader;

/* "key:value", or "key" for any value. */
static void take_label(void *context, bt_str wanted) {
  label_reader *reader = context;
  const char *colon = wanted.len ? memchr(wanted.ptr, ':', wanted.len) : NULL;
  bt_label_filter *label = bt_arena_alloc(&reader->call->arena, sizeof *label);
  if (!label) {
    reader->call->is_query_cut = true;
    return;
  }
  *label = (bt_label_filter){.key = wanted, .any_value = !colon, .next = reader->filter->labels};
  if (colon) {
    label->key.len = (size_t)(colon - wanted.ptr);
    label->value = (bt_str){colon + 1, wanted.len - label->key.len - 1};
  }
  if (!label->key.len) reader->has_no_key = true;
  reader->filter->labels = label;
}

bool bt_rule_filter_read(bt_call *call, bt_rule_filter *filter) {
  bt_severity severity;
  *filter = (bt_rule_filter){0};
  bt_call_query(call, "enabled", &filter->enabled);
  bt_call_query(call, "severity", &filter->severity);
  bt_call_query(call, "framework", &filter->framework);
  bt_call_query(call, "q", &filter->q);
  label_reader reader = {.call = call, .filter = filter};
  bt_call_query_each(call, "label", take_label, &reader);
  if (!bt_call_query_whole(call)) return false;
  if (filter->enabled.len && !bt_str_equal(filter->enabled, BT_STR("true")) &&
      !bt_str_equal(filter->enabled, BT_STR("false"))) {
    bt_call_problem(call, 400, "invalid-parameter", "enabled has to be true or false; \"%.*s\" came.",
                    BT_FMT(filter->enabled));
    return false;
  }
  if (reader.has_no_key) {
    bt_call_problem(call, 400, "invalid-parameter",
                    "label has to be key:value, or a key alone; one without a key came.");
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

/* Every stored rule by id, also those that are not checked because their text does not compile: who looks has to see
 * them. */
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

bool bt_rule_filter_list(const bt_service *service, bt_call *call, const bt_rule_filter *filter, bt_rule_list *out) {
  bt_error error = {0};
  bt_status status = list_all(service, bt_call_tenant(call), out, &error);
  if (status) {
    bt_call_error(call, status, &error);
    return false;
  }
  size_t kept = 0;
  for (size_t i = 0; i < out->count; i++) {
    if (rule_matches(filter, out->items[i]))
      out->items[kept++] = out->items[i];
    else
      bt_rule_definition_unref(out->items[i]);
  }
  out->count = kept;
  return true;
}
