/* The newest time that a Tempo's searches never show. Internal to tempo/. */
#ifndef BT_TEMPO_TEMPO_TAIL_H
#define BT_TEMPO_TEMPO_TAIL_H

#include "tempo/tempo_call.h"

/* In ns. Asks Tempo once, and again when its version was, where there is a cancel flag to end the wait; while it is not known, 30 s are said, and after
 * 10 s it is asked again. */
int64_t bt_tempo_hidden_tail_ns(bt_tempo *tempo, const bt_cancel *cancel);

/* It may be another Tempo by now: what was known stands until it was asked again. */
void bt_tempo_tail_forget(bt_tempo *tempo);

/* From the text of /status/config (YAML). False: it does not say. */
bool bt_tempo_tail_of_config(const char *config, int64_t *out_ns);

/* Likewise: whether ingesters hold copies of each other's spans (ingester.lifecycler.ring.replication_factor of 2.x, above 1). */
bool bt_tempo_replicates_by_config(const char *config);

#endif
