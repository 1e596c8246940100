libcore_a_SOURCES += \
	%D%/address.c \
	%D%/conn.c %D%/conn.h \
	%D%/info.c %D%/info.h \
	%D%/kv.c %D%/kv.h \
	%D%/setup.c %D%/setup.h \
	%D%/watch.c %D%/watch.h
