/* How somebody says that a job is to stop, and which span the job belongs to. Thread: set by any, at any time; looked
 * at for every request and every trace. The span is set before anybody else sees it. */
#ifndef BT_TEMPO_WIRE_CANCELLATION_H
#define BT_TEMPO_WIRE_CANCELLATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "tempo/wire/trace_context.h"

typedef struct bt_cancel {
  atomic_bool requested;
  bt_trace_context span; /* questions for the job are below it; is_set false: nobody keeps spans */
} bt_cancel;

/* NULL: nobody can cancel. */
static inline bool bt_is_cancelled(const bt_cancel *cancel) {
  return cancel != NULL && atomic_load(&cancel->requested);
}

#endif
