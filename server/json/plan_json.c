/* explain. See plan_json.h. */
#include "server/json/plan_json.h"

#include "dsl/dialect.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "tempo/wire/source.h"

static json_t *text_json(bt_str text) {
  return json_stringn(text.ptr ? text.ptr : "", text.len);
}

static json_t *query_json(const bt_plan *plan, bt_query query) {
  bt_buffer out = {0};
  plan->dialect->show(query, &out);
  if (out.failed) bt_json_memory_lacks();
  json_t *text = text_json(bt_buffer_str(&out));
  bt_buffer_dispose(&out);
  return text;
}

/* Every filter of the formula, in order. */
static void collect_searched(const bt_plan *plan, const bt_over *over, json_t *array) {
  if (over->kind == BT_OVER_QUERY) bt_json_append(array, query_json(plan, over->query.asked));
  for (uint32_t i = 0; i < over->item_count; i++) collect_searched(plan, over->items[i], array);
}

static const char *strategy_of(const bt_plan *plan) {
  switch (plan->violating->kind) {
  case BT_OVER_ALL: return "every_trace";
  case BT_OVER_NONE: return "nothing";
  case BT_OVER_QUERY:
  case BT_OVER_AND:
  case BT_OVER_OR: return plan->subtract_count ? "search_and_subtract" : "search";
  }
  return "search";
}

static json_t *outline_json(const bt_plan *plan, const bt_projection *projection) {
  bt_buffer out = {0};
  bt_plan_print(plan, projection, &out);
  if (out.failed) bt_json_memory_lacks();
  json_t *text = out.failed ? json_null() : text_json(bt_buffer_str(&out));
  bt_buffer_dispose(&out);
  return text;
}

static json_t *explain_plan(const bt_plan *plan, const bt_projection *projection) {
  json_t *searched = json_array(), *subtracted = json_array();
  collect_searched(plan, plan->violating, searched);
  for (uint32_t i = 0; i < plan->subtract_count; i++)
    bt_json_append(subtracted, query_json(plan, plan->subtract[i].asked));
  bool is_projected = plan->spans.asked.filter && !plan->dialect->why_no_spans(plan->spans.asked.filter);
  json_t *projected = is_projected ? query_json(plan, plan->spans.asked) : json_null();
  return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "strategy", strategy_of(plan), "searched", searched, "subtracted",
                   subtracted, "projected", projected, "reads", projection->whole_trace ? "by_id" : "batch", "outline",
                   outline_json(plan, projection));
}

json_t *bt_plan_json(const bt_rule *rule) {
  bt_plan *plan = NULL;
  bt_projection projection;
  bt_error error = {0};
  bt_projection_init(&projection);
  bt_status status = bt_plan_new(rule, bt_source_dialect(NULL), &plan, &error);
  if (!status) status = bt_projection_add(&projection, rule, &error);
  if (status == BT_NO_MEMORY) bt_json_memory_lacks();
  json_t *object = status ? json_null() : explain_plan(plan, &projection);
  bt_plan_free(plan);
  bt_projection_dispose(&projection);
  return object;
}
