/* Ratios measured on Tempo 2.8 and 3.0 (docs/ARCHITECTURE.md); absolute times do not matter. See tempo_costs.h. */
#include "tempo/api/tempo_costs.h"

const bt_source_costs bt_tempo_costs = {.request = 40,
                                        .found = 0.065,
                                        .projected = 0.2,
                                        .by_id = 30,
                                        .found_bytes = 250,
                                        .projected_bytes = 900,
                                        .read_bytes = 6000,
                                        .reads_at_once = 1000,
                                        .projected_at_once = 10000};
