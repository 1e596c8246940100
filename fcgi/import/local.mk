libcore_a_SOURCES += \
	%D%/format.h \
	%D%/import.h \
	%D%/input.c %D%/input.h \
	%D%/items.c \
	%D%/lastfm1k.c \
	%D%/lines.c \
	%D%/listenbrainz.c \
	%D%/reader.c \
	%D%/records.h \
	%D%/spotify.c \
	%D%/unpack.c %D%/unpack.h
