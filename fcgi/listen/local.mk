libcore_a_SOURCES += \
	%D%/batch.c %D%/batch.h \
	%D%/check.c %D%/check.h \
	%D%/check_fields.c \
	%D%/check_info.c \
	%D%/coerce.c %D%/coerce.h \
	%D%/entities.c %D%/entities.h \
	%D%/export.c %D%/export.h \
	%D%/ident.c \
	%D%/known.c %D%/known.h \
	%D%/listen.h \
	%D%/submission.c %D%/submission.h
