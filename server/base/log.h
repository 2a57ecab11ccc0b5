/* Log lines to stderr in logfmt: time=… level=… msg="…". What users or upstream sent is escaped, so a line stays one
 * line. Thread: any; a line is written with one call. */
#ifndef BT_SERVER_BASE_LOG_H
#define BT_SERVER_BASE_LOG_H

typedef enum bt_log_level { BT_LOG_INFO, BT_LOG_WARNING, BT_LOG_ERROR } bt_log_level;

void bt_log(bt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
