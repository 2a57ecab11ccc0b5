/* Which Tempo answers. See tempo_version.h. */
#include "tempo/api/tempo_version.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_tail.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/tempo_answer.h"

enum {
  ASK_TIMEOUT_MS = 2000,
  BODY_BYTES = 1 << 16,
  AGAIN_MS = 60 * 1000,        /* after an answer */
  AGAIN_UNHEARD_MS = 10000,    /* after none: a Tempo that hangs would otherwise cost every question its time */
  AGAIN_RECONNECTED_MS = 1000, /* a connection that comes and goes may not ask more often */
  POLL_MS = 5
};

/* The one list of versions on which tests/facts, the property test and the packs were run. All of a major and a minor
 * version count as one: what plans rest on is the query engine and the format of blocks, which patches are not meant to
 * change. commit: it was checked before its release, at this commit of the main branch. Builds of other commits call
 * themselves by the same number (3.1.0-dev); what they hold is not known. */
static const struct {
  int major, minor;
  const char *commit;
} checked[] = {{2, 8, NULL}, {2, 10, NULL}, {3, 0, NULL}, {3, 1, "ad33aa8"}};

enum { NOT_LISTED = -1 };

/* ---- what an answer says ---- */

static int number_at(const char **at) {
  enum { DIGITS_MAX = 4 };
  int number = 0, digits = 0;
  for (; **at >= '0' && **at <= '9' && digits < DIGITS_MAX; (*at)++, digits++) number = number * 10 + (**at - '0');
  return digits ? number : -1;
}

/* v3.0.3, 2.8.0-rc.1: 3 and 0, 2 and 8. A build of a branch has a name in place of numbers. */
static bool read_numbers(const char *version, int *major, int *minor) {
  if (*version == 'v') version++;
  *major = number_at(&version);
  *minor = *major >= 0 && *version == '.' ? (version++, number_at(&version)) : -1;
  return *minor >= 0 && strchr(".-+", *version); /* or the end */
}

int bt_tempo_version_major(const char *version) {
  int major, minor;
  return read_numbers(version, &major, &minor) ? major : -1;
}

/* What is known to be wrong in a checked version, whatever is asked; "": nothing. Before 2.8.1 the ingester told traces
 * in memory apart by a hash of 32 bits (facts_collisions.py). */
static const char *known_fault(const char *version) {
  int major, minor;
  if (!read_numbers(version, &major, &minor) || major != 2 || minor != 8) return "";
  const char *patch = strchr(strchr(version, '.') + 1, '.');
  if (patch && patch++ && number_at(&patch) > 0) return "";
  return "it may store two traces as one; 2.8.1 and newer do not";
}

static int place_in_list(const char *version) {
  int major, minor;
  if (!read_numbers(version, &major, &minor)) return NOT_LISTED;
  for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
    if (checked[i].major == major && checked[i].minor == minor) return (int)i;
  return NOT_LISTED;
}

/* 3.1.0-dev; and not 3.1.0 or 3.1.0-rc.0, which are releases. */
static bool is_between_releases(const char *version) {
  const char *suffix = version + strcspn(version, "-+_");
  return *suffix && strncmp(suffix, "-rc", 3) != 0;
}

/* "": nothing speaks against it. */
static const char *why_unchecked(int place, const char *version, bt_str commit, bt_str go) {
  const char *wanted = place == NOT_LISTED ? NULL : checked[place].commit;
  if (wanted && is_between_releases(version) && !bt_str_starts_with(commit, bt_str_from(wanted)))
    return "it is a build of another commit of the main branch than the one that was";
  if (place != NOT_LISTED && !bt_str_starts_with(go, BT_STR("go")))
    return "it does not say with which Go it was built, as a Tempo does; another program may answer";
  return "";
}

/* "not among the versions that were checked (2.8, 2.10, 3.0, 3.1)", and why, where that is not the version itself. */
static void set_unchecked(bt_source_about *about, const char *why) {
  char list[64] = "";
  for (size_t i = 0; i < sizeof checked / sizeof *checked; i++) {
    size_t length = strlen(list);
    snprintf(list + length, sizeof list - length, "%s%d.%d", i ? ", " : "", checked[i].major, checked[i].minor);
  }
  about->is_checked = false;
  snprintf(about->note, sizeof about->note, "not among the versions that were checked (%s)%s%.140s", list,
           why[0] ? ": " : "", why);
}

static void set_unknown(bt_source_about *about, const char *why) {
  about->version[0] = '\0';
  set_unchecked(about, why);
}

/* It goes into documents and onto terminals. */
static bool is_version_text(bt_str text) {
  static const char others[] = ".-+_";
  if (!text.len || text.len >= BT_SOURCE_VERSION_BYTES) return false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain && !(c && strchr(others, c))) return false;
  }
  return true;
}

/* What an answer says of a build. */
typedef struct build {
  bt_str version, commit, go;
} build;

/* Every Tempo says with which Go it was built; programs that speak its API and give themselves a version of Tempo's do
 * not. */
static void set_said(bt_source_about *about, const build *said) {
  if (!is_version_text(said->version)) {
    set_unknown(about, said->version.len ? "what it says of its version is none" : "it was built without a version");
    return;
  }
  snprintf(about->version, sizeof about->version, "%.*s", (int)said->version.len, said->version.ptr);
  int place = place_in_list(about->version);
  const char *why = why_unchecked(place, about->version, said->commit, said->go);
  about->is_checked = place != NOT_LISTED && !why[0];
  snprintf(about->note, sizeof about->note, "%s", known_fault(about->version));
  if (!about->is_checked) set_unchecked(about, why);
}

static bt_str string_at(const json_t *object, const char *name) {
  const json_t *string = json_object_get(object, name);
  return (bt_str){json_string_value(string), json_string_length(string)};
}

bool bt_tempo_version_of_buildinfo(bt_str body, bt_source_about *out) {
  json_t *answer = body.len ? json_loadb(body.ptr, body.len, 0, NULL) : NULL;
  bool is_one = json_is_string(json_object_get(answer, "version"));
  build said = {string_at(answer, "version"), string_at(answer, "revision"), string_at(answer, "goVersion")};
  if (is_one) set_said(out, &said);
  json_decref(answer);
  return is_one;
}

/* From after the marker to the next byte of `ends`, or to the end of the line. */
static bt_str text_between(bt_str body, bt_str marker, const char *ends) {
  const char *at = body.len ? memmem(body.ptr, body.len, marker.ptr, marker.len) : NULL;
  bt_str found = {at ? at + marker.len : NULL, 0};
  while (found.ptr && found.ptr < body.ptr + body.len && *found.ptr == ' ' && !strchr(ends, ' ')) found.ptr++;
  while (found.ptr && found.ptr + found.len < body.ptr + body.len && found.ptr[found.len] != '\n' &&
         !strchr(ends, found.ptr[found.len]))
    found.len++;
  return found;
}

bool bt_tempo_version_of_status(bt_str body, bt_source_about *out) {
  build said = {text_between(body, BT_STR("tempo, version "), " ("), text_between(body, BT_STR("revision: "), ")"),
                text_between(body, BT_STR("go version:"), "\r")};
  if (said.version.ptr) set_said(out, &said);
  return said.version.ptr != NULL;
}

/* ---- asking ---- */

typedef enum heard { HEARD_NOTHING, HEARD_ANSWER, HEARD_VERSION } heard;

/* A gateway that answers in Tempo's place while Tempo is away has said nothing. */
static heard ask_path(struct bt_tempo *tempo, const char *path, bool (*read)(bt_str, bt_source_about *),
                      const bt_cancel *cancel, bt_source_about *out) {
  bt_http_response response = {0};
  bt_error error = {0};
  int64_t timeout_ms = tempo->timeout_ms < ASK_TIMEOUT_MS ? tempo->timeout_ms : ASK_TIMEOUT_MS;
  bt_tempo_plain_request request = {path, BODY_BYTES, timeout_ms, cancel};
  bt_status status = bt_tempo_ask_plainly(tempo, &request, &response, &error);
  heard result = HEARD_NOTHING;
  if (status == BT_LIMIT || (status == BT_OK && bt_tempo_meaning_of(&response) != BT_MEANS_PASSING))
    result = HEARD_ANSWER;
  if (status == BT_OK && response.status == 200 && read(bt_buffer_str(&response.body), out))
    result = HEARD_VERSION;
  else if (result == HEARD_ANSWER) {
    char why[100];
    snprintf(why, sizeof why, "GET %s was answered %d%s", path, response.status,
             response.status == 200 ? " with something else" : "");
    set_unknown(out, why);
  }
  bt_http_response_dispose(&response);
  return result;
}

/* What is said of the first path is kept where neither tells: it is the one that a gateway should let through. */
static heard ask_version(struct bt_tempo *tempo, const bt_cancel *cancel, bt_source_about *out) {
  bt_source_about other = *out;
  heard first = ask_path(tempo, "/api/status/buildinfo", bt_tempo_version_of_buildinfo, cancel, out);
  if (first != HEARD_ANSWER) return first;
  heard second = ask_path(tempo, "/status/version", bt_tempo_version_of_status, cancel, &other);
  if (second == HEARD_VERSION) *out = other;
  return second == HEARD_VERSION ? HEARD_VERSION : HEARD_ANSWER;
}

/* ---- remembering ---- */

bool bt_tempo_version_init(bt_tempo_version *version) {
  version->about = (bt_source_about){.kind = "tempo"};
  set_unknown(&version->about, "it was not asked yet");
  atomic_init(&version->is_lost, false);
  return pthread_mutex_init(&version->mutex, NULL) == 0;
}

void bt_tempo_version_dispose(bt_tempo_version *version) {
  pthread_mutex_destroy(&version->mutex);
}

bt_columns bt_tempo_columns(struct bt_tempo *tempo) {
  bt_source_about about;
  (void)bt_tempo_describe_version(tempo, NULL, &about);
  return about.is_checked ? BT_COLUMNS_OF_STRINGS_AND_INTEGERS : BT_COLUMNS_OF_ANY_TYPE;
}

void bt_tempo_version_note(bt_tempo_version *version, bool is_heard) {
  if (!is_heard) {
    atomic_store(&version->is_lost, true);
    return;
  }
  if (!atomic_load(&version->is_lost) || !atomic_exchange(&version->is_lost, false)) return;
  pthread_mutex_lock(&version->mutex);
  version->generation++;
  int64_t soonest_ms = version->asked_ms + AGAIN_RECONNECTED_MS;
  if (version->next_ms > soonest_ms) version->next_ms = soonest_ms;
  pthread_mutex_unlock(&version->mutex);
}

/* Whether it is on this caller to ask now. */
static bool take_turn(bt_tempo_version *version) {
  pthread_mutex_lock(&version->mutex);
  bool is_due = !version->is_asking && bt_monotonic_ms() >= version->next_ms;
  if (is_due) version->is_asking = true;
  pthread_mutex_unlock(&version->mutex);
  return is_due;
}

/* What Tempo said stands until it says something else: a failed attempt takes nothing away. */
static void keep_version(bt_tempo_version *version, const bt_source_about *about, heard result, bool is_cancelled) {
  pthread_mutex_lock(&version->mutex);
  version->is_asking = false;
  version->asked_ms = bt_monotonic_ms();
  version->next_ms = version->asked_ms + (result == HEARD_NOTHING ? AGAIN_UNHEARD_MS : AGAIN_MS);
  if (is_cancelled) version->next_ms = 0;
  bool is_other = version->has_answered && strcmp(version->about.version, about->version) != 0;
  if (result != HEARD_NOTHING && is_other) version->generation++;
  if (result != HEARD_NOTHING) version->about = *about;
  if (result == HEARD_NOTHING && !version->has_answered && !is_cancelled)
    set_unknown(&version->about, "it did not answer when it was asked");
  version->has_answered = version->has_answered || result != HEARD_NOTHING;
  pthread_mutex_unlock(&version->mutex);
}

/* While another caller asks for the first time there is nothing to say yet. */
static bool is_known_soon(bt_tempo_version *version) {
  pthread_mutex_lock(&version->mutex);
  bool is_soon = version->is_asking && !version->has_answered;
  pthread_mutex_unlock(&version->mutex);
  return is_soon;
}

uint64_t bt_tempo_describe_version(struct bt_tempo *tempo, const bt_cancel *cancel, bt_source_about *out) {
  bt_tempo_version *version = &tempo->version;
  if (cancel && take_turn(version)) {
    bt_source_about asked = {.kind = "tempo"};
    heard result = ask_version(tempo, cancel, &asked);
    keep_version(version, &asked, result, bt_is_cancelled(cancel));
    if (result != HEARD_NOTHING)
      bt_tempo_tail_forget(tempo); /* what made asking again worth it may have changed this too */
  }
  while (cancel && is_known_soon(version) && bt_pause_ms(cancel, POLL_MS)) continue;
  pthread_mutex_lock(&version->mutex);
  *out = version->about;
  uint64_t generation = version->generation;
  pthread_mutex_unlock(&version->mutex);
  return generation;
}
