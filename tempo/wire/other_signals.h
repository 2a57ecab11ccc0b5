/* Logs and metrics in protobuf. Down to their records they have the numbers of TracesData, so only a record tells them
 * from spans. Thread: no state. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_OTHER_SIGNALS_H
#define BT_TEMPO_WIRE_OTHER_SIGNALS_H

#include <stdbool.h>

#include "dsl/base/text.h"

/* Whether the first record of a message is a log or a metric and cannot be a span. A message without records is
 * neither.
 */
bool bt_holds_other_signal(bt_str message);

#endif
