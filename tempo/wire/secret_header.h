/* Lines of a request's head that hold secrets: no error, log or account may show them. Thread: no state. Internal to
 * tempo/. */
#ifndef BT_TEMPO_WIRE_SECRET_HEADER_H
#define BT_TEMPO_WIRE_SECRET_HEADER_H

#include <stdbool.h>

#include "dsl/base/error.h"

/* Controls would end the header. */
bool bt_header_has_controls(const char *text);
/* `begin`, as "X-Name: ", and the value: new. BT_NO_MEMORY alone. */
bt_status bt_header_make(const char *begin, const char *value, char **out, bt_error *error) BT_MUST_CHECK;
/* "Authorization: Basic …", new. BT_NO_MEMORY alone. */
bt_status bt_header_basic(const char *user, const char *password, char **out, bt_error *error) BT_MUST_CHECK;
void bt_header_free(char *header); /* overwrites and frees it; NULL is fine */

#endif
