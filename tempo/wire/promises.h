/* What a source promises: what stands behind it, what its searches show and when, and what it can be asked. All of it
 * is in one struct, which a source fills by one operation (source.h) and which holds for one generation of it. Within
 * one a source may only come to know more, its clock with every answer. What depends on a number follows from the
 * struct alone. All-zero promises the least that can be asked for, and hides nothing. Thread: any; plain values. */
#ifndef BT_TEMPO_WIRE_PROMISES_H
#define BT_TEMPO_WIRE_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace/trace.h"

/* What stands behind a source: which one it is, and whether what plans rest on was ever measured on it. All-zero: not
 * asked for. */
enum { BT_SOURCE_VERSION_BYTES = 96, BT_SOURCE_NOTE_BYTES = 280 };
typedef struct bt_source_about {
  const char *kind;                      /* "tempo", "files", "memory" */
  char version[BT_SOURCE_VERSION_BYTES]; /* as it says it itself; "": it has none, or does not say it */
  bool is_checked;                       /* one of the versions that were checked, or our own */
  char
      note[BT_SOURCE_NOTE_BYTES]; /* where it is not: with those that were; of one that is: what is known to be wrong */
  const char *store;              /* its name among several that are asked here, of the source; or NULL */
} bt_source_about;
/* Of an answer that several looks at the source went into: what they do not agree in is not known for all of it, and it
 * is checked where all are. */
void bt_source_about_join(bt_source_about *into, const bt_source_about *from);
/* "Tempo 3.0.3"; "Tempo 3.1.0, not among the versions that were checked (…)"; "files". */
enum { BT_SOURCE_TEXT_BYTES = BT_SOURCE_VERSION_BYTES + BT_SOURCE_NOTE_BYTES + 16 };
void bt_source_about_text(const bt_source_about *about, char out[BT_SOURCE_TEXT_BYTES]);

/* Of spans that lie in one of two places: for hidden_ns after its arrival such a span may be in no search. None is
 * hidden where seen_ns covers the longest lateness and hidden_ns together: searches show whatever is younger. */
typedef struct bt_late_place {
  int64_t hidden_ns, seen_ns;
} bt_late_place;

/* When searches show spans that come after their own time. A span lies with the spans of its time, or apart: with those
 * that came when it did, which a search of its own time does not meet. All-zero: what came is in the next search. */
typedef struct bt_late_promise {
  bt_late_place in_time;
  bool may_lie_apart; /* what comes more than apart_from_ns late may, and begin up to apart_by_ns after its arrival */
  int64_t apart_from_ns, apart_by_ns;
  bt_late_place apart;
  bool is_assumed; /* the source did not say it: it counts only where something is said to come late */
} bt_late_promise;
/* How long after its arrival a span may be in no search, in ns, where none comes later than lateness_ns after its own
 * time: what is younger than both together may be more than searches show. 0: what came is in the next search, as soon
 * as it is older than the hidden tail. */
int64_t bt_late_hides_ns(const bt_late_promise *late, int64_t lateness_ns);
/* How far beyond the end of a range its search has to go on, in ns, to find the spans in it that came at most
 * lateness_ns late. 0: no farther. */
int64_t bt_late_reach_ns(const bt_late_promise *late, int64_t lateness_ns);

/* The steady clock, less the source's, lies between. */
typedef struct bt_clock_bounds {
  bool is_known;
  int64_t least_ns, most_ns;
} bt_clock_bounds;

/* The source's clock, as far as its answers have shown it. All-zero: it is ours, or nothing shows it. */
typedef struct bt_known_clock {
  bt_clock_bounds now, before; /* and what was known until they did not fit any more, while it counts, too */
} bt_known_clock;
/* By how much a clock of ours, which is lead_ns before the steady one, is ahead, in whole seconds, rounded up, as ns:
 * what is settled is counted by the earlier of both. 0: it is not, or by so little that nothing shows it. */
int64_t bt_known_clock_ahead_ns(const bt_known_clock *clock, int64_t lead_ns);

/* What questions cost a source, in units of one trace that is read whole in a batch. Only what they are to each other
 * matters: a replay chooses by it how it decides, and never what. */
typedef struct bt_source_costs {
  double request;                                    /* what any search costs, however little it finds */
  double found;                                      /* an id in an answer */
  double projected;                                  /* the few spans of one trace in an answer */
  double by_id;                                      /* a trace read by id */
  uint32_t found_bytes, projected_bytes, read_bytes; /* of an answer, for one trace */
  uint32_t reads_at_once, projected_at_once;         /* traces of one answer; 0: any number */
} bt_source_costs;
/* Of a source that does not say it: a trace costs the same however it is read, and what is found, by its bytes. */
extern const bt_source_costs bt_plain_costs;

typedef struct bt_promises {
  bt_source_about about; /* it cannot fail to say it: what is not known is not checked */
  /* Another number as soon as what stands behind the source may be another one: after a connection was lost and came
   * back, and with another version. */
  uint64_t generation;
  /* False: search ignores the filter and finds every trace of the range (files, memory). Then nothing may be
   * subtracted. */
  bool filters;
  bool projects; /* reads may ask for some spans of each trace only */
  /* Files: nothing arrives late, so nothing is unsettled, no trace has to be confirmed, and there is no hand-over. */
  bool is_static;
  /* What it could not take of what it was given, in words: no answer of it is complete. Borrowed. NULL: nothing. */
  const char *lacks;
  /* Several of its parts hold copies of what is new. Then a read in batches gives of such a trace what one part has,
   * which may not be all of it, and only a read by id joins them. */
  bool has_copies;
  /* Searches, reads in batches and reads by id look at the same rows, and all rows that came are among them: neither
   * says more of a trace than the other but of its spans that lie far from the range. So a batch is not held against a
   * read by id. */
  bool reads_agree;
  /* Batches of all spans of traces have their trace states and the attributes of their scopes, whatever the projection:
   * how a trace came to be kept shows there as it does by id. */
  bool batches_show_kept;
  /* Of sources that know how all their traces were kept (keeping.h): some by a threshold above 0; and where services
   * sample for themselves, the largest that any of them showed, else 0. */
  bool is_sampled;
  uint64_t apart_threshold;
  int64_t hidden_tail_ns; /* of the newest time, which searches never show: it is not settled, whatever a rule says */
  bt_late_promise late;
  bt_known_clock clock;
  bt_source_costs costs;
  /* Whether find_linking gives every trace of the range that links to anything as soon as this id is among those that
   * it is asked for: who asks for it had better ask for it alone. `trace`: what is known of it, or NULL. Pure. NULL:
   * for no id. */
  bool (*guesses_linking)(const bt_trace_id *id, const bt_trace *trace);
} bt_promises;
bool bt_promises_guess_linking(const bt_promises *promises, const bt_trace_id *id, const bt_trace *trace);

/* What a source is asked for where it has to ask somebody else: which version it is, with all that follows from that,
 * or whatever it promises. */
typedef enum bt_promises_wanted { BT_PROMISES_OF_VERSION, BT_PROMISES_ALL } bt_promises_wanted;

#endif
