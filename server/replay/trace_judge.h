/* Judges one whole trace. Thread: the replay's. Errors: BT_CANCELLED, BT_NO_MEMORY, or what the observer returned. */
#ifndef BT_SERVER_REPLAY_TRACE_JUDGE_H
#define BT_SERVER_REPLAY_TRACE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/replay/judgement.h"

/* `is_final`: read by id, or from a source whose reads are whole; else it may be queued for by-id. */
bt_status bt_trace_judge_take(bt_judge *judge, size_t known, const bt_trace *trace, bool is_final,
                              bt_error *error) BT_MUST_CHECK;
/* Why the violation of a trace that is not found by id is not confirmed. */
#define BT_SAMPLE_IS_GONE "a batch read it, but by id it is not found: expired, or not there yet"
/* The trace of a sample, read by id: compares with what the batch said and reports. Without a trace, what the batch
 * showed is reported, and `missing` says why a violation is not confirmed. */
bt_status bt_trace_judge_take_sampled(bt_judge *judge, bt_sampled *sampled, const bt_trace *trace, const char *missing,
                                      bt_error *error) BT_MUST_CHECK;
/* The whole trace as a batch gives it, of a plan with one rule, which only traces that link to others can decide: waits
 * for these, or to be read by id where the batch may be wrong. */
bt_status bt_trace_judge_take_shown(bt_judge *judge, size_t known, const bt_trace *trace,
                                    bt_error *error) BT_MUST_CHECK;
/* A trace that waited for those that links tie it to: judges it with them and reports. What was read both ways is
 * judged both ways. NULL: it is not there any more. */
bt_status bt_trace_judge_take_family(bt_judge *judge, const bt_awaiting *of, const bt_family *family,
                                     bt_error *error) BT_MUST_CHECK;
/* It waits to be read by id from now on; once for each trace. */
bt_status bt_trace_judge_queue(bt_judge *judge, size_t known, bt_error *error) BT_MUST_CHECK;

#endif
