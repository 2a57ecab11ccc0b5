/* Taking an address apart. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_ADDRESS_H
#define BT_TEMPO_ELASTIC_ELASTIC_ADDRESS_H

#include "tempo/elastic/elastic_query.h"
#include "tempo/elastic/elastic_source.h"

/* Sets what of the source comes from options. BT_INVALID, BT_NO_MEMORY. Dispose in every case. */
bt_status bt_elastic_address_take(bt_elastic *elastic, const bt_elastic_options *options,
                                  bt_error *error) BT_MUST_CHECK;
void bt_elastic_address_dispose(bt_elastic *elastic);

#endif
