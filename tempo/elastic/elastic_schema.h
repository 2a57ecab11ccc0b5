/* Which server and which indices stand behind an address, and whether they are such as can be read. Thread: any; who
 * asks while another one asks waits. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_SCHEMA_H
#define BT_TEMPO_ELASTIC_ELASTIC_SCHEMA_H

#include "tempo/elastic/elastic_fields.h"
#include "tempo/elastic/elastic_query.h"
#include "tempo/elastic/elastic_rows.h"

enum { BT_ELASTIC_NEEDED = 8 };

/* How an index is known, and how its documents are read. */
typedef struct bt_elastic_schema {
  const bt_elastic_fields *fields;
  const char *known_by; /* a field that no other schema maps */
  struct {
    const char *path, *type;
  } needed[BT_ELASTIC_NEEDED]; /* what searches and reads rest on */
  bt_elastic_document read;
} bt_elastic_schema;

/* Asks what is not known, or was asked a minute ago: an index may be new since. BT_REFUSED: an index cannot be read,
 * and the message says which, and why. BT_UNAVAILABLE: the server does not say. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_elastic_find_out(bt_elastic *elastic, const bt_cancel *cancel, bt_elastic_found *out,
                              bt_error *error) BT_MUST_CHECK;
/* Never waits. */
bt_elastic_found bt_elastic_known(bt_elastic *elastic);

#endif
