/* What stands behind an address: the server's version, whether it takes the settings that answers depend on, and
 * whether the table is one that this store can read. Asked before the first question. Thread: any, at once; one asks,
 * and the others wait for it. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SCHEMA_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SCHEMA_H

#include "dsl/base/error.h"
#include "tempo/clickhouse/clickhouse_query.h"

/* Finds it out, unless it is known, and copies it. BT_UNAVAILABLE: the server does not answer. BT_REFUSED: it does not
 * let us in, keeps a setting with which rows may be missing, or the table is another one; the message names what.
 * BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_clickhouse_find_out(bt_clickhouse *clickhouse, const bt_cancel *cancel, bt_clickhouse_found *out,
                                 bt_error *error) BT_MUST_CHECK;
/* The first half of it, and nothing is kept: whether the server lets us in and takes our settings. Errors likewise. */
bt_status bt_clickhouse_check_settings(bt_clickhouse *clickhouse, const bt_cancel *cancel,
                                       bt_error *error) BT_MUST_CHECK;
/* What is known by now; never waits for the server. */
bt_clickhouse_found bt_clickhouse_known(bt_clickhouse *clickhouse);

#endif
