/* What was left out of files. See file_account.h. */
#include "tempo/files/file_account.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"

void bt_file_account_dispose(bt_file_account *account) {
  for (size_t i = 0; i < account->note_count; i++) free(account->notes[i].file);
  free(account->notes);
  bt_buffer_dispose(&account->gaps);
  *account = (bt_file_account){0};
}

static void write_torn(const bt_file_note *note, bt_buffer *out) {
  if (note->line)
    bt_buffer_printf(out, "what begins in line %llu (%llu bytes)", (unsigned long long)note->line,
                     (unsigned long long)note->count);
  else
    bt_buffer_append(out, BT_STR("the last message"));
  bt_buffer_append(out, BT_STR(" is cut off and was left out: is the file still being written?"));
}

void bt_file_note_write(const bt_file_note *note, bt_buffer *out) {
  unsigned long long count = note->count;
  bool is_one = count == 1;
  bt_buffer_printf(out, "%s: ", note->file);
  switch (note->what) {
  case BT_LEFT_SIGNALS:
    bt_buffer_printf(out, "%llu %s logs, metrics or profiles, which no rule looks at", count,
                     is_one ? "document holds" : "documents hold");
    break;
  case BT_LEFT_WITHOUT_ID:
    bt_buffer_printf(out, "%llu %s no trace id or no span id, and %s left out", count,
                     is_one ? "span has" : "spans have", is_one ? "was" : "were");
    break;
  case BT_LEFT_FRAGMENTS:
    bt_buffer_printf(out, "%llu %s to a span of Zipkin, and %s left out", count,
                     is_one ? "record only adds" : "records only add", is_one ? "was" : "were");
    break;
  case BT_LEFT_FILE: bt_buffer_append(out, BT_STR("it is neither JSON nor protobuf, and was left out")); break;
  case BT_LEFT_TORN: write_torn(note, out); break;
  }
}

bt_status bt_file_account_note(bt_file_account *account, const bt_file_note *note, bt_error *error) {
  bt_file_note *notes = bt_grow_array(account->notes, account->note_count, &account->note_capacity, sizeof *notes);
  if (!notes) return bt_error_no_memory(error);
  account->notes = notes;
  bt_file_note *added = &notes[account->note_count];
  *added = *note;
  added->file = strdup(strcmp(note->file, "-") == 0 ? "standard input" : note->file);
  if (!added->file) return bt_error_no_memory(error);
  account->note_count++;
  if (!bt_file_note_is_gap(added)) return BT_OK;
  if (account->gaps.len) bt_buffer_append(&account->gaps, BT_STR("; "));
  bt_file_note_write(added, &account->gaps);
  return account->gaps.failed ? bt_error_no_memory(error) : BT_OK;
}

bool bt_file_note_is_gap(const bt_file_note *note) {
  return note->what != BT_LEFT_SIGNALS;
}
