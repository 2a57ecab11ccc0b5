/* Who we are to Tempo, or to what stands before it: the Authorization header. Its text is a secret: no error, log or
 * account may show it. Thread: no state. Internal to tempo/. */
#ifndef BT_TEMPO_API_TEMPO_ACCESS_H
#define BT_TEMPO_API_TEMPO_ACCESS_H

#include "dsl/base/error.h"
#include "tempo/api/tempo_source.h"

/* "Authorization: …" for the options, new; NULL where they name nobody. BT_INVALID: half of a pair, two ways at once,
 * or bytes that cannot be sent; the message holds nothing of them. */
bt_status bt_tempo_authorization(const bt_tempo_options *options, char **out,
                                 bt_error *error) BT_MUST_CHECK; /* bt_header_free */

#endif
