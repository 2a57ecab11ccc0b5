/* Trust in batches. See trust.h. Entries lie in one array and are looked through from its start: there are a thousand
 * at most, and a replay costs far more than that. Thread: any; one mutex. */
#include "server/replay/trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/sha256.h"

static const int64_t SECOND_NS = 1000000000;
static const int64_t DAY_NS = 86400 * SECOND_NS;
static const int64_t DOUBT_NS = 3600 * SECOND_NS;   /* with nothing to compare, samples alone decide again after it */
static const int64_t LEARNED_NS = 3600 * SECOND_NS; /* what is learned of how to ask: data change */
static const double SAVED_UNITS_MAX = 8 * BT_TRUST_BY_ID_UNITS; /* a long quiet time is not followed by a burst */

typedef struct entry {
  bt_trust_question question;
  int64_t compared_ns[BT_TRUST_KEPT]; /* a ring: when each was compared */
  size_t first, count;
  double units; /* what may be spent on further ones */
  bool has_differed;
  int64_t differed_ns;
  uint32_t agreed_since; /* the last difference */
  bt_trust_spans spans;
  int64_t probed_ns; /* when that was learned */
  uint64_t subtracted_from;
  int64_t replayed_ns; /* likewise */
  bool is_unsampled;
  int64_t looked_ns;
  uint64_t age; /* number of the last addition */
} entry;

struct bt_trust {
  pthread_mutex_t lock;
  entry *entries;
  size_t count, capacity, room;
  uint64_t additions;
};

bt_status bt_trust_question_of(const bt_str *parts, size_t count, bt_trust_question *out, bt_error *error) {
  bt_sha256 hash;
  bt_status status = bt_sha256_fields(parts, count, &hash, error);
  if (status == BT_OK) memcpy(out->hash, hash.bytes, sizeof out->hash);
  return status;
}

bt_trust_grant bt_trust_nothing(void) {
  return (bt_trust_grant){.is_calm = true};
}

uint64_t bt_trust_wants(const bt_trust_grant *grant, uint64_t sample) {
  uint64_t missing = grant->compared < sample ? sample - grant->compared : 0;
  uint64_t due = grant->due < sample ? grant->due : sample;
  return missing > due ? missing : due;
}

bt_status bt_trust_new(size_t room, bt_trust **out, bt_error *error) {
  *out = NULL;
  bt_trust *trust = calloc(1, sizeof *trust);
  if (!trust) return bt_error_no_memory(error);
  pthread_mutex_init(&trust->lock, NULL);
  trust->room = room ? room : BT_TRUST_ROOM;
  *out = trust;
  return BT_OK;
}

void bt_trust_free(bt_trust *trust) {
  if (!trust) return;
  free(trust->entries);
  pthread_mutex_destroy(&trust->lock);
  free(trust);
}

/* ---- one question ---- */

static int64_t *compared_at(entry *e, size_t index) {
  return &e->compared_ns[(e->first + index) % BT_TRUST_KEPT];
}

static void forget_old(entry *e, int64_t now_ns) {
  while (e->count && now_ns - *compared_at(e, 0) > DAY_NS) {
    e->first = (e->first + 1) % BT_TRUST_KEPT;
    e->count--;
  }
}

static void remember_comparison(entry *e, int64_t now_ns) {
  if (e->count == BT_TRUST_KEPT) {
    e->first = (e->first + 1) % BT_TRUST_KEPT;
    e->count--;
  }
  *compared_at(e, e->count++) = now_ns;
}

static void end_doubt(entry *e, int64_t now_ns) {
  if (e->agreed_since >= BT_TRUST_CALM || now_ns - e->differed_ns > DOUBT_NS) e->has_differed = false;
}

static bt_trust_grant grant_of(entry *e, int64_t now_ns) {
  bt_trust_grant grant = bt_trust_nothing();
  forget_old(e, now_ns);
  end_doubt(e, now_ns);
  grant.compared = (uint32_t)e->count;
  if (e->count) {
    grant.oldest_ns = now_ns - *compared_at(e, 0);
    grant.newest_ns = now_ns - *compared_at(e, e->count - 1);
  }
  grant.due = (uint32_t)(e->units / BT_TRUST_BY_ID_UNITS);
  grant.is_calm = !e->has_differed;
  if (now_ns - e->probed_ns <= LEARNED_NS) grant.spans = e->spans;
  if (now_ns - e->replayed_ns <= LEARNED_NS) grant.subtracted_from = e->subtracted_from;
  grant.is_unsampled = e->is_unsampled && now_ns - e->looked_ns <= DAY_NS;
  if (e->has_differed && e->agreed_since < BT_TRUST_REASSURED) grant.lacking = BT_TRUST_REASSURED - e->agreed_since;
  return grant;
}

/* Of what is spent, that beyond the sample counts: at the beginning there is nothing to spend, and it stays so. */
static void take_news(entry *e, int64_t now_ns, const bt_trust_news *news) {
  double spent = (double)news->compared * BT_TRUST_BY_ID_UNITS;
  e->units = (e->units > spent ? e->units - spent : 0) + news->units / BT_TRUST_SHARE;
  if (e->units > SAVED_UNITS_MAX) e->units = SAVED_UNITS_MAX;
  e->subtracted_from = news->subtracted_from;
  e->replayed_ns = now_ns;
  if (news->is_looked) {
    e->is_unsampled = news->is_unsampled;
    e->looked_ns = now_ns;
  }
  if (news->spans.is_known) {
    e->spans = news->spans;
    e->probed_ns = now_ns;
  }
  if (news->differed) {
    e->has_differed = true;
    e->differed_ns = now_ns;
    e->agreed_since = 0;
    return;
  }
  e->agreed_since += news->agreed;
  for (uint32_t i = 0; i < news->agreed && i < BT_TRUST_KEPT; i++) remember_comparison(e, now_ns);
}

/* ---- all of them ---- */

static entry *find_entry(const bt_trust *trust, const bt_trust_question *question) {
  for (size_t i = 0; i < trust->count; i++)
    if (memcmp(&trust->entries[i].question, question, sizeof *question) == 0) return &trust->entries[i];
  return NULL;
}

static entry *oldest_entry(const bt_trust *trust) {
  entry *found = &trust->entries[0];
  for (size_t i = 1; i < trust->count; i++)
    if (trust->entries[i].age < found->age) found = &trust->entries[i];
  return found;
}

/* A free place, or that of the oldest entry. NULL: no memory. */
static entry *take_place(bt_trust *trust) {
  if (trust->count == trust->room) return oldest_entry(trust);
  entry *entries = bt_grow_array(trust->entries, trust->count, &trust->capacity, sizeof *entries);
  if (!entries) return NULL;
  trust->entries = entries;
  return &entries[trust->count++];
}

static entry *find_or_add(bt_trust *trust, const bt_trust_question *question) {
  entry *e = find_entry(trust, question);
  if (e) return e;
  e = take_place(trust);
  if (e) *e = (entry){.question = *question};
  return e;
}

/* Where batches were wrong once they may be wrong for others too. */
static void forget_all(bt_trust *trust) {
  for (size_t i = 0; i < trust->count; i++) trust->entries[i].count = 0;
}

bt_trust_grant bt_trust_look(bt_trust *trust, const bt_trust_question *question, int64_t now_ns) {
  bt_trust_grant grant = bt_trust_nothing();
  if (!trust) return grant;
  pthread_mutex_lock(&trust->lock);
  entry *e = find_entry(trust, question);
  if (e) grant = grant_of(e, now_ns);
  pthread_mutex_unlock(&trust->lock);
  return grant;
}

void bt_trust_add(bt_trust *trust, const bt_trust_question *question, int64_t now_ns, const bt_trust_news *news) {
  if (!trust) return;
  pthread_mutex_lock(&trust->lock);
  if (news->differed) forget_all(trust);
  entry *e = find_or_add(trust, question);
  if (e) {
    e->age = ++trust->additions;
    take_news(e, now_ns, news);
  }
  pthread_mutex_unlock(&trust->lock);
}
