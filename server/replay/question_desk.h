/* A question that a replay asks its source, and the desk where two are under way at once. Of a question everybody
 * may read the first part; the answer is written by whoever asks it, and belongs to the replay's thread once it is
 * answered. Thread: the functions are called by the replay's thread; see question_desk.c for the helper. */
#ifndef BT_SERVER_REPLAY_QUESTION_DESK_H
#define BT_SERVER_REPLAY_QUESTION_DESK_H

#include "server/work/workplace.h"
#include "tempo/wire/source.h"

typedef enum bt_question_state { BT_QUESTION_WAITING, BT_QUESTION_BEGUN, BT_QUESTION_ANSWERED } bt_question_state;

/* A distinct filter of the rules' plans: asked once, whatever the number of rules that share it. */
typedef struct bt_question {
  bt_str text;         /* borrowed from a plan */
  bt_time_range range; /* empty: the search range */
  size_t max_found;    /* stop above it; 0: at what memory allows */
  uint64_t expected;   /* traces that it finds, about; 0: not known */
  bool is_asked;
  bool is_aside;   /* nobody waits for it but who asked for it: the helper has it when there is nothing else */
  bool can_wait;   /* nothing before the reads needs it; written under the lock of the desk */
  bool keeps_part; /* what was found before max_found is worth something */
  /* The answer, written by whoever asks. */
  bt_question_state state; /* under the lock of the desk */
  bool is_skipped;         /* not asked, because the source is gone */
  bool source_is_gone;
  bt_status status;
  bt_error why;
  bt_found_list found;
  bt_source_account account;
  /* What was taken of it. */
  bool is_taken, is_gathered;
  bool is_exceeded;
  bool is_over;       /* what it misses, the replay misses */
  bool is_subtracted; /* asked only to be subtracted */
  bool is_complete;   /* no window failed */
  bool is_lost;       /* nothing was answered */
  bool is_own;        /* it looks for BeTrace's own traces: its answer goes to own_found */
  uint64_t *bits;     /* over the known traces */
} bt_question;

void bt_question_free(bt_question *question); /* NULL is fine */

typedef struct bt_question_desk bt_question_desk;

typedef struct bt_question_desk_options {
  void (*search)(const void *context, bt_question *question); /* asks the source; also called on the helper's thread */
  const void *context; /* borrowed; what the search reads of it must not change any more */
  bt_workplace *work;  /* NULL: there is no helper */
  bt_lane lane;        /* of the helper */
} bt_question_desk_options;

/* new. */
bt_status bt_question_desk_new(const bt_question_desk_options *options, bt_question_desk **out,
                               bt_error *error) BT_MUST_CHECK;
/* Stops after what is being asked at the moment. NULL is fine. */
void bt_question_desk_free(bt_question_desk *desk);
/* Each question is asked once; a second time only says anew whether it can wait (whether nothing before the reads needs
 * it). */
bt_status bt_question_desk_add(bt_question_desk *desk, bt_question *question, bool can_wait,
                               bt_error *error) BT_MUST_CHECK;
/* Starts the helper where there is something to ask. */
void bt_question_desk_help(bt_question_desk *desk);
/* Until all that were added are answered: those that cannot wait, or all. Asks itself what nobody has begun. */
void bt_question_desk_wait(bt_question_desk *desk, bool with_those_that_can_wait);
/* Of a question that was asked before any was added: whether the source is gone. */
void bt_question_desk_note(bt_question_desk *desk, const bt_question *question);
/* Until this one is answered, which was added; asks it itself if nobody has begun. Of those that are aside, which the
 * other waits pass over. */
void bt_question_desk_wait_for(bt_question_desk *desk, bt_question *question);

#endif
