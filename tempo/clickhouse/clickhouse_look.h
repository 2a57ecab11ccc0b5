/* For doctor, which asks a ClickHouse about itself: whether it takes the settings that answers depend on, and what its
 * own tables say of the table. Thread: as of any source. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_LOOK_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_LOOK_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

typedef enum bt_clickhouse_refusal {
  BT_CLICKHOUSE_ALLOWED,
  BT_CLICKHOUSE_NO_GRANT, /* this user may not ask that */
  BT_CLICKHOUSE_NO_ROOM,  /* it is more than a limit allows */
  BT_CLICKHOUSE_NO_SUCH_WORD /* this version does not know the statement, or a column in it */,
  BT_CLICKHOUSE_REFUSED
} bt_clickhouse_refusal;

/* One row: a byte and two texts, borrowed. False: enough. */
typedef bool (*bt_clickhouse_said)(void *context, unsigned number, bt_str first, bt_str second);

/* `sql` has {database:String} and {table:String}, and answers a byte and two texts a row; or a byte alone, if it has no
 * FORMAT. as_of_spans: with the settings that go with questions for spans. *why says of BT_REFUSED which it is.
 * BT_UNAVAILABLE, BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_clickhouse_source_ask(bt_source *source, const char *sql, bool as_of_spans, const bt_cancel *cancel,
                                   bt_clickhouse_said said, void *context, bt_clickhouse_refusal *why,
                                   bt_error *error) BT_MUST_CHECK;
/* Errors as of bt_source_check, which asks that first: BT_REFUSED: a setting may hide rows. */
bt_status bt_clickhouse_source_check_settings(bt_source *source, const bt_cancel *cancel,
                                              bt_error *error) BT_MUST_CHECK;

#endif
