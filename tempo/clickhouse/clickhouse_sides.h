/* Searches with sides (bt_search_request): one statement groups the rows that any side asks for by trace, and says of
 * each trace what is sure of it. So one look at the rows decides, and all of it is of one moment. Nothing is sure of a
 * trace with copies of a span that differ in what is asked, or that reaches out of the range where something was not
 * seen. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SIDES_H
#define BT_TEMPO_CLICKHOUSE_CLICKHOUSE_SIDES_H

#include "tempo/clickhouse/clickhouse_query.h"

/* The table says which traces reach far, and has all of their spans. */
bool bt_clickhouse_has_sides(const bt_clickhouse_found *server);
/* `question`: on whose behalf. BT_REFUSED: not over this table, or the server refuses. Else as bt_search_request has
 * it. */
bt_status bt_clickhouse_find_sides(bt_clickhouse *clickhouse, const bt_clickhouse_found *server,
                                   bt_clickhouse_question question, const bt_search_request *request,
                                   bt_found_list *found, bt_error *error) BT_MUST_CHECK;

#endif
