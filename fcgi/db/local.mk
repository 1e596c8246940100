libcore_a_SOURCES += \
	%D%/conn.c %D%/conn.h \
	%D%/db.h \
	%D%/migrate.c %D%/migrate.h \
	%D%/param.c \
	%D%/pipeline.c \
	%D%/pool.c \
	%D%/rows.c \
	%D%/wire.h
