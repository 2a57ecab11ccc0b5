/* A trace source in memory that a test scripts. It has traces in fragments (as blocks of a Tempo hold them), spans that
 * only a read by id shows, windows that fail, and traces that vanish between search and read. It knows filters on names
 * only. One matches a fragment that has a span whose name is in the filter in quotes; `{}` matches all. It knows the
 * filters for BeTrace's own traces, for all others and for pruned ones. */
#ifndef BT_TESTS_FAKE_SOURCE_H
#define BT_TESTS_FAKE_SOURCE_H

#include <pthread.h>

#include "tempo/wire/source.h"

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS   (60 * MINUTE_NS)

enum { FAKE_SPANS_MAX = 12, FAKE_LINKS_MAX = 8, FAKE_LOG_MAX = 200 };

typedef struct fake_span {
  const char *name, *service; /* service NULL: "shop" */
  int64_t start_ns, duration_ns;
  int fragment;            /* spans of one block have one number */
  bool only_by_id;         /* not handed over yet: neither search nor batches see it */
  bool not_in_batches;     /* searches show it, and no batch has it */
  unsigned by_id_from;     /* a read by id has it from so many-th on, beside what searches show; UINT_MAX: none */
  int64_t shown_start_ns;  /* as searches show it; 0: as it is */
  int64_t read_start_ns;   /* as batches give it, */
  int64_t by_id_start_ns;  /* and as a read by id does; 0: as it is */
  bool orphan;             /* names a parent that is not there */
  uint32_t dropped;        /* attributes, as a read by id says, */
  uint32_t resource_lost;  /* and its resource's */
  const char *hidden_from; /* searches whose filter holds this text do not see it */
  bt_attribute attributes[12];
  uint32_t attribute_count;
  uint8_t id[8];    /* its last byte is its place in the trace, from 1 */
  int64_t dated_ns; /* where its block begins, for find_linking and searches: it came late; 0: its start */
  bt_link links[FAKE_LINKS_MAX];
  uint32_t link_count;
  const bt_event *events; /* the test's; a read with a projection has none of them */
  uint32_t event_count;
  const char *trace_state; /* as a read by id gives it; NULL: none */
} fake_span;

typedef struct fake_trace {
  bt_trace_id id;
  fake_span spans[FAKE_SPANS_MAX];
  uint32_t span_count;
  bool gone_from_batches, gone_by_id; /* a read has it no more */
  unsigned by_id_from;                /* a read by id has it from so many-th on */
  bool needs_by_id;
  const char *entry;    /* the service of its root, as searches name it; NULL: they do not */
  uint32_t counted;     /* spans that searches say it has; 0: they do not say */
  bool not_listed;      /* `{}` does not find it, filters do */
  bool listed_in_doubt; /* it says that it starts at 0 */
  unsigned listed_from; /* nor does it before it is asked for so often */
  int late_fragment;    /* of this fragment it does not before it is asked for so often: */
  unsigned late_listed_from;
  bool partial;
  bool shows_no_spans; /* a search's row of it has bounds alone */
  unsigned batch_reads, by_id_reads, span_reads;
} fake_trace;

typedef struct fake_source {
  bt_source source; /* first */
  bt_source_operations operations;
  bt_promises promises; /* a test's to change while nobody asks; guesses_linking follows from links_are_guessed */
  bt_losses losses;     /* likewise */
  pthread_mutex_t lock; /* of every question; a test that changes traces while somebody may ask holds it, too */
  fake_trace *traces;
  size_t trace_count, trace_capacity;
  /* Scripts. Searches whose filter holds this text fail: */
  const char *fail_filter;  /* NULL: none */
  bt_time_range fail_range; /* with this failed window; */
  bt_status fail_status;    /* or, when not BT_OK, as a whole */
  bt_status fail_spans;     /* of find_spans; BT_OK: it does not fail */
  int64_t spans_step_ns;    /* find_spans divides the range into parts of this, where it may; 0: it does not */
  size_t fail_spans_after;  /* of find_spans: parts that are given before it fails; 0: it does not fail so */
  bt_status fail_reads;     /* BT_OK: none; reads fail after this number of traces: */
  size_t fail_reads_after;
  const bt_trace_id *fail_id; /* a read that has it among its ids is BT_UNAVAILABLE; NULL: none */
  bool gives_others;          /* that read, if it is by id, gives the others before */
  bt_status fail_batches;     /* of reads that are not by id; BT_OK: they do not fail */
  unsigned fail_percent;      /* of searches and reads, which are BT_UNAVAILABLE, reads after some of their traces, */
  uint64_t fail_random;       /* chosen by this */
  size_t largest_read;        /* more ids at once: BT_LIMIT; 0: no limit */
  uint32_t large_from; /* batches leave traces that the request says have so many spans to reads by id; 0: none */
  bt_cancel *cancel_after_reads; /* set once so many traces were read: */
  size_t cancel_after;
  bt_status fail_linking;  /* of find_linking; BT_OK: it does not fail */
  bool fail_linking_range; /* it answers, and says that it could not look through a part */
  bool links_are_guessed;  /* it finds every trace of the range */
  bool hide_own;           /* leaves BeTrace's own traces out of reads, as Tempo's source does */
  size_t hold_reads_after; /* a read waits once so many traces were read, until fake_let_go; 0: none waits */
  pthread_cond_t let_go;
  /* What happened. */
  size_t traces_read, read_calls, largest_page, probes, span_searches, span_parts, link_searches;
  size_t begun_searches, dropped_searches;
  size_t begun_reads, taken_reads; /* by id beside a batch: so many traces, of which so many were taken */
  size_t begun_spans, taken_spans; /* questions for spans that were announced, and those that knew it */
  char log[FAKE_LOG_MAX][160];     /* filters of searches, in order */
  size_t log_count;
  unsigned listings; /* how often `{}` was searched for */
} fake_source;

void fake_source_init(fake_source *fake); /* filters, and is not static */
void fake_source_dispose(fake_source *fake);
/* Of a source that a test puts before a fake one: it filters and projects, too. */
const bt_dialect *fake_dialect(bt_source *source); /* TraceQL's */
void fake_promise_plainly(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out);
/* Reads that are held go on, and no other is held. */
void fake_let_go(fake_source *fake);
/* A trace with that number as its id (leading zeros); borrowed until the next one is added. */
fake_trace *fake_add(fake_source *fake, uint64_t number);
/* A span of 1 ms in fragment 0 with no parent. */
fake_span *fake_span_add(fake_trace *trace, const char *name, int64_t start_ns);
/* A link to span number `span`, from 0, of a trace (fake_id). */
void fake_link_add(fake_span *from, uint64_t trace, uint32_t span);
/* Makes it a summary of so many. */
void fake_span_sum_up(fake_span *span, int64_t count);
fake_trace *fake_find(fake_source *fake, uint64_t number);
bt_trace_id fake_id(uint64_t number);
/* How often a filter that holds this text was searched for. */
size_t fake_searches(const fake_source *fake, const char *text);

#endif
