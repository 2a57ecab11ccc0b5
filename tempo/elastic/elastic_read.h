/* Reading traces by their ids: all documents of each, whatever their time. Thread: as of any source. Internal to
 * tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_READ_H
#define BT_TEMPO_ELASTIC_ELASTIC_READ_H

#include "tempo/elastic/elastic_query.h"

/* As `read` of bt_source_operations. BT_UNAVAILABLE: some could not be read. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_elastic_read(bt_elastic *elastic, const bt_elastic_found *server, const bt_read_request *request,
                          bt_read_sink sink, void *context, bt_source_account *account, bt_error *error) BT_MUST_CHECK;

#endif
