/* A Tempo of a script: it has traces, cuts its answers at the limit, shuffles them, refuses, breaks off and lies as a
 * test chooses. One for each test program. Thread: answers come from the threads of fake_http.h, so what they and a
 * test both write is under `mutex`. */
#ifndef BT_TESTS_TEMPO_SCRIPTED_TEMPO_H
#define BT_TESTS_TEMPO_SCRIPTED_TEMPO_H

#include <pthread.h>

#include "tempo/wire/source.h"
#include "tests/support/fake_http.h"

enum { TRACES_MAX = 4000 };

typedef enum fault {
  NO_FAULT,
  BUSY,      /* 429 with Retry-After */
  DOWN,      /* 503 */
  BROKEN,    /* 500 of an unknown kind */
  LAGS,      /* 500 of a live store of Tempo 3 that is behind */
  CUT,       /* the connection ends in the middle of the body */
  HALF_JSON, /* well framed, but half a document */
  HTML,
  HANG,
  ALWAYS_FULL, /* as many rows as asked for, whatever is asked */
  ENDLESS,     /* zeros, until the client has enough */
  REPEATED,    /* likewise, but they are what matches, again and again */
  FAULTS
} fault;

typedef struct fake_trace {
  bt_trace_id id;
  int64_t start_s, end_s;
  int64_t arrived_s; /* its block is dated by that, where it is not 0 */
} fake_trace;

typedef struct fake_tempo fake_tempo;
struct fake_tempo {
  pthread_mutex_t mutex;
  fake_trace traces[TRACES_MAX];
  size_t count;
  size_t requests, full; /* full: answers with as many traces as they may have */
  uint64_t random;
  int64_t longest_s;          /* 0: any */
  bool names_no_range;        /* every range is too long, and it does not say what would not be */
  int64_t most_limit;         /* 0: any */
  int64_t newest_s;           /* its clock, as Tempo takes it from 2.10 on (answer_search); 0: it has none */
  size_t largest_rows;        /* an answer with more is "too large"; 0: any */
  size_t longest_query;       /* a longer one is refused; 0: any */
  size_t link_tests;          /* of links' trace ids, in queries that were not refused for that; */
  size_t link_span_tests;     /* of their span ids */
  size_t narrowed_link_tests; /* such queries that ask for consumers besides */
  size_t any_link_tests;      /* and for any link, which are counted among those of trace ids, too */
  const char *stumbles_over;  /* a query with it cannot be answered for the data; NULL: none */
  fault (*choose)(fake_tempo *tempo, int64_t start_s, int64_t end_s);
  unsigned chance; /* of a fault, in percent, for random ones */
};

extern fake_tempo scripted;

uint64_t scripted_random(void);
/* For fake_server_start; no context. */
bool scripted_answer(void *context, const fake_request *request, int socket);

#endif
