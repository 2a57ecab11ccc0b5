/* What a replay asks its source. Nothing else of a replay asks anything: filters are searched for once each,
 * whatever the number of rules that share one; what batches and reads by id give goes to whoever wanted it. Each
 * answer goes into the replay's account, and what the replay rests on and could not be answered is named there.
 * Traces that were found become rows of the table. Once the source is gone nothing more is asked. Owns its questions
 * and their answers; borrows source, plan, table and account. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_QUESTIONS_H
#define BT_SERVER_REPLAY_QUESTIONS_H

#include "server/replay/question_desk.h"
#include "server/replay/replay_account.h"

enum { BT_QUESTION_ALL = 0 }; /* number 0 is `{}`, the listing of all traces */

typedef struct bt_questions {
  bt_source *source;
  const bt_replay_plan *plan;
  bt_trace_table *table;
  bt_replay_account *account;
  const bt_projection *projection; /* what batches give: one of the plan's */
  bt_crowds crowds;                /* of questions for spans */
  bt_question **items;             /* the distinct filters */
  size_t count, capacity;
  bt_question_desk *desk;
  bt_question *edge;  /* looks for the earliest trace beside the reads; not in the table; NULL: nobody does */
  size_t pruned;      /* the question that finds pruned traces; 0: there is none */
  bool own_are_known; /* the search for BeTrace's own traces was complete */
  bool own_is_asked;
  bt_found_list own_found; /* suspects that nothing has proved or cleared yet */
  bool source_lost;        /* not reachable any more: nothing more is asked */
  char lost_reason[200];
} bt_questions;

/* Dispose it in every case. */
bt_status bt_questions_open(bt_questions *questions, bt_error *error) BT_MUST_CHECK;
void bt_questions_dispose(bt_questions *questions);
/* What was cancelled or failed leaves questions that were asked, and whose answers nobody took: they cost what they
 * cost. Ends what is under way. */
void bt_questions_add_untaken(bt_questions *questions);

/* ---- filters ---- */

bt_status bt_questions_add(bt_questions *questions, bt_str text, bool is_over, size_t *index,
                           bt_error *error) BT_MUST_CHECK;
size_t bt_questions_find(const bt_questions *questions, bt_str text); /* their number: it is not there */
/* The one that was added last, which nobody else has begun. */
void bt_questions_drop_last(bt_questions *questions);
/* Asks it now, on this thread; writes the question's answer and nothing else. */
void bt_questions_ask(const bt_questions *questions, bt_question *question);
/* Waits for answers (of those that cannot wait, or of all), takes them in the order of the table, so that the same
 * answers always give the same coverage, and gathers what they found. */
bt_status bt_questions_gather(bt_questions *questions, bool those_that_can_wait, bt_error *error) BT_MUST_CHECK;
/* What follows from one answer. */
bt_status bt_questions_take(bt_questions *questions, bt_question *question, bt_error *error) BT_MUST_CHECK;
bool bt_questions_are_open(const bt_questions *questions); /* something is still under way */
/* Whether no search that the rules depend on gave anything. */
bool bt_questions_all_lost(const bt_questions *questions);

/* ---- others, each asked at once ---- */

typedef struct bt_answer {
  bt_status status; /* the source's */
  bt_error why;
  bool is_whole; /* no window failed */
} bt_answer;

/* What it costs is added to the account. */
bt_status bt_questions_search(bt_questions *questions, const bt_search_request *request, bt_found_list *found,
                              bt_error *error) BT_MUST_CHECK;
bt_status bt_questions_find_spans(bt_questions *questions, const bt_spans_request *request, bt_spans_sink sink,
                                  void *context, bt_error *error) BT_MUST_CHECK;
/* is_over: windows that fail are named. BT_OK: *answer says how it went. */
bt_status bt_questions_read(bt_questions *questions, const bt_read_request *request, bt_read_sink sink, void *context,
                            bool is_over, bt_answer *answer, bt_error *error) BT_MUST_CHECK;
/* A Tempo may be replaced while it is asked: asks once more what it is, and says so in the coverage. */
void bt_questions_look_again(bt_questions *questions);
/* Whether all that was asked so far was asked of the source that was there at the beginning, as far as is known. */
bool bt_questions_are_of_one_source(const bt_questions *questions);
/* The source is gone from now on, for that reason. */
void bt_questions_lose_source(bt_questions *questions, const char *reason);

#endif
