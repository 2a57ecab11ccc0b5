/* Building and checking the evidence chain. See evidence.h. */
#include "server/compliance/evidence.h"

#include <stdio.h>
#include <string.h>

#include "server/compliance/signature.h"
#include "server/json/canonical_json.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"

static const char no_hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* ---- hashes ---- */

/* Of the four members, or of an entry that has them. */
static bt_status hash_entry(const json_t *entry, char hex[BT_SHA256_HEX + 1], bt_error *error) {
  bt_buffer text = {0};
  json_t *hashed = json_copy((json_t *)entry);
  if (hashed) json_object_del(hashed, "hash");
  bt_status status = bt_canonical_json(hashed, &text, error);
  if (!status) status = bt_sha256_text(bt_buffer_str(&text), hex, error);
  json_decref(hashed);
  bt_buffer_dispose(&text);
  return status;
}

static void signed_text(const char *head, char out[BT_SIGNED_TEXT_BYTES]) {
  snprintf(out, BT_SIGNED_TEXT_BYTES, BT_EVIDENCE_FORMAT "\n%.64s\n", head);
}

/* ---- building ---- */

bt_status bt_evidence_begin(bt_evidence_chain *chain, bt_error *error) {
  *chain = (bt_evidence_chain){.entries = json_array()};
  memcpy(chain->head, no_hash, sizeof no_hash);
  return chain->entries ? BT_OK : bt_error_no_memory(error);
}

void bt_evidence_dispose(bt_evidence_chain *chain) {
  json_decref(chain->entries);
  chain->entries = NULL;
}

bt_status bt_evidence_add(bt_evidence_chain *chain, const char *type, json_t *body, bt_error *error) {
  json_int_t number = (json_int_t)json_array_size(chain->entries);
  json_t *entry =
      body ? json_pack("{s:o, s:I, s:s, s:s}", "body", body, "number", number, "previous", chain->head, "type", type)
           : NULL;
  if (!entry) return bt_error_no_memory(error);
  bt_status status = hash_entry(entry, chain->head, error);
  if (!status) {
    bt_json_set(entry, "hash", json_string(chain->head));
    bt_json_append(chain->entries, json_incref(entry));
  }
  json_decref(entry);
  return status;
}

static bt_status sign_head(const char *head, const bt_evidence_key *key, json_t *evidence, bt_error *error) {
  char text[BT_SIGNED_TEXT_BYTES], signature[BT_SIGNATURE_TEXT_BYTES];
  signed_text(head, text);
  bt_status status = bt_signature_make(key, bt_str_from(text), signature, error);
  if (status) return status;
  bt_json_set(evidence, "key_id", json_string(bt_evidence_key_id(key)));
  bt_json_set(evidence, "signature", json_string(signature));
  return BT_OK;
}

bt_status bt_evidence_seal(bt_evidence_chain *chain, const bt_evidence_key *key, json_t **out, bt_error *error) {
  json_t *evidence = json_pack("{s:s, s:s, s:s, s:n, s:n, s:n}", "chain", "sha256", "signed",
                               key ? "ed25519" : "unsigned", "head", chain->head, "key_id", "signature", "time_stamp");
  bt_status status = evidence ? BT_OK : bt_error_no_memory(error);
  if (!status && key) status = sign_head(chain->head, key, evidence, error);
  *out = status ? NULL
                : json_pack("{s:s, s:O, s:O}", "format", BT_EVIDENCE_FORMAT, "entries", chain->entries, "evidence",
                            evidence);
  if (!status && !*out) status = bt_error_no_memory(error);
  json_decref(evidence);
  bt_evidence_dispose(chain);
  return status;
}

/* ---- checking ---- */

void bt_evidence_signed_text(const json_t *document, char out[BT_SIGNED_TEXT_BYTES]) {
  signed_text(bt_json_text_at(json_object_get(document, "evidence"), "head"), out);
}

/* Exactly these members, so that nothing stands beside what is checked. */
static bool has_only(const json_t *object, const char *const *names) {
  size_t count = 0;
  for (; names[count]; count++)
    if (!json_object_get(object, names[count])) return false;
  return json_object_size(object) == count;
}

/* A token or why there is none; null where nobody was asked for one. Reports of before version 3 have no such member.
 */
static bool is_time_stamp(const json_t *stamp) {
  static const char *const members[] = {"reason", "token", NULL};
  const json_t *token = json_object_get(stamp, "token"), *reason = json_object_get(stamp, "reason");
  if (!stamp || json_is_null(stamp)) return true;
  return has_only(stamp, members) &&
         (json_is_string(token) ? json_is_null(reason) : json_is_null(token) && json_is_string(reason));
}

static bool is_sealed(const json_t *evidence) {
  static const char *const before[] = {"chain", "head", "key_id", "signature", "signed", NULL};
  static const char *const sealed[] = {"chain", "head", "key_id", "signature", "signed", "time_stamp", NULL};
  return (has_only(evidence, before) || has_only(evidence, sealed)) &&
         is_time_stamp(json_object_get(evidence, "time_stamp"));
}

static bt_status check_form(const json_t *document, bt_error *error) {
  static const char *const whole[] = {"entries", "evidence", "format", NULL};
  const json_t *evidence = json_object_get(document, "evidence");
  if (!has_only(document, whole) || !json_is_array(json_object_get(document, "entries")) || !is_sealed(evidence))
    return bt_error_set(
        error, BT_INVALID,
        "this is not a report: expected an object with entries, evidence and format, as betrace writes it");
  if (strcmp(bt_json_text_at(document, "format"), BT_EVIDENCE_FORMAT) != 0 ||
      strcmp(bt_json_text_at(evidence, "chain"), "sha256") != 0)
    return bt_error_set(error, BT_INVALID, "expected a report of format %s with a sha256 chain, got \"%.60s\"",
                        BT_EVIDENCE_FORMAT, bt_json_text_at(document, "format"));
  return BT_OK;
}

static bt_status check_entry(const json_t *entry, size_t number, const char *previous, bt_error *error) {
  static const char *const members[] = {"body", "hash", "number", "previous", "type", NULL};
  char hash[BT_SHA256_HEX + 1];
  const json_t *said = json_object_get(entry, "number");
  if (!has_only(entry, members) || !json_is_object(json_object_get(entry, "body")))
    return bt_error_set(error, BT_INVALID, "entry %zu is not one that betrace writes", number);
  if (!json_is_integer(said) || json_integer_value(said) != (json_int_t)number)
    return bt_error_set(error, BT_INVALID, "entry %zu has another number: entries were left out, added or moved",
                        number);
  if (strcmp(bt_json_text_at(entry, "previous"), previous) != 0)
    return bt_error_set(error, BT_INVALID,
                        "entry %zu does not follow the one before it: entries were left out, added or moved", number);
  bt_status status = hash_entry(entry, hash, error);
  if (!status && strcmp(bt_json_text_at(entry, "hash"), hash) != 0)
    return bt_error_set(error, BT_INVALID, "entry %zu (%.20s) was changed: its hash is another one", number,
                        bt_json_text_at(entry, "type"));
  return status;
}

/* A report begins with what it is about and ends with how many entries there are. */
static bt_status check_ends(const json_t *entries, bt_error *error) {
  size_t count = json_array_size(entries);
  const json_t *first = json_array_get(entries, 0), *last = json_array_get(entries, count ? count - 1 : 0);
  const json_t *said = json_object_get(json_object_get(last, "body"), "entries");
  if (count < 2 || strcmp(bt_json_text_at(first, "type"), "report") != 0 ||
      strcmp(bt_json_text_at(last, "type"), "end") != 0 || json_integer_value(said) != (json_int_t)count)
    return bt_error_set(error, BT_INVALID,
                        "the report is not whole: expected it to begin with a report and end with an end entry");
  return BT_OK;
}

static bt_status check_chain(const json_t *document, bt_error *error) {
  const json_t *entries = json_object_get(document, "entries");
  const char *previous = no_hash;
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i);
    bt_status status = check_entry(entry, i, previous, error);
    if (status) return status;
    previous = bt_json_text_at(entry, "hash");
  }
  if (strcmp(bt_json_text_at(json_object_get(document, "evidence"), "head"), previous) != 0)
    return bt_error_set(error, BT_INVALID,
                        "the head is not the hash of the last entry: entries were left out, added or changed");
  return check_ends(entries, error);
}

static bt_status check_signature(const json_t *evidence, const bt_evidence_key *key, bt_error *error) {
  char text[BT_SIGNED_TEXT_BYTES];
  if (strcmp(bt_json_text_at(evidence, "signed"), "ed25519") != 0)
    return bt_error_set(error, BT_INVALID,
                        "the report is not signed: nothing shows who made it, or that it was not made anew");
  if (strcmp(bt_json_text_at(evidence, "key_id"), bt_evidence_key_id(key)) != 0)
    return bt_error_set(error, BT_INVALID, "the report is signed with another key: expected %.16s…, got %.16s…",
                        bt_evidence_key_id(key), bt_json_text_at(evidence, "key_id"));
  signed_text(bt_json_text_at(evidence, "head"), text);
  return bt_signature_check(key, bt_str_from(text), bt_str_from(bt_json_text_at(evidence, "signature")), error);
}

static bt_status check_unsigned(const json_t *evidence, bt_error *error) {
  bool is_unsigned = strcmp(bt_json_text_at(evidence, "signed"), "unsigned") == 0;
  bool has_nothing =
      json_is_null(json_object_get(evidence, "key_id")) && json_is_null(json_object_get(evidence, "signature"));
  bool is_signed = strcmp(bt_json_text_at(evidence, "signed"), "ed25519") == 0;
  if (is_signed || (is_unsigned && has_nothing)) return BT_OK;
  return bt_error_set(error, BT_INVALID, "the report does not say whether it is signed");
}

bt_status bt_evidence_check(const json_t *document, const bt_evidence_key *key, bt_error *error) {
  bt_status status = check_form(document, error);
  if (!status) status = check_chain(document, error);
  if (status) return status;
  const json_t *evidence = json_object_get(document, "evidence");
  return key ? check_signature(evidence, key, error) : check_unsigned(evidence, error);
}
