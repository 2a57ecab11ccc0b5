/* Where a ClickHouse is, which table is meant, and who we are to it. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_ADDRESS_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_ADDRESS_H

#include "dsl/base/error.h"
#include "tempo/clickhouse/clickhouse_query.h"
#include "tempo/clickhouse/clickhouse_source.h"

/* Sets address, database, table and headers. BT_INVALID: the URL is no such address, or the user or the
 * password cannot be sent; the message holds nothing of them. */
bt_status bt_clickhouse_address_take(bt_clickhouse *clickhouse, const bt_clickhouse_options *options,
                                     bt_error *error) BT_MUST_CHECK;

#endif
