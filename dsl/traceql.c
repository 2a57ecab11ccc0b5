/* Writing TraceQL. See traceql.h. */
#include "dsl/traceql.h"
