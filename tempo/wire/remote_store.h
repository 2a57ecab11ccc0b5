/* A store that is asked over HTTP at one address, and how its answers are judged. What may pass is asked several times.
 * What took about all of its time is asked once, because it would do so again. Thread: a question belongs to one
 * thread; the store's lock is for what it was found to be. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_REMOTE_STORE_H
#define BT_TEMPO_WIRE_REMOTE_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_remote {
  bt_source head;
  bt_http_client *client; /* borrowed */
  char *base_url;         /* new; no slash at its end */
  char *headers[2];       /* new: who we are, as secrets; NULL: none */
  char *ca_file;          /* new; or NULL */
  int64_t timeout_ms, pause_ms;
  pthread_mutex_t mutex;
} bt_remote;

/* What settings say of any store; 0: as usual. */
typedef struct bt_remote_options {
  const char *name;    /* of the source */
  const char *ca_file; /* or NULL */
  int64_t timeout_ms, pause_ms;
} bt_remote_options;

/* new, of `size` bytes: what begins with a bt_remote, and is zeros behind it. It has no address yet. BT_NO_MEMORY. */
bt_status bt_remote_new(size_t size, const bt_source_operations *operations, bt_http_client *client,
                        const bt_remote_options *options, bt_source **out, bt_error *error) BT_MUST_CHECK;
void bt_remote_dispose(bt_remote *store); /* what it has, and not itself */

typedef enum bt_remote_outcome {
  BT_REMOTE_ANSWERED,
  BT_REMOTE_TOO_MUCH, /* for one answer, or for the server: ask for less at once */
  BT_REMOTE_FAILED
} bt_remote_outcome;

typedef struct bt_remote_answer {
  bt_remote_outcome outcome;
  char reason[200];   /* not ANSWERED: for people */
  int code;           /* of the server's exception, of those that have codes; 0: none */
  uint64_t row_count; /* as the server says, of those that do */
  bt_http_response response;
} bt_remote_answer;

/* On whose behalf, and what. Texts are borrowed. */
typedef struct bt_remote_question {
  const char *method, *path; /* behind the base; without one a slash */
  bt_str body;
  const char *content_type; /* "Content-Type: …" of the body; or NULL */
  const char *kept_header;  /* of the answer; or NULL */
  bt_http_kind kind;
  const bt_cancel *cancel;
  bt_priority priority;
  bt_source_account *account; /* or NULL */
  int64_t timeout_ms;         /* of one attempt, with the time in the queue: somebody waits for it. 0: the store's, and
                                 several attempts */
  /* Says what a complete answer means. True: it is worth another attempt. */
  bool (*judge)(bt_remote_answer *answer);
} bt_remote_question;

/* BT_OK: look at the outcome. BT_CANCELLED, BT_NO_MEMORY. Dispose in every case. */
bt_status bt_remote_ask(const bt_remote *store, const bt_remote_question *question, bt_remote_answer *answer,
                        bt_error *error) BT_MUST_CHECK;
void bt_remote_answer_dispose(bt_remote_answer *answer);
void bt_remote_fail(bt_remote_answer *answer, const char *reason); /* the outcome becomes FAILED */
/* Its outcome and reason become those of another one. */
void bt_remote_answer_follow(bt_remote_answer *answer, const bt_remote_answer *other);
/* The reason becomes the store's own sentence behind its status, on one line. who: "the store". */
void bt_remote_quote_failure(bt_remote_answer *answer, const char *who, bt_str sentence);

#endif
