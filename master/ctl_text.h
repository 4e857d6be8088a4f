/*
 * ctl_text: what `status`, `top` and `incidents` print: values of the server's JSON, and numbers in few
 * columns.
 *
 * Pure. A key that is missing or of another kind, as from an older server, is 0, false or "?".
 */
#ifndef MASTER_CTL_TEXT_H
#define MASTER_CTL_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CTL_TEXT_SIZE = 24 }; /* of every text below; none is wider than 7 columns in ordinary times */

int64_t ctl_number_at(const json_t *object, const char *key);
double ctl_real_at(const json_t *object, const char *key);
bool ctl_true_at(const json_t *object, const char *key);
const char *ctl_string_at(const json_t *object, const char *key);

/* "850ms", "12s", "3m12s", "2h05m", "4d03h" */
void ctl_duration(int64_t ms, char out[CTL_TEXT_SIZE]);

/* A time that one waits: "0.02ms", "3.4ms", "120ms", "2.1s"; "-" for 0, nothing known. */
void ctl_delay(double ms, char out[CTL_TEXT_SIZE]);

/* "0", "99999", "123k", "1.23M", "45.6M", "789M", "1.23G" */
void ctl_count(double count, char out[CTL_TEXT_SIZE]);

/* The same with a unit: "64B", "13.6kB", "1.23MB" */
void ctl_bytes(double bytes, char out[CTL_TEXT_SIZE]);

/* What a slot does, in at most 12 columns: its state, or what is being done to it. */
void ctl_slot_state(const json_t *slot, char out[CTL_TEXT_SIZE]);

/* "scale 8", "restart 1", "reload": the operation as one asks for it. */
void ctl_operation_text(const json_t *operation, char out[CTL_TEXT_SIZE]);

/* Keepers of the slot that are ready. */
unsigned ctl_keepers_ready(const json_t *slot);

#endif
