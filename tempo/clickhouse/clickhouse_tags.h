/* Names and values for completion out of the table itself, so that a user needs to read nothing else. A question looks
 * at so many rows and for so long, and then ends with what it has; the list says that it is cut. Thread: the caller's.
 * Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_TAGS_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_TAGS_H

#include "dsl/base/error.h"
#include "tempo/clickhouse/clickhouse_query.h"
#include "tempo/wire/tags.h"

/* BT_UNAVAILABLE: no answer in time, or none that counts. BT_REFUSED: ClickHouse said no. BT_CANCELLED, BT_NO_MEMORY.
 */
bt_status bt_clickhouse_tags(bt_clickhouse *clickhouse, const bt_tag_request *request, bt_tag_list *list,
                             bt_error *error) BT_MUST_CHECK;

#endif
