/* How this Tempo dates late spans, and what follows. See tempo_late.h. */
#include "tempo/api/tempo_late.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "tempo/api/tempo_settings.h"
#include "tempo/api/tempo_version.h"

static const int64_t SECOND_NS = 1000000000;
/* What is cut is written down before it can be found, and a block when it is closed. */
enum { WRITING_S = 5 };

/* Defaults of 2.8 and 2.10.8 (the longer), and of 3.0.3, in seconds. */
enum {
  SLACK_S = 120,
  POLL_S = 300,
  BLOCKS_AFTER_S = 900,
  SHARDS = 3,
  INGESTERS_UNTIL_S = 1800, /* from here on 2.x */
  INGESTER_KEEPS_S = 900,
  INGESTER_IDLE_S = 10,
  INGESTER_CHECK_S = 10,
  INGESTER_BLOCK_S = 1800,
  STORE_KEEPS_S = 1200, /* from here on 3.x */
  STORE_LIVE_S = 30,
  STORE_CHECK_S = 5,
  STORE_BLOCK_S = 30,
  CYCLE_S = 300
};

#define PATH BT_TEMPO_PATH

static int64_t duration_of(const char *config, const char *const *path, int otherwise_s) {
  const char *text = bt_tempo_setting(config, path);
  int64_t out_ns;
  return text && bt_tempo_read_duration(text, &out_ns) ? out_ns : otherwise_s * SECOND_NS;
}

static long number_of(const char *config, const char *const *path, long otherwise) {
  const char *text = bt_tempo_setting(config, path);
  char *end = NULL;
  long number = text ? strtol(text, &end, 10) : 0;
  return text && end != text ? number : otherwise;
}

/* What is asked of blocks alone is gone from ingesters that keep it for less. */
static int64_t newest_of(int64_t asked_ns, int64_t kept_ns, int64_t blocks_ns) {
  return kept_ns < blocks_ns ? bt_time_earlier(asked_ns, kept_ns) : asked_ns;
}

/* Until the next poll, or, of who reads the index that another made, the one after. */
static int64_t known_of(int64_t block_ns, int64_t poll_ns) {
  return bt_time_add(block_ns, bt_time_add(poll_ns, poll_ns));
}

static int64_t cut_of(int64_t live_ns, int64_t check_ns) {
  return bt_time_add(bt_time_add(live_ns, check_ns), WRITING_S * SECOND_NS);
}

/* ---- 2.x: ingesters ---- */

static void read_ingesters(const char *config, bt_tempo_dating *out) {
  int64_t poll_ns = duration_of(config, PATH("storage", "trace", "blocklist_poll"), POLL_S);
  int64_t idle_ns = duration_of(config, PATH("ingester", "trace_idle_period"), INGESTER_IDLE_S);
  out->slack_ns = duration_of(config, PATH("storage", "trace", "wal", "ingestion_time_range_slack"), SLACK_S);
  out->cut_ns = cut_of(bt_time_add(idle_ns, idle_ns),
                       duration_of(config, PATH("ingester", "flush_check_period"), INGESTER_CHECK_S));
  out->known_ns = known_of(duration_of(config, PATH("ingester", "max_block_duration"), INGESTER_BLOCK_S), poll_ns);
  out->newest_ns =
      newest_of(duration_of(config, PATH("query_frontend", "search", "query_ingesters_until"), INGESTERS_UNTIL_S),
                duration_of(config, PATH("ingester", "complete_block_timeout"), INGESTER_KEEPS_S), out->blocks_ns);
}

/* ---- 3.x: live stores; of a Tempo of one process they write the blocks, too ---- */

static void read_live_stores(const char *config, bt_tempo_dating *out) {
  const char *target = bt_tempo_setting(config, PATH("target"));
  bool is_alone = target && strncmp(target, "all", 3) == 0;
  int64_t poll_ns = duration_of(config, PATH("storage", "trace", "blocklist_poll"), POLL_S);
  int64_t slack_ns = duration_of(config, PATH("live_store", "wal", "ingestion_time_range_slack"), SLACK_S);
  int64_t builder_ns = duration_of(config, PATH("block_builder", "wal", "ingestion_time_range_slack"), SLACK_S);
  int64_t block_ns = is_alone ? duration_of(config, PATH("live_store", "max_block_duration"), STORE_BLOCK_S)
                              : duration_of(config, PATH("block_builder", "consume_cycle_duration"), CYCLE_S);
  out->slack_ns = is_alone ? slack_ns : bt_time_earlier(slack_ns, builder_ns);
  out->cut_ns = cut_of(duration_of(config, PATH("live_store", "max_trace_live"), STORE_LIVE_S),
                       duration_of(config, PATH("live_store", "flush_check_period"), STORE_CHECK_S));
  out->known_ns = known_of(block_ns, poll_ns);
  out->newest_ns = newest_of(
      out->blocks_ns, duration_of(config, PATH("live_store", "complete_block_timeout"), STORE_KEEPS_S), out->blocks_ns);
}

bool bt_tempo_dating_of_config(const char *config, bt_tempo_dating *out) {
  *out = (bt_tempo_dating){0};
  if (!bt_tempo_setting(config, PATH("query_frontend"))) return false;
  out->blocks_ns = duration_of(config, PATH("query_frontend", "search", "query_backend_after"), BLOCKS_AFTER_S);
  out->is_cut = number_of(config, PATH("query_frontend", "search", "ingester_shards"), SHARDS) != 1;
  /* 2.10 shows parts of 3.x too, and does not use them. */
  if (bt_tempo_setting(config, PATH("query_frontend", "search", "query_ingesters_until")))
    read_ingesters(config, out);
  else
    read_live_stores(config, out);
  return true;
}

bt_tempo_dating bt_tempo_dating_of_version(const bt_source_about *about) {
  static const char nothing[] = "";
  bt_tempo_dating out = {.blocks_ns = BLOCKS_AFTER_S * SECOND_NS, .is_cut = true};
  if (about->is_checked && bt_tempo_version_major(about->version) >= 3)
    read_live_stores(nothing, &out);
  else
    read_ingesters(nothing, &out);
  return out;
}

/* ---- what follows ---- */

/* Of a span whose block is dated by it, or, where it is not, begins at its arrival: what is young enough is seen by
 * ingesters, and what came long enough ago by blocks. */
bt_late_promise bt_tempo_late_of(const bt_tempo_dating *d) {
  return (bt_late_promise){
      .in_time = {bt_time_add(d->cut_ns, d->known_ns), d->newest_ns},
      .may_lie_apart = true,
      .apart_from_ns = d->slack_ns,
      .apart_by_ns = d->cut_ns,
      .apart = {bt_time_add(d->cut_ns, bt_time_later(d->known_ns, d->blocks_ns)), d->is_cut ? 0 : d->newest_ns}};
}
