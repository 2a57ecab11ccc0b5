/* See conformance_asking.h. */
#include "tests/tempo/conformance_asking.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/syntax/diagnostic.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace_copy.h"
#include "tests/tempo/conformance_store.h"

static void check_account(bt_source_account *account, bt_status status, const bt_error *error, const char *what) {
  if (status != BT_OK) fail_msg("%s: %s", what, error->message);
  if (account->failed_count) fail_msg("%s: a window failed: %s", what, account->failed[0].reason);
  bt_source_account_dispose(account);
}

bt_found_list ask_search(bt_source *source, bt_query query, bt_time_range range, const char *tenant) {
  bt_search_request request = {.query = query, .range = range, .tenant = tenant, .rule_id = "a rule"};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_search(source, &request, &found, &account, &error);
  check_account(&account, status, &error, "search");
  return found;
}

/* An over-query may be asked in a wider form, where the data do not let it be answered. */
static bt_found_list ask_over(bt_source *source, bt_query query, const char *tenant) {
  bt_search_request request = {.query = query, .range = store_all_time(), .tenant = tenant, .may_widen = true};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_search(source, &request, &found, &account, &error);
  check_account(&account, status, &error, "search");
  return found;
}

bt_found_list ask_under(bt_source *source, bt_query query, const char *tenant) {
  bt_search_request request = {.query = query, .range = store_all_time(), .tenant = tenant};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  if (bt_source_search(source, &request, &found, &account, &error) != BT_OK) fail_msg("search: %s", error.message);
  bt_source_account_dispose(&account);
  return found;
}

bt_found_list ask_links(bt_source *source, const bt_links_request *request) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_find_linking(source, request, &found, &account, &error);
  check_account(&account, status, &error, "links");
  return found;
}

void found_join(bt_found_list *into, bt_found_list *from, bool is_and) {
  size_t kept = 0;
  for (size_t i = 0; is_and && i < into->count; i++)
    if (bt_found_list_get(from, &into->items[i].id)) into->items[kept++] = into->items[i];
  if (is_and) into->count = kept;
  for (size_t i = 0; !is_and && i < from->count; i++) assert_true(bt_found_list_add(into, &from->items[i]));
  bt_found_list_sort(into);
  bt_found_list_dispose(from);
}

bt_found_list ask_formula(bt_source *source, const char *tenant, const bt_over *over) {
  bt_found_list found = {0};
  if (over->kind == BT_OVER_ALL) return ask_search(source, bt_query_all(), store_all_time(), tenant);
  if (over->kind == BT_OVER_QUERY) return ask_over(source, over->query.asked, tenant);
  if (over->kind == BT_OVER_NONE) return found;
  for (uint32_t i = 0; i < over->item_count; i++) {
    bt_found_list one = ask_formula(source, tenant, over->items[i]);
    if (i)
      found_join(&found, &one, over->kind == BT_OVER_AND);
    else
      found = one;
  }
  return found;
}

bt_found_list ask_condition(bt_source *source, const char *tenant, const char *condition) {
  bt_rule *rule = NULL;
  bt_plan *plan = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(condition), &rule, &diagnostics, &error) != BT_OK) fail_msg("no rule: %s", condition);
  assert_int_equal(bt_plan_new(rule, bt_source_dialect(source), &plan, &error), BT_OK);
  bt_found_list found = ask_formula(source, tenant, plan->violating);
  bt_plan_free(plan);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return found;
}

void assert_holds(const bt_found_list *list, const bt_found_list *wanted, const char *what) {
  for (size_t i = 0; i < wanted->count; i++) {
    char hex[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&wanted->items[i].id, hex);
    if (!bt_found_list_get(list, &wanted->items[i].id))
      fail_msg("%s: trace %s is not among %zu", what, hex, list->count);
  }
}

static bt_status copy_trace(void *context, const bt_read_trace *read, bt_error *error) {
  read_copy *copy = context;
  (void)error;
  assert_false(copy->was_given);
  copy->was_given = true;
  copy->needs_by_id = read->needs_by_id;
  copy->is_there = read->trace && !read->needs_by_id;
  if (!copy->is_there) return BT_OK;
  copy->trace = *read->trace;
  copy->room = calloc(1, bt_trace_copy_bytes(read->trace) + 1);
  assert_non_null(copy->room);
  copy->trace.spans = bt_trace_copy_spans(read->trace, copy->room);
  return BT_OK;
}

read_copy ask_trace(bt_source *source, const char *tenant, const bt_trace_id *id, const bt_projection *projection) {
  read_copy copy = {0};
  bt_read_request request = {.ids = id,
                             .count = 1,
                             .range = store_all_time(),
                             .projection = projection,
                             .by_id = !projection,
                             .tenant = tenant,
                             .rule_id = "a rule"};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_read(source, &request, copy_trace, &copy, &account, &error);
  check_account(&account, status, &error, "read");
  assert_true(copy.was_given);
  return copy;
}

void read_copy_dispose(read_copy *copy) {
  free(copy->room);
  *copy = (read_copy){0};
}
