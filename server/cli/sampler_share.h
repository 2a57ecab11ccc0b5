/* Which share of traces a sampler's policies would keep: read from a source, said in comments, a table and JSON.
 * Thread: the main thread. */
#ifndef BT_SERVER_CLI_SAMPLER_SHARE_H
#define BT_SERVER_CLI_SAMPLER_SHARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/cli/replay_options.h"
#include "server/query/trace_sample.h"
#include "server/replay/kept_traces.h"
#include "server/sampler/kept_share.h"
#include "server/sampler/sampler.h"

typedef struct bt_sampler_share { /* all-zero at first */
  bt_kept_shares counts;
  bt_trace_sample_account account;
  bt_sampling_setting setting;
  bt_sampled_traces sampling; /* how the traces that were read were kept */
  bt_time_range range;
  double keep_percent; /* beside the rules' policies; 0: nothing */
} bt_sampler_share;

enum { BT_SAMPLER_READ = 1000 }; /* traces of a store, unless asked for others; of files all */

/* Reads at most `most` traces of the source that the options name, and of files all. yaml, and errors: as
 * bt_kept_shares_make; BT_INVALID: the sampling that is declared; and those of the source. */
bt_status bt_sampler_share_measure(bt_sampler_share *share, const bt_replay_options *options, size_t most, bt_str yaml,
                                   bt_error *error) BT_MUST_CHECK;
/* Whether anything was read, and nothing of the range is missing. */
bool bt_sampler_share_is_known(const bt_sampler_share *share);
/* "keeps 3.1 % of kept traces (95 %: 2.9 to 3.4 %): 31 of 1000 read, 2026-…Z to 2026-…Z" */
void bt_sampler_share_write(const bt_sampler_share *share, const bt_kept_count *count, bt_buffer *out);
/* Prints lines of a table on stderr. */
void bt_sampler_share_print(const bt_sampler_share *share, const bt_cli_rules *rules);
/* New, for the caller to release; null without traces. NULL: no memory. */
json_t *bt_sampler_share_json(const bt_sampler_share *share, const bt_kept_count *count);
/* What it is about; new, for the caller to release. NULL: no memory. */
json_t *bt_sampler_share_basis_json(const bt_sampler_share *share);
void bt_sampler_share_dispose(bt_sampler_share *share);

#endif
