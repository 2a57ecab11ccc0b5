/* What was read of files, and what was left out of them and why. Thread: one at a
 * time while it grows, then any. */
#ifndef BT_TEMPO_FILES_FILE_ACCOUNT_H
#define BT_TEMPO_FILES_FILE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_file_left {
  BT_LEFT_SIGNALS,    /* documents of logs, metrics or profiles: no rule looks at them */
  BT_LEFT_WITHOUT_ID, /* spans without a trace id or a span id */
  BT_LEFT_FRAGMENTS,  /* records of Zipkin that only add to a span */
  BT_LEFT_FILE,       /* all of it: it is neither JSON nor protobuf */
  BT_LEFT_TORN        /* the last document or message: it is cut off */
} bt_file_left;

typedef struct bt_file_note {
  char *file;
  bt_file_left what;
  uint64_t count; /* of documents or spans; bytes of what is torn */
  uint64_t line;  /* of what is torn, from 1; 0: it has no lines */
} bt_file_note;

typedef struct bt_file_account { /* all-zero: of no file */
  uint64_t files, documents;     /* documents, lines or messages that were decoded */
  bt_file_note *notes;           /* in the order of the files */
  size_t note_count, note_capacity;
  bt_buffer gaps; /* what a verdict could rest on and is missing, in words; empty: nothing */
} bt_file_account;

void bt_file_account_dispose(bt_file_account *account);
/* The name is copied. BT_NO_MEMORY alone. */
bt_status bt_file_account_note(bt_file_account *account, const bt_file_note *note, bt_error *error) BT_MUST_CHECK;
/* Whether a verdict could rest on it. */
bool bt_file_note_is_gap(const bt_file_note *note);
/* One sentence, without its end: "a.jsonl: line 6 (123 bytes) is cut off …". */
void bt_file_note_write(const bt_file_note *note, bt_buffer *out);

#endif
