/* Reports in DSSE envelopes. See dsse.h. */
#include "server/compliance/dsse.h"

#include <string.h>

#include "server/compliance/signature.h"
#include "server/json/json_members.h"

/* Pre-authentication encoding, of the protocol's section "Signature Definition". */
static void append_pae(bt_str type, bt_str payload, bt_buffer *out) {
  bt_buffer_printf(out, "DSSEv1 %zu %.*s %zu ", type.len, BT_FMT(type), payload.len);
  bt_buffer_append(out, payload);
}

static bt_status pack_envelope(bt_str report, const char *signature, const bt_evidence_key *key, json_t **out,
                               bt_error *error) {
  bt_buffer payload = {0};
  bt_status status = bt_base64_append(report, &payload, error);
  if (!status)
    *out = json_pack("{s:s%, s:s, s:[{s:s, s:s}]}", "payload", payload.ptr, payload.len, "payloadType",
                     BT_DSSE_REPORT_TYPE, "signatures", "keyid", bt_evidence_key_id(key), "sig", signature);
  if (!status && !*out) status = bt_error_no_memory(error);
  bt_buffer_dispose(&payload);
  return status;
}

bt_status bt_dsse_make(bt_str report, const bt_evidence_key *key, json_t **out, bt_error *error) {
  char signature[BT_SIGNATURE_TEXT_BYTES];
  bt_buffer text = {0};
  *out = NULL;
  append_pae(BT_STR(BT_DSSE_REPORT_TYPE), report, &text);
  bt_status status =
      text.failed ? bt_error_no_memory(error) : bt_signature_make(key, bt_buffer_str(&text), signature, error);
  bt_buffer_dispose(&text);
  return status ? status : pack_envelope(report, signature, key, out, error);
}

/* ---- opening ---- */

bool bt_dsse_is_envelope(const json_t *document) {
  return json_object_get(document, "payloadType") != NULL;
}

static bool is_signature(const json_t *signature) {
  bool has_key_id = json_object_get(signature, "keyid") != NULL; /* a hint, that may be left out */
  return json_is_string(json_object_get(signature, "sig")) && json_object_size(signature) == (has_key_id ? 2 : 1);
}

static bt_status check_form(const json_t *envelope, bt_error *error) {
  const json_t *signatures = json_object_get(envelope, "signatures"), *one;
  bt_str type = bt_json_str_at(envelope, "payloadType");
  bool is_right = json_object_size(envelope) == 3 && json_is_string(json_object_get(envelope, "payload")) &&
                  json_array_size(signatures) > 0;
  size_t index;
  json_array_foreach(signatures, index, one) is_right = is_right && is_signature(one);
  if (!is_right)
    return bt_error_set(error, BT_INVALID,
                        "this is no DSSE envelope: expected payload, payloadType and signatures, and nothing else");
  if (!bt_str_equal(type, BT_STR(BT_DSSE_REPORT_TYPE)))
    return bt_error_set(error, BT_INVALID, "expected an envelope of type %s, got \"%.60s\"", BT_DSSE_REPORT_TYPE,
                        type.ptr ? type.ptr : "");
  return BT_OK;
}

/* As DSSE has it: one signature of a key that the verifier trusts is enough, whatever key it says it is of. */
static bt_status check_signatures(const json_t *envelope, const bt_evidence_key *key, bt_str report, bt_error *error) {
  const json_t *one;
  size_t index;
  bt_buffer text = {0};
  append_pae(BT_STR(BT_DSSE_REPORT_TYPE), report, &text);
  bt_status status = text.failed ? bt_error_no_memory(error) : BT_INVALID;
  json_array_foreach(json_object_get(envelope, "signatures"), index, one) {
    if (status == BT_INVALID) status = bt_signature_check(key, bt_buffer_str(&text), bt_json_str_at(one, "sig"), error);
  }
  bt_buffer_dispose(&text);
  if (status != BT_INVALID) return status;
  return bt_error_set(error, BT_INVALID,
                      "no signature of the envelope is this key's: it was changed after it was signed, or signed by "
                      "somebody else");
}

bt_status bt_dsse_open(const json_t *envelope, const bt_evidence_key *key, bt_buffer *report, bt_error *error) {
  bt_status status = check_form(envelope, error);
  if (!status) status = bt_base64_decode(bt_json_str_at(envelope, "payload"), report, error);
  return status || !key ? status : check_signatures(envelope, key, bt_buffer_str(report), error);
}
