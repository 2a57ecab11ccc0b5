/* A trace as the language sees it (dsl.md §3): a set of spans with their resources, scopes, events and links. Filled
 * through a builder by the decoders, read by the evaluator. All memory is the builder's arena; strings may also be
 * borrowed from the response buffer, which then has to live as long as the trace. Thread: a trace belongs to one thread
 * while it is built and is immutable afterwards. */
#ifndef BT_DSL_TRACE_TRACE_H
#define BT_DSL_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/value.h"

typedef struct bt_trace_id {
  uint8_t bytes[16];
} bt_trace_id;

typedef struct bt_span_id {
  uint8_t bytes[8]; /* all zero: none */
} bt_span_id;

enum { BT_TRACE_ID_HEX = 32, BT_SPAN_ID_HEX = 16 };

typedef enum bt_span_kind { /* numbers as in OTLP */
                            BT_KIND_UNSPECIFIED = 0,
                            BT_KIND_INTERNAL,
                            BT_KIND_SERVER,
                            BT_KIND_CLIENT,
                            BT_KIND_PRODUCER,
                            BT_KIND_CONSUMER
} bt_span_kind;

typedef enum bt_span_status { /* numbers as in OTLP */
                              BT_SPAN_STATUS_UNSET = 0,
                              BT_SPAN_STATUS_OK,
                              BT_SPAN_STATUS_ERROR
} bt_span_status;

typedef struct bt_attribute {
  bt_str key;
  bt_value value;
} bt_attribute;

typedef struct bt_attributes {
  const bt_attribute *items; /* as they came */
  uint32_t count;
  uint32_t dropped; /* as many as their event, link, resource or scope says were dropped; a span has its own number */
} bt_attributes;

typedef struct bt_resource {
  bt_str service; /* service.name where it is a string; len 0 with ptr NULL: none */
  bt_attributes attributes;
} bt_resource;

typedef struct bt_scope {
  bt_str name, version;
  bt_attributes attributes;
} bt_scope;

typedef struct bt_event {
  bt_str name;
  int64_t time_ns;
  bt_attributes attributes;
} bt_event;

/* Names a span of this trace or of another one, which need not be there. An id of zeros is none. */
typedef struct bt_link {
  bt_trace_id trace_id;
  bt_span_id span_id;
  bt_attributes attributes;
} bt_link;

/* For `dropped` of a scope: the store keeps no attributes of scopes, and of nothing the number of what was dropped. */
#define BT_NOT_KEPT UINT32_MAX
/* For `dropped` of a resource: what it has stands among the attributes of its spans, and nobody can tell which these
 * are. So a key that may be of either is known. */
#define BT_NOT_APART (UINT32_MAX - 1)

#define BT_NO_SPAN UINT32_MAX /* no enumerator: those are ints */

/* Spans of a trace may have been summed up before it was stored, or while it was read (pruning: the OpenTelemetry
 * Collector's spanpruning processor, and stores after it). What it leaves says so by attributes; see trace_pruned.h. */
typedef enum bt_pruning {
  BT_PRUNING_NONE,
  BT_PRUNING_SUMMARY, /* stands for several spans, which are not there */
  BT_PRUNING_KEPT     /* was spared when others like it were summed up; its parent may have been another */
} bt_pruning;

/* What of a span is not known, as bits. See doubt.h. */
enum {
  BT_DOUBT_START = 1, /* a time of 0: nobody set it; or a time that was cut (time_slack_ns) */
  BT_DOUBT_END = 2,
  BT_DOUBT_ATTRIBUTES = 4, /* some were dropped: of those that are not there nothing is known */
  BT_DOUBT_EVENTS = 8,
  BT_DOUBT_LINKS = 16,
  BT_DOUBT_PARTS = 64 /* its kind, or an attribute of its events, links, resource or scope was lost (32: cut_text.h) */
};

typedef struct bt_span {
  bt_span_id id, parent_id;
  bt_str name, status_message;
  bt_span_kind kind;
  bt_span_status status;
  int64_t start_ns, end_ns;    /* since the epoch; duration is end − start, never below 0 */
  const bt_resource *resource; /* never NULL */
  const bt_scope *scope;       /* never NULL */
  bt_attributes attributes;
  const bt_event *events;
  uint32_t event_count;
  const bt_link *links; /* in the order in which they came */
  uint32_t link_count;
  bt_str trace_state;   /* as it came (trace_state.h) */
  const char *trace_id; /* of its trace, as 32 digits with a NUL; the builder sets it. NULL: nobody did */
  uint32_t flags;       /* as OTLP has them; 0: nobody set them */
  uint32_t dropped_attributes, dropped_events, dropped_links; /* as many as it says were dropped */
  /* A store may cut times: each of its own and of its events was up to so much later, and its duration up to so much
   * longer. 0: they are as they were sent. */
  uint32_t time_slack_ns, duration_slack_ns;
  uint8_t pruning;             /* bt_pruning; the builder sets it */
  uint8_t doubts;              /* BT_DOUBT_*; the builder sets it */
  bool is_kind_lost;           /* its format has no word for an internal span: one of no kind may have been that */
  const struct bt_span *other; /* a further record of this span, which says something else; NULL: there is none */
  /* Its records as they came, in a list by `other`, where keys that stand twice in them make more records than a span
   * keeps: then it and its others have one value of each key. NULL: each value has a record. */
  const struct bt_span *unsplit;
} bt_span;

typedef struct bt_trace {
  bt_trace_id id;
  const bt_span *spans; /* in bt_span_compare's order, whatever order they came in; a span's number is its place here */
  uint32_t span_count;
  uint32_t root;             /* see bt_trace_root */
  bool differing_copies;     /* some span has other records, each of which may be the right one, or unsplit ones */
  bool has_more_copies;      /* and one has more of them than are here, be it unsplit */
  bool missing_parents;      /* some span names a parent that is not here */
  bt_span_id missing_parent; /* the first such parent, by the spans that name them; else zero */
  bool partial;              /* the source said that it does not give the whole trace */
  bool pruned; /* some spans were summed up before: a summary is here in their place, or what was kept beside it */
  bool root_in_doubt; /* of one of several roots it is not known if it starts before `root`, the earliest as it seems */
  uint8_t doubts;     /* those of all spans */
} bt_trace;

/* The first one; of spans that a builder has made two with one key are the same. NULL: there is none. */
const bt_value *bt_attributes_find(const bt_attributes *attributes, bt_str key);
/* What `service.name` says, of a resource's attributes; NULL, 0: nothing, or it is no text. An empty name is none:
 * Tempo's searches give "" for a service that is not there, and verdicts must not depend on how a trace was read. */
bt_str bt_attributes_service(const bt_attributes *attributes);
/* The slack counts only where there is a time: nobody set one that is 0, and nobody cut it. */
static inline bool bt_span_lacks_time(const bt_span *span, bool is_end) {
  return (is_end ? span->end_ns : span->start_ns) == 0;
}
/* Means something where both its times are known. */
int64_t bt_span_duration_ns(const bt_span *span);
/* The order of spans in everything that is told: by start, then id, then kind, then service. A start of 0 is not known,
 * and stands behind those that are. Below, at, above 0; 0: only for records of one span. */
int bt_span_compare(const bt_span *a, const bt_span *b);
/* Earliest start and latest end. A start or an end of 0 was never set (OTLP's default), so it is none of them. 0: no
 * span has one. */
int64_t bt_trace_start_ns(const bt_trace *trace);
int64_t bt_trace_end_ns(const bt_trace *trace);
/* The latest start, likewise: with the others it decides which window a trace belongs to (api.md, coverage). */
int64_t bt_trace_latest_start_ns(const bt_trace *trace);
/* The earliest root (no parent, or a parent that is not here) of those whose start is known, ties by lowest id;
 * BT_NO_SPAN when every span hangs in a cycle. */
uint32_t bt_trace_root(const bt_trace *trace);

typedef struct bt_link_place { /* all-zero: before the first */
  uint32_t span, link;
  const bt_span *record; /* NULL: none of the span's is begun */
} bt_link_place;
/* The next link of the spans, of whichever of their records. NULL: there is no more. */
const bt_link *bt_spans_next_link(const bt_span *spans, uint32_t count, bt_link_place *place);

int bt_trace_id_compare(const bt_trace_id *a, const bt_trace_id *b);
int bt_trace_id_order(const void *a, const void *b); /* the same, for qsort and bsearch */
bool bt_span_id_is_zero(const bt_span_id *id);
bool bt_trace_id_is_zero(const bt_trace_id *id);
/* Lower-case hex with a NUL: hex has room for 33 or 17 bytes. */
void bt_trace_id_format(const bt_trace_id *id, char hex[BT_TRACE_ID_HEX + 1]);
void bt_span_id_format(const bt_span_id *id, char hex[BT_SPAN_ID_HEX + 1]);
/* Reads 1 to 32 (1 to 16) hex digits of either case; shorter ones have lost leading zeros, as some stores' have. false:
 * not hex, empty or too long. */
bool bt_trace_id_parse(bt_str hex, bt_trace_id *out);
bool bt_span_id_parse(bt_str hex, bt_span_id *out);

/* Collects the spans of one trace. Records with the same span id, kind and service become one span; one without a
 * service is a record of each with its id and kind. Where they do not agree, those that have ended count, and the span
 * has all of them, in an order that does not depend on theirs. */
typedef struct bt_trace_builder bt_trace_builder;

/* new in the arena; the arena must outlive the trace. NULL: no room. */
bt_trace_builder *bt_trace_builder_new(bt_arena *arena, const bt_trace_id *id);
/* The same, with room for that many spans from the start. */
bt_trace_builder *bt_trace_builder_new_for(bt_arena *arena, const bt_trace_id *id, size_t span_count);
/* Copies the struct, not what it points to. False: no room in the arena, or more than 2^30 spans. */
bool bt_trace_builder_add(bt_trace_builder *builder, const bt_span *span) BT_MUST_CHECK;
/* The same for a span that is none of those that were added, whatever ids and services they have: it is no record of
 * theirs. */
bool bt_trace_builder_add_apart(bt_trace_builder *builder, const bt_span *span) BT_MUST_CHECK;
/* Sets `partial`. */
void bt_trace_builder_mark_partial(bt_trace_builder *builder);
/* The trace so far; borrowed until the next add, valid as long as the arena. */
const bt_trace *bt_trace_builder_finish(bt_trace_builder *builder);

#endif
