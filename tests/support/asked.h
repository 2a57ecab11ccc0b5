/* Queries of plans for tests, and their texts. Included by the tests that ask a source, and by sources that tests make.
 */
#ifndef BT_TESTS_SUPPORT_ASKED_H
#define BT_TESTS_SUPPORT_ASKED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/diagnostic.h"
#include "dsl/plan.h"
#include "dsl/rule.h"
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_dialect.h"

enum { ASKED_TEXTS = 4, ASKED_BYTES = 20000, ASKED_RULES = 256 };

/* As Tempo is asked; "" for none, and where there is no memory. It is there until this thread has asked for three
 * others. */
static inline bt_str asked_text(bt_query query) {
  static _Thread_local char texts[ASKED_TEXTS][ASKED_BYTES];
  static _Thread_local size_t next;
  char *text = texts[next++ % ASKED_TEXTS];
  bt_buffer out = {0};
  if (!query.filter) return (bt_str){0};
  bt_traceql_write(query, false, &out);
  if (out.len >= ASKED_BYTES) abort();
  snprintf(text, ASKED_BYTES, "%.*s", out.failed ? 0 : (int)out.len, out.ptr ? out.ptr : "");
  bt_buffer_dispose(&out);
  return bt_str_from(text);
}

static inline bt_query asked_first(const bt_over *over) {
  while (over->item_count) over = over->items[0];
  if (over->kind != BT_OVER_QUERY) abort();
  return over->query.asked;
}

/* The first query that finds what violates a condition of the language. It lives on. */
static inline bt_query asked_rule(const char *condition) {
  static struct {
    char *condition;
    bt_rule *rule;
    bt_plan *plan;
  } made[ASKED_RULES];
  bt_error error = {0};
  bt_diagnostics diagnostics;
  size_t i = 0;
  for (; i < ASKED_RULES && made[i].condition; i++)
    if (strcmp(made[i].condition, condition) == 0) return asked_first(made[i].plan->violating);
  bt_diagnostics_init(&diagnostics);
  if (i == ASKED_RULES || bt_rule_compile(bt_str_from(condition), &made[i].rule, &diagnostics, &error) != BT_OK ||
      bt_plan_new(made[i].rule, bt_traceql_dialect(), &made[i].plan, &error) != BT_OK) {
    bt_str why = diagnostics.count ? diagnostics.items[0].message : bt_str_from(error.message);
    fprintf(stderr, "no plan of %s: %.*s\n", condition, BT_FMT(why));
    abort();
  }
  bt_diagnostics_dispose(&diagnostics);
  made[i].condition = strdup(condition);
  return asked_first(made[i].plan->violating);
}

/* `{ name = "…" }` */
static inline bt_query asked_name(const char *name) {
  char condition[256];
  snprintf(condition, sizeof condition, "trace.has(span.name == \"%s\")", name);
  return asked_rule(condition);
}

#endif
