/* Problem documents of the API as errors, for who asks it. Thread: no state. */
#ifndef BT_SERVER_JSON_REFUSAL_H
#define BT_SERVER_JSON_REFUSAL_H

#include <jansson.h>

#include "dsl/base/error.h"

/* The error that an answer which is no 2xx means: what its problem document says, with the first of its errors. NULL:
 * it had none. */
bt_status bt_service_refusal(int code, json_t *document, bt_error *error);

#endif
