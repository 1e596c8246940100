#include "command/sample_names.h"

#include <ctype.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

static const char *const LISTENERS[] = {
    "demo",    "ada",    "borys",  "chiara", "dmitri", "elif",    "farid",  "greta",  "hanno",
    "ines",    "jorun",  "kofi",   "lena",   "milan",  "noor",    "oskar",  "petra",  "quentin",
    "rosa",    "soren",  "tamar",  "uma",    "viktor", "wanda",   "ximena", "yusuf",  "zelda",
    "aoife",   "bjarne", "casimir", "dalia", "emeka",  "frida",   "gideon", "hana",   "ivo",
    "jacinta", "kenji",  "ludmila", "mateo", "nadia",  "odile",   "pavel",  "ronja",  "sanna",
    "teodor",  "ursula", "vesna",  "wout",   "yara",   "zoltan",  "amara",  "bruno",  "celeste",
    "darko",   "esther", "fenna",  "goran",  "hilde",  "ilya",    "jonna",  "katya",  "linus",
    "marit",
};

static const char *const ONSETS[] = {
    "b", "br", "c", "d", "f", "g", "gl", "h", "j", "k",  "l", "l", "m", "m",
    "n", "n",  "p", "r", "r", "s", "sh", "t", "t", "th", "v", "w", "y", "z",
};
static const char *const VOWELS[] = {
    "a", "e", "i", "o", "u", "a", "e", "i", "o", "a", "e", "i", "o", "ei", "ia",
};
static const char *const CODAS[] = {"", "", "", "", "", "", "l", "n", "r", "s", "nd", "x"};

static const char *const GROUPS[] = {
    "Engines", "Lanterns", "Committee",  "Arcade", "Orchard", "Parade",  "Signals", "Motel",
    "Pilots",  "Gardens",  "Collective", "Trio",   "Choir",   "Brothers", "Sisters", "Society",
    "Machine", "Wolves",   "Antennas",   "Circus", "Harbour", "Weather",  "Union",   "Satellites",
};
static const char *const GIVEN[] = {
    "Alma", "Bastian", "Cleo",  "Dunya", "Edda",  "Florin", "Gaspar", "Hedda", "Ilan",  "June",
    "Kaspar", "Liv",   "Maren", "Nils",  "Oona",  "Piet",   "Runa",   "Silas", "Thea",  "Ulla",
    "Vera",  "Willem", "Yann",  "Zora",
};
static const char *const QUALITIES[] = {
    "Slow",   "Glass",   "Electric", "Silver", "Distant", "Paper",   "Broken", "Quiet", "Golden",
    "Hollow", "Northern", "Second",  "Blue",   "Empty",   "Velvet",  "Winter", "Crooked", "Bright",
    "Sleeping", "Sudden", "Borrowed", "Copper", "Wild",   "Faint",   "Last",   "Salt",  "Hidden",
    "Weightless", "Scarlet", "Early", "Tidal", "Little",  "Restless", "Foreign", "Burning", "Lunar",
};
static const char *const THINGS[] = {
    "River",   "Window",  "Machine",  "Garden",  "Signal", "Summer",  "Mirror", "Harbour", "Letter",
    "Season",  "Shadow",  "Engine",   "Island",  "Ghost",  "Highway", "Orchard", "Animal", "Kingdom",
    "Morning", "Ceiling", "Satellite", "Stranger", "Motion", "Weather", "Colour", "Fever",  "Mountain",
    "Station", "Lantern", "Promise",  "Compass", "Horses", "Circuit", "Ocean",  "Thunder", "Language",
    "Avenue",  "Feather", "Silence",  "Bridge",  "Pattern", "Daylight", "Tower", "Memory", "Embers",
};
static const char *const VERBS[] = {
    "Leaving", "Waiting for", "Chasing", "Building", "Losing", "Under", "After", "Beyond", "Counting",
    "Forgetting", "Into", "Returning to",
};

static void append_one_of(struct buffer *to, struct sample_random *random,
                          const char *const *list, int count)
{
    buffer_append_text(to, list[sample_random_below(random, count)]);
}
#define APPEND_ONE_OF(to, random, list) append_one_of(to, random, list, COUNT(list))

/* An invented word with a capital. */
static void append_word(struct buffer *to, struct sample_random *random, int syllables)
{
    struct buffer word = BUFFER_EMPTY;
    for (int i = 0; i < syllables; i++) {
        APPEND_ONE_OF(&word, random, ONSETS);
        APPEND_ONE_OF(&word, random, VOWELS);
    }
    APPEND_ONE_OF(&word, random, CODAS);
    if (word.size_bytes > 0) {
        word.data[0] = (char)toupper((unsigned char)word.data[0]);
    }
    buffer_append_slice(to, buffer_slice(&word));
    to->failed |= word.failed;
    buffer_free(&word);
}

static void append_person(struct buffer *to, struct sample_random *random)
{
    APPEND_ONE_OF(to, random, GIVEN);
    buffer_append_char(to, ' ');
    append_word(to, random, sample_random_between(random, 2, 3));
}

void sample_name_listener(struct buffer *to, int index)
{
    buffer_append_text(to, LISTENERS[index % COUNT(LISTENERS)]);
    if (index >= COUNT(LISTENERS)) {
        buffer_append_int(to, 1 + index / COUNT(LISTENERS));
    }
}

void sample_name_band(struct buffer *to, struct sample_random *random)
{
    int form = sample_random_below(random, 10);
    if (form < 3) {
        append_word(to, random, 3);
    } else if (form < 5) {
        append_person(to, random);
    } else if (form < 6) {
        append_person(to, random);
        buffer_append_text(to, " & the ");
        APPEND_ONE_OF(to, random, GROUPS);
    } else {
        buffer_append_text(to, form < 8 ? "The " : "");
        append_word(to, random, 2);
        buffer_append_char(to, ' ');
        APPEND_ONE_OF(to, random, GROUPS);
    }
}

void sample_name_performer(struct buffer *to, struct sample_random *random,
                           enum sample_forces forces)
{
    static const char *const KINDS[][3] = {
        [SAMPLE_ORCHESTRA] = {"Philharmonic", "Symphony Orchestra", "Chamber Orchestra"},
        [SAMPLE_CHAMBER] = {"Ensemble", "Soloists", "Players"},
        [SAMPLE_VOICES] = {"Choir", "Consort", "Voices"},
        [SAMPLE_STAGE] = {"Opera", "Theatre Orchestra", "Festival"},
    };
    if (forces == SAMPLE_SOLO) {
        append_person(to, random);
        return;
    }
    append_word(to, random, 3);
    buffer_append_char(to, ' ');
    APPEND_ONE_OF(to, random, KINDS[forces]);
}

/* How a title begins and ends, with the share of each form; an absent list is an invented word. */
static const struct {
    int share;
    const char *const *first;
    int first_count;
    const char *between;
    const char *const *second;
    int second_count;
} TITLES[] = {
    {5, QUALITIES, COUNT(QUALITIES), " ", THINGS, COUNT(THINGS)},
    {2, VERBS, COUNT(VERBS), " ", THINGS, COUNT(THINGS)},
    {1, VERBS, COUNT(VERBS), " ", NULL, 0},
    {1, THINGS, COUNT(THINGS), " of the ", THINGS, COUNT(THINGS)},
    {1, THINGS, COUNT(THINGS), " ", THINGS, COUNT(THINGS)},
    {1, THINGS, COUNT(THINGS), NULL, NULL, 0},
    {1, NULL, 0, NULL, NULL, 0},
};

static void append_title_word(struct buffer *to, struct sample_random *random,
                              const char *const *list, int count)
{
    if (list) {
        append_one_of(to, random, list, count);
    } else {
        append_word(to, random, 3);
    }
}

void sample_name_title(struct buffer *to, struct sample_random *random)
{
    int at = sample_random_below(random, 12);
    int form = 0;
    while (at >= TITLES[form].share) {
        at -= TITLES[form++].share;
    }
    append_title_word(to, random, TITLES[form].first, TITLES[form].first_count);
    if (TITLES[form].between) {
        buffer_append_text(to, TITLES[form].between);
        append_title_word(to, random, TITLES[form].second, TITLES[form].second_count);
    }
}
