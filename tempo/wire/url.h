/* Parts of URLs. Thread: no state. */
#ifndef BT_TEMPO_WIRE_URL_H
#define BT_TEMPO_WIRE_URL_H

#include <stdbool.h>

#include "dsl/base/text.h"

/* Appends the text, percent-encoded but for the unreserved characters of RFC 3986, section 2.3. */
void bt_url_encode(bt_buffer *url, bt_str text);
/* Whether requests can be made of it by adding a path: http or https, a host, and nothing that does not belong there.
 * Credentials would end in logs, a query would eat ours. */
bool bt_url_is_base(const char *url);

#endif
