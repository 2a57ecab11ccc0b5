/* What a replay asks its source. Nothing else of a replay asks anything: filters are searched for once each,
 * whatever the number of rules that share one; what batches and reads by id give goes to whoever wanted it. Each
 * answer goes into the replay's account, and what the replay rests on and could not be answered is named there.
 * Traces that were found become rows of the table. Once the source is gone nothing more is asked. Owns its questions
 * and their answers; borrows source, plan, table and account. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_QUESTIONS_H
#define BT_SERVER_REPLAY_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "server/replay/replay_account.h"
#include "server/replay/replay_plan.h"
#include "server/replay/trace_table.h"
#include "tempo/wire/source.h"

enum { BT_QUESTION_ALL = 0 }; /* number 0 is `{}`, the listing of all traces */

/* A distinct filter of the rules' plans: asked once, whatever the number of rules that share it. */
typedef struct bt_question {
  bt_query query;      /* borrowed from a plan */
  bt_time_range range; /* empty: the search range */
  size_t max_found;    /* stop above it; 0: at what memory allows */
  uint64_t expected;   /* traces that it finds, about; 0: not known */
  bool is_asked;       /* or will be, when answers are gathered next */
  bool keeps_part;     /* what was found before max_found is worth something */
  bool is_over;        /* what it misses, the replay misses */
  bool is_subtracted;  /* asked only to be subtracted */
  /* The search, from when it is begun. */
  bt_search_request search;
  bool is_begun;
  /* The answer. */
  bool is_answered;
  bool is_skipped; /* not asked, because the source is gone */
  bt_status status;
  bt_error why;
  bt_found_list found;
  bt_source_account account;
  /* What was taken of it. */
  bool is_taken, is_gathered;
  bool is_exceeded;
  bool is_complete; /* no window failed */
  bool is_lost;     /* nothing was answered */
  uint64_t *bits;   /* over the known traces */
} bt_question;

typedef struct bt_questions {
  bt_source *source;
  const bt_replay_plan *plan;
  bt_trace_table *table;
  bt_replay_account *account;
  const bt_projection *projection; /* what batches give: one of the plan's */
  bt_question **items;             /* the distinct filters */
  size_t count, capacity;
  bt_table numbers;                /* of items, by what they ask */
  size_t pruned;                   /* the question that finds pruned traces; 0: there is none */
  bool own_are_known;              /* the search for BeTrace's own traces was complete */
  bt_ahead *ahead[BT_AHEAD_KINDS]; /* what goes on for whoever asks the same; NULL: nothing of that kind */
  bt_source_account ahead_account; /* of these, and of what is begun and dropped by who asks */
  bool source_lost;                /* not reachable any more: nothing more is asked */
  char lost_reason[200];
} bt_questions;

void bt_questions_open(bt_questions *questions);
void bt_questions_dispose(bt_questions *questions);
/* What was cancelled or failed leaves questions that were asked, and whose answers nobody took: they cost what they
 * cost. */
void bt_questions_add_untaken(bt_questions *questions);

/* ---- filters ---- */

/* BT_NO_MEMORY alone. */
bt_status bt_questions_add(bt_questions *questions, bt_query query, bool is_over, size_t *index,
                           bt_error *error) BT_MUST_CHECK;
size_t bt_questions_find(const bt_questions *questions, bt_query query); /* their number: it is not there */
/* One that is among them: who asks for the bits of a search was its asker, or knows that somebody was. */
const bt_question *bt_questions_get(const bt_questions *questions, bt_query query);
/* The one that was added last, while its filter is still there. */
void bt_questions_drop_last(bt_questions *questions);
/* Begins to ask it, unless the source is gone: it goes on beside what is asked until it is asked or gathered. Of the
 * table only. */
void bt_questions_begin(bt_questions *questions, bt_question *question);
/* Asks it now, unless the source is gone. What it costs is the caller's to add, where it is not in the table. */
void bt_questions_ask(bt_questions *questions, bt_question *question);
/* Asks what is wanted and has no answer, one after the other, or together where the last replay subtracted, the listing
 * last; what was found becomes rows and sets.
 * Rows are made the first time alone: later only what is subtracted is asked. BT_CANCELLED, BT_NO_MEMORY; BT_LIMIT:
 * there is no room for the table. */
bt_status bt_questions_gather(bt_questions *questions, bt_error *error) BT_MUST_CHECK;
/* Whether no search that the rules depend on gave anything. */
bool bt_questions_all_lost(const bt_questions *questions);

/* ---- others, each asked at once ---- */

typedef struct bt_answer {
  bt_status status; /* the source's */
  bt_error why;
  bool is_whole; /* no window failed */
} bt_answer;

/* A question that stays out of the table: as it is searched for candidates, and what it costs is added to the account.
 * *found is the caller's to dispose in every case. BT_LIMIT: there are more than its max_found; BT_UNAVAILABLE: a
 * window failed; else as the source. */
bt_status bt_questions_ask_apart(bt_questions *questions, bt_question *question, bt_found_list *found,
                                 bt_error *error) BT_MUST_CHECK;
/* One of those that an answer can do without: what fails is no loss, and the source is asked for other things all the
 * same. *found is the caller's to dispose in every case. BT_LIMIT: there are more than max_found; BT_UNAVAILABLE: a
 * window failed; else as the source. */
bt_status bt_questions_try(bt_questions *questions, bt_query query, bt_time_range range, size_t max_found,
                           bt_found_list *found, bt_error *error) BT_MUST_CHECK;
/* What it costs is added to the account. Errors are those of the source (source.h). `beside`: asked beside it, as soon
 * as it is under way, where what has to be known before goes on; or NULL. */
bt_status bt_questions_find_spans(bt_questions *questions, const bt_spans_request *request,
                                  const bt_spans_request *beside, bt_spans_sink sink, void *context,
                                  bt_error *error) BT_MUST_CHECK;
/* is_over: windows that fail are named. What was begun of it is dropped. BT_OK: *answer says how it went. BT_NO_MEMORY
 * alone. */
bt_status bt_questions_read(bt_questions *questions, const bt_read_request *request, bt_read_sink sink, void *context,
                            bool is_over, bt_answer *answer, bt_error *error) BT_MUST_CHECK;
/* Begins to ask it; for its request's `ahead`. NULL: it is asked when somebody asks for it. */
bt_ahead *bt_questions_ahead(bt_questions *questions, bt_asked asked);
/* Begins to ask it for whatever asks the same from here on: reads by id, and spans. Once in a replay of each kind.
 * Where that cannot be, it is asked then. */
void bt_questions_keep_ahead(bt_questions *questions, bt_asked asked);
void bt_questions_end_ahead(bt_questions *questions); /* all of these */
/* Windows that fail are named. BT_OK: *answer says how it went. BT_NO_MEMORY alone. */
bt_status bt_questions_find_linking(bt_questions *questions, const bt_links_request *request, bt_found_list *found,
                                    bt_answer *answer, bt_error *error) BT_MUST_CHECK;
/* A Tempo may be replaced while it is asked: asks once more what it is, and says so in the coverage. Asks as well what
 * it takes away: once all was read, because it may have gone meanwhile. */
void bt_questions_look_again(bt_questions *questions);
/* Whether all that was asked so far was asked of the source that was there at the beginning, as far as is known. */
bool bt_questions_are_of_one_source(const bt_questions *questions);
/* The source is gone from now on, for that reason. */
void bt_questions_lose_source(bt_questions *questions, const char *reason);

#endif
