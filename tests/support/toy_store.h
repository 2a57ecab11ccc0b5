/* A store of traces that answers from an array: what a source has to do at least, and how little that can be. It
 * filters by what a filter means (filter_meaning.h), and gives spans as it has them, whatever the projection leaves
 * out. It can be told to fail, and to lie, so that tests of sources are seen to notice. Only for tests: without memory
 * it stops the program. Thread: what is pushed is pushed before anybody asks; then any, at once. */
#ifndef BT_TESTS_SUPPORT_TOY_STORE_H
#define BT_TESTS_SUPPORT_TOY_STORE_H

#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/source.h"

/* Each is a way in which a store may be wrong; the suite of stores has to see every one. */
typedef enum toy_lie {
  TOY_TELLS_THE_TRUTH,
  TOY_LOSES_A_TRACE,      /* one that it has is never found */
  TOY_LOSES_ON_FAILURE,   /* when it fails, it says that there is nothing */
  TOY_CLOSES_RANGES,      /* finds what starts where the range ends */
  TOY_OPENS_RANGES,       /* does not find what ends where the range starts */
  TOY_IGNORES_LIMITS,     /* gives more than max_found */
  TOY_IGNORES_CANCEL,     /* goes on */
  TOY_SPLITS_TRACES,      /* gives what came first of a trace */
  TOY_KEEPS_COPIES_APART, /* a span that came twice is two */
  TOY_JOINS_HALVES,       /* a span of the client and one of the server are one, where they have one id */
  TOY_CUTS_ZEROS,         /* an id that begins with zeros is another one */
  TOY_ROUNDS_NUMBERS,     /* integers are kept as doubles */
  TOY_LOSES_EMPTY_TEXTS,  /* a value of "" is missing */
  TOY_FILTERS_TOO_MUCH,   /* finds traces of which the first span meets the filter */
  TOY_FILTERS_NOTHING,    /* finds every trace, and promises to filter */
  TOY_LOSES_LINKS,        /* looks at the first link of each span */
  TOY_MIXES_TENANTS,      /* gives everybody everything */
  TOY_FORGETS_SPANS,      /* find_spans gives one span of each trace */
  TOY_LIES                /* how many there are */
} toy_lie;
extern const char *const toy_lies[TOY_LIES];

/* new */
bt_source *toy_store_new(void);
/* Copies the trace: more of it, if it is there. */
void toy_store_add(bt_source *source, const char *tenant, const bt_trace *trace);
/* Copies the traces of a finished batch. */
void toy_store_add_batch(bt_source *source, const char *tenant, const bt_span_batch *batch);
void toy_store_lie(bt_source *source, toy_lie lie);
/* How it is asked from now on; NULL, and until then: as Tempo is. */
void toy_store_speak(bt_source *source, const bt_dialect *dialect);
/* From now on every question fails. */
void toy_store_break(bt_source *source);
/* As a read by id gives it, in the arena; NULL: there is none. */
const bt_trace *toy_store_trace(bt_source *source, const char *tenant, const bt_trace_id *id, bt_arena *arena);

#endif
