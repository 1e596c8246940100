/*
 * What the sample listeners hear of classical music: composers whose works are in the public domain,
 * with works of theirs and the parts of each. Facts only; who plays is invented elsewhere.
 */
#ifndef REFRAIN_COMMAND_SAMPLE_COMPOSERS_H
#define REFRAIN_COMMAND_SAMPLE_COMPOSERS_H

#include <stddef.h>

/* Who plays a work: decides what kind of performer is invented for it. */
enum sample_forces { SAMPLE_ORCHESTRA, SAMPLE_CHAMBER, SAMPLE_SOLO, SAMPLE_VOICES, SAMPLE_STAGE };

struct sample_work {
    const char *title; /* NULL ends a composer's works */
    const char *parts; /* parted by '|'; NULL: the work is one piece */
    int minutes;       /* of the whole, roughly */
    enum sample_forces forces;
    int numbered;      /* 1: parts are movements ("Title: II. Part"), 0: pieces that stand alone */
};

struct sample_composer {
    const char *name;
    const char *genre; /* a name in sample_genres */
    const struct sample_work *works;
};

/* A row of a table of works. */
#define SAMPLE_MOVEMENTS(forces, minutes, title, parts) {title, parts, minutes, SAMPLE_##forces, 1}
#define SAMPLE_PIECES(forces, minutes, title, parts) {title, parts, minutes, SAMPLE_##forces, 0}
#define SAMPLE_PIECE(forces, minutes, title) {title, NULL, minutes, SAMPLE_##forces, 0}
#define SAMPLE_WORKS(...) ((const struct sample_work[]){__VA_ARGS__, {NULL, NULL, 0, SAMPLE_SOLO, 0}})

/* Medieval to classical, and romantic to modern; each ends with a row without a name. */
extern const struct sample_composer sample_composers_early[];
extern const struct sample_composer sample_composers_late[];

#endif
