/* How somebody says that a job is to stop. Thread: set by any, at any time; looked at for every request and every
 * trace. */
#ifndef BT_TEMPO_WIRE_CANCELLATION_H
#define BT_TEMPO_WIRE_CANCELLATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct bt_cancel {
  atomic_bool requested;
} bt_cancel;

/* NULL: nobody can cancel. */
static inline bool bt_is_cancelled(const bt_cancel *cancel) {
  return cancel != NULL && atomic_load(&cancel->requested);
}

#endif
