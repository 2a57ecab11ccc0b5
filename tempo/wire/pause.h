/* Waiting between attempts, and the clock for it. Thread: any; blocks the caller. */
#ifndef BT_TEMPO_WIRE_PAUSE_H
#define BT_TEMPO_WIRE_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/cancellation.h"

enum { BT_LOOK_AGAIN_MS = 500 }; /* before a trace that was not there is looked for once more */

int64_t bt_monotonic_ms(void);
/* False: cancelled before the time was over (noticed within 100 ms). cancel may be NULL. */
bool bt_pause_ms(const bt_cancel *cancel, int64_t wait_ms);

#endif
