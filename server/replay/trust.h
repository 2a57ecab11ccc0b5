/* What comparisons of reads in batches with reads by id are worth beyond the replay that made them. A comparison says
 * that a batch of this question's shape (its rules, the tenant's data, this Tempo) gave what decides the verdict; that
 * is no less true for the next replay of the same question. So a replay rests on what earlier ones compared, adds what
 * is missing to the size of its sample, and a few more at a rate. Another Tempo, tenant or rule is another question.
 * A comparison counts for a day. A difference takes what all questions rest on, and the question in which it was seen
 * is doubted until comparisons agree again. Bounded: of more questions than there is room for, those that were added
 * to longest ago are forgotten, and pay anew. What a replay learned about how to ask stays here too, for an hour: it is
 * a guess that saves a probe, and no answer rests on it. Kept in memory only. Thread: any; it has a lock of its own. */
#ifndef BT_SERVER_TRUST_H
#define BT_SERVER_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum {
  BT_TRUST_ROOM = 1024,     /* questions */
  BT_TRUST_KEPT = 50,       /* comparisons of each that are remembered, the newest: the largest sample */
  BT_TRUST_REASSURED = 8,   /* so many have to agree after a difference before an answer is complete again, */
  BT_TRUST_CALM = 32,       /* and so many before samples have their usual size */
  BT_TRUST_SHARE = 20,      /* comparisons beyond the sample take one part in so many of what replays cost */
  BT_TRUST_BY_ID_UNITS = 40 /* what one costs, about as much as a search that finds little (strategy_cost.c) */
};

typedef struct bt_trust bt_trust;

/* What a comparison is evidence of, as text: whatever of it is another one makes another question. */
typedef struct bt_trust_question {
  uint8_t hash[32];
} bt_trust_question;
/* BT_NO_MEMORY alone. */
bt_status bt_trust_question_of(const bt_str *parts, size_t count, bt_trust_question *out,
                               bt_error *error) BT_MUST_CHECK;

/* What a probe said of a rule's spans (projection_first_way.c). */
typedef struct bt_trust_spans {
  bool is_known, come_first; /* whether they are asked for before anything else */
  double per_hour;           /* traces that have any */
  double undecided_share;    /* of the candidates there: those that the spans did not decide */
} bt_trust_spans;

/* What earlier replays leave to the one that asks. All-zero: nothing is known. */
typedef struct bt_trust_grant {
  uint32_t compared;            /* traces that were found to be the same both ways, in the last day */
  int64_t oldest_ns, newest_ns; /* how long ago; 0 where there are none */
  uint32_t due;                 /* so many may be compared, beyond what a sample lacks */
  uint32_t lacking;             /* so many have to agree before an answer is complete; 0: there is no doubt */
  bool is_calm;                 /* false: not long ago there was a difference, and samples are larger */
  bt_trust_spans spans;
  bool is_unsampled;        /* in the last day traces that were read whole did not say that they were sampled */
  uint64_t subtracted_from; /* candidates from which the last replay subtracted, the fewest of a rule; 0: not known, or
                               of some rule it did not */
} bt_trust_grant;
/* Where nothing is kept. */
bt_trust_grant bt_trust_nothing(void);

/* How many of a sample of that size are still to be compared. */
uint64_t bt_trust_wants(const bt_trust_grant *grant, uint64_t sample);

typedef struct bt_trust_news {  /* of one replay, and of traces that were handed over long ago */
  uint32_t compared;            /* all */
  uint32_t agreed, differed;    /* violations that are the same both ways, and whatever is not */
  double units;                 /* what the replay cost */
  bt_trust_spans spans;         /* known: it probed */
  uint64_t subtracted_from;     /* as bt_trust_grant says it */
  bool is_looked, is_unsampled; /* traces were read whole; they did not say that they were sampled */
} bt_trust_news;

/* new. room: how many questions are kept; 0: BT_TRUST_ROOM. BT_NO_MEMORY alone. */
bt_status bt_trust_new(size_t room, bt_trust **out, bt_error *error) BT_MUST_CHECK;
void bt_trust_free(bt_trust *trust); /* NULL is fine */
/* now_ns: of a clock that never goes back. NULL: nothing is kept. */
bt_trust_grant bt_trust_look(bt_trust *trust, const bt_trust_question *question, int64_t now_ns);
/* Without memory for the question nothing is kept of it, and it pays anew. */
void bt_trust_add(bt_trust *trust, const bt_trust_question *question, int64_t now_ns, const bt_trust_news *news);

#endif
