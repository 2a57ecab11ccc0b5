/* A sample of the traces of a range, read whole: for whoever mines what traces have in common. Ids are random, so every
 * n-th by id is a random sample, and the same one each time. Thread: the caller's; the source may use others. Errors:
 * BT_CANCELLED, BT_NO_MEMORY, what the source says, or what the sink returned. */
#ifndef BT_SERVER_QUERY_TRACE_SAMPLE_H
#define BT_SERVER_QUERY_TRACE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/replay/replay.h"
#include "tempo/wire/source.h"

typedef struct bt_trace_sample_account { /* all-zero at first; several reads add up */
  uint64_t listed;                       /* traces that a search named */
  uint64_t chosen, read;                 /* to be read · that were, there or not */
  uint64_t not_given;                    /* chosen, and not there or not given */
  bool is_cut;                           /* there were more than might be listed */
  char unread[240];                      /* why something of the range was not read; "": all was */
  uint64_t requests, bytes_inspected, bytes_received;
} bt_trace_sample_account;

typedef bt_status (*bt_trace_sample_sink)(void *context, const bt_trace *trace, bt_error *error);
/* Of the replay its range, margin, tenant, priority and cancel are used. Lists at most `most_listed` traces, and reads
 * `most_read` of them. `shape`: names, kinds and times of spans alone. The trace is borrowed by the sink while it runs.
 */
typedef struct bt_trace_sample_size {
  size_t most_listed, most_read;
  bool shape;
} bt_trace_sample_size;
bt_status bt_trace_sample_read(bt_source *source, const bt_replay_request *replay, bt_trace_sample_size size,
                               bt_trace_sample_sink sink, void *context, bt_trace_sample_account *account,
                               bt_error *error) BT_MUST_CHECK;

/* The same in two steps, for who reads several samples by turns: choosing without reading, and reading the next ones of
 * those up to number `until`. Each such part is a random sample, too. */
typedef struct bt_trace_choice { /* all-zero is none; bt_trace_choice_dispose */
  bt_trace_id *ids;
  uint32_t *span_counts;
  size_t count, next;
} bt_trace_choice;
bt_status bt_trace_sample_choose(bt_source *source, const bt_replay_request *replay, bt_trace_sample_size size,
                                 bt_trace_choice *choice, bt_trace_sample_account *account,
                                 bt_error *error) BT_MUST_CHECK;
bt_status bt_trace_sample_read_until(bt_source *source, const bt_replay_request *replay, bt_trace_choice *choice,
                                     size_t until, bool shape, bt_trace_sample_sink sink, void *context,
                                     bt_trace_sample_account *account, bt_error *error) BT_MUST_CHECK;
void bt_trace_choice_dispose(bt_trace_choice *choice);

/* Whether a further percent of what was chosen is read. */
bool bt_trace_sample_shows(const bt_trace_sample_account *account);

#endif
