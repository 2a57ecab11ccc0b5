/* SQL over a table with attributes as Map, to the planner (dsl/plan/dialect.h). Thread: no state. Internal to tempo/.
 */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_DIALECT_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_DIALECT_H

#include "dsl/plan/dialect.h"

const bt_dialect *bt_clickhouse_dialect(void);

#endif
