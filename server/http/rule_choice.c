/* Choosing rules. See rule_choice.h. */
#include "server/http/rule_choice.h"

#include <stdlib.h>
#include <string.h>

#include "server/http/body_fields.h"
#include "server/http/rule_body.h"
#include "server/rules/rule_controls.h"

enum { RULES_MAX = 1000 };

typedef struct chooser {
  const bt_service *service;
  bt_call *call;
  json_t *ids, *labels, *dsl; /* NULL where it is not there */
  bool is_question;
  bt_rule_choice *choice;
  bt_field_errors *errors;
} chooser;

void bt_rule_choice_dispose(bt_rule_choice *choice) {
  for (size_t i = 0; i < choice->count; i++) bt_rule_definition_unref(choice->items[i]);
  free(choice->items);
  bt_rule_list_dispose(&choice->broken);
  *choice = (bt_rule_choice){0};
}

static bool no_memory(bt_call *call) {
  bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
  return false;
}

static bool make_room(chooser *c, size_t count) {
  c->choice->items = calloc(count + 1, sizeof *c->choice->items);
  return c->choice->items || no_memory(c->call);
}

static bool is_chosen(const bt_rule_choice *choice, const bt_rule_definition *definition) {
  for (size_t i = 0; i < choice->count; i++)
    if (choice->items[i] == definition) return true;
  return false;
}

/* ---- by id ---- */

/* False: answered. */
static bool choose_id(chooser *c, const char *id) {
  const bt_rule_definition *definition = NULL;
  bt_error error = {0};
  bt_status status = bt_rule_store_get(c->service->store, bt_call_tenant(c->call), id, &definition, &error);
  if (status == BT_NOT_FOUND && c->is_question) {
    bt_call_error(c->call, status, &error);
    return false;
  }
  if (status)
    bt_field_errors_add(c->errors, "rule_ids", "%s", error.message);
  else if (is_chosen(c->choice, definition))
    bt_rule_definition_unref(definition);
  else
    c->choice->items[c->choice->count++] = definition;
  return true;
}

static bool choose_by_id(chooser *c) {
  size_t index;
  json_t *id;
  if (!make_room(c, json_array_size(c->ids))) return false;
  json_array_foreach(c->ids, index, id) {
    const char *text = json_string_value(id);
    if (!text)
      bt_field_errors_add(c->errors, "rule_ids", "has to hold strings only");
    else if (!choose_id(c, text))
      return false;
  }
  return true;
}

/* ---- by label, and all ---- */

static bool has_label(const bt_rule_fields *fields, const char *key, const char *value) {
  for (size_t i = 0; i < fields->label_count; i++)
    if (strcmp(fields->labels[i].key, key) == 0 && value && strcmp(fields->labels[i].value, value) == 0) return true;
  return false;
}

static bool has_labels(const bt_rule_definition *definition, json_t *labels) {
  const char *key;
  json_t *value;
  if (definition->is_damaged) return true; /* it may have had any */
  json_object_foreach(labels, key, value) {
    if (!has_label(&definition->fields, key, json_string_value(value))) return false;
  }
  return definition->fields.enabled;
}

/* Those of the list that have the labels stay in it. */
static void keep_labelled(bt_rule_list *list, json_t *labels) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (has_labels(list->items[i], labels))
      list->items[kept++] = list->items[i];
    else
      bt_rule_definition_unref(list->items[i]);
  }
  list->count = kept;
}

/* Rules that were asked for and cannot be judged: leaving them out would say that they have no violations. */
static void refuse_broken(const chooser *c) {
  for (size_t i = 0; i < c->choice->broken.count; i++)
    bt_field_errors_add(
        c->errors, "labels",
        "the rule \"%s\" has these labels, or may have them, and cannot be replayed: its stored text does "
        "not compile, or is damaged",
        c->choice->broken.items[i]->fields.id);
}

static bool choose_by_label(chooser *c) {
  bt_rule_list list = {0};
  bt_error error = {0};
  const char *tenant = bt_call_tenant(c->call);
  bt_status status = bt_rule_store_snapshot(c->service->store, tenant, &list, &error);
  if (!status) status = bt_rule_store_broken(c->service->store, tenant, &c->choice->broken, &error);
  if (status) {
    bt_rule_list_dispose(&list);
    bt_call_error(c->call, status, &error);
    return false;
  }
  keep_labelled(&list, c->labels);
  keep_labelled(&c->choice->broken, c->labels);
  bool ok = make_room(c, list.count);
  for (size_t i = 0; i < list.count && ok; i++)
    c->choice->items[c->choice->count++] = bt_rule_definition_ref(list.items[i]);
  bt_rule_list_dispose(&list);
  if (ok && !c->is_question) refuse_broken(c);
  if (ok && !c->is_question && !c->choice->count && !c->errors->items)
    bt_field_errors_add(c->errors, "labels", "no enabled rule has all of these labels");
  return ok;
}

static bool choose_adhoc(chooser *c) {
  if (!make_room(c, 1)) return false;
  const bt_rule_definition *adhoc = bt_rule_body_adhoc(c->call, json_string_value(c->dsl));
  if (adhoc) c->choice->items[c->choice->count++] = adhoc;
  return adhoc != NULL;
}

/* ---- which way ---- */

static bool choose_rules(chooser *c, json_t *body) {
  c->ids = bt_body_value(body, "rule_ids");
  c->labels = bt_body_value(body, "labels");
  c->dsl = bt_body_value(body, "dsl");
  int ways = (c->ids != NULL) + (c->labels != NULL) + (c->dsl != NULL);
  if (ways > 1 || (ways == 0 && !c->is_question))
    bt_field_errors_add(c->errors, "rule_ids", "%s one of rule_ids, labels and dsl has to say which rules are meant",
                        c->is_question ? "at most" : "exactly");
  else if (c->ids && (!json_is_array(c->ids) || !json_array_size(c->ids) || json_array_size(c->ids) > RULES_MAX))
    bt_field_errors_add(c->errors, "rule_ids", "has to be an array of 1 to %d rule ids", RULES_MAX);
  else if (c->labels && !json_is_object(c->labels))
    bt_field_errors_add(c->errors, "labels", "has to be an object of strings");
  else if (c->dsl && !json_is_string(c->dsl))
    bt_field_errors_add(c->errors, "dsl", "has to be a string: a rule's text");
  else if (c->ids)
    return choose_by_id(c);
  else if (c->dsl)
    return choose_adhoc(c);
  else
    return choose_by_label(c);
  return true;
}

/* An answer that was given leaves no other for what is wrong with the fields. */
static bool choose_or_answer(chooser *c, json_t *body) {
  if (choose_rules(c, body)) return true;
  bt_field_errors_drop(c->errors);
  return false;
}

bool bt_rule_choice_of_replay(const bt_service *service, bt_call *call, json_t *body, bt_rule_choice *choice,
                              bt_field_errors *errors) {
  chooser c = {.service = service, .call = call, .choice = choice, .errors = errors};
  return choose_or_answer(&c, body);
}

/* ---- filters of questions ---- */

typedef struct rule_filter {
  const char *severity, *framework; /* NULL: any */
} rule_filter;

static bool has_framework(const bt_rule_definition *definition, const char *framework) {
  for (size_t i = 0; i < definition->control_count; i++)
    if (bt_framework_is_same(bt_str_from(definition->controls[i].key), bt_str_from(framework))) return true;
  return false;
}

static bool matches_filter(const bt_rule_definition *definition, const rule_filter *filter) {
  if (definition->is_damaged) return true; /* NOLINT(clang-analyzer-core.NullDereference): lists have no holes */
  bt_str severity = bt_str_from(bt_severity_name(definition->fields.severity));
  if (filter->severity && !bt_str_equal_nocase(severity, bt_str_from(filter->severity))) return false;
  return !filter->framework || has_framework(definition, filter->framework);
}

static size_t keep_matching(const bt_rule_definition **items, size_t count, const rule_filter *filter) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    if (matches_filter(items[i], filter))
      items[kept++] = items[i];
    else
      bt_rule_definition_unref(items[i]);
  }
  return kept;
}

bool bt_rule_choice_of_question(const bt_service *service, bt_call *call, json_t *body, bt_rule_choice *choice,
                                bt_field_errors *errors) {
  chooser c = {.service = service, .call = call, .is_question = true, .choice = choice, .errors = errors};
  rule_filter filter = {bt_body_text(body, "severity", errors), bt_body_text(body, "framework", errors)};
  bt_severity severity;
  if (filter.severity && !bt_severity_parse(bt_str_from(filter.severity), &severity))
    bt_field_errors_add(errors, "severity", "has to be one of info, low, warning, medium, high, error, critical");
  if (!choose_or_answer(&c, body)) return false;
  choice->count = keep_matching(choice->items, choice->count, &filter);
  filter.framework = NULL; /* annotations of a text that does not compile are not known: it may belong to any */
  choice->broken.count = keep_matching(choice->broken.items, choice->broken.count, &filter);
  return true;
}
