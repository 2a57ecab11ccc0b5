/* How OpenSearch and Elasticsearch are asked: filters on fields that an index has, in the query DSL. Thread: constants.
 * Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_DIALECT_H
#define BT_TEMPO_ELASTIC_ELASTIC_DIALECT_H

#include "dsl/plan/dialect.h"

/* What is shown to people has the names of Data Prepper's fields. */
const bt_dialect *bt_elastic_dialect(void);

#endif
