/* How a ClickHouse is reached: CLICKHOUSE_USER, CLICKHOUSE_PASSWORD or the file that CLICKHOUSE_PASSWORD_FILE names,
 * and CLICKHOUSE_CA, a file of authorities. Only source_settings.c opens one. Thread: the main thread, before others
 * start.
 */
#ifndef BT_SERVER_SETTINGS_CLICKHOUSE_SETTINGS_H
#define BT_SERVER_SETTINGS_CLICKHOUSE_SETTINGS_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

/* url: of the table, as bt_clickhouse_options has it; pause_ms: likewise. *out is new. BT_IO, BT_INVALID: the message
 * names the setting and shows nothing of a secret. */
bt_status bt_clickhouse_settings_open(const char *url, int64_t pause_ms, bt_http_client *client, bt_source **out,
                                      bt_error *error) BT_MUST_CHECK;

#endif
