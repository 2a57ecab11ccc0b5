/* Turns the plain-text errors that h2o answers by itself (a body over the limit, broken chunks, an unknown expectation)
 * into problem documents like all others. Thread: h2o's loops. */
#ifndef BT_SERVER_HTTP_H2O_ERRORS_H
#define BT_SERVER_HTTP_H2O_ERRORS_H

#include <h2o.h>

void bt_h2o_errors_register(h2o_pathconf_t *path);

#endif
