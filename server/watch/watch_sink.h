/* The sink of the service: violation spans by emission.h, checkpoints by OTLP. Thread: the emitter's; no state. */
#ifndef BT_SERVER_WATCH_SINK_H
#define BT_SERVER_WATCH_SINK_H

#include "server/watch/watch.h"
#include "server/watch/watch_emitter.h"

/* `options` are borrowed for as long as the sink is used. */
bt_watch_sink bt_watch_sink_of(const bt_watch_options *options);

#endif
