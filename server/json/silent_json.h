/* Rules that fell silent, as `betrace silent --json` shows them. Thread: no state. */
#ifndef BT_SERVER_JSON_SILENT_JSON_H
#define BT_SERVER_JSON_SILENT_JSON_H

#include <jansson.h>

#include "server/query/silent.h"

/* new: {rules, end, steps, requests, …}; NULL: no memory. */
json_t *bt_silent_json(const bt_silent *silent);

#endif
