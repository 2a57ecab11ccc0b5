/* What questions cost a Tempo, for strategies. Thread: a constant. */
#ifndef BT_TEMPO_API_TEMPO_COSTS_H
#define BT_TEMPO_API_TEMPO_COSTS_H

#include "tempo/wire/promises.h"

extern const bt_source_costs bt_tempo_costs;

#endif
