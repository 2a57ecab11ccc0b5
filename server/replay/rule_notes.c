/* Notes about data in a replay. See rule_notes.h. They need no more than the first of the traces: what a name selects
 * does not change from one to the next, and a replay of millions should not count on. */
#include "server/replay/rule_notes.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_SPANS = 100000 }; /* that are looked at for each rule */

bt_status bt_rule_notes_open(bt_judge *judge, bt_error *error) {
  if (!judge->plan->request.takes_notes) return BT_OK;
  judge->notes = calloc(judge->plan->rule_count, sizeof(bt_data_notes *));
  if (!judge->notes) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < judge->plan->rule_count; i++)
    status = bt_data_notes_new(judge->plan->rules[i].definition->rule, &judge->notes[i], error);
  return status;
}

void bt_rule_notes_look(bt_judge *judge, const bt_trace *trace) {
  if (!judge->notes || judge->noted_spans >= MOST_SPANS) return;
  for (size_t i = 0; i < judge->plan->rule_count; i++) bt_data_notes_look(judge->notes[i], trace);
  judge->noted_spans += trace->span_count;
  judge->account->result->noted_traces++;
}

/* A sentence that is too long ends before a character that does not fit. */
static void keep_text(bt_str text, char out[BT_REPLAY_NOTE_BYTES]) {
  size_t length = text.len < BT_REPLAY_NOTE_BYTES ? text.len : BT_REPLAY_NOTE_BYTES - 1;
  while (length < text.len && length && ((unsigned char)text.ptr[length] & 0xC0) == 0x80) length--;
  snprintf(out, BT_REPLAY_NOTE_BYTES, "%.*s", (int)length, text.ptr);
}

static bt_status add_notes(bt_judge *judge, size_t rule, bt_buffer *text, bt_error *error) {
  bt_replay_result *result = judge->account->result;
  bt_range place;
  for (size_t k = 0; result->note_count < BT_REPLAY_NOTES_MAX; k++) {
    bt_buffer_clear(text);
    if (!bt_data_notes_say(judge->notes[rule], k, text, &place)) return BT_OK;
    bt_replay_note *grown = bt_realloc_array(result->notes, result->note_count + 1, sizeof *grown);
    if (!grown || text->failed) {
      if (grown) result->notes = grown;
      return bt_error_no_memory(error);
    }
    result->notes = grown;
    grown[result->note_count] = (bt_replay_note){.rule = rule, .place = place};
    keep_text(bt_buffer_str(text), grown[result->note_count++].text);
  }
  return BT_OK;
}

bt_status bt_rule_notes_conclude(bt_judge *judge, bt_error *error) {
  bt_buffer text = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; judge->notes && status == BT_OK && i < judge->plan->rule_count; i++)
    status = add_notes(judge, i, &text, error);
  bt_buffer_dispose(&text);
  return status;
}

void bt_rule_notes_dispose(bt_judge *judge) {
  for (size_t i = 0; judge->notes && i < judge->plan->rule_count; i++) bt_data_notes_free(judge->notes[i]);
  free(judge->notes);
}
