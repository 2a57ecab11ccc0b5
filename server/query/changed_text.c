/* A change in words. See changed_text.h. */
#include "server/query/changed_text.h"

#include <inttypes.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/query/behaviour_text.h"

static void write_time(int64_t from_ns, int64_t until_ns, bt_buffer *out) {
  char from[40], until[40];
  bt_time_format(from_ns, from);
  bt_time_format(until_ns, until);
  bt_buffer_printf(out, "; since %.19sZ", until);
  if (memcmp(from, until, 19) != 0) bt_buffer_printf(out, " (not before %.19sZ)", from);
}

static void write_marks(const bt_changed *changed, const bt_change *change, bt_buffer *out) {
  bool are_all = true;
  for (uint32_t m = 0; m < change->mark_count; m++) are_all = are_all && change->marks[m].share >= 1;
  for (uint32_t m = 0; m < change->mark_count; m++) {
    bt_buffer_append(out, m ? BT_STR(", ") : are_all ? BT_STR("; all in ") : BT_STR("; nearly all in "));
    bt_mine_value_write(changed->traces, &change->marks[m].value, out);
  }
}

void bt_change_write(const bt_changed *changed, const bt_change *change, bt_buffer *out) {
  bt_share_bounds bounds = bt_share_interval(change->after, 0.95);
  bt_behaviour_write(changed->traces, change->behaviour, out);
  bt_buffer_printf(out, ": %.3g %% of %" PRIu32 " → %.3g %% of %" PRIu32 " (95 %%: %.3g to %.3g)",
                   100 * bt_share_value(change->before), change->before.all, 100 * bt_share_value(change->after),
                   change->after.all, 100 * bounds.low, 100 * bounds.high);
  if (change->has_time) write_time(change->from_ns, change->until_ns, out);
  write_marks(changed, change, out);
}

void bt_change_examples_write(const bt_change *change, bt_buffer *out) {
  char before[BT_TRACE_ID_HEX + 1], after[BT_TRACE_ID_HEX + 1];
  size_t more = change->members > 1 ? change->members - 1 : 0;
  bt_trace_id_format(&change->example_before, before);
  bt_trace_id_format(&change->example_after, after);
  bt_buffer_printf(out, "before %s, after %s", before, after);
  if (more) bt_buffer_printf(out, "; with it %zu more behaviour%s changed", more, more == 1 ? "" : "s");
}
