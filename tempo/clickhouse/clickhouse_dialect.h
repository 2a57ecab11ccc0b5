/* SQL over the tables, to the planner (dsl/plan/dialect.h). Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_DIALECT_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_DIALECT_H

#include "dsl/plan/dialect.h"
#include "tempo/clickhouse/clickhouse_layout.h"

const bt_dialect *bt_clickhouse_dialect(const bt_clickhouse_layout *layout);

#endif
