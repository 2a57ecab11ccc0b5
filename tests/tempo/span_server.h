/* A scripted Tempo that searches spans. It matches the id filters as Tempo does and gives the selected fields. It cuts
 * its answers at the limit, refuses, breaks off, and gives more than somebody asked for. The script is set before a
 * search and left alone while it runs; the numbers are behind the mutex. Thread: the handler's threads and the
 * test's. */
#ifndef BT_TESTS_SPAN_SERVER_H
#define BT_TESTS_SPAN_SERVER_H

#include <pthread.h>

#include "dsl/trace/trace.h"
#include "tests/support/fake_http.h"

/* ODD: the trace, of one span, that the script can spoil. */
enum { FIRST_S = 1700000000, LENGTH_S = 200, TRACES = 256 * 2 + 30, ODD = 9, PATTERNS = 2048 };
static const int64_t second_ns = 1000000000, ms_ns = 1000000;

/* BAD_SPAN: whole, but some span has no id that can be read. */
typedef enum broken { WHOLE, HALF_JSON, CUT, BAD_SPAN } broken;

typedef struct span_script {
  pthread_mutex_t mutex;
  size_t requests, answered, too_large, refused; /* questions for spans */
  size_t side_questions;                         /* which traces have many spans, and what their bounds are */
  size_t spans_per_set;                          /* of the last question */
  char *patterns[PATTERNS];                      /* of what was answered and not full; "" : every id */
  size_t pattern_count;
  char *query;         /* the last one */
  size_t largest_rows; /* an answer with more is "too large"; 0: any */
  bool is_endless;     /* every answer is a body beyond all limits */
  size_t largest_body; /* an answer with more traces than that is a body beyond all limits; 0: any */
  bool has_huge;       /* whatever holds the odd trace is too large */
  int64_t apart_s;     /* each trace starts so much later than the one before, and answers go by time; 0: all at once */
  size_t windows;      /* questions for spans that began later than the first */
  size_t beyond;       /* as many traces of other parts come too */
  bool in_pieces;      /* a row for each span */
  size_t crowded_from; /* traces of so many spans are said to have many; 0: none */
  bool ignores_ids;    /* of what is to be left out */
  int crowd_status;    /* of the answer to the question for them; 0: 200 */
  int64_t most_limit;  /* 0: any; below 0: none is low enough, and the sentence does not say which would be */
  int64_t longest_s;   /* 0: any */
  size_t most_per_set; /* spans of a set; 0: any */
  broken how;
  size_t broken_from, broken_to; /* requests by number */
  size_t down_from;              /* this request and all later ones; 0: none */
  const char *odd_name, *odd_service, *odd_attributes, *odd_leaves_out;
  unsigned odd_matched;
  bool refuses_all;
} span_script;

extern span_script scripted;
void scripted_start(void); /* everything in order */
void scripted_end(void);   /* after the server is stopped */
/* The handler; no context. */
bool scripted_answer(void *context, const fake_request *request, int socket);
/* One of the script's numbers. */
size_t scripted_number(const size_t *number);
/* The first of at most TRACES ids that no answer so far was about; count: there is none. */
size_t scripted_first_unasked(const bt_trace_id *ids, size_t count);

/* Trace i, below TRACES: 1 to 3 spans, 10 ms after each other, of which the last one lasts i % 7 ms. */
bt_trace_id scripted_id(size_t i);
size_t scripted_span_count(size_t i);
int64_t scripted_span_start_ns(size_t i, size_t k);
size_t scripted_span_id(size_t i, size_t k);

#endif
