/* A report in a DSSE envelope (Dead Simple Signing Envelope 1.0), which standard tools verify: the report's JSON as it
 * is, base64, signed once more by the same Ed25519 key. What is signed is PAE(type, payload) = "DSSEv1 " length(type) "
 * " type " " length(payload) " " payload, so neither can be taken for another. The signature inside the report stays
 * what it is. Thread: values, no state. */
#ifndef BT_SERVER_DSSE_H
#define BT_SERVER_DSSE_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/compliance/evidence.h"

#define BT_DSSE_REPORT_TYPE "application/vnd.betrace.report+json"

/* new: {payload, payloadType, signatures: [{keyid, sig}]}. The key has to be a private one. BT_LIMIT: the report is too
 * large for base64. BT_IO: libcrypto does not sign. BT_NO_MEMORY. */
bt_status bt_dsse_make(bt_str report, const bt_evidence_key *key, json_t **out, bt_error *error) BT_MUST_CHECK;

/* Whether a document is meant to be an envelope. */
bool bt_dsse_is_envelope(const json_t *document);
/* Checks its form and, with a key, that one of its signatures is this key's; appends the report. BT_INVALID: it is not,
 * and what. BT_LIMIT: it is too large for base64. BT_NO_MEMORY. */
bt_status bt_dsse_open(const json_t *envelope, const bt_evidence_key *key, bt_buffer *report,
                       bt_error *error) BT_MUST_CHECK;

#endif
