/* What claims of an identity provider's tokens give: the file of --jwt-roles, a JSON object.
 *
 *   {"roles":   [{"claim": "groups", "value": "sre", "role": "editor"},
 *                {"claim": ["realm_access", "roles"], "value": "betrace-viewer", "role": "viewer"}],
 *    "tenants": [{"claim": "groups", "value": "team-acme", "tenants": ["acme"]},
 *                {"claim": "groups", "value": "ops", "tenants": "*"}]}
 *
 * A claim is named, or a list of names leads to it. A row holds where the claim is its value, or a list that has it. Of
 * roles the highest counts, and it counts in all of the token's tenants; of tenants all count. Without `tenants` it is
 * the service without tenants. Who has no row has no access. Thread: immutable once parsed. */
#ifndef BT_SERVER_HTTP_JWT_ROLES_H
#define BT_SERVER_HTTP_JWT_ROLES_H

#include <jansson.h>

#include "server/http/tokens.h"

enum { BT_JWT_ROLES_MAX_BYTES = 1 << 20, BT_JWT_MAX_ROWS = 1000, BT_JWT_MAX_TENANTS = 500, BT_JWT_MAX_DEPTH = 8 };

typedef struct bt_jwt_roles bt_jwt_roles;

/* new. `file` is for messages. BT_INVALID: what was expected in which row. BT_IO: it cannot be read. BT_LIMIT: it is
 * too large. BT_NO_MEMORY. */
bt_status bt_jwt_roles_parse(bt_str text, const char *file, bt_jwt_roles **out, bt_error *error) BT_MUST_CHECK;
bt_status bt_jwt_roles_read(const char *file, bt_jwt_roles **out, bt_error *error) BT_MUST_CHECK;
void bt_jwt_roles_free(bt_jwt_roles *roles); /* NULL is fine */

typedef struct bt_jwt_granted {
  bool has_role, has_tenants; /* false: no row of that kind holds */
  bt_role role;
  bool every_tenant;
  size_t tenant_count;
  bt_str tenants[BT_JWT_MAX_TENANTS]; /* each once; borrowed from the rows */
} bt_jwt_granted;

void bt_jwt_roles_grant(const bt_jwt_roles *roles, const json_t *claims, bt_jwt_granted *out);
/* The claims that rows of this kind look at, each once, as "groups, realm_access.roles"; cut where there is no room. */
void bt_jwt_roles_name_claims(const bt_jwt_roles *roles, bool is_of_tenants, char *out, size_t size);

#endif
