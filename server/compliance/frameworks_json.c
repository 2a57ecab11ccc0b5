/* Frameworks and who stands for them, as JSON. See frameworks_json.h. */
#include "server/compliance/frameworks_json.h"

#include <stdlib.h>

#include "server/compliance/framework_map.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"

static json_t *text_json(bt_str value) {
  return bt_text_json(value);
}

static json_t *rule_json(const bt_framework_map *map, size_t rule) {
  const bt_rule_definition *definition = map->rules[rule];
  json_t *controls = json_array();
  for (size_t i = 0; i < map->control_count; i++)
    for (size_t k = 0; k < map->controls[i].rule_count; k++)
      if (map->controls[i].rules[k] == rule && map->controls[i].id.len)
        bt_json_append(controls, text_json(map->controls[i].id));
  return json_pack("{s:s, s:o, s:o, s:b, s:b, s:b}", "rule_id", definition->fields.id, "name",
                   text_json(bt_str_from(definition->fields.name)), "controls", controls, "enabled",
                   definition->fields.enabled, "shadow", definition->fields.shadow, "broken",
                   definition->broken != NULL);
}

static json_t *framework_json(const bt_framework_map *map) {
  json_int_t with_rules = 0;
  json_t *rules = json_array();
  for (size_t i = 0; i < map->rule_count; i++) bt_json_append(rules, rule_json(map, i));
  for (size_t i = 0; i < map->control_count; i++) with_rules += map->controls[i].rule_count && map->controls[i].id.len;
  const bt_catalogue *catalogue = map->catalogue;
  return json_pack("{s:o, s:o, s:b, s:I, s:I, s:I, s:o}", "name", text_json(map->name), "title",
                   catalogue ? json_string(catalogue->title) : text_json(map->name), "in_catalogue", catalogue != NULL,
                   "controls", (json_int_t)(catalogue ? catalogue->control_count : 0), "controls_with_rules",
                   with_rules, "rules_count", (json_int_t)map->rule_count, "rules", rules);
}

static bt_status add_framework(bt_rule_store *store, const char *tenant, bt_str name, json_t *array, bt_error *error) {
  bt_framework_map map;
  bt_status status = bt_framework_map_make(store, tenant, name, &map, error);
  if (status) return status;
  bt_json_append(array, framework_json(&map));
  bt_framework_map_dispose(&map);
  return BT_OK;
}

/* ---- those that only rules name ---- */

typedef bt_status (*name_visit)(void *context, bt_str name, bt_error *error);

static bt_status each_name(const bt_rule_list *rules, name_visit visit, void *context, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < rules->count; i++)
    for (size_t k = 0; !status && k < rules->items[i]->control_count; k++)
      status = visit(context, bt_str_from(rules->items[i]->controls[k].key), error);
  return status;
}

static bt_status each_named(bt_rule_store *store, const char *tenant, name_visit visit, void *context,
                            bt_error *error) {
  bt_rule_list rules = {0}, broken = {0};
  bt_status status = bt_rule_store_snapshot(store, tenant, &rules, error);
  if (!status) status = bt_rule_store_broken(store, tenant, &broken, error);
  if (!status) status = each_name(&rules, visit, context, error);
  if (!status) status = each_name(&broken, visit, context, error);
  bt_rule_list_dispose(&rules);
  bt_rule_list_dispose(&broken);
  return status;
}

typedef struct listing {
  bt_rule_store *store;
  const char *tenant;
  json_t *array;
} listing;

static bt_status add_new_name(void *context, bt_str name, bt_error *error) {
  listing *l = context;
  if (bt_catalogue_find(name)) return BT_OK;
  for (size_t i = 0; i < json_array_size(l->array); i++) {
    const char *known = json_string_value(json_object_get(json_array_get(l->array, i), "name"));
    if (known && bt_framework_means(bt_str_from(known), name)) return BT_OK;
  }
  return add_framework(l->store, l->tenant, name, l->array, error);
}

bt_status bt_frameworks_json(bt_rule_store *store, const char *tenant, json_t **out, bt_error *error) {
  bool had_failed = bt_json_memory_failed(); /* before, in what the caller builds */
  bt_json_memory_begin();
  listing l = {store, tenant, json_array()};
  bt_status status = l.array ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; !status && i < bt_catalogue_count; i++)
    status = add_framework(store, tenant, bt_str_from(bt_catalogues[i].name), l.array, error);
  if (!status) status = each_named(store, tenant, add_new_name, &l, error);
  *out = status ? NULL : json_pack("{s:O}", "frameworks", l.array);
  json_decref(l.array);
  if (!status && (!*out || bt_json_memory_failed())) status = bt_error_no_memory(error);
  if (had_failed) bt_json_memory_lacks();
  if (!status) return BT_OK;
  json_decref(*out);
  *out = NULL;
  return status;
}

typedef struct search {
  bt_str name;
  bool found;
} search;

static bt_status compare_name(void *context, bt_str name, bt_error *error) {
  search *s = context;
  (void)error;
  s->found = s->found || bt_framework_means(name, s->name);
  return BT_OK;
}

bt_status bt_framework_is_known(bt_rule_store *store, const char *tenant, bt_str name, bool *out, bt_error *error) {
  search s = {name, bt_catalogue_find(name) != NULL};
  bt_status status = s.found ? BT_OK : each_named(store, tenant, compare_name, &s, error);
  *out = s.found;
  return status;
}
