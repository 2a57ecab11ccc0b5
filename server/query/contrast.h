/* What goes along with violating: marks (span names, services, attributes with a value) that are more, or less,
 * frequent in traces that violate a rule than in traces that exercise and satisfy it. Samples of both are read whole,
 * at most so many of each side; which traces are sampled follows from a seed and their ids alone. Some rules are about
 * every trace: those without `when` that are no `p and not q`. They are compared with the other traces that begin with
 * the same root span, by name and service, as one that violates. So are rules that no trace satisfies, and the answer
 * says which comparison it was. What a trace lacks is not known where it lost attributes: a mark is named only if it
 * separates whatever these traces had. Each mark is tested
 * by Fisher's exact test, with Tarone's correction (significance.h): when nothing separates the two, the chance that
 * anything is named at all is at most `level`. It never says why: a mark may be the cause, a consequence, or go along
 * with either. Left out, and said so: what the rule itself compares, spans that only its deciding part asks for (these
 * separate by definition), and keys whose values are ids (tally.h). Thread: runs on the caller's; the source may use
 * others. */
#ifndef BT_SERVER_QUERY_CONTRAST_H
#define BT_SERVER_QUERY_CONTRAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/value.h"
#include "server/memory/account.h"
#include "server/query/significance.h"
#include "server/query/tally.h"
#include "server/replay/replay.h"
#include "server/replay/unseen_names.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

enum {
  BT_CONTRAST_SAMPLE = 100, /* traces of each side, where nothing else is asked for */
  BT_CONTRAST_FINDINGS = 20,
  BT_CONTRAST_FINDINGS_MAX = 200,
  BT_CONTRAST_EXCLUDED_NAMED = 50,
  BT_CONTRAST_ATTEMPTS =
      4 /* satisfying traces read for each that is sampled, where only reading tells whether they exercised the rule */
};
#define BT_CONTRAST_LEVEL 0.05

typedef enum bt_contrast_conclusion {
  BT_CONTRAST_SEPARATES,      /* there are findings */
  BT_CONTRAST_NOTHING,        /* no attribute or name separates these samples beyond chance */
  BT_CONTRAST_TOO_FEW_TRACES, /* even a mark that separates them without exception could not be told from chance */
} bt_contrast_conclusion;
const char *bt_contrast_conclusion_name(bt_contrast_conclusion conclusion); /* "separates", … */

typedef enum bt_contrast_others {
  BT_OTHERS_SATISFYING, /* they exercise and satisfy the rule */
  BT_OTHERS_SAME_ENTRY, /* they do not violate it, and begin with the same root span as one that does */
} bt_contrast_others;
const char *bt_contrast_others_name(bt_contrast_others others); /* "satisfying", "same_entry" */

typedef struct bt_contrast_side {
  uint64_t total; /* settled traces of this side in the range, as far as the replay knows */
  bool total_is_exact;
  uint32_t wanted;  /* chosen to be read */
  uint32_t sampled; /* read, and judged to belong here */
  uint32_t gone;    /* not there any more */
  uint32_t other;   /* judged otherwise when read whole, or (satisfying) found not to exercise the rule, or to begin
                       otherwise than the violating ones */
  uint32_t lost;    /* of those sampled: spans or attributes of theirs are missing, so what they lack is not known */
} bt_contrast_side;

enum { BT_VIOLATING, BT_SATISFYING /* the other side, whichever it is (bt_contrast_others) */ };

typedef struct bt_contrast_finding { /* texts are the tally's */
  bt_mark_kind kind;
  bt_str key;     /* empty for span names and services */
  bool has_value; /* false: that the key is there, whatever its value */
  bool is_above;  /* the trace has a larger number than this value */
  bt_str value;
  bt_value_type type;
  uint32_t counts[2];                   /* sampled traces with the mark */
  uint32_t examples[BT_TALLY_EXAMPLES]; /* violating ones, by their places in sampled_ids; then 0 */
  double probability;                   /* Fisher's, two-sided */
  double corrected;                     /* times the divisor; at most the level */
  bt_odds_ratio odds;
} bt_contrast_finding;

typedef enum bt_contrast_exclusion { BT_EXCLUDED_COMPARED, BT_EXCLUDED_IDS, BT_EXCLUDED_LONG } bt_contrast_exclusion;
const char *bt_contrast_exclusion_name(bt_contrast_exclusion reason); /* "compared", "ids", "long_values" */
typedef struct bt_contrast_excluded {
  bt_mark_kind kind;
  bt_str name; /* a key, or a span name or service */
  bt_contrast_exclusion reason;
} bt_contrast_excluded;

typedef struct bt_contrast_request {
  bt_replay_request replay; /* one rule; sample_seed is the seed of this sample too */
  uint32_t sample;          /* of each side, 1 to BT_SAMPLE_SIDE_MAX; 0: BT_CONTRAST_SAMPLE */
  size_t most_findings;     /* 0: BT_CONTRAST_FINDINGS */
  /* Of reading the samples; or NULL: replay.cancel is of both. When only replay.cancel was set, the samples are of the
   * traces that were judged until then. They are judged in an order that the seed makes, so that is a random sample
   * too; but not of files, of which none are then taken. */
  const bt_cancel *reading_cancel;
} bt_contrast_request;

typedef struct bt_contrast_result {
  bt_replay_outcome outcome; /* of finding the traces and reading them; completed: both were done in full */
  /* Incomplete, and only because the replay ended once both samples could be had of what it had judged, in a random
   * order. What is concluded of them is as sure; the totals are not known. */
  bool is_sampled;
  char reason[240];
  bt_contrast_conclusion conclusion;
  char explanation[480]; /* the conclusion in a sentence; where traces were sampled, what it is about */
  bt_contrast_others compared_with;
  bt_contrast_side sides[2];
  size_t too_many;          /* so many traces and more are in the range: none was chosen from them for the other side */
  bt_rule_result counted;   /* by the replay: violations, what exercised the rule, and how these were kept */
  uint32_t begun_otherwise; /* of the satisfying side's `other` */
  uint64_t seed;
  size_t looked_at;   /* marks */
  size_t able;        /* of these: frequent enough to be told from chance */
  size_t divisor;     /* Tarone's: the level is divided by it */
  bool left_out_keys; /* more than BT_TALLY_KEYS_MAX attributes: not all were looked at */
  uint64_t spans_left_out;
  bt_contrast_finding *findings; /* the surest first */
  size_t finding_count, findings_total;
  size_t unsure; /* marks that would be named, were it known what traces have that lost attributes */
  bt_contrast_excluded *excluded;
  size_t excluded_count, excluded_total;
  bt_coverage coverage;
  uint64_t requests, bytes_inspected, bytes_received;
  int64_t duration_ns;
  bool has_no_room;    /* in the account of memory, for more of the samples, or to begin */
  bt_memory_hold hold; /* of the samples: what was counted of them, and the page that is read */
  bt_tally tally;
  bt_trace_id *sampled_ids; /* by their numbers in the tally, from 1 */
} bt_contrast_result;

/* Of the observer, which may be NULL, only `progress` is called. BT_OK: the result says how it ended, also failed and
 * cancelled. BT_INVALID: the request was wrong; BT_LIMIT: the attributes are too much to compare, or there was no room
 * to begin (has_no_room); BT_NO_MEMORY. Dispose in each case. */
bt_status bt_contrast_run(bt_source *source, const bt_contrast_request *request, const bt_replay_observer *observer,
                          bt_contrast_result *result, bt_error *error) BT_MUST_CHECK;
void bt_contrast_result_dispose(bt_contrast_result *result);
/* What is said besides, where no trace of a side was found. asked: as of the contrast. */
void bt_contrast_words_find(bt_source *source, const bt_replay_request *asked, const bt_contrast_result *result,
                            bt_rule_words *out);
const char *bt_contrast_status_name(const bt_contrast_result *result); /* "sampled", or the outcome's */

#endif
