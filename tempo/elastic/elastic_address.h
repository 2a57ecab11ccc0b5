/* Taking an address apart. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_ADDRESS_H
#define BT_TEMPO_ELASTIC_ELASTIC_ADDRESS_H

#include "tempo/elastic/elastic_query.h"
#include "tempo/elastic/elastic_source.h"

/* Sets address, index and credentials. BT_INVALID, BT_NO_MEMORY. */
bt_status bt_elastic_address_take(bt_elastic *elastic, const bt_elastic_options *options,
                                  bt_error *error) BT_MUST_CHECK;

#endif
