/* A change in words. See changed_text.h. */
#include "server/query/changed_text.h"

#include <inttypes.h>
#include <string.h>

#include "server/base/shown_text.h"
#include "server/base/time_text.h"
#include "server/query/behaviour_text.h"
#include "server/replay/sampled_text.h"

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

static void write_line(const bt_changed *changed, const bt_change *change, bt_buffer *out) {
  bt_share_bounds bounds = bt_share_interval(change->after, 0.95);
  bt_behaviour_write(changed->traces, change->behaviour, out);
  bt_buffer_printf(out, ": %.3g %% of %" PRIu32 " → %.3g %% of %" PRIu32 " (95 %%: %.3g to %.3g)",
                   100 * bt_share_value(change->before), change->before.all, 100 * bt_share_value(change->after),
                   change->after.all, 100 * bounds.low, 100 * bounds.high);
  if (change->has_time) write_time(change->from_ns, change->until_ns, out);
  write_marks(changed, change, out);
}

/* Takes what others may have written. */
static void append_shown(bt_buffer *text, bt_buffer *out) {
  bt_shown_append(bt_buffer_str(text), out);
  out->failed = out->failed || text->failed;
  bt_buffer_dispose(text);
}

void bt_change_write(const bt_changed *changed, const bt_change *change, bt_buffer *out) {
  bt_buffer line = {0};
  write_line(changed, change, &line);
  append_shown(&line, out);
}

void bt_change_examples_write(const bt_change *change, bt_buffer *out) {
  char before[BT_TRACE_ID_HEX + 1], after[BT_TRACE_ID_HEX + 1];
  size_t more = change->members > 1 ? change->members - 1 : 0;
  bt_trace_id_format(&change->example_before, before);
  bt_trace_id_format(&change->example_after, after);
  bt_buffer_printf(out, "before %s, after %s", before, after);
  if (more) bt_buffer_printf(out, "; with it %zu more behaviour%s changed", more, more == 1 ? "" : "s");
}

/* ---- all of it ---- */

static const char *plural_of(uint64_t count) {
  return count == 1 ? "" : "s";
}

void bt_changed_head_write(const bt_changed *changed, bt_buffer *out) {
  const uint32_t *sizes = changed->changes.sizes;
  bt_buffer_append(out, changed->chosen);
  bt_buffer_printf(out, "baseline %" PRIu32 " traces, candidate %" PRIu32 " traces\n", sizes[BT_MINE_BASELINE],
                   sizes[BT_MINE_CANDIDATE]);
  for (uint32_t m = 0; m < changed->matched_count; m++) {
    const bt_mark *mark = &changed->matched[m];
    bt_buffer text = {0};
    bt_buffer_append(&text, bt_mine_text(changed->traces, mark->value.key));
    bt_buffer_append(&text, BT_STR(" = "));
    bt_mine_value_write(changed->traces, &mark->value, &text);
    bt_buffer_append(out, BT_STR("all of the candidate have "));
    append_shown(&text, out);
    bt_buffer_printf(out, ": so have the %.3g %% of the baseline that are compared\n", 100 * mark->share);
  }
}

static void write_left_out(const bt_changed *changed, bt_buffer *out) {
  const bt_mine_sample *traces = changed->traces;
  const bt_catalog *catalog = &changed->changes.catalog;
  const bt_trace_sample_account *account = &changed->account;
  if (traces->too_large)
    bt_buffer_printf(out, "left out: %" PRIu64 " traces of more than %d spans\n", traces->too_large, BT_MINE_SPANS);
  if (traces->incomplete)
    bt_buffer_printf(out, "left out: %" PRIu64 " traces that lack spans, times or attributes\n", traces->incomplete);
  if (traces->names_beyond)
    bt_buffer_printf(out, "left out: %" PRIu64 " spans, because there are more than %d names\n", traces->names_beyond,
                     BT_MINE_NAMES);
  if (catalog->drifting)
    bt_buffer_printf(out, "left out: %" PRIu64 " attributes whose numbers drift within the baseline\n",
                     catalog->drifting);
  if (catalog->beyond)
    bt_buffer_printf(out, "left out: %" PRIu64 " behaviours, because there are more than %d\n", catalog->beyond,
                     BT_MINE_BEHAVIOURS);
  if (account->not_given) bt_buffer_printf(out, "not read: %" PRIu64 " traces\n", account->not_given);
  if (!account->unread[0]) return;
  bt_buffer_append(out, BT_STR("not read: a part of the range: "));
  bt_shown_append(bt_str_from(account->unread), out);
  bt_buffer_append_char(out, '\n');
}

static void write_sampling(const bt_sampled_traces *range, bt_buffer *out) {
  bt_buffer said = {0};
  if (!bt_sampled_traces_lack(range)) return;
  bt_sampled_say_range(range, &said);
  bt_buffer_printf(out, "sampling: %.*s\n", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

void bt_changed_end_write(const bt_changed *changed, bt_buffer *out) {
  const bt_changes *c = &changed->changes;
  const char *unknown = bt_changed_is_unknown(changed);
  if (unknown)
    bt_buffer_printf(out, "UNKNOWN: %s\n", unknown);
  else if (c->count)
    bt_buffer_printf(out,
                     "%zu behaviour%s as before; the chance that any of these lines is chance is at most %.3g %%\n",
                     c->unchanged, plural_of(c->unchanged), 100 * BT_CHANGE_LEVEL);
  else
    bt_buffer_printf(out,
                     "nothing changed in %zu behaviour%s; %" PRIu32
                     " traces of the candidate that break one which all keep would have been told\n",
                     c->looked_at, plural_of(c->looked_at), c->least_seen);
  write_left_out(changed, out);
  write_sampling(&changed->sampling, out);
}
