/* Names of rules and of sources. See rule_names.h. */
#include "server/replay/rule_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/plan.h"
#include "server/rules/derived_rule.h"

/* ---- what the source lists ---- */

static bt_status read_list(bt_source *source, bt_tag_request *request, bt_tag_scope scope, bt_tag_list *list,
                           bt_known_names *names, bt_error *error) {
  bt_error why = {0};
  request->scope = scope;
  bt_status status = scope == BT_TAG_ANY ? bt_source_tag_names(source, request, list, &why)
                                         : bt_source_tag_values(source, request, list, &why);
  if (status == BT_OK) return names->has_some = true, BT_OK;
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
    if (error) *error = why;
    return status;
  }
  snprintf(names->problem, sizeof names->problem, "%.190s", why.message);
  return BT_OK;
}

bt_status bt_known_names_read(bt_source *source, const bt_replay_request *asked, bt_known_names *out, bt_error *error) {
  *out = (bt_known_names){0};
  bt_tag_request request = {.range = asked->range,
                            .limit = BT_TAGS_LIMIT_MAX,
                            .timeout_ms = 10000,
                            .tenant = asked->tenant,
                            .cancel = asked->cancel};
  bt_status status = read_list(source, &request, BT_TAG_SPAN_NAME, &out->spans, out, error);
  if (!status) status = read_list(source, &request, BT_TAG_SERVICE_NAME, &out->services, out, error);
  if (!status) status = read_list(source, &request, BT_TAG_ANY, &out->attributes, out, error);
  return status;
}

void bt_known_names_dispose(bt_known_names *names) {
  bt_tag_list_dispose(&names->spans);
  bt_tag_list_dispose(&names->services);
  bt_tag_list_dispose(&names->attributes);
}

static bool list_has(const bt_tag_list *list, bt_str name) {
  for (size_t i = 0; i < list->count; i++)
    if (bt_str_equal(list->items[i].text, name)) return true;
  return false;
}

/* ---- near ones ---- */

static void consider_list(bt_near_names *near, bt_str wanted, const bt_tag_list *list) {
  for (size_t i = 0; i < list->count; i++) (void)bt_near_names_consider(near, wanted, list->items[i].text);
}

bt_near_names bt_known_names_near(const bt_known_names *names, bt_str name, bool is_attribute) {
  bt_near_names near = {.count = 0};
  if (is_attribute) {
    consider_list(&near, name, &names->attributes);
  } else {
    consider_list(&near, name, &names->spans);
    consider_list(&near, name, &names->services);
  }
  return near;
}

/* ---- is it there? ---- */

void bt_name_rule_write(bt_name_kind kind, bt_str name, bt_buffer *out) {
  static const char *const fields[] = {[BT_NAME_SPAN] = "span.name == ", [BT_NAME_SERVICE] = "span.service == "};
  bt_buffer_append(out, BT_STR("trace.has("));
  if (kind == BT_NAME_SPAN_OR_SERVICE) {
    bt_buffer_append(out, BT_STR("span.name == "));
    bt_rule_quote(name, out);
    bt_buffer_append(out, BT_STR(" or span.service == "));
  } else if (kind == BT_NAME_ATTRIBUTE) {
    bt_buffer_append(out, BT_STR("exists("));
  } else {
    bt_buffer_append(out, bt_str_from(fields[kind]));
  }
  bt_rule_quote(name, out);
  bt_buffer_append(out, kind == BT_NAME_ATTRIBUTE ? BT_STR("))") : BT_STR(")"));
}

typedef struct asking {
  bt_source *source;
  const bt_replay_request *request;
  bool is_found, is_incomplete;
} asking;

static bt_status ask_for_names(asking *a, bt_query query, bt_error *error) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_search_request request = {.query = query,
                               .range = a->request->range,
                               .max_found = 1,
                               .tenant = a->request->tenant,
                               .cancel = a->request->cancel,
                               .priority = a->request->priority};
  bt_status status = bt_source_search(a->source, &request, &found, &account, error);
  a->is_found = a->is_found || found.count || status == BT_LIMIT;
  a->is_incomplete = a->is_incomplete || account.failed_count;
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return status == BT_LIMIT ? BT_OK : status;
}

/* An over-query finds at least every trace that is meant: when it finds none, there is none. */
static bt_status ask_over(asking *a, const bt_over *over, bt_error *error) {
  bt_status status = BT_OK;
  if (over->kind == BT_OVER_ALL) a->is_incomplete = true;
  if (over->kind == BT_OVER_QUERY) return ask_for_names(a, over->query.asked, error);
  for (uint32_t i = 0; i < over->item_count && !status && !a->is_found; i++)
    status = ask_over(a, over->items[i], error);
  if (over->kind == BT_OVER_AND && over->item_count > 1 && a->is_found) a->is_incomplete = true;
  return status;
}

static bt_status search_name(asking *a, const bt_used_name *name, bt_error *error) {
  bt_buffer text = {0};
  bt_rule *rule = NULL;
  bt_plan *plan = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_name_rule_write(name->kind, name->name, &text);
  bt_status status = bt_rule_compile(bt_buffer_str(&text), &rule, &diagnostics, error);
  if (!status) status = bt_plan_new(rule, bt_source_dialect(a->source), &plan, error);
  if (!status) status = ask_over(a, plan->violating, error);
  bt_plan_free(plan);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&text);
  return status;
}

/* Of a source that does not search: its lists are of everything it has, unless they were cut. */
static bt_presence look_up(const bt_known_names *known, const bt_used_name *name) {
  const bt_tag_list *lists[2] = {&known->spans, &known->services};
  if (name->kind == BT_NAME_ATTRIBUTE) lists[0] = lists[1] = &known->attributes;
  if (name->kind == BT_NAME_SPAN) lists[1] = &known->spans;
  if (name->kind == BT_NAME_SERVICE) lists[0] = &known->services;
  if (list_has(lists[0], name->name) || list_has(lists[1], name->name)) return BT_NAME_THERE;
  return !known->has_some || known->problem[0] || lists[0]->is_cut || lists[1]->is_cut ? BT_NAME_UNKNOWN
                                                                                       : BT_NAME_ABSENT;
}

bt_status bt_name_presence(bt_source *source, const bt_replay_request *asked, const bt_known_names *known,
                           const bt_used_name *name, bt_presence *out, bt_error *error) {
  if (!bt_source_known(source).filters) return *out = look_up(known, name), BT_OK;
  asking a = {source, asked, false, false};
  bt_error why = {0};
  bt_status status = search_name(&a, name, &why);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
    if (error) *error = why;
    return status;
  }
  *out = a.is_found ? BT_NAME_THERE : status || a.is_incomplete ? BT_NAME_UNKNOWN : BT_NAME_ABSENT;
  return BT_OK;
}
