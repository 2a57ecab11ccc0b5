/* TLS 1.2 and newer for the server, HTTP/1.1 alone (no other protocol is ever chosen by ALPN). Thread: a context may be
 * shared by all. */
#ifndef BT_SERVER_HTTP_TLS_H
#define BT_SERVER_HTTP_TLS_H

#include <openssl/ssl.h>

#include "dsl/base/error.h"

/* new, SSL_CTX_free. PEM files: the certificate with its chain, and its key, which has to fit and to have no password.
 * BT_INVALID: which of the two is wrong, and OpenSSL's reason. */
bt_status bt_tls_new(const char *cert_file, const char *key_file, SSL_CTX **out, bt_error *error) BT_MUST_CHECK;

#endif
