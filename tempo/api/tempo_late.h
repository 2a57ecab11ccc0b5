/* For how long this Tempo's searches may not show spans that came late. Tempo dates a block by its spans, but where a
 * span is older on arrival than ingestion_time_range_slack, by its arrival. It asks ingesters (3.x: live stores) for
 * the newest time, in ingester_shards windows, and blocks for the older time. A window shows traces that overlap it,
 * out of blocks that overlap it. So Tempo shows a late span only when its block falls to the older time too. And a span
 * that is too old for the newest time is hidden as long as Tempo does not know its block. tests/facts/facts_late.py
 * measures that. Internal to tempo/. Thread: any. */
#ifndef BT_TEMPO_API_TEMPO_LATE_H
#define BT_TEMPO_API_TEMPO_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/promises.h"

/* In ns. */
typedef struct bt_tempo_dating {
  int64_t slack_ns;  /* spans that come later than so much lie in blocks dated by their arrival */
  int64_t cut_ns;    /* until what came lies in a block at all */
  int64_t known_ns;  /* from then on until blocks are asked for it: the block is closed, written and polled */
  int64_t blocks_ns; /* blocks are asked for what is older than this, */
  int64_t newest_ns; /* and ingesters for what is younger than this, as far as they keep it */
  bool is_cut;       /* and for that in several windows */
} bt_tempo_dating;

/* From the text of /status/config (YAML); what it does not say is as Tempo has it by default. False: it is no
 * configuration of a Tempo. */
bool bt_tempo_dating_of_config(const char *config, bt_tempo_dating *out);
/* Where no configuration is shown: the defaults of that version, and of one that was not checked the longest ones. */
bt_tempo_dating bt_tempo_dating_of_version(const bt_source_about *about);

/* What follows for late spans. */
bt_late_promise bt_tempo_late_of(const bt_tempo_dating *dating);

#endif
