/* The windows of an exhaustive search: a closed range of whole seconds, and below one second a prefix of the trace id.
 * Splitting loses no id: the parts of a window together find what the window finds. Thread: one. Internal to tempo/. */
#ifndef BT_TEMPO_API_SEARCH_WINDOW_H
#define BT_TEMPO_API_SEARCH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/source.h"

enum { BT_WINDOW_PREFIX_MAX = 4 }; /* 16^4 parts of one second */

typedef struct bt_window {
  int64_t start_s, end_s;                /* closed; at least one second apart, because Tempo refuses equal ones */
  char prefix[BT_WINDOW_PREFIX_MAX + 1]; /* of the id in hex without leading zeros; "": every id */
  bool is_cut;                           /* from a longer one that was expected to be full */
  unsigned refusals;                     /* so often it, and what it was a part of, was refused and halved */
  int64_t slice_s; /* what is left of one that is asked in slices of this; 0: none was cut off yet */
} bt_window;

typedef struct bt_window_stack { /* all-zero is empty */
  bt_window *items;
  size_t count, capacity;
  int64_t least_s;      /* windows that are not longer are not divided by time, but by ids */
  int64_t whole_from_s; /* time is not divided after this: what lies there stays with the second before; 0: it is */
} bt_window_stack;

bool bt_window_push(bt_window_stack *stack, const bt_window *window);
void bt_window_stack_dispose(bt_window_stack *stack);

typedef enum bt_window_split { BT_WINDOW_SPLIT, BT_WINDOW_SMALLEST, BT_WINDOW_NO_MEMORY } bt_window_split;
/* How much of its time may be divided; 0 or less: nothing. */
int64_t bt_window_divisible_s(const bt_window_stack *stack, const bt_window *window);
/* Pushes the parts of a window: its halves, or at one second, and at least_s, the next digit of the ids. */
bt_window_split bt_window_split_push(bt_window_stack *stack, const bt_window *window);
/* Cuts the last slice of at most longest_s off; what is left may be nothing (its end is its start). One at a time: a
 * range may have millions. length_s: as much of the window's time is divided, and the rest goes with the slice. */
bt_window bt_window_cut_slice(bt_window *window, int64_t length_s, int64_t longest_s);

/* The regex on trace:id that finds the ids of this window, anchored by Tempo; out is cleared. Nothing for the empty
 * prefix. */
void bt_window_id_regex(const bt_window *window, bt_buffer *out);
/* Whether an id (32 hex digits) belongs to it. */
bool bt_window_has_id(const bt_window *window, const char *hex);

/* What a row says of its trace, in the answer to a question about [start_s, end_s]. Tempo compares fragments with the
 * range by numbers that do not wrap, so bounds that lie beyond it are not those of what was found: in doubt. */
bt_found bt_found_of_row(const bt_search_row *row, int64_t start_s, int64_t end_s);

#endif
