/*
 * What the catalogue is known to hold, so that it need not be asked to add it again: most submissions
 * are of something that has been heard before. Of a fixed size; what is new takes the place of what
 * is old. Shared by threads.
 */
#ifndef REFRAIN_LISTEN_KNOWN_H
#define REFRAIN_LISTEN_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

struct known;

/* Half a megabyte. NULL where memory is short. The caller owns it. */
struct known *known_create(void);
void known_destroy(struct known **known);

/* Whether something with this hash has been noted, and not been displaced since. Somebody may have
 * removed it from the catalogue meanwhile. Of MBIDs that were taken away by hand, or lost in a
 * failover, nobody is told: they come back only once this has been displaced, or after a restart. */
bool known_has(const struct known *known, uint64_t hash);
/* To be called once the catalogue holds it durably. */
void known_note(struct known *known, uint64_t hash);

#endif
