/* What doctor asks a ClickHouse about its operation, as data: statements over its own tables, each of which answers
 * rows of an outcome (bt_fact_outcome as a byte), what is seen, and a finding. Thread: constant. */
#ifndef BT_SERVER_DOCTOR_CLICKHOUSE_FACTS_H
#define BT_SERVER_DOCTOR_CLICKHOUSE_FACTS_H

#include <stdbool.h>

typedef struct bt_clickhouse_fact {
  const char *id, *title, *expected;
  const char *sql;
  const char *none;  /* seen where there is no row: it holds; NULL: then it is not known */
  const char *means; /* where it does not hold */
  bool needs_tables; /* rows are of tables that this user may not see */
  bool is_of_spans;  /* asked as spans are, and no answer is a fault */
} bt_clickhouse_fact;
extern const bt_clickhouse_fact bt_clickhouse_facts[]; /* end with a NULL id */

extern const char bt_clickhouse_sees_tables_sql[]; /* answers a byte: whether this user sees which tables there are */

#endif
