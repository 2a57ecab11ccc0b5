/* One job of a read in batches: some of its ids, asked in parts (a search for each slice of the range, each group of
 * the projection and each kind of question) and put together. All parts are under way at once. Thread: the read's.
 * Internal to tempo/. Errors: BT_CANCELLED, BT_NO_MEMORY; BT_INVALID: a range after January 2038; BT_REFUSED: it takes
 * more parts than allowed. */
#ifndef BT_TEMPO_TRACE_JOB_H
#define BT_TEMPO_TRACE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/api/batch_ids.h"
#include "tempo/api/tempo_call.h"
#include "tempo/api/trace_fetch.h"
#include "tempo/api/trace_merge.h"
#include "tempo/api/traceql.h"
#include "tempo/wire/source.h"

/* What the jobs of one read share. */
typedef struct bt_trace_jobs {
  bt_tempo_read *read;
  bt_read_ids ids;
  bt_buffer spans;        /* of reads of some spans, or of a range: their filter */
  bool read_range;        /* a job asks for the traces of the range between two ids, and passes over the others */
  bool may_hold_lists;    /* the range has blocks of that kind; a job may find that it has none */
  bt_buffer query, regex; /* scratch */
} bt_trace_jobs;

typedef struct bt_job_part bt_job_part;

typedef struct bt_trace_job {
  size_t first, count; /* of the distinct ids */
  bool is_measured;    /* Tempo was asked for their sizes, or cannot say */
  bool reads_range;    /* as all did when it was started */
  bt_found *bounds; /* of reads of some spans only: of each of its traces, what was seen of it; start > end: nothing */
  bt_trace_merge *merge;
  bt_job_part *parts;
  size_t part_count, parts_done;
  size_t attempts;                      /* decodings of the part that is being read */
  int64_t start_s, end_s, slice_s;      /* its range, and how much of it one part asks */
  bool asks_second;                     /* the questions that come of the first answers */
  uint64_t told[BT_TRACEQL_MAX_GROUPS]; /* attributes of which these tell arrays from other values */
} bt_trace_job;

void bt_trace_jobs_dispose(bt_trace_jobs *jobs);
bool bt_trace_jobs_want_some_spans(const bt_trace_jobs *jobs);
/* How many ids one question may name: what fits, and what Tempo has taken so far. */
size_t bt_trace_jobs_ids_named(const bt_trace_jobs *jobs);

/* Asks all of a job whose first, count and is_measured are set and all else is zero. Dispose of it in every case. */
bt_status bt_trace_job_start(bt_trace_jobs *jobs, bt_trace_job *job, bt_error *error) BT_MUST_CHECK;
/* Waits for it. *outcome is BT_TEMPO_ANSWERED when all is in `merge`; else that of the part that gave nothing, which
 * ends the job. */
bt_status bt_trace_job_finish(bt_trace_jobs *jobs, bt_trace_job *job, bt_tempo_outcome *outcome,
                              bt_error *error) BT_MUST_CHECK;
/* That part's call. */
const bt_tempo_call *bt_trace_job_unanswered(const bt_trace_job *job);
void bt_trace_job_dispose(bt_trace_job *job);

#endif
