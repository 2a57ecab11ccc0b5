/* Rules by control. See framework_map.h. */
#include "server/compliance/framework_map.h"

#include <stdlib.h>
#include <string.h>

#include "server/compliance/withdrawal.h"

void bt_framework_map_dispose(bt_framework_map *map) {
  for (size_t i = 0; i < map->rule_count; i++) bt_rule_definition_unref(map->rules[i]);
  for (size_t i = 0; i < map->control_count; i++) free(map->controls[i].rules);
  for (size_t i = 0; i < map->removed_count; i++) {
    bt_rule_definition_unref(map->removed[i].was);
    free(map->removed[i].removed_by);
  }
  free(map->rules);
  free(map->controls);
  free(map->removed);
  *map = (bt_framework_map){0};
}

/* ---- controls ---- */

static bt_mapped_control *add_control(bt_framework_map *map, bt_str id, const char *title) {
  bt_mapped_control *controls =
      bt_grow_array(map->controls, map->control_count, &map->control_capacity, sizeof *controls);
  if (!controls) return NULL;
  map->controls = controls;
  controls[map->control_count] = (bt_mapped_control){.id = id, .title = title};
  return &controls[map->control_count++];
}

static bool add_catalogue(bt_framework_map *map) {
  bool ok = true;
  for (size_t i = 0; ok && map->catalogue && i < map->catalogue->control_count; i++)
    ok = add_control(map, bt_str_from(map->catalogue->controls[i].id), map->catalogue->controls[i].title) != NULL;
  return ok;
}

static bt_mapped_control *control_of(bt_framework_map *map, bt_str id) {
  for (size_t i = 0; i < map->control_count; i++)
    if (bt_control_means(map->catalogue, map->controls[i].id, id)) return &map->controls[i];
  bt_mapped_control *added = add_control(map, id, "");
  size_t parent = bt_catalogue_parent_at(map->catalogue, id);
  if (added && map->catalogue && parent < map->catalogue->control_count)
    added->part_of = map->catalogue->controls[parent].id;
  return added;
}

static bool add_rule_to(bt_mapped_control *control, size_t rule) {
  for (size_t i = 0; i < control->rule_count; i++)
    if (control->rules[i] == rule) return true;
  size_t *rules = bt_grow_array(control->rules, control->rule_count, &control->capacity, sizeof *rules);
  if (!rules) return false;
  control->rules = rules;
  rules[control->rule_count++] = rule;
  return true;
}

/* ---- rules ---- */

static bool is_meant(const bt_framework_map *map, const bt_string_pair *pair) {
  return bt_framework_means(map->name, bt_str_from(pair->key));
}

/* NULL: it does not stand for the framework. */
static const bt_string_pair *first_pair(const bt_framework_map *map, const bt_rule_definition *definition) {
  for (size_t i = 0; i < definition->control_count; i++)
    if (is_meant(map, &definition->controls[i])) return &definition->controls[i];
  return NULL;
}

static bool add_rule(bt_framework_map *map, const bt_rule_definition *definition) {
  bool ok = true;
  if (!first_pair(map, definition)) return true;
  map->rules[map->rule_count++] = bt_rule_definition_ref(definition);
  for (size_t i = 0; ok && i < definition->control_count; i++) {
    if (!is_meant(map, &definition->controls[i])) continue;
    bt_mapped_control *control = control_of(map, bt_str_from(definition->controls[i].value));
    ok = control && add_rule_to(control, map->rule_count - 1);
  }
  return ok;
}

/* Controls stand in the text, which cannot be read, or in annotations, which are not told apart from others without it.
 */
static bool may_stand_for_controls(const bt_rule_definition *definition) {
  const bt_rule_fields *fields = &definition->fields;
  if (definition->is_damaged) return true;
  if (strchr(fields->dsl, '@')) return true;
  for (size_t i = 0; i < fields->annotation_count; i++)
    if (strstr(fields->annotations[i].key, "_control") ||
        strcmp(fields->annotations[i].key, "compliance_framework") == 0)
      return true;
  return false;
}

static bt_status add_rules(bt_framework_map *map, const bt_rule_list *rules, const bt_rule_list *broken,
                           bt_error *error) {
  map->rules = calloc(rules->count + broken->count + 1, sizeof *map->rules);
  bool ok = map->rules != NULL;
  for (size_t i = 0; ok && i < rules->count; i++) ok = add_rule(map, rules->items[i]);
  for (size_t i = 0; ok && i < broken->count; i++) {
    const bt_rule_fields *fields = &broken->items[i]->fields;
    ok = add_rule(map, broken->items[i]);
    if (fields->enabled && may_stand_for_controls(broken->items[i])) map->unknown_count++;
  }
  return ok ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_framework_map_make(bt_rule_store *store, const char *tenant, bt_str framework, bt_framework_map *out,
                                bt_error *error) {
  bt_rule_list rules = {0}, broken = {0};
  const bt_catalogue *catalogue = bt_catalogue_find(framework);
  *out = (bt_framework_map){.catalogue = catalogue, .name = catalogue ? bt_str_from(catalogue->name) : framework};
  bt_status status = add_catalogue(out) ? BT_OK : bt_error_no_memory(error);
  if (!status) status = bt_rule_store_snapshot(store, tenant, &rules, error);
  if (!status) status = bt_rule_store_broken(store, tenant, &broken, error);
  if (!status) status = add_rules(out, &rules, &broken, error);
  bt_rule_list_dispose(&rules);
  bt_rule_list_dispose(&broken);
  if (status) bt_framework_map_dispose(out);
  return status;
}

/* ---- what was taken away ---- */

static bool stands_for(const bt_framework_map *map, const bt_rule_definition *definition, bt_str control) {
  for (size_t i = 0; i < definition->control_count; i++)
    if (is_meant(map, &definition->controls[i]) &&
        bt_control_means(map->catalogue, bt_str_from(definition->controls[i].value), control))
      return true;
  return false;
}

static bool stands_for_now(const bt_framework_map *map, const char *id, bt_str control) {
  for (size_t i = 0; i < map->rule_count; i++)
    if (strcmp(map->rules[i]->fields.id, id) == 0) return stands_for(map, map->rules[i], control);
  return false;
}

static bt_status add_removed(bt_framework_map *map, const bt_rule_definition *was, bt_str control, bool has_decided,
                             const bt_rule_version *next, bt_error *error) {
  bt_removed_rule *removed = bt_grow_array(map->removed, map->removed_count, &map->removed_capacity, sizeof *removed);
  if (!removed) return bt_error_no_memory(error);
  map->removed = removed;
  const char *by = next->definition->updated_by;
  char *copy = by && by[0] ? strdup(by) : NULL;
  if (by && by[0] && !copy) return bt_error_no_memory(error);
  removed[map->removed_count++] = (bt_removed_rule){.was = bt_rule_definition_ref(was),
                                                    .control = control,
                                                    .is_deleted = next->deleted,
                                                    .has_decided = has_decided,
                                                    .removed_at_ns = next->definition->updated_at_ns,
                                                    .removed_by = copy};
  return BT_OK;
}

/* Whether a version before this one, of the same rule, decided over the control inside the range. Who disables a rule
 * first and takes it away then gains nothing. */
static bool has_decided(const bt_framework_map *map, const bt_rule_version *versions, size_t next, bt_str control,
                        int64_t since_ns) {
  const char *id = versions[next].definition->fields.id;
  for (size_t i = next; i > 0 && versions[i].definition->updated_at_ns >= since_ns; i--) {
    const bt_rule_version *before = &versions[i - 1];
    if (strcmp(before->definition->fields.id, id) != 0) break;
    if (!before->deleted && bt_rule_decides(before->definition) && stands_for(map, before->definition, control))
      return true;
  }
  return false;
}

/* Version `next`, which was made inside the range, and the one before it. */
static bt_status compare_versions(bt_framework_map *map, const bt_rule_version *versions, size_t next, int64_t since_ns,
                                  bt_error *error) {
  const bt_rule_version *before = &versions[next - 1], *after = &versions[next];
  const bt_rule_definition *was = before->definition;
  bt_status status = BT_OK;
  for (size_t i = 0; !before->deleted && !status && i < was->control_count; i++) {
    bt_str control = bt_str_from(was->controls[i].value);
    bool is_dropped =
        is_meant(map, &was->controls[i]) && (after->deleted || !stands_for(map, after->definition, control));
    if (is_dropped && !stands_for_now(map, was->fields.id, control))
      status = add_removed(map, was, control, has_decided(map, versions, next, control, since_ns), after, error);
  }
  return status;
}

/* A version that is damaged, or gone, may have stood for a control while it was the latest: up to when the next one was
 * made. */
static bool is_history_damaged(const bt_rule_version *before, const bt_rule_version *next) {
  int64_t expected = before ? before->definition->version + 1 : 1;
  return (before && before->definition->is_damaged) || next->definition->version != expected;
}

bt_status bt_framework_map_add_removed(bt_framework_map *map, bt_rule_store *store, const char *tenant,
                                       int64_t since_ns, bt_error *error) {
  bt_rule_version *versions = NULL;
  size_t count = 0;
  bt_status status = bt_rule_store_changed(store, tenant, since_ns, &versions, &count, error);
  for (size_t i = 0; !status && i < count; i++) {
    const bt_rule_version *next = &versions[i], *before = i ? &versions[i - 1] : NULL;
    if (before && strcmp(before->definition->fields.id, next->definition->fields.id) != 0) before = NULL;
    if (next->definition->is_damaged || next->definition->updated_at_ns < since_ns) continue;
    if (is_history_damaged(before, next)) map->unknown_count++;
    if (before) status = compare_versions(map, versions, i, since_ns, error);
  }
  bt_rule_versions_free(versions, count);
  return status;
}
