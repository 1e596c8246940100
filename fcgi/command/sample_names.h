/*
 * Invented names for the sample community. All are appended to a buffer.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_NAMES_H
#define REFRAIN_COMMAND_SAMPLE_NAMES_H

#include "base/buffer.h"
#include "command/sample_composers.h"
#include "command/sample_random.h"

/* Of the listener with that index; different for each. The first one is "demo". */
void sample_name_listener(struct buffer *to, int index);

/* A band or an artist; the name always holds a word that was put together from syllables. */
void sample_name_band(struct buffer *to, struct sample_random *random);

/* Who plays classical music: an orchestra, a quartet, a person, a choir, an opera house. */
void sample_name_performer(struct buffer *to, struct sample_random *random,
                           enum sample_forces forces);

/* A title of a release or a track. */
void sample_name_title(struct buffer *to, struct sample_random *random);

#endif
