/* The kinds of stores that doctor knows. See store_probes.h. */
#include "server/doctor/store_probes.h"

#include <string.h>

static const bt_store_probes *const known[] = {&bt_tempo_probes, &bt_clickhouse_probes};

const bt_store_probes *bt_store_probes_of(const char *name) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i]->name, name) == 0) return known[i];
  return NULL;
}
