/* Windows and how they split. See search_window.h.
 *
 * Ids are compared without their leading zeros, as Tempo does. So the first digit of a prefix is never 0, and the part
 * of a prefix P that goes on with 0 also holds the id that is P itself: it would otherwise belong to no part. */
#include "tempo/api/search_window.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/hex.h"
#include "dsl/base/time_sum.h"

bool bt_window_push(bt_window_stack *stack, const bt_window *window) {
  bt_window *items = bt_grow_array(stack->items, stack->count, &stack->capacity, sizeof *items);
  if (!items) return false;
  stack->items = items;
  items[stack->count++] = *window;
  return true;
}

void bt_window_stack_dispose(bt_window_stack *stack) {
  free(stack->items);
  *stack = (bt_window_stack){0};
}

int64_t bt_window_divisible_s(const bt_window_stack *stack, const bt_window *window) {
  bool goes_on = stack->whole_from_s && window->end_s > stack->whole_from_s;
  return (goes_on ? stack->whole_from_s : window->end_s) - window->start_s;
}

static bool push_halves(bt_window_stack *stack, const bt_window *window) {
  int64_t middle_s = window->start_s + bt_window_divisible_s(stack, window) / 2;
  bt_window earlier = *window, later = *window;
  earlier.end_s = later.start_s = middle_s; /* closed ranges: a fragment at the cut is found twice, never not at all */
  return bt_window_push(stack, &later) && bt_window_push(stack, &earlier);
}

static bool push_digits(bt_window_stack *stack, const bt_window *window, size_t length) {
  for (size_t digit = length ? 0 : 1; digit < 16; digit++) {
    bt_window part = *window;
    part.prefix[length] = BT_HEX_DIGITS[digit];
    part.prefix[length + 1] = '\0';
    if (!bt_window_push(stack, &part)) return false;
  }
  return true;
}

bt_window_split bt_window_split_push(bt_window_stack *stack, const bt_window *window) {
  size_t length = strlen(window->prefix);
  int64_t divisible_s = bt_window_divisible_s(stack, window);
  if (length == 0 && divisible_s >= 2 && divisible_s > stack->least_s)
    return push_halves(stack, window) ? BT_WINDOW_SPLIT : BT_WINDOW_NO_MEMORY;
  if (length == BT_WINDOW_PREFIX_MAX) return BT_WINDOW_SMALLEST;
  return push_digits(stack, window, length) ? BT_WINDOW_SPLIT : BT_WINDOW_NO_MEMORY;
}

bt_window bt_window_cut_slice(bt_window *window, int64_t length_s, int64_t longest_s) {
  if (longest_s < 1) longest_s = 1;
  bt_window slice = *window;
  slice.slice_s = 0;
  slice.start_s += (length_s - 1) / longest_s * longest_s;
  window->end_s = slice.start_s;
  window->slice_s = longest_s;
  return slice;
}

/* Length of the prefix without the zeros at its end: from there on each shorter prefix is an id of this window too. */
static size_t stem_length(const char *prefix) {
  size_t length = strlen(prefix);
  while (length && prefix[length - 1] == '0') length--;
  return length;
}

void bt_window_id_regex(const bt_window *window, bt_buffer *out) {
  bt_buffer_clear(out);
  size_t length = strlen(window->prefix);
  if (!length) return;
  for (size_t whole = stem_length(window->prefix); whole < length; whole++)
    bt_buffer_printf(out, "%.*s|", (int)whole, window->prefix);
  bt_buffer_printf(out, "%s.*", window->prefix);
}

bool bt_window_has_id(const bt_window *window, const char *hex) {
  while (*hex == '0') hex++;
  size_t length = strlen(hex), wanted = strlen(window->prefix);
  if (length >= wanted) return strncmp(hex, window->prefix, wanted) == 0;
  return length >= stem_length(window->prefix) && strncmp(hex, window->prefix, length) == 0;
}

static const int64_t second_ns = 1000000000, precision_ns = 2000000000; /* Tempo counts ranges in seconds */

bt_found bt_found_of_row(const bt_search_row *row, int64_t start_s, int64_t end_s) {
  int64_t from_ns = bt_time_subtract(start_s * second_ns, precision_ns);
  int64_t until_ns = bt_time_add(end_s * second_ns, precision_ns);
  bool is_within = row->start_ns <= until_ns && row->end_ns >= from_ns;
  bt_found found = {.id = row->id,
                    .in_doubt = row->in_doubt || !is_within,
                    .entry = row->entry & 0xffffff,
                    .span_count = row->span_count,
                    .shown = row->shown};
  found.start_ns = row->start_ns ? bt_time_earlier(row->start_ns, until_ns) : from_ns;
  found.end_ns = bt_time_later(row->end_ns, from_ns);
  return found;
}
