/* How large traces are, asked in questions that cost Tempo no more than their spans (batch_ids.h says what costs it the
 * square). Thread: the caller's. Internal to tempo/. */
#ifndef BT_TEMPO_API_TRACE_SIZES_H
#define BT_TEMPO_API_TRACE_SIZES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/api/batch_ids.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/source.h"

enum {
  BT_CROWDED_FROM = 64, /* spans of a trace that one filter finds in one fragment: reading it whole by id costs about as
                           much from here on */
  BT_CROWDED_MAX = 500  /* traces */
};

/* BT_UNAVAILABLE, BT_REFUSED: Tempo did not say. BT_LIMIT: it is more than one question may ask for, or more than an
 * answer holds. */

/* How many spans those of `read` from `first` on have, over all their fragments in the range: what is known of each
 * never gets less. Fragments of the same duration, in nanoseconds, are counted once. BT_LIMIT: they are more than one
 * answer holds. BT_UNAVAILABLE, BT_REFUSED: Tempo did not answer. BT_INVALID: a range after January 2038. BT_CANCELLED,
 * BT_NO_MEMORY. */
bt_status bt_tempo_ask_sizes(const bt_tempo_caller *caller, bt_time_range range, bt_read_ids *read, size_t first,
                             size_t count, bt_error *error) BT_MUST_CHECK;

/* The question for crowded traces, under way; of all-zero. All that is given when it is begun must outlive it. */
typedef struct bt_crowds {
  const bt_tempo_caller *caller;
  bt_time_range range;
  bt_str filter;
  bt_buffer query;
  bt_tempo_call call; /* for the first slice */
  bool is_taken;      /* then: */
  bt_status status;
  bt_error why;
  bt_found_list found;
} bt_crowds;

/* `least`: spans. Does not wait. Dispose in every case. BT_NO_MEMORY; BT_INVALID: a range after January 2038. */
bt_status bt_tempo_begin_crowds(bt_crowds *crowds, const bt_tempo_caller *caller, bt_time_range range, bt_str filter,
                                uint32_t least, bt_error *error) BT_MUST_CHECK;
void bt_tempo_dispose_crowds(bt_crowds *crowds);

/* The traces in which the filter finds `least` spans or more in one fragment, with the bounds of all their
 * fragments in which it finds any; sorted. To `rest` the filter that finds what it finds in all others. `ahead`: where
 * that question is under way for this filter and a range that holds this one, or NULL. BT_LIMIT: there are more of them
 * than BT_CROWDED_MAX. BT_REFUSED is none: a store that cannot say has none. Else errors are those of
 * bt_tempo_ask_sizes. */
bt_status bt_tempo_leave_out_crowded(const bt_tempo_caller *caller, bt_time_range range, bt_str filter, uint32_t least,
                                     bt_crowds *ahead, bt_found_list *found, bt_buffer *rest,
                                     bt_error *error) BT_MUST_CHECK;

#endif
