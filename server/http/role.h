/* Roles of tokens, and the role that a route needs. Thread: values. */
#ifndef BT_SERVER_HTTP_ROLE_H
#define BT_SERVER_HTTP_ROLE_H

/* Ordered: each may do what those after it may. A route that does not say what it needs needs an editor. */
typedef enum bt_role {
  BT_ROLE_EDITOR = 0, /* changes rules, starts and ends replays, pushes spans */
  BT_ROLE_VIEWER,     /* reads, and asks: validate, test, query, format, complete */
  BT_ROLE_ANYONE      /* needs no token: health and readiness, for probes */
} bt_role;

#endif
