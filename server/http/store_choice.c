/* Choosing a store by its name. See store_choice.h. */
#include "server/http/store_choice.h"

#include <string.h>

#include "server/http/body_fields.h"
#include "server/json/json_values.h"

/* ---- whose it is ---- */

/* The next of the tenants in "a|b". False: there is no more. */
static bool next_tenant(bt_str *rest, bt_str *out) {
  if (!rest->ptr) return false;
  const char *bar = rest->len ? memchr(rest->ptr, '|', rest->len) : NULL;
  *out = (bt_str){rest->ptr, bar ? (size_t)(bar - rest->ptr) : rest->len};
  *rest = bar ? (bt_str){bar + 1, rest->len - out->len - 1} : (bt_str){0};
  return true;
}

/* What is given to tenants is open to these alone. */
static bool is_open_to(const bt_service *service, bt_str tenant, const char *store) {
  bool is_given = false;
  for (size_t i = 0; i < service->grant_count; i++) {
    const bt_store_grant *grant = &service->grants[i];
    if (strcmp(grant->store, store) != 0) continue;
    if (bt_str_equal(grant->tenant, tenant)) return true;
    is_given = true;
  }
  return !is_given;
}

/* Several tenants together may ask what each of them may. */
static bool is_open(const bt_service *service, const char *tenants, const char *store) {
  bt_str rest = bt_str_from(tenants), tenant;
  while (next_tenant(&rest, &tenant))
    if (!is_open_to(service, tenant, store)) return false;
  return true;
}

static const char *first_of(const bt_service *service, bt_str tenant) {
  for (size_t i = 0; i < service->grant_count; i++)
    if (bt_str_equal(service->grants[i].tenant, tenant)) return service->grants[i].store;
  return BT_OWN_STORE;
}

/* NULL: they have none, or not the same. */
static const char *store_of_tenants(const bt_service *service, const char *tenants) {
  bt_str rest = bt_str_from(tenants), tenant;
  const char *name = NULL;
  while (next_tenant(&rest, &tenant)) {
    const char *own = first_of(service, tenant);
    if (name && strcmp(name, own) != 0) return NULL;
    name = own;
  }
  return name && is_open(service, tenants, name) ? name : NULL;
}

/* NULL: there is none, or not for this tenant, which is the same to it. */
static bt_source *find_store(const bt_service *service, const char *tenant, const char *name) {
  if (!is_open(service, tenant, name)) return NULL;
  if (strcmp(name, BT_OWN_STORE) == 0) return service->source;
  for (size_t i = 0; i < service->named_count; i++)
    if (strcmp(name, service->named[i].name) == 0) return service->named[i].source;
  return NULL;
}

/* ---- what has to be said, behind the word `store` ---- */

static void write_name(const bt_service *service, const char *tenant, const char *name, bt_buffer *out) {
  if (is_open(service, tenant, name))
    bt_buffer_printf(out, "%s%s", out->ptr && out->ptr[out->len - 1] == ':' ? " " : ", ", name);
}

static void write_names(const bt_service *service, const char *tenant, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("has to be one of the stores of this service:"));
  write_name(service, tenant, BT_OWN_STORE, out);
  for (size_t i = 0; i < service->named_count; i++) write_name(service, tenant, service->named[i].name, out);
  if (!service->named_count) bt_buffer_append(out, BT_STR(" alone (--named-store adds others)"));
}

static void write_unknown(const bt_service *service, const char *tenant, const char *name,
                          const bt_rule_definition *rule, bt_buffer *out) {
  write_names(service, tenant, out);
  if (rule)
    bt_buffer_printf(out, "; the rule \"%s\" says \"%s\"", rule->fields.id, name);
  else
    bt_buffer_printf(out, "; \"%s\" came", name);
}

static void write_several(const bt_service *service, const char *tenant, const bt_rule_definition *const *rules,
                          size_t count, bt_buffer *out) {
  enum { SHOWN = 10 };
  bt_buffer_append(out, BT_STR("has to say which store is meant, or the rules have to be asked apart, because they are "
                               "of several:"));
  for (size_t i = 0; i < count && i < SHOWN; i++) {
    const char *own = bt_store_of_rule(service, tenant, rules[i]);
    bt_buffer_printf(out, "%s %s of %s", i ? "," : "", rules[i]->fields.id, own ? own : "none");
  }
  if (count > SHOWN) bt_buffer_printf(out, ", and %zu more", count - SHOWN);
}

/* ---- choosing ---- */

const char *bt_store_of_rule(const bt_service *service, const char *tenant, const bt_rule_definition *rule) {
  return rule->fields.store ? rule->fields.store : store_of_tenants(service, tenant);
}

static bool is_same(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Of the rules; false: they are of several. */
static bool share_store(const bt_service *service, const char *tenant, const bt_rule_definition *const *rules,
                        size_t count, const char **out) {
  *out = count ? bt_store_of_rule(service, tenant, rules[0]) : store_of_tenants(service, tenant);
  for (size_t i = 1; i < count; i++)
    if (!is_same(*out, bt_store_of_rule(service, tenant, rules[i]))) return false;
  return true;
}

/* NULL: `why` says what has to be said. name: what the request says, or NULL. */
static bt_source *choose_store(const bt_service *service, const char *tenant, const char *name,
                               const bt_rule_definition *const *rules, size_t count, bt_buffer *why) {
  bool is_said = name != NULL;
  if (!is_said && !share_store(service, tenant, rules, count, &name)) {
    write_several(service, tenant, rules, count, why);
    return NULL;
  }
  bt_source *source = name ? find_store(service, tenant, name) : NULL;
  if (!source && name) write_unknown(service, tenant, name, is_said || !count ? NULL : rules[0], why);
  if (!name) {
    write_names(service, tenant, why);
    bt_buffer_append(why, BT_STR("; this tenant has none of its own, or several tenants together have not the same"));
  }
  return source;
}

bt_source *bt_body_store(const bt_service *service, const bt_call *call, json_t *body,
                         const bt_rule_definition *const *rules, size_t count, bt_field_errors *errors) {
  bt_buffer why = {0};
  const char *name = bt_body_text(body, "store", errors);
  bt_source *source = choose_store(service, bt_call_tenant(call), name, rules, count, &why);
  if (!source) bt_field_errors_add(errors, "store", "%s", why.ptr ? why.ptr : "");
  bt_buffer_dispose(&why);
  return source ? source : service->source;
}

const char *bt_rule_elsewhere(const void *context, const char *tenant, const bt_source *source, bool is_said,
                              const bt_rule_definition *rule) {
  if (is_said && !rule->fields.store) return NULL;
  const char *own = bt_store_of_rule(context, tenant, rule);
  return is_same(own, source->store ? source->store : BT_OWN_STORE) ? NULL : own ? own : "none";
}

/* Those of other stores leave the set. */
static void leave_out_others(const bt_service *service, const char *tenant, const char *name, bool is_said,
                             bt_rule_choice *choice) {
  size_t kept = 0;
  for (size_t i = 0; i < choice->count; i++) {
    const bt_rule_definition *rule = choice->items[i];
    const char *own = is_said && !rule->fields.store ? name : bt_store_of_rule(service, tenant, rule);
    if (is_same(own, name)) {
      choice->items[kept++] = rule;
      continue;
    }
    if (!is_said && !choice->elsewhere++)
      snprintf(choice->first_elsewhere, sizeof choice->first_elsewhere, "%s, of store %s", rule->fields.id,
               own ? own : "none");
    bt_rule_definition_unref(rule);
  }
  choice->count = kept;
}

bt_source *bt_question_store(const bt_service *service, const bt_call *call, json_t *body, bt_rule_choice *choice,
                             bt_field_errors *errors) {
  const char *tenant = bt_call_tenant(call), *said = bt_body_text(body, "store", errors), *name = said;
  bool is_set = !bt_body_value(body, "rule_ids") && !bt_body_value(body, "dsl");
  if (is_set && !said && !share_store(service, tenant, choice->items, choice->count, &name))
    name = store_of_tenants(service, tenant);
  if (is_set && name) leave_out_others(service, tenant, name, said != NULL, choice);
  bt_source *source = bt_body_store(service, call, body, choice->items, choice->count, errors);
  if (source != service->source) bt_json_set(body, "store", json_string(source->store));
  return source;
}

bt_source *bt_query_store(const bt_service *service, bt_call *call, const bt_rule_definition *rule) {
  bt_str said = {0};
  char name[BT_STORE_NAME_MAX + 2];
  bt_buffer why = {0};
  bool is_said = bt_call_query(call, "store", &said);
  snprintf(name, sizeof name, "%.*s", (int)(said.len < sizeof name ? said.len : sizeof name - 1), said.ptr);
  bt_source *source = choose_store(service, bt_call_tenant(call), is_said ? name : NULL, &rule, rule != NULL, &why);
  if (!source) bt_call_problem(call, 400, "invalid-parameter", "store %s.", why.ptr ? why.ptr : "");
  bt_buffer_dispose(&why);
  return source;
}

bool bt_rule_names_store(const bt_service *service, const char *tenant, const bt_rule_definition *rule,
                         bt_buffer *why) {
  if (!rule->fields.store || find_store(service, tenant, rule->fields.store)) return true;
  write_unknown(service, tenant, rule->fields.store, rule, why);
  return false;
}

bt_price_table *bt_store_prices(const bt_service *service, const bt_source *source) {
  return source == service->source ? service->prices : NULL;
}
