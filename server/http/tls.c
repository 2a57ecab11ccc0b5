/* Making a TLS context from files. See tls.h. */
#include "server/http/tls.h"

#include <openssl/err.h>

static bt_status refuse_file(const char *what, const char *file, bt_error *error) {
  unsigned long code = ERR_get_error();
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  ERR_clear_error();
  return bt_error_set(error, BT_INVALID, "%s %s cannot be used: %s", what, file,
                      reason ? reason : "no reason is given");
}

/* HTTP/1.1 or nothing: a client that insists on another protocol goes without. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *offered,
                           unsigned length, void *unused) {
  static const unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char *chosen = NULL;
  (void)ssl, (void)unused;
  if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours, offered, length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* Nobody is there to type a password. */
static int no_password(char *text, int size, int is_writing, void *unused) {
  (void)text, (void)size, (void)is_writing, (void)unused;
  return 0;
}

bt_status bt_tls_new(const char *cert_file, const char *key_file, SSL_CTX **out, bt_error *error) {
  *out = NULL;
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  if (!tls) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(tls, no_password);
  SSL_CTX_set_alpn_select_cb(tls, choose_protocol, NULL);
  if (SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1)
    status = refuse_file("the certificate", cert_file, error);
  else if (SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(tls) != 1)
    status = refuse_file("the key", key_file, error);
  if (status)
    SSL_CTX_free(tls);
  else
    *out = tls;
  return status;
}
