/* Time stamps. See time_stamp.h. What libcrypto has on its error queue is dropped, except for the reason why a
 * certificate does not hold. */
#include "server/compliance/time_stamp.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#if OPENSSL_VERSION_NUMBER < 0x30400000L
#define TS_VERIFY_CTX_set0_store TS_VERIFY_CTX_set_store /* its name before OpenSSL 3.4 */
#endif

enum { DIGEST_BYTES = 32 };
static const int64_t SECOND_NS = 1000000000;

static bool digest_text(bt_str text, unsigned char out[DIGEST_BYTES]) {
  unsigned length = DIGEST_BYTES;
  return EVP_Digest(text.ptr, text.len, out, &length, EVP_sha256(), NULL) == 1;
}

/* The first reason on the queue, which is then empty. */
static const char *take_reason(void) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  ERR_clear_error();
  return reason ? reason : "unknown";
}

/* ---- asking ---- */

static bool set_imprint(TS_REQ *request, bt_str stamped) {
  unsigned char hash[DIGEST_BYTES];
  TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
  X509_ALGOR *algorithm = X509_ALGOR_new();
  bool ok = imprint && algorithm && digest_text(stamped, hash) &&
            X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) &&
            TS_MSG_IMPRINT_set_algo(imprint, algorithm) && TS_MSG_IMPRINT_set_msg(imprint, hash, DIGEST_BYTES) &&
            TS_REQ_set_msg_imprint(request, imprint);
  X509_ALGOR_free(algorithm);
  TS_MSG_IMPRINT_free(imprint);
  return ok;
}

static bool set_nonce(TS_REQ *request, uint64_t number) {
  ASN1_INTEGER *nonce = ASN1_INTEGER_new();
  bool ok = nonce && ASN1_INTEGER_set_uint64(nonce, number) && TS_REQ_set_nonce(request, nonce);
  ASN1_INTEGER_free(nonce);
  return ok;
}

static void append_der(unsigned char *der, int length, bt_buffer *out) {
  if (length > 0)
    bt_buffer_append(out, (bt_str){(char *)der, (size_t)length});
  else
    out->failed = true;
  OPENSSL_free(der);
}

bt_status bt_time_stamp_query_make(bt_str stamped, bt_time_stamp_query *out, bt_error *error) {
  unsigned char *der = NULL;
  *out = (bt_time_stamp_query){.stamped = stamped};
  if (getrandom(&out->nonce, sizeof out->nonce, 0) != (ssize_t)sizeof out->nonce)
    return bt_error_set(error, BT_UNAVAILABLE, "the system gives no random bytes for the nonce of a time stamp");
  TS_REQ *request = TS_REQ_new();
  bool ok = request && TS_REQ_set_version(request, 1) && set_imprint(request, stamped) &&
            set_nonce(request, out->nonce) && TS_REQ_set_cert_req(request, 1);
  int length = ok ? i2d_TS_REQ(request, &der) : 0;
  append_der(der, length, &out->der);
  TS_REQ_free(request);
  return ok && !out->der.failed ? BT_OK : bt_error_no_memory(error);
}

void bt_time_stamp_query_dispose(bt_time_stamp_query *query) {
  bt_buffer_dispose(&query->der);
  *query = (bt_time_stamp_query){0};
}

/* ---- what holds of a token alone ---- */

static bt_status check_imprint(TS_TST_INFO *info, bt_str stamped, bt_error *error) {
  unsigned char hash[DIGEST_BYTES];
  TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
  const ASN1_OBJECT *algorithm = NULL;
  if (!digest_text(stamped, hash)) return bt_error_no_memory(error);
  X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
  const ASN1_OCTET_STRING *said = TS_MSG_IMPRINT_get_msg(imprint);
  bool is_sha256 = OBJ_obj2nid(algorithm) == NID_sha256 && ASN1_STRING_length(said) == DIGEST_BYTES;
  if (is_sha256 && memcmp(ASN1_STRING_get0_data(said), hash, DIGEST_BYTES) == 0) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "the time stamp is not of this report: expected its SHA-256, got the hash of something else");
}

/* By the certificate that it carries, whoever that is. */
static bt_status check_own_signature(PKCS7 *token, bt_error *error) {
  bool is_right = PKCS7_verify(token, NULL, NULL, NULL, NULL, PKCS7_NOVERIFY) == 1;
  if (is_right) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "the time stamp's signature is not that of the certificate in it: expected one that was not "
                      "changed since (%.100s)",
                      take_reason());
}

static bt_status read_time(const TS_TST_INFO *info, int64_t *out, bt_error *error) {
  struct tm moment = {0};
  const ASN1_GENERALIZEDTIME *time = TS_TST_INFO_get_time(info);
  bool is_time = time && ASN1_TIME_to_tm(time, &moment) == 1;
  time_t seconds = is_time ? timegm(&moment) : -1;
  if (seconds < 0 || seconds > INT64_MAX / SECOND_NS - 1)
    return bt_error_set(error, BT_INVALID, "the time stamp has no time: expected one of GeneralizedTime");
  *out = (int64_t)seconds * SECOND_NS;
  return BT_OK;
}

static bt_status parse_token(bt_str bytes, PKCS7 **token, TS_TST_INFO **info, bt_error *error) {
  const unsigned char *at = (const unsigned char *)bytes.ptr, *end = at + bytes.len;
  *info = NULL;
  *token = bytes.len && bytes.len <= BT_TIME_STAMP_MAX_BYTES ? d2i_PKCS7(NULL, &at, (long)bytes.len) : NULL;
  if (*token && at == end) *info = PKCS7_to_TS_TST_INFO(*token);
  ERR_clear_error();
  if (*info) return BT_OK;
  return bt_error_set(error, BT_INVALID, "the time stamp is no token of RFC 3161: expected CMS with a TSTInfo");
}

/* ---- answers ---- */

static bt_status check_status(TS_RESP *answer, bt_error *error) {
  const TS_STATUS_INFO *info = TS_RESP_get_status_info(answer);
  const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(info);
  int64_t status = -1;
  bool is_read = ASN1_INTEGER_get_int64(&status, TS_STATUS_INFO_get0_status(info)) == 1;
  if (is_read && (status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS)) return BT_OK;
  const ASN1_UTF8STRING *first = sk_ASN1_UTF8STRING_num(texts) > 0 ? sk_ASN1_UTF8STRING_value(texts, 0) : NULL;
  return bt_error_set(error, BT_INVALID, "the authority refused: status %d, \"%.*s\"", (int)status,
                      first ? (ASN1_STRING_length(first) < 120 ? ASN1_STRING_length(first) : 120) : 0,
                      first ? (const char *)ASN1_STRING_get0_data(first) : "");
}

static bt_status check_nonce(const TS_TST_INFO *info, uint64_t expected, bt_error *error) {
  const ASN1_INTEGER *nonce = TS_TST_INFO_get_nonce(info);
  uint64_t said = 0;
  if (nonce && ASN1_INTEGER_get_uint64(&said, nonce) == 1 && said == expected) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "the time stamp has another nonce than was sent: it may be the answer to another question");
}

static bt_status check_answer(const bt_time_stamp_query *query, TS_RESP *answer, bt_buffer *token, bt_error *error) {
  unsigned char *der = NULL;
  int64_t time_ns;
  bt_status status = check_status(answer, error);
  if (status) return status;
  PKCS7 *signed_info = TS_RESP_get_token(answer);
  TS_TST_INFO *info = TS_RESP_get_tst_info(answer);
  if (!signed_info || !info)
    return bt_error_set(error, BT_INVALID, "the authority's answer has no token although it was granted");
  status = check_nonce(info, query->nonce, error);
  if (!status) status = check_imprint(info, query->stamped, error);
  if (!status) status = read_time(info, &time_ns, error);
  if (!status) status = check_own_signature(signed_info, error);
  if (status) return status;
  int length = i2d_PKCS7(signed_info, &der);
  append_der(der, length, token);
  return token->failed ? bt_error_no_memory(error) : BT_OK;
}

bt_status bt_time_stamp_take(const bt_time_stamp_query *query, bt_str bytes, bt_buffer *token, bt_error *error) {
  const unsigned char *at = (const unsigned char *)bytes.ptr, *end = at + bytes.len;
  TS_RESP *answer = bytes.len && bytes.len <= BT_TIME_STAMP_MAX_BYTES ? d2i_TS_RESP(NULL, &at, (long)bytes.len) : NULL;
  bt_status status = answer && at == end
                         ? check_answer(query, answer, token, error)
                         : bt_error_set(error, BT_INVALID, "the authority's answer is no TimeStampResp of RFC 3161");
  TS_RESP_free(answer);
  ERR_clear_error();
  return status;
}

/* ---- what a token proves ---- */

static bt_status read_signer(PKCS7 *token, bt_time_stamp *out, bt_error *error) {
  STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
  X509 *signer = sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;
  BIO *name = signer ? BIO_new(BIO_s_mem()) : NULL;
  int length = name && X509_NAME_print_ex(name, X509_get_subject_name(signer), 0, XN_FLAG_RFC2253) >= 0
                   ? BIO_read(name, out->by, (int)sizeof out->by - 1)
                   : 0;
  out->by[length > 0 ? length : 0] = '\0';
  out->is_expired = signer && X509_cmp_current_time(X509_get0_notAfter(signer)) < 0;
  BIO_free(name);
  sk_X509_free(signers);
  return signer ? BT_OK : bt_error_set(error, BT_INVALID, "the time stamp is not signed by one certificate in it");
}

/* Certificates hold as of the token's time: one that has expired since was right to stamp then. */
static X509_STORE *open_authorities(const char *ca_file, int64_t time_ns, bt_error *error) {
  X509_STORE *store = X509_STORE_new();
  bool is_read = store && X509_STORE_load_locations(store, ca_file, NULL) == 1;
  if (is_read) {
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)(time_ns / SECOND_NS));
    return store;
  }
  X509_STORE_free(store);
  ERR_clear_error();
  bt_error_set(error, BT_IO, "%.200s cannot be read: expected certificates of time-stamp authorities (PEM)", ca_file);
  return NULL;
}

/* Chain, purpose (timeStamping) and the certificate's own hash in the signature, as RFC 3161 has it. */
static bt_status check_chain(PKCS7 *token, const char *ca_file, bt_time_stamp *out, bt_error *error) {
  X509_STORE *store = open_authorities(ca_file, out->time_ns, error);
  if (!store) return BT_IO;
  TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
  if (!context) {
    X509_STORE_free(store);
    return bt_error_no_memory(error);
  }
  TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNATURE);
  (void)TS_VERIFY_CTX_set0_store(context, store); /* takes it */
  out->is_checked = TS_RESP_verify_token(context, token) == 1;
  TS_VERIFY_CTX_free(context);
  if (out->is_checked) return BT_OK;
  unsigned long code = ERR_peek_error();
  const char *data = NULL;
  int flags = 0;
  ERR_peek_error_data(&data, &flags);
  bt_error_set(
      error, BT_INVALID,
      "the time stamp by %.100s does not hang on %.100s: expected a chain to one of its certificates, for time "
      "stamps and valid then (%.60s%s%.80s)",
      out->by, ca_file, code ? ERR_reason_error_string(code) : "", flags & ERR_TXT_STRING ? ", " : "",
      flags & ERR_TXT_STRING ? data : "");
  ERR_clear_error();
  return BT_INVALID;
}

bt_status bt_time_stamp_check(bt_str bytes, bt_str stamped, const char *ca_file, bt_time_stamp *out, bt_error *error) {
  PKCS7 *token = NULL;
  TS_TST_INFO *info = NULL;
  *out = (bt_time_stamp){0};
  bt_status status = parse_token(bytes, &token, &info, error);
  if (!status) status = check_imprint(info, stamped, error);
  if (!status) status = read_time(info, &out->time_ns, error);
  if (!status) status = read_signer(token, out, error);
  if (!status) status = check_own_signature(token, error);
  if (!status && ca_file) status = check_chain(token, ca_file, out, error);
  TS_TST_INFO_free(info);
  PKCS7_free(token);
  ERR_clear_error();
  return status;
}
