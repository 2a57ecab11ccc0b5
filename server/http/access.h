/* Who a request is from and what it may do (api.md, Access): a bearer token or a JWT of an identity provider, its role,
 * and the tenant that the request names. One value holds all that can be changed while the service runs (tokens,
 * further host names, allowed origins); it is immutable and replaced as a whole. Thread: acquire and release from any
 * thread; the rest is read only. */
#ifndef BT_SERVER_HTTP_ACCESS_H
#define BT_SERVER_HTTP_ACCESS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/pages.h"
#include "server/http/role.h"

typedef struct bt_access bt_access;

/* Lists are NULL-terminated, or NULL; all strings are copied. */
typedef struct bt_access_options {
  const char *tokens_file;         /* NULL, and no JWTs: everybody is an editor */
  const char *const *hosts;        /* further names that Host may have */
  const char *const *cors_origins; /* "https://grafana.example": pages that may call us */
  const char *tls_cert, *tls_key;  /* PEM files, both or neither */
  const char *ui;                  /* folder of the web pages; NULL: none */
  /* JWTs: where their keys are, which outlives the access; NULL: none are taken, and the rest says nothing. */
  struct bt_jwt_ring *jwt_ring;
  const char *jwt_issuer, *jwt_audience; /* the second with commas between several */
  const char *jwt_roles_file;
  int64_t jwt_skew_ns;
} bt_access_options;

/* new, with one reference. Reads the files. BT_INVALID and BT_IO say which of them is wrong, and why; BT_LIMIT: one is
 * too large. BT_NO_MEMORY. */
bt_status bt_access_new(const bt_access_options *options, bt_access **out, bt_error *error) BT_MUST_CHECK;
/* Shared, one reference more; never NULL. */
bt_access *bt_access_acquire(bt_access *access);
void bt_access_release(bt_access *access); /* NULL is fine */

bool bt_access_has_tokens(const bt_access *access);          /* or takes JWTs: nobody is let in without one */
const char *const *bt_access_hosts(const bt_access *access); /* NULL-terminated */
/* Is this page's origin one that was allowed? Exact, in lower case, as browsers send it. */
bool bt_access_allows_origin(const bt_access *access, bt_str origin);
const bt_pages *bt_access_pages(const bt_access *access);  /* NULL: none */
struct ssl_ctx_st *bt_access_tls(const bt_access *access); /* borrowed; NULL: plain */

typedef struct bt_access_question {
  bt_role needs;                              /* of the route */
  bt_str authorization, tenant, grafana_user; /* headers; len 0: not sent */
} bt_access_question;

typedef struct bt_access_answer {
  int status; /* 0: it may */
  const char *kind;
  char detail[320];
  bt_str tenant;     /* "" or canonical ("a|b" sorted, each once); in `text` or the access */
  bt_str user;       /* for updated_by; len 0: nobody in particular; borrowed from the access or the question */
  bt_str client;     /* the token's name, whoever it says it speaks for; len 0: no token; borrowed from the access, or
                        in `who` */
  bool is_editor;    /* it may change rules */
  bool every_tenant; /* it may see what is not of one tenant: metrics of all */
  char text[640];
  char who[256]; /* of a JWT: "jwt:" and its sub, which no token of the file can be named */
} bt_access_answer;

/* 401: no token or a wrong one; 403: its role or its tenants do not reach; 400: a header is not what it has to be; 503:
 * no JWT can be checked now. Borrows from *out: it may not be copied. */
void bt_access_check(const bt_access *access, const bt_access_question *question, bt_access_answer *out);

#endif
