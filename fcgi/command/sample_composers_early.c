#include "command/sample_composers.h"

#define MOVEMENTS SAMPLE_MOVEMENTS
#define PIECES SAMPLE_PIECES
#define PIECE SAMPLE_PIECE
#define WORKS SAMPLE_WORKS

const struct sample_composer sample_composers_early[] = {
    {"Hildegard von Bingen", "early music", WORKS(
        PIECES(VOICES, 34, "Symphonia armonie celestium revelationum",
               "O frondens virga|Columba aspexit|O viridissima virga|O ignis spiritus|"
               "O vis aeternitatis"))},
    {"Guillaume de Machaut", "early music", WORKS(
        MOVEMENTS(VOICES, 28, "Messe de Nostre Dame",
                  "Kyrie|Gloria|Credo|Sanctus|Agnus Dei|Ite, missa est"),
        PIECE(VOICES, 5, "Douce dame jolie"))},
    {"Josquin des Prez", "early music", WORKS(
        MOVEMENTS(VOICES, 30, "Missa Pange lingua", "Kyrie|Gloria|Credo|Sanctus|Agnus Dei"),
        PIECE(VOICES, 5, "Ave Maria… virgo serena"), PIECE(VOICES, 2, "El grillo"))},
    {"Giovanni Pierluigi da Palestrina", "early music", WORKS(
        MOVEMENTS(VOICES, 31, "Missa Papae Marcelli", "Kyrie|Gloria|Credo|Sanctus|Agnus Dei"),
        PIECE(VOICES, 6, "Sicut cervus"))},
    {"Thomas Tallis", "early music", WORKS(
        PIECE(VOICES, 10, "Spem in alium"), PIECE(VOICES, 3, "If ye love me"),
        MOVEMENTS(VOICES, 21, "The Lamentations of Jeremiah",
                  "Incipit lamentatio|De lamentatione"))},
    {"William Byrd", "early music", WORKS(
        MOVEMENTS(VOICES, 23, "Mass for Four Voices",
                  "Kyrie|Gloria|Credo|Sanctus|Benedictus|Agnus Dei"),
        PIECE(VOICES, 4, "Ave verum corpus"))},
    {"Tomás Luis de Victoria", "early music", WORKS(
        MOVEMENTS(VOICES, 41, "Officium defunctorum",
                  "Taedet animam meam|Introitus|Kyrie|Graduale|Offertorium|Sanctus|Agnus Dei|"
                  "Communio|Versa est in luctum|Libera me"),
        PIECE(VOICES, 4, "O magnum mysterium"))},
    {"John Dowland", "early music", WORKS(
        MOVEMENTS(CHAMBER, 29, "Lachrimae, or Seaven Teares",
                  "Lachrimae Antiquae|Lachrimae Antiquae Novae|Lachrimae Gementes|"
                  "Lachrimae Tristes|Lachrimae Coactae|Lachrimae Amantis|Lachrimae Verae"),
        PIECES(VOICES, 17, "Lute Songs",
               "Flow, My Tears|Come Again, Sweet Love Doth Now Invite|Fine Knacks for Ladies|"
               "In Darkness Let Me Dwell"))},
    {"Carlo Gesualdo", "early music", WORKS(
        PIECES(VOICES, 11, "Madrigals, Book Six",
               "Se la mia morte brami|Beltà, poi che t'assenti|Moro, lasso, al mio duolo"))},
    {"Claudio Monteverdi", "baroque", WORKS(
        MOVEMENTS(VOICES, 88, "Vespro della Beata Vergine",
                  "Deus in adiutorium|Dixit Dominus|Nigra sum|Laudate pueri|Pulchra es|"
                  "Laetatus sum|Duo Seraphim|Nisi Dominus|Audi coelum|Lauda Jerusalem|"
                  "Sonata sopra Sancta Maria|Ave maris stella|Magnificat"),
        PIECE(VOICES, 6, "Lamento della ninfa"), PIECE(VOICES, 4, "Zefiro torna"))},
    {"Girolamo Frescobaldi", "baroque", WORKS(
        MOVEMENTS(SOLO, 62, "Fiori musicali",
                  "Messa della Domenica|Messa degli Apostoli|Messa della Madonna"))},
    {"Heinrich Schütz", "baroque", WORKS(
        MOVEMENTS(VOICES, 33, "Musikalische Exequien",
                  "Concert in Form einer teutschen Begräbnis-Missa|Herr, wenn ich nur dich habe|"
                  "Herr, nun lässest du deinen Diener"))},
    {"Barbara Strozzi", "baroque", WORKS(
        PIECES(VOICES, 26, "Arias and Cantatas",
               "Lagrime mie|Che si può fare|L'Eraclito amoroso"))},
    {"Jean-Baptiste Lully", "baroque", WORKS(
        PIECES(STAGE, 9, "Le bourgeois gentilhomme",
               "Ouverture|Marche pour la cérémonie des Turcs"))},
    {"Dieterich Buxtehude", "baroque", WORKS(
        MOVEMENTS(VOICES, 61, "Membra Jesu nostri, BuxWV 75",
                  "Ad pedes|Ad genua|Ad manus|Ad latus|Ad pectus|Ad cor|Ad faciem"))},
    {"Heinrich Ignaz Franz Biber", "baroque", WORKS(
        MOVEMENTS(CHAMBER, 122, "Rosary Sonatas",
                  "The Annunciation|The Visitation|The Nativity|The Presentation|"
                  "The Finding in the Temple|The Agony in the Garden|The Scourging|"
                  "The Crowning with Thorns|The Carrying of the Cross|The Crucifixion|"
                  "The Resurrection|The Ascension|Pentecost|The Assumption of the Virgin|"
                  "The Coronation of the Virgin|Passacaglia"))},
    {"Johann Pachelbel", "baroque", WORKS(
        MOVEMENTS(CHAMBER, 7, "Canon and Gigue in D major", "Canon|Gigue"))},
    {"Arcangelo Corelli", "baroque", WORKS(
        MOVEMENTS(ORCHESTRA, 15, "Concerto grosso in G minor, Op. 6 No. 8",
                  "Vivace – Grave|Allegro|Adagio – Allegro – Adagio|Vivace|Allegro|"
                  "Pastorale ad libitum"),
        PIECE(CHAMBER, 11, "Violin Sonata in D minor, Op. 5 No. 12 “La Follia”"))},
    {"Marin Marais", "baroque", WORKS(
        PIECES(CHAMBER, 29, "Pièces de viole",
               "La rêveuse|Le badinage|Les voix humaines|Couplets de folies"))},
    {"Henry Purcell", "baroque", WORKS(
        PIECES(STAGE, 18, "Dido and Aeneas",
               "Overture|Ah! Belinda|Thanks to These Lonesome Vales|When I Am Laid in Earth|"
               "With Drooping Wings"),
        PIECE(VOICES, 4, "Music for a While"),
        PIECE(CHAMBER, 7, "Chacony in G minor"))},
    {"Élisabeth Jacquet de La Guerre", "baroque", WORKS(
        MOVEMENTS(SOLO, 25, "Suite in D minor (1687)",
                  "Prélude|Allemande|Courante|Seconde courante|Sarabande|Gigue|Cannaris|"
                  "Chaconne l'inconstante|Menuet"))},
    {"François Couperin", "baroque", WORKS(
        PIECES(SOLO, 14, "Pièces de clavecin",
               "Les barricades mystérieuses|Le tic-toc-choc|Les moissonneurs|La Couperin"),
        MOVEMENTS(VOICES, 41, "Leçons de ténèbres",
                  "Première leçon|Deuxième leçon|Troisième leçon"))},
    {"Tomaso Albinoni", "baroque", WORKS(
        MOVEMENTS(ORCHESTRA, 11, "Oboe Concerto in D minor, Op. 9 No. 2",
                  "Allegro e non presto|Adagio|Allegro"))},
    {"Alessandro Marcello", "baroque", WORKS(
        MOVEMENTS(ORCHESTRA, 11, "Oboe Concerto in D minor",
                  "Andante e spiccato|Adagio|Presto"))},
    {"Antonio Vivaldi", "baroque", WORKS(
        MOVEMENTS(ORCHESTRA, 10, "Violin Concerto in E major, RV 269 “Spring”",
                  "Allegro|Largo e pianissimo sempre|Allegro pastorale"),
        MOVEMENTS(ORCHESTRA, 10, "Violin Concerto in G minor, RV 315 “Summer”",
                  "Allegro non molto|Adagio e piano|Presto"),
        MOVEMENTS(ORCHESTRA, 11, "Violin Concerto in F major, RV 293 “Autumn”",
                  "Allegro|Adagio molto|Allegro"),
        MOVEMENTS(ORCHESTRA, 9, "Violin Concerto in F minor, RV 297 “Winter”",
                  "Allegro non molto|Largo|Allegro"),
        MOVEMENTS(VOICES, 30, "Gloria in D major, RV 589",
                  "Gloria in excelsis Deo|Et in terra pax|Laudamus te|Gratias agimus tibi|"
                  "Propter magnam gloriam|Domine Deus|Domine Fili unigenite|"
                  "Domine Deus, Agnus Dei|Qui tollis peccata mundi|Qui sedes ad dexteram|"
                  "Quoniam tu solus sanctus|Cum Sancto Spiritu"))},
    {"Georg Philipp Telemann", "baroque", WORKS(
        MOVEMENTS(ORCHESTRA, 14, "Viola Concerto in G major, TWV 51:G9",
                  "Largo|Allegro|Andante|Presto"),
        MOVEMENTS(ORCHESTRA, 23, "Wassermusik, TWV 55:C3",
                  "Ouverture|Die schlafende Thetis|Die erwachende Thetis|Der verliebte Neptunus|"
                  "Die spielenden Najaden|Der scherzende Tritonus|Der stürmende Aeolus|"
                  "Der angenehme Zephir|Ebbe und Fluth|Die lustigen Bots Leute"))},
    {"Jean-Philippe Rameau", "baroque", WORKS(
        MOVEMENTS(SOLO, 27, "Suite in A minor",
                  "Allemande|Courante|Sarabande|Les trois mains|Fanfarinette|La triomphante|"
                  "Gavotte et six doubles"),
        PIECE(STAGE, 4, "Les sauvages"))},
    {"Domenico Scarlatti", "baroque", WORKS(
        PIECES(SOLO, 26, "Keyboard Sonatas",
               "Sonata in D minor, K. 9|Sonata in B minor, K. 27|Sonata in B minor, K. 87|"
               "Sonata in D minor, K. 141|Sonata in E major, K. 380|Sonata in F minor, K. 466"))},
    {"Johann Sebastian Bach", "baroque", WORKS(
        MOVEMENTS(SOLO, 18, "Cello Suite No. 1 in G major, BWV 1007",
                  "Prélude|Allemande|Courante|Sarabande|Menuets|Gigue"),
        MOVEMENTS(ORCHESTRA, 11, "Brandenburg Concerto No. 3 in G major, BWV 1048",
                  "Allegro|Adagio|Allegro"),
        MOVEMENTS(ORCHESTRA, 21, "Brandenburg Concerto No. 5 in D major, BWV 1050",
                  "Allegro|Affettuoso|Allegro"),
        MOVEMENTS(ORCHESTRA, 21, "Orchestral Suite No. 3 in D major, BWV 1068",
                  "Ouverture|Air|Gavottes|Bourrée|Gigue"),
        MOVEMENTS(SOLO, 30, "Partita for Violin No. 2 in D minor, BWV 1004",
                  "Allemanda|Corrente|Sarabanda|Giga|Ciaccona"),
        PIECES(SOLO, 51, "Goldberg Variations, BWV 988",
               "Aria|Variatio 1|Variatio 2|Variatio 3|Variatio 4|Variatio 5|Variatio 6|"
               "Variatio 7|Variatio 8|Variatio 9|Variatio 10|Variatio 11|Variatio 12|"
               "Variatio 13|Variatio 14|Variatio 15|Variatio 16|Variatio 17|Variatio 18|"
               "Variatio 19|Variatio 20|Variatio 21|Variatio 22|Variatio 23|Variatio 24|"
               "Variatio 25|Variatio 26|Variatio 27|Variatio 28|Variatio 29|Variatio 30|"
               "Aria da capo"),
        PIECE(SOLO, 9, "Toccata and Fugue in D minor, BWV 565"))},
    {"George Frideric Handel", "baroque", WORKS(
        MOVEMENTS(ORCHESTRA, 19, "Music for the Royal Fireworks, HWV 351",
                  "Ouverture|Bourrée|La paix|La réjouissance|Menuets"),
        PIECES(STAGE, 34, "Messiah, HWV 56",
               "Sinfony|Comfort Ye|Every Valley Shall Be Exalted|For unto Us a Child Is Born|"
               "He Was Despised|Hallelujah|I Know That My Redeemer Liveth|"
               "The Trumpet Shall Sound|Worthy Is the Lamb"),
        PIECE(STAGE, 4, "Lascia ch'io pianga"))},
    {"Giovanni Battista Pergolesi", "baroque", WORKS(
        MOVEMENTS(VOICES, 40, "Stabat Mater",
                  "Stabat Mater dolorosa|Cujus animam gementem|O quam tristis et afflicta|"
                  "Quae moerebat et dolebat|Quis est homo|Vidit suum dulcem natum|"
                  "Eja mater fons amoris|Fac ut ardeat cor meum|Sancta mater, istud agas|"
                  "Fac ut portem Christi mortem|Inflammatus et accensus|"
                  "Quando corpus morietur"))},
    {"Christoph Willibald Gluck", "classical period", WORKS(
        PIECES(STAGE, 15, "Orfeo ed Euridice",
               "Dance of the Furies|Dance of the Blessed Spirits|Che farò senza Euridice"))},
    {"Carl Philipp Emanuel Bach", "classical period", WORKS(
        MOVEMENTS(ORCHESTRA, 25, "Cello Concerto in A minor, Wq. 170",
                  "Allegro assai|Andante|Allegro assai"),
        MOVEMENTS(SOLO, 13, "Flute Sonata in A minor, Wq. 132",
                  "Poco adagio|Allegro|Allegro"))},
    {"Joseph Haydn", "classical period", WORKS(
        MOVEMENTS(ORCHESTRA, 24, "Symphony No. 94 in G major “Surprise”",
                  "Adagio – Vivace assai|Andante|Menuetto: Allegro molto|"
                  "Finale: Allegro di molto"),
        MOVEMENTS(ORCHESTRA, 26, "Symphony No. 45 in F-sharp minor “Farewell”",
                  "Allegro assai|Adagio|Menuet: Allegretto|Finale: Presto – Adagio"),
        MOVEMENTS(ORCHESTRA, 15, "Trumpet Concerto in E-flat major",
                  "Allegro|Andante|Finale: Allegro"),
        MOVEMENTS(ORCHESTRA, 25, "Cello Concerto No. 1 in C major",
                  "Moderato|Adagio|Allegro molto"),
        MOVEMENTS(CHAMBER, 26, "String Quartet in C major, Op. 76 No. 3 “Emperor”",
                  "Allegro|Poco adagio cantabile|Menuetto: Allegro|Finale: Presto"))},
    {"Luigi Boccherini", "classical period", WORKS(
        MOVEMENTS(CHAMBER, 20, "String Quintet in E major, G. 275",
                  "Amoroso|Allegro e con spirito|Minuetto: Con moto|Rondeau: Andante"),
        MOVEMENTS(CHAMBER, 13, "Musica notturna delle strade di Madrid, G. 324",
                  "Le campane dell'Ave Maria|Il tamburo dei soldati|Minuetto dei ciechi|"
                  "Il rosario|Passa calle|Il tamburo|Ritirata"))},
    {"Joseph Bologne", "classical period", WORKS(
        MOVEMENTS(ORCHESTRA, 24, "Violin Concerto in A major, Op. 5 No. 2",
                  "Allegro moderato|Largo|Rondeau"))},
    {"Muzio Clementi", "classical period", WORKS(
        MOVEMENTS(SOLO, 6, "Sonatina in C major, Op. 36 No. 1", "Allegro|Andante|Vivace"))},
    {"Johann Nepomuk Hummel", "classical period", WORKS(
        MOVEMENTS(ORCHESTRA, 18, "Trumpet Concerto in E major",
                  "Allegro con spirito|Andante|Rondo"))},
    {"Wolfgang Amadeus Mozart", "classical period", WORKS(
        MOVEMENTS(ORCHESTRA, 27, "Symphony No. 40 in G minor, K. 550",
                  "Molto allegro|Andante|Menuetto: Allegretto|Allegro assai"),
        MOVEMENTS(ORCHESTRA, 33, "Symphony No. 41 in C major, K. 551 “Jupiter”",
                  "Allegro vivace|Andante cantabile|Menuetto: Allegretto|Molto allegro"),
        MOVEMENTS(ORCHESTRA, 17, "Eine kleine Nachtmusik, K. 525",
                  "Allegro|Romanze: Andante|Menuetto: Allegretto|Rondo: Allegro"),
        MOVEMENTS(ORCHESTRA, 28, "Clarinet Concerto in A major, K. 622",
                  "Allegro|Adagio|Rondo: Allegro"),
        MOVEMENTS(ORCHESTRA, 31, "Piano Concerto No. 20 in D minor, K. 466",
                  "Allegro|Romanze|Allegro assai"),
        MOVEMENTS(ORCHESTRA, 28, "Piano Concerto No. 21 in C major, K. 467",
                  "Allegro maestoso|Andante|Allegro vivace assai"),
        MOVEMENTS(SOLO, 23, "Piano Sonata No. 11 in A major, K. 331",
                  "Andante grazioso|Menuetto|Alla turca: Allegretto"),
        MOVEMENTS(VOICES, 52, "Requiem in D minor, K. 626",
                  "Requiem aeternam|Kyrie|Dies irae|Tuba mirum|Rex tremendae|Recordare|"
                  "Confutatis|Lacrimosa|Domine Jesu|Hostias|Sanctus|Benedictus|Agnus Dei|"
                  "Lux aeterna"))},
    {"Ludwig van Beethoven", "classical period", WORKS(
        MOVEMENTS(ORCHESTRA, 49, "Symphony No. 3 in E-flat major, Op. 55 “Eroica”",
                  "Allegro con brio|Marcia funebre: Adagio assai|Scherzo: Allegro vivace|"
                  "Finale: Allegro molto"),
        MOVEMENTS(ORCHESTRA, 33, "Symphony No. 5 in C minor, Op. 67",
                  "Allegro con brio|Andante con moto|Scherzo: Allegro|Allegro"),
        MOVEMENTS(ORCHESTRA, 40, "Symphony No. 6 in F major, Op. 68 “Pastoral”",
                  "Awakening of Cheerful Feelings on Arrival in the Country|Scene by the Brook|"
                  "Merry Gathering of Country Folk|Thunderstorm|Shepherd's Song"),
        MOVEMENTS(ORCHESTRA, 38, "Symphony No. 7 in A major, Op. 92",
                  "Poco sostenuto – Vivace|Allegretto|Presto|Allegro con brio"),
        MOVEMENTS(ORCHESTRA, 66, "Symphony No. 9 in D minor, Op. 125",
                  "Allegro ma non troppo, un poco maestoso|Molto vivace|"
                  "Adagio molto e cantabile|Presto – Allegro assai"),
        MOVEMENTS(ORCHESTRA, 38, "Piano Concerto No. 5 in E-flat major, Op. 73 “Emperor”",
                  "Allegro|Adagio un poco mosso|Rondo: Allegro"),
        MOVEMENTS(ORCHESTRA, 43, "Violin Concerto in D major, Op. 61",
                  "Allegro ma non troppo|Larghetto|Rondo: Allegro"),
        MOVEMENTS(SOLO, 19, "Piano Sonata No. 8 in C minor, Op. 13 “Pathétique”",
                  "Grave – Allegro di molto e con brio|Adagio cantabile|Rondo: Allegro"),
        MOVEMENTS(SOLO, 15, "Piano Sonata No. 14 in C-sharp minor, Op. 27 No. 2 “Moonlight”",
                  "Adagio sostenuto|Allegretto|Presto agitato"),
        MOVEMENTS(SOLO, 24, "Piano Sonata No. 23 in F minor, Op. 57 “Appassionata”",
                  "Allegro assai|Andante con moto|Allegro ma non troppo – Presto"))},
    {NULL, NULL, NULL},
};
