libcore_a_SOURCES += \
	%D%/conn.c %D%/conn.h \
	%D%/db.h \
	%D%/migrate.c %D%/migrate.h \
	%D%/param.c \
	%D%/pool.c
