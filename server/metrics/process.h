/* What the kernel says of this process, for /metrics. Thread: any. */
#ifndef BT_SERVER_METRICS_PROCESS_H
#define BT_SERVER_METRICS_PROCESS_H

#include <stdint.h>

typedef struct bt_process_figures { /* what could not be read is 0 */
  uint64_t resident_bytes, virtual_bytes;
  uint64_t open_fds, max_fds;
  double cpu_seconds;
} bt_process_figures;

bt_process_figures bt_process_read(void);

#endif
