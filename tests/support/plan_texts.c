/* What is made of a rule for a store. See plan_texts.h. */
#include "tests/support/asked.h"
#include "tests/support/plan_texts.h"

#include "dsl/plan/plan.h"
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_dialect.h"

typedef void (*read_writer)(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                            bt_buffer *out);

static void print_reads(const bt_projection *projection, read_writer write, bt_buffer *out) {
  static const bt_trace_id ids[] = {{{0, 0x0a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
                                    {{0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}};
  for (uint32_t group = 0; group < bt_projection_groups(projection); group++) {
    write(ids, 2, projection, group, out);
    bt_buffer_append_char(out, '\n');
  }
}

static void print_searches(const bt_over *over, bt_buffer *out) {
  if (over->kind == BT_OVER_QUERY) {
    bt_traceql_search(asked_text(over->query.asked), (bt_str){0}, out);
    bt_buffer_append_char(out, '\n');
  }
  for (uint32_t i = 0; i < over->item_count; i++) print_searches(over->items[i], out);
}

/* Those that have a wider form. */
static void print_wider(const bt_over *over, bt_buffer *out) {
  bt_buffer wider = {0};
  if (over->kind == BT_OVER_QUERY && bt_traceql_can_widen(over->query.asked)) {
    bt_traceql_write(over->query.asked, true, &wider);
    bt_buffer_printf(out, "%.*s\n", BT_FMT(bt_buffer_str(&wider)));
  }
  bt_buffer_dispose(&wider);
  for (uint32_t i = 0; i < over->item_count; i++) print_wider(over->items[i], out);
}

static void read_columns(const bt_trace_id *ids, size_t count, const bt_projection *projection, uint32_t group,
                         bt_buffer *out) {
  bt_traceql_read(ids, count, projection, group, BT_COLUMNS_OF_STRINGS_AND_INTEGERS, out);
}

bt_status plan_texts_add(plan_texts *texts, const bt_rule *rule, bt_error *error) {
  bt_plan *plan = NULL;
  bt_projection projection;
  bt_projection_init(&projection);
  bt_status status = bt_plan_new(rule, bt_traceql_dialect(), &plan, error);
  if (status == BT_OK) status = bt_projection_add(&projection, rule, error);
  if (status == BT_OK) {
    bt_plan_print(plan, &projection, &texts->items[PLAN_TEXT]);
    print_searches(plan->violating, &texts->items[SEARCH_TEXT]);
    print_wider(plan->violating, &texts->items[WIDER_TEXT]);
    print_reads(&projection, read_columns, &texts->items[READ_TEXT]);
    print_reads(&projection, bt_traceql_read_doubted, &texts->items[DOUBTED_TEXT]);
    if (projection.attribute_count) print_reads(&projection, bt_traceql_read_lists, &texts->items[LISTS_TEXT]);
  }
  bt_plan_free(plan);
  bt_projection_dispose(&projection);
  return status;
}

void plan_texts_dispose(plan_texts *texts) {
  for (int i = 0; i < PLAN_TEXTS; i++) bt_buffer_dispose(&texts->items[i]);
}
