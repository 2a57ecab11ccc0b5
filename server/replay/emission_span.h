/* A violation as a span to send (api.md, Violation spans). Only emission.c includes this. Thread: no state. */
#ifndef BT_SERVER_REPLAY_EMISSION_SPAN_H
#define BT_SERVER_REPLAY_EMISSION_SPAN_H

#include "server/replay/emission.h"

/* Fills `out`; what it points to is in the arena or borrowed from the other arguments. False: no room in the arena. */
bool bt_emission_span(const bt_emission_options *options, const bt_rule_definition *definition,
                      const bt_violation *violation, int64_t now_ns, bt_arena *arena,
                      bt_export_span *out) BT_MUST_CHECK;

#endif
