/* TraceQL as Tempo 2.8 to 3.0 reads it, to the planner (dsl/dialect.h). Thread: no state. */
#ifndef BT_TEMPO_API_TRACEQL_DIALECT_H
#define BT_TEMPO_API_TRACEQL_DIALECT_H

#include "dsl/dialect.h"

const bt_dialect *bt_traceql_dialect(void);

#endif
