libcore_a_SOURCES += \
	%D%/batch.c %D%/batch.h \
	%D%/check.c %D%/check.h \
	%D%/check_fields.c \
	%D%/check_info.c \
	%D%/coerce.c %D%/coerce.h \
	%D%/entities.c %D%/entities.h \
	%D%/ident.c \
	%D%/import.c %D%/import.h \
	%D%/import_format.h \
	%D%/import_input.c %D%/import_input.h \
	%D%/import_items.c \
	%D%/import_lastfm1k.c \
	%D%/import_lines.c \
	%D%/import_listenbrainz.c \
	%D%/import_records.h \
	%D%/import_spotify.c \
	%D%/import_unpack.c %D%/import_unpack.h \
	%D%/known.c %D%/known.h \
	%D%/listen.h \
	%D%/submission.c %D%/submission.h
