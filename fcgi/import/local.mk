libcore_a_SOURCES += \
	%D%/artists.c \
	%D%/audioscrobbler.c \
	%D%/columns.c %D%/columns.h \
	%D%/format.h \
	%D%/gunzip.c %D%/gunzip.h \
	%D%/import.h \
	%D%/input.c %D%/input.h \
	%D%/items.c \
	%D%/job.c %D%/job.h \
	%D%/koito.c \
	%D%/lastfm1k.c \
	%D%/lastfm_json.c \
	%D%/lastfm_table.c \
	%D%/lines.c \
	%D%/listenbrainz.c \
	%D%/maloja.c \
	%D%/play.c %D%/play.h \
	%D%/probe.c \
	%D%/reader.c \
	%D%/records.h \
	%D%/rows.c \
	%D%/run.c %D%/run.h \
	%D%/spotify.c \
	%D%/step.c %D%/step.h \
	%D%/survey.c \
	%D%/tags.c %D%/tags.h \
	%D%/times.c \
	%D%/unpack.c %D%/unpack.h \
	%D%/zip_end.c %D%/zip_end.h
