libcore_a_SOURCES += \
	%D%/array.c \
	%D%/conn.c %D%/conn.h \
	%D%/db.h \
	%D%/migrate.c %D%/migrate.h \
	%D%/pool.c
