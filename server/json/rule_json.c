/* Rules as JSON. See rule_json.h. */
#include "server/json/rule_json.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"

const char *const bt_rule_json_names[] = {"id",         "name",          "description",
                                          "dsl",        "expression",    "condition",
                                          "severity",   "enabled",       "shadow",
                                          "labels",     "annotations",   "settle",
                                          "margin",     "clock_skew",    "require_complete",
                                          "budget",     "links_sampled", "store",
                                          "watch_all",  "version",       "condition_hash",
                                          "created_at", "updated_at",    "updated_by",
                                          "controls",   "broken",        NULL};

/* ---- out ---- */

/* null: the service's. */
static json_t *switch_json(int value) {
  return value < 0 ? json_null() : json_boolean(value);
}

static json_t *duration_json(int64_t ns) {
  char text[64];
  if (ns < 0) return json_null();
  bt_duration_format(ns, text);
  return json_string(text);
}

static json_t *pairs_json(const bt_string_pair *pairs, size_t count) {
  json_t *object = json_object();
  for (size_t i = 0; i < count && object; i++) bt_json_set(object, pairs[i].key, json_string(pairs[i].value));
  return object;
}

static json_t *time_json(int64_t ns) {
  char text[40];
  if (!ns) return json_null();
  bt_time_format(ns, text);
  return json_string(text);
}

static json_t *controls_json(const bt_rule_definition *definition) {
  json_t *array = json_array();
  for (size_t i = 0; i < definition->control_count && array; i++)
    bt_json_append(array, json_pack("{s:s, s:s}", "framework", definition->controls[i].key, "control",
                                    definition->controls[i].value));
  return array;
}

json_t *bt_rule_definition_json(const bt_rule_definition *definition) {
  const bt_rule_fields *fields = &definition->fields;
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b}", "id", fields->id, "name", fields->name,
                             "description", fields->description ? fields->description : "", "dsl", fields->dsl,
                             "severity", bt_severity_name(fields->severity), "enabled", fields->enabled, "shadow",
                             fields->shadow, "watch_all", fields->watch_all);
  if (!object) return NULL;
  bt_json_set(object, "labels", pairs_json(fields->labels, fields->label_count));
  bt_json_set(object, "annotations", pairs_json(fields->annotations, fields->annotation_count));
  bt_json_set(object, "controls", controls_json(definition));
  bt_json_set(object, "settle", duration_json(fields->settle_ns));
  bt_json_set(object, "margin", duration_json(fields->margin_ns));
  bt_json_set(object, "clock_skew", duration_json(fields->clock_skew_ns));
  bt_json_set(object, "require_complete", switch_json(fields->require_complete));
  bt_json_set(object, "budget", fields->budget < 0 ? json_null() : json_integer(fields->budget));
  bt_json_set(object, "links_sampled", switch_json(fields->links_sampled));
  bt_json_set(object, "store", fields->store ? json_string(fields->store) : json_null());
  bt_json_set(object, "version", json_integer(definition->version));
  bt_json_set(object, "condition_hash", json_string(definition->condition_hash));
  bt_json_set(object, "created_at", time_json(definition->created_at_ns));
  bt_json_set(object, "updated_at", time_json(definition->updated_at_ns));
  bt_json_set(object, "updated_by", definition->updated_by ? json_string(definition->updated_by) : json_null());
  /* Users of the API look here whether a rule is checked at all. */
  bt_json_set(object, "broken", definition->broken ? bt_text_json(bt_str_from(definition->broken)) : json_null());
  return object;
}

/* ---- in ---- */

typedef struct reading {
  json_t *object;
  bt_rule_json_complaint complain;
  void *context;
  bool ok;
} reading;

static void refuse_field(reading *r, const char *field, const char *message) {
  r->ok = false;
  r->complain(r->context, field, message);
}

/* It keeps the rule from being used; that it is no mistake of who sent it, the answer says then. */
static void complain_of_memory(reading *r) {
  refuse_field(r, NULL, "out of memory");
  bt_json_memory_lacks();
}

/* NULL for a field that is not there or null. */
static json_t *field_of(const reading *r, const char *name) {
  json_t *value = json_object_get(r->object, name);
  return json_is_null(value) ? NULL : value;
}

static void keep_copy(reading *r, const char *text, char **out) {
  free(*out);
  *out = strdup(text);
  if (!*out) complain_of_memory(r);
}

static void read_string(reading *r, const char *name, char **out) {
  json_t *value = field_of(r, name);
  if (!value) return;
  if (json_is_string(value))
    keep_copy(r, json_string_value(value), out);
  else
    refuse_field(r, name, "has to be a string");
}

static void read_bool(reading *r, const char *name, bool *out) {
  json_t *value = field_of(r, name);
  if (!value) return;
  if (json_is_boolean(value))
    *out = json_is_true(value);
  else
    refuse_field(r, name, "has to be true or false");
}

static void read_duration(reading *r, const char *name, int64_t *out) {
  json_t *value = field_of(r, name);
  if (!value) return;
  if (!json_is_string(value) || !bt_duration_parse(bt_str_from(json_string_value(value)), out) || *out < 0)
    refuse_field(r, name, "has to be a duration with a unit, as in \"2m\" or \"500ms\"");
}

static void read_steps(reading *r, const char *name, int64_t *out) {
  json_t *value = field_of(r, name);
  if (!value) return;
  *out = json_integer_value(value);
  if (!json_is_integer(value) || *out < 1 || *out > BT_RULE_MAX_BUDGET)
    refuse_field(r, name, "has to be a number of steps from 1 to 1,000,000,000,000");
}

static void read_severity(reading *r, bt_rule_fields *fields) {
  json_t *value = field_of(r, "severity");
  if (!value) return;
  if (!json_is_string(value) || !bt_severity_parse(bt_str_from(json_string_value(value)), &fields->severity))
    refuse_field(r, "severity", "has to be one of info, low, warning, medium, high, error, critical");
  fields->has_severity = true; /* so that another @severity in the text is an error */
}

static void read_pairs(reading *r, const char *name, bt_string_pair **out, size_t *count) {
  json_t *value = field_of(r, name), *item;
  const char *key;
  if (!value) return;
  if (!json_is_object(value)) {
    refuse_field(r, name, "has to be an object of strings, as in {\"team\": \"payments\"}");
    return;
  }
  size_t size = json_object_size(value);
  bt_string_pair *pairs = calloc(size ? size : 1, sizeof *pairs);
  if (!pairs) {
    complain_of_memory(r);
    return;
  }
  *out = pairs;
  json_object_foreach(value, key, item) {
    if (!json_is_string(item)) {
      refuse_field(r, name, "has to hold strings only");
      return;
    }
    bt_string_pair *pair = &pairs[(*count)++];
    keep_copy(r, key, &pair->key);
    keep_copy(r, json_string_value(item), &pair->value);
  }
}

/* The text has three names; only one of them may be used. */
static void read_dsl(reading *r, char **out) {
  static const char *const names[] = {"dsl", "expression", "condition"};
  const char *found = NULL;
  for (size_t i = 0; i < 3; i++) {
    if (!field_of(r, names[i])) continue;
    if (found)
      refuse_field(r, names[i], "says the rule's text a second time; give it once, as \"dsl\"");
    else
      read_string(r, names[i], out);
    found = names[i];
  }
  if (!found) refuse_field(r, "dsl", "has to be there: the rule's text in BeTraceDSL");
}

static void read_switch(reading *r, const char *name, int *out) {
  bool is_on = false;
  read_bool(r, name, &is_on);
  if (field_of(r, name)) *out = is_on;
}

bool bt_rule_fields_from_json(json_t *object, bt_rule_fields *fields, bt_rule_json_complaint complaint, void *context) {
  reading r = {object, complaint, context, true};
  bt_rule_fields_init(fields);
  read_string(&r, "id", &fields->id);
  read_string(&r, "name", &fields->name);
  read_string(&r, "description", &fields->description);
  read_dsl(&r, &fields->dsl);
  read_string(&r, "store", &fields->store);
  read_severity(&r, fields);
  read_bool(&r, "enabled", &fields->enabled);
  read_bool(&r, "shadow", &fields->shadow);
  read_bool(&r, "watch_all", &fields->watch_all);
  read_switch(&r, "require_complete", &fields->require_complete);
  read_switch(&r, "links_sampled", &fields->links_sampled);
  read_duration(&r, "settle", &fields->settle_ns);
  read_duration(&r, "margin", &fields->margin_ns);
  read_duration(&r, "clock_skew", &fields->clock_skew_ns);
  read_steps(&r, "budget", &fields->budget);
  read_pairs(&r, "labels", &fields->labels, &fields->label_count);
  read_pairs(&r, "annotations", &fields->annotations, &fields->annotation_count);
  return r.ok;
}
