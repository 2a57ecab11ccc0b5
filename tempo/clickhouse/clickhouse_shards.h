/* Whether what the URL names is one shard's part of a Distributed table, or a view that may leave out rows. Such a part
 * may have some spans of a trace and not the others, so that nothing in it is whole. Thread: as of clickhouse_schema.h.
 * Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SHARDS_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SHARDS_H

#include "dsl/base/error.h"
#include "tempo/clickhouse/clickhouse_query.h"

/* Sets found->lacks, and adds it to the note, where a Distributed table that this user may see lies over the table, on
 * a cluster that is not known to have one shard. What the user may not see is not said. BT_UNAVAILABLE, BT_CANCELLED,
 * BT_NO_MEMORY. */
bt_status bt_clickhouse_find_shards(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                                    bt_error *error) BT_MUST_CHECK;
/* The same for a view that is more than columns of one table: it may leave out rows. */
bt_status bt_clickhouse_find_view(bt_clickhouse *clickhouse, bt_clickhouse_found *found, const bt_cancel *cancel,
                                  bt_error *error) BT_MUST_CHECK;

#endif
