#include "command/sample_composers.h"

#define MOVEMENTS SAMPLE_MOVEMENTS
#define PIECES SAMPLE_PIECES
#define PIECE SAMPLE_PIECE
#define WORKS SAMPLE_WORKS

const struct sample_composer sample_composers_late[] = {
    {"Niccolò Paganini", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 27, "Violin Concerto No. 2 in B minor, Op. 7",
                  "Allegro maestoso|Adagio|Rondo: La campanella"),
        PIECE(SOLO, 5, "Caprice No. 24 in A minor, Op. 1"))},
    {"Carl Maria von Weber", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 21, "Clarinet Concerto No. 1 in F minor, Op. 73",
                  "Allegro|Adagio ma non troppo|Rondo: Allegretto"))},
    {"Gioachino Rossini", "opera", WORKS(
        PIECES(STAGE, 22, "Il barbiere di Siviglia",
               "Sinfonia|Largo al factotum|Una voce poco fa|La calunnia è un venticello"),
        PIECE(STAGE, 12, "Guillaume Tell: Overture"))},
    {"Franz Schubert", "romantic", WORKS(
        MOVEMENTS(VOICES, 73, "Winterreise, D. 911",
                  "Gute Nacht|Die Wetterfahne|Gefrorne Tränen|Erstarrung|Der Lindenbaum|"
                  "Wasserflut|Auf dem Flusse|Rückblick|Irrlicht|Rast|Frühlingstraum|Einsamkeit|"
                  "Die Post|Der greise Kopf|Die Krähe|Letzte Hoffnung|Im Dorfe|"
                  "Der stürmische Morgen|Täuschung|Der Wegweiser|Das Wirtshaus|Mut|"
                  "Die Nebensonnen|Der Leiermann"),
        MOVEMENTS(ORCHESTRA, 26, "Symphony in B minor, D. 759 “Unfinished”",
                  "Allegro moderato|Andante con moto"),
        MOVEMENTS(CHAMBER, 39, "Piano Quintet in A major, D. 667 “Trout”",
                  "Allegro vivace|Andante|Scherzo: Presto|Andantino – Allegretto|"
                  "Allegro giusto"),
        MOVEMENTS(CHAMBER, 54, "String Quintet in C major, D. 956",
                  "Allegro ma non troppo|Adagio|Scherzo: Presto|Allegretto"),
        MOVEMENTS(SOLO, 41, "Piano Sonata in B-flat major, D. 960",
                  "Molto moderato|Andante sostenuto|Scherzo: Allegro vivace con delicatezza|"
                  "Allegro ma non troppo"))},
    {"Hector Berlioz", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 53, "Symphonie fantastique, Op. 14",
                  "Rêveries – Passions|Un bal|Scène aux champs|Marche au supplice|"
                  "Songe d'une nuit du sabbat"))},
    {"Louise Farrenc", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 32, "Symphony No. 3 in G minor, Op. 36",
                  "Adagio – Allegro|Adagio cantabile|Scherzo: Vivace|Finale: Allegro"))},
    {"Fanny Hensel", "romantic", WORKS(
        MOVEMENTS(SOLO, 47, "Das Jahr",
                  "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|"
                  "Dezember|Nachspiel"),
        MOVEMENTS(CHAMBER, 25, "Piano Trio in D minor, Op. 11",
                  "Allegro molto vivace|Andante espressivo|Lied: Allegretto|"
                  "Finale: Allegretto moderato"))},
    {"Felix Mendelssohn", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 27, "Violin Concerto in E minor, Op. 64",
                  "Allegro molto appassionato|Andante|"
                  "Allegretto non troppo – Allegro molto vivace"),
        MOVEMENTS(ORCHESTRA, 28, "Symphony No. 4 in A major, Op. 90 “Italian”",
                  "Allegro vivace|Andante con moto|Con moto moderato|Saltarello: Presto"),
        PIECE(ORCHESTRA, 10, "The Hebrides, Op. 26"))},
    {"Frédéric Chopin", "romantic", WORKS(
        PIECES(SOLO, 16, "Nocturnes, Op. 9",
               "Nocturne in B-flat minor, Op. 9 No. 1|Nocturne in E-flat major, Op. 9 No. 2|"
               "Nocturne in B major, Op. 9 No. 3"),
        MOVEMENTS(SOLO, 24, "Piano Sonata No. 2 in B-flat minor, Op. 35",
                  "Grave – Doppio movimento|Scherzo|Marche funèbre: Lento|Finale: Presto"),
        PIECES(SOLO, 17, "Preludes, Op. 28",
               "Prelude in E minor, Op. 28 No. 4|Prelude in B minor, Op. 28 No. 6|"
               "Prelude in A major, Op. 28 No. 7|Prelude in D-flat major, Op. 28 No. 15|"
               "Prelude in C minor, Op. 28 No. 20|Prelude in D minor, Op. 28 No. 24"),
        MOVEMENTS(ORCHESTRA, 39, "Piano Concerto No. 1 in E minor, Op. 11",
                  "Allegro maestoso|Romanze: Larghetto|Rondo: Vivace"),
        PIECE(SOLO, 9, "Ballade No. 1 in G minor, Op. 23"))},
    {"Robert Schumann", "romantic", WORKS(
        MOVEMENTS(SOLO, 18, "Kinderszenen, Op. 15",
                  "Von fremden Ländern und Menschen|Kuriose Geschichte|Hasche-Mann|"
                  "Bittendes Kind|Glückes genug|Wichtige Begebenheit|Träumerei|Am Kamin|"
                  "Ritter vom Steckenpferd|Fast zu ernst|Fürchtenmachen|Kind im Einschlummern|"
                  "Der Dichter spricht"),
        MOVEMENTS(ORCHESTRA, 31, "Piano Concerto in A minor, Op. 54",
                  "Allegro affettuoso|Intermezzo: Andantino grazioso|Allegro vivace"))},
    {"Clara Schumann", "romantic", WORKS(
        MOVEMENTS(CHAMBER, 28, "Piano Trio in G minor, Op. 17",
                  "Allegro moderato|Scherzo: Tempo di menuetto|Andante|Allegretto"),
        MOVEMENTS(CHAMBER, 10, "Three Romances, Op. 22",
                  "Andante molto|Allegretto|Leidenschaftlich schnell"))},
    {"Franz Liszt", "romantic", WORKS(
        MOVEMENTS(SOLO, 48, "Années de pèlerinage: Suisse",
                  "Chapelle de Guillaume Tell|Au lac de Wallenstadt|Pastorale|"
                  "Au bord d'une source|Orage|Vallée d'Obermann|Églogue|Le mal du pays|"
                  "Les cloches de Genève"),
        PIECE(SOLO, 30, "Piano Sonata in B minor"), PIECE(SOLO, 5, "Liebestraum No. 3"))},
    {"Richard Wagner", "opera", WORKS(
        PIECES(STAGE, 18, "Tristan und Isolde", "Prelude|Liebestod"),
        MOVEMENTS(VOICES, 21, "Wesendonck Lieder",
                  "Der Engel|Stehe still!|Im Treibhaus|Schmerzen|Träume"),
        PIECE(ORCHESTRA, 19, "Siegfried Idyll"))},
    {"Giuseppe Verdi", "opera", WORKS(
        MOVEMENTS(VOICES, 84, "Messa da Requiem",
                  "Requiem|Dies irae|Offertorio|Sanctus|Agnus Dei|Lux aeterna|Libera me"),
        PIECES(STAGE, 15, "La traviata",
               "Preludio|Libiamo ne' lieti calici|Sempre libera|Addio del passato"))},
    {"Jacques Offenbach", "opera", WORKS(
        PIECES(STAGE, 9, "Les contes d'Hoffmann",
               "Les oiseaux dans la charmille|Belle nuit, ô nuit d'amour"))},
    {"César Franck", "romantic", WORKS(
        MOVEMENTS(CHAMBER, 28, "Violin Sonata in A major",
                  "Allegretto ben moderato|Allegro|Recitativo-Fantasia|"
                  "Allegretto poco mosso"))},
    {"Bedřich Smetana", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 76, "Má vlast",
                  "Vyšehrad|Vltava|Šárka|Z českých luhů a hájů|Tábor|Blaník"))},
    {"Anton Bruckner", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 64, "Symphony No. 7 in E major",
                  "Allegro moderato|Adagio|Scherzo: Sehr schnell|"
                  "Finale: Bewegt, doch nicht schnell"))},
    {"Johann Strauss II", "romantic", WORKS(
        PIECES(ORCHESTRA, 46, "Waltzes",
               "An der schönen blauen Donau|Geschichten aus dem Wienerwald|"
               "Wein, Weib und Gesang|Frühlingsstimmen|Kaiser-Walzer"))},
    {"Johannes Brahms", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 46, "Symphony No. 1 in C minor, Op. 68",
                  "Un poco sostenuto – Allegro|Andante sostenuto|"
                  "Un poco allegretto e grazioso|Adagio – Allegro non troppo, ma con brio"),
        MOVEMENTS(ORCHESTRA, 40, "Symphony No. 4 in E minor, Op. 98",
                  "Allegro non troppo|Andante moderato|Allegro giocoso|"
                  "Allegro energico e passionato"),
        MOVEMENTS(CHAMBER, 37, "Clarinet Quintet in B minor, Op. 115",
                  "Allegro|Adagio|Andantino|Con moto"),
        MOVEMENTS(VOICES, 68, "Ein deutsches Requiem, Op. 45",
                  "Selig sind, die da Leid tragen|Denn alles Fleisch, es ist wie Gras|"
                  "Herr, lehre doch mich|Wie lieblich sind deine Wohnungen|"
                  "Ihr habt nun Traurigkeit|Denn wir haben hie keine bleibende Statt|"
                  "Selig sind die Toten"),
        PIECES(SOLO, 16, "Three Intermezzi, Op. 117",
               "Intermezzo in E-flat major, Op. 117 No. 1|"
               "Intermezzo in B-flat minor, Op. 117 No. 2|"
               "Intermezzo in C-sharp minor, Op. 117 No. 3"))},
    {"Alexander Borodin", "romantic", WORKS(
        MOVEMENTS(CHAMBER, 28, "String Quartet No. 2 in D major",
                  "Allegro moderato|Scherzo: Allegro|Notturno: Andante|"
                  "Finale: Andante – Vivace"))},
    {"Camille Saint-Saëns", "romantic", WORKS(
        MOVEMENTS(CHAMBER, 24, "Le carnaval des animaux",
                  "Introduction et marche royale du lion|Poules et coqs|Hémiones|Tortues|"
                  "L'éléphant|Kangourous|Aquarium|Personnages à longues oreilles|"
                  "Le coucou au fond des bois|Volière|Pianistes|Fossiles|Le cygne|Final"),
        PIECE(ORCHESTRA, 7, "Danse macabre, Op. 40"),
        MOVEMENTS(ORCHESTRA, 24, "Piano Concerto No. 2 in G minor, Op. 22",
                  "Andante sostenuto|Allegro scherzando|Presto"))},
    {"Georges Bizet", "opera", WORKS(
        PIECES(STAGE, 19, "Carmen",
               "Prélude|L'amour est un oiseau rebelle|Près des remparts de Séville|"
               "Votre toast, je peux vous le rendre|La fleur que tu m'avais jetée"),
        MOVEMENTS(ORCHESTRA, 17, "L'Arlésienne, Suite No. 1",
                  "Prélude|Minuetto|Adagietto|Carillon"))},
    {"Modest Mussorgsky", "romantic", WORKS(
        PIECES(SOLO, 33, "Pictures at an Exhibition",
               "Promenade|Gnomus|Il vecchio castello|Tuileries|Bydło|"
               "Ballet of the Unhatched Chicks|Samuel Goldenberg and Schmuÿle|Limoges|"
               "Catacombae|The Hut on Hen's Legs|The Great Gate of Kiev"))},
    {"Pyotr Ilyich Tchaikovsky", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 46, "Symphony No. 6 in B minor, Op. 74 “Pathétique”",
                  "Adagio – Allegro non troppo|Allegro con grazia|Allegro molto vivace|"
                  "Finale: Adagio lamentoso"),
        MOVEMENTS(ORCHESTRA, 35, "Piano Concerto No. 1 in B-flat minor, Op. 23",
                  "Allegro non troppo e molto maestoso|Andantino semplice|Allegro con fuoco"),
        MOVEMENTS(ORCHESTRA, 23, "The Nutcracker Suite, Op. 71a",
                  "Miniature Overture|March|Dance of the Sugar Plum Fairy|Trepak|"
                  "Arabian Dance|Chinese Dance|Dance of the Reed Flutes|Waltz of the Flowers"),
        MOVEMENTS(SOLO, 43, "The Seasons, Op. 37a",
                  "At the Fireside|Carnival|Song of the Lark|Snowdrop|Starlit Nights|Barcarolle|"
                  "Song of the Reaper|Harvest|The Hunt|Autumn Song|Troika|Christmas"))},
    {"Antonín Dvořák", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 42, "Symphony No. 9 in E minor, Op. 95 “From the New World”",
                  "Adagio – Allegro molto|Largo|Scherzo: Molto vivace|Allegro con fuoco"),
        MOVEMENTS(ORCHESTRA, 40, "Cello Concerto in B minor, Op. 104",
                  "Allegro|Adagio ma non troppo|Finale: Allegro moderato"),
        MOVEMENTS(CHAMBER, 26, "String Quartet No. 12 in F major, Op. 96 “American”",
                  "Allegro ma non troppo|Lento|Molto vivace|Finale: Vivace ma non troppo"))},
    {"Edvard Grieg", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 15, "Peer Gynt, Suite No. 1, Op. 46",
                  "Morning Mood|The Death of Åse|Anitra's Dance|"
                  "In the Hall of the Mountain King"),
        MOVEMENTS(ORCHESTRA, 30, "Piano Concerto in A minor, Op. 16",
                  "Allegro molto moderato|Adagio|Allegro moderato molto e marcato"),
        MOVEMENTS(ORCHESTRA, 20, "Holberg Suite, Op. 40",
                  "Praeludium|Sarabande|Gavotte|Air|Rigaudon"))},
    {"Nikolai Rimsky-Korsakov", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 45, "Scheherazade, Op. 35",
                  "The Sea and Sinbad's Ship|The Story of the Kalendar Prince|"
                  "The Young Prince and the Young Princess|Festival at Baghdad"))},
    {"Gabriel Fauré", "romantic", WORKS(
        MOVEMENTS(VOICES, 35, "Requiem, Op. 48",
                  "Introït et Kyrie|Offertoire|Sanctus|Pie Jesu|Agnus Dei|Libera me|"
                  "In Paradisum"),
        MOVEMENTS(SOLO, 15, "Dolly Suite, Op. 56",
                  "Berceuse|Mi-a-ou|Le jardin de Dolly|Kitty-valse|Tendresse|Le pas espagnol"),
        PIECE(ORCHESTRA, 6, "Pavane, Op. 50"))},
    {"Giacomo Puccini", "opera", WORKS(
        PIECES(STAGE, 10, "Tosca", "Recondita armonia|Vissi d'arte|E lucevan le stelle"),
        PIECES(STAGE, 17, "La bohème",
               "Che gelida manina|Sì, mi chiamano Mimì|O soave fanciulla|Quando m'en vo'"))},
    {"Cécile Chaminade", "romantic", WORKS(
        PIECE(CHAMBER, 8, "Flute Concertino in D major, Op. 107"),
        PIECE(SOLO, 6, "Automne, Op. 35 No. 2"))},
    {"Edward Elgar", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 29, "Cello Concerto in E minor, Op. 85",
                  "Adagio – Moderato|Lento – Allegro molto|Adagio|Allegro"),
        MOVEMENTS(ORCHESTRA, 12, "Serenade for Strings, Op. 20",
                  "Allegro piacevole|Larghetto|Allegretto"))},
    {"Ethel Smyth", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 34, "Serenade in D major",
                  "Allegro non troppo|Scherzo|Allegretto grazioso|Finale"))},
    {"Gustav Mahler", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 70, "Symphony No. 5",
                  "Trauermarsch|Stürmisch bewegt|Scherzo|Adagietto|Rondo-Finale"),
        MOVEMENTS(VOICES, 62, "Das Lied von der Erde",
                  "Das Trinklied vom Jammer der Erde|Der Einsame im Herbst|Von der Jugend|"
                  "Von der Schönheit|Der Trunkene im Frühling|Der Abschied"))},
    {"Richard Strauss", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 33, "Also sprach Zarathustra, Op. 30",
                  "Einleitung|Von den Hinterweltlern|Von der großen Sehnsucht|"
                  "Von den Freuden und Leidenschaften|Das Grablied|Von der Wissenschaft|"
                  "Der Genesende|Das Tanzlied|Nachtwandlerlied"),
        MOVEMENTS(VOICES, 23, "Vier letzte Lieder",
                  "Frühling|September|Beim Schlafengehen|Im Abendrot"))},
    {"Amy Beach", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 41, "Symphony in E minor, Op. 32 “Gaelic”",
                  "Allegro con fuoco|Alla siciliana – Allegro vivace|"
                  "Lento con molto espressione|Allegro di molto"))},
    {"Sergei Rachmaninoff", "romantic", WORKS(
        MOVEMENTS(ORCHESTRA, 34, "Piano Concerto No. 2 in C minor, Op. 18",
                  "Moderato|Adagio sostenuto|Allegro scherzando"),
        MOVEMENTS(ORCHESTRA, 42, "Piano Concerto No. 3 in D minor, Op. 30",
                  "Allegro ma non tanto|Intermezzo: Adagio|Finale: Alla breve"),
        MOVEMENTS(ORCHESTRA, 35, "Symphonic Dances, Op. 45",
                  "Non allegro|Andante con moto|Lento assai – Allegro vivace"),
        PIECE(SOLO, 4, "Prelude in C-sharp minor, Op. 3 No. 2"))},
    {"Claude Debussy", "impressionism", WORKS(
        MOVEMENTS(SOLO, 18, "Suite bergamasque", "Prélude|Menuet|Clair de lune|Passepied"),
        MOVEMENTS(ORCHESTRA, 24, "La mer",
                  "De l'aube à midi sur la mer|Jeux de vagues|Dialogue du vent et de la mer"),
        MOVEMENTS(SOLO, 39, "Préludes, Livre I",
                  "Danseuses de Delphes|Voiles|Le vent dans la plaine|"
                  "Les sons et les parfums tournent dans l'air du soir|Les collines d'Anacapri|"
                  "Des pas sur la neige|Ce qu'a vu le vent d'ouest|La fille aux cheveux de lin|"
                  "La sérénade interrompue|La cathédrale engloutie|La danse de Puck|Minstrels"),
        MOVEMENTS(CHAMBER, 25, "String Quartet in G minor, Op. 10",
                  "Animé et très décidé|Assez vif et bien rythmé|"
                  "Andantino, doucement expressif|Très modéré"),
        PIECE(ORCHESTRA, 10, "Prélude à l'après-midi d'un faune"))},
    {"Maurice Ravel", "impressionism", WORKS(
        MOVEMENTS(SOLO, 22, "Gaspard de la nuit", "Ondine|Le gibet|Scarbo"),
        MOVEMENTS(SOLO, 24, "Le tombeau de Couperin",
                  "Prélude|Fugue|Forlane|Rigaudon|Menuet|Toccata"),
        MOVEMENTS(SOLO, 29, "Miroirs",
                  "Noctuelles|Oiseaux tristes|Une barque sur l'océan|Alborada del gracioso|"
                  "La vallée des cloches"),
        MOVEMENTS(ORCHESTRA, 22, "Piano Concerto in G major",
                  "Allegramente|Adagio assai|Presto"),
        PIECE(ORCHESTRA, 15, "Boléro"))},
    {"Erik Satie", "impressionism", WORKS(
        MOVEMENTS(SOLO, 9, "Trois Gymnopédies",
                  "Lent et douloureux|Lent et triste|Lent et grave"),
        PIECES(SOLO, 18, "Gnossiennes",
               "Gnossienne No. 1|Gnossienne No. 2|Gnossienne No. 3|Gnossienne No. 4|"
               "Gnossienne No. 5|Gnossienne No. 6"))},
    {"Lili Boulanger", "impressionism", WORKS(
        PIECES(CHAMBER, 19, "Chamber Music",
               "D'un matin de printemps|D'un soir triste|Nocturne"))},
    {"Isaac Albéniz", "impressionism", WORKS(
        MOVEMENTS(SOLO, 36, "Suite española, Op. 47",
                  "Granada|Cataluña|Sevilla|Cádiz|Asturias|Aragón|Castilla|Cuba"),
        MOVEMENTS(SOLO, 19, "Iberia, Book 1", "Evocación|El puerto|El Corpus en Sevilla"))},
    {"Enrique Granados", "impressionism", WORKS(
        MOVEMENTS(SOLO, 51, "Goyescas",
                  "Los requiebros|Coloquio en la reja|El fandango de candil|"
                  "Quejas, o la maja y el ruiseñor|El amor y la muerte|"
                  "Epílogo: Serenata del espectro"))},
    {"Francisco Tárrega", "romantic", WORKS(
        PIECES(SOLO, 12, "Works for Guitar",
               "Recuerdos de la Alhambra|Capricho árabe|Lágrima"))},
    {"Manuel de Falla", "impressionism", WORKS(
        MOVEMENTS(ORCHESTRA, 24, "Noches en los jardines de España",
                  "En el Generalife|Danza lejana|En los jardines de la Sierra de Córdoba"))},
    {"Ottorino Respighi", "impressionism", WORKS(
        MOVEMENTS(ORCHESTRA, 23, "Pini di Roma",
                  "I pini di Villa Borghese|Pini presso una catacomba|I pini del Gianicolo|"
                  "I pini della Via Appia"))},
    {"Leoš Janáček", "modern classical", WORKS(
        MOVEMENTS(ORCHESTRA, 24, "Sinfonietta",
                  "Allegretto|Andante|Moderato|Allegretto|Andante con moto"),
        MOVEMENTS(SOLO, 15, "In the Mists", "Andante|Molto adagio|Andantino|Presto"))},
    {"Carl Nielsen", "modern classical", WORKS(
        MOVEMENTS(CHAMBER, 26, "Wind Quintet, Op. 43",
                  "Allegro ben moderato|Menuet|Praeludium – Tema con variazioni"))},
    {"Alexander Scriabin", "modern classical", WORKS(
        MOVEMENTS(SOLO, 12, "Piano Sonata No. 2 in G-sharp minor, Op. 19", "Andante|Presto"),
        PIECE(SOLO, 6, "Vers la flamme, Op. 72"))},
    {"Gustav Holst", "modern classical", WORKS(
        MOVEMENTS(ORCHESTRA, 50, "The Planets, Op. 32",
                  "Mars, the Bringer of War|Venus, the Bringer of Peace|"
                  "Mercury, the Winged Messenger|Jupiter, the Bringer of Jollity|"
                  "Saturn, the Bringer of Old Age|Uranus, the Magician|Neptune, the Mystic"))},
    {"Béla Bartók", "modern classical", WORKS(
        MOVEMENTS(ORCHESTRA, 37, "Concerto for Orchestra",
                  "Introduzione|Giuoco delle coppie|Elegia|Intermezzo interrotto|Finale"),
        MOVEMENTS(ORCHESTRA, 30, "Music for Strings, Percussion and Celesta",
                  "Andante tranquillo|Allegro|Adagio|Allegro molto"))},
    {"Alban Berg", "modern classical", WORKS(
        MOVEMENTS(CHAMBER, 28, "Lyric Suite",
                  "Allegretto gioviale|Andante amoroso|Allegro misterioso|"
                  "Adagio appassionato|Presto delirando|Largo desolato"))},
    {"Karol Szymanowski", "modern classical", WORKS(
        MOVEMENTS(CHAMBER, 20, "Myths, Op. 30",
                  "La fontaine d'Aréthuse|Narcisse|Dryades et Pan"))},
    {"Florence Price", "modern classical", WORKS(
        MOVEMENTS(ORCHESTRA, 38, "Symphony No. 1 in E minor",
                  "Allegro ma non troppo|Largo, maestoso|Juba Dance|Finale"))},
    {"Sergei Prokofiev", "modern classical", WORKS(
        MOVEMENTS(ORCHESTRA, 15, "Symphony No. 1 in D major, Op. 25 “Classical”",
                  "Allegro|Larghetto|Gavotta|Finale"))},
    {"George Gershwin", "modern classical", WORKS(
        PIECE(ORCHESTRA, 17, "Rhapsody in Blue"),
        MOVEMENTS(ORCHESTRA, 32, "Piano Concerto in F",
                  "Allegro|Adagio – Andante con moto|Allegro agitato"))},
    {"Scott Joplin", "ragtime", WORKS(
        PIECES(SOLO, 25, "Piano Rags",
               "Maple Leaf Rag|The Entertainer|Elite Syncopations|Solace|Bethena|"
               "Magnetic Rag"))},
    {"Ernesto Nazareth", "ragtime", WORKS(
        PIECES(SOLO, 16, "Tangos brasileiros",
               "Odeon|Brejeiro|Apanhei-te, cavaquinho|Ameno Resedá|Tenebroso"))},
    {"Chiquinha Gonzaga", "ragtime", WORKS(
        PIECES(SOLO, 9, "Piano Works", "Corta-jaca|Atraente|Ó abre alas"))},
    {NULL, NULL, NULL},
};
