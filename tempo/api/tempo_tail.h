/* The newest time that a Tempo's searches never show. Internal to tempo/. Thread: any. */
#ifndef BT_TEMPO_API_TEMPO_TAIL_H
#define BT_TEMPO_API_TEMPO_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_late.h"
#include "tempo/wire/cancellation.h"

/* In ns, of the version that was asked for just now. Asks Tempo once, and again when its version was, where there is a
 * cancel flag to end the wait; while it is not known, 30 s are said, and after 10 s it is asked again. */
int64_t bt_tempo_hidden_tail_ns(bt_tempo *tempo, const bt_source_about *about, const bt_cancel *cancel);

/* How it dates what comes late, as its configuration said when the tail was asked for. False: none did, and it is what
 * its version does by default. Asks nobody. */
bool bt_tempo_known_dating(bt_tempo *tempo, bt_tempo_dating *out);

/* It may be another Tempo by now: what was known stands until it was asked again. */
void bt_tempo_tail_forget(bt_tempo *tempo);

/* From the text of /status/config (YAML). False: it does not say. */
bool bt_tempo_tail_of_config(const char *config, int64_t *out_ns);

/* Likewise: how many ingesters hold each span (ingester.lifecycler.ring.replication_factor of 2.x); 1 where it does not
 * say. */
int bt_tempo_copies_by_config(const char *config);

/* Whether ingesters may hold copies of each other's spans, as far as it was set or learned. What is not known is so in
 * versions that have ingesters, or may have: gateways in front of a cluster often let /api through and nothing else. */
bool bt_tempo_may_replicate(bt_tempo *tempo, const bt_source_about *about);

#endif
