/* Drawing what changed. See changed_drawing.h. */
#include "server/cli/lab/changed_drawing.h"

#include "server/cli/judge.h"
#include "server/cli/trace_drawing.h"

enum { MOST_LINES = 16 };

typedef struct drawn_pair {
  bt_trace_id ids[2];
  bt_buffer texts[2];
} drawn_pair;

static bt_status draw_read(void *context, const bt_read_trace *read, bt_error *error) {
  drawn_pair *pair = context;
  bt_drawing drawing;
  if (!read->trace) return BT_OK;
  int which = bt_trace_id_compare(&read->trace->id, &pair->ids[0]) == 0 ? 0 : 1;
  bt_status status = bt_drawing_new(read->trace, NULL, NULL, NULL, 0, &drawing, error);
  if (!status) bt_drawing_print(&drawing, false, &pair->texts[which]);
  bt_drawing_dispose(&drawing);
  return status;
}

static void append_cut(bt_str text, bt_buffer *out) {
  size_t lines = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] != '\n' || ++lines < MOST_LINES) continue;
    bt_buffer_append(out, (bt_str){text.ptr, i + 1});
    if (i + 1 < text.len) bt_buffer_append(out, BT_STR("… and more: betrace trace draws all of it\n"));
    return;
  }
  bt_buffer_append(out, text);
}

bt_status bt_changed_draw(bt_source *source, const bt_replay_options *options, const bt_change *change, bt_buffer *out,
                          bt_error *error) {
  static const char *const names[] = {"before", "after"};
  drawn_pair pair = {.ids = {change->example_before, change->example_after}};
  bt_status status = bt_read_by_id(source, options, pair.ids, 2, draw_read, &pair, error);
  for (int i = 0; i < 2; i++) {
    bt_buffer_printf(out, "\n%s: ", names[i]);
    append_cut(pair.texts[i].len ? bt_buffer_str(&pair.texts[i]) : BT_STR("the trace is not there any more\n"), out);
    out->failed = out->failed || pair.texts[i].failed;
    bt_buffer_dispose(&pair.texts[i]);
  }
  bt_buffer_append_char(out, '\n');
  return status ? status : out->failed ? bt_error_no_memory(error) : BT_OK;
}
