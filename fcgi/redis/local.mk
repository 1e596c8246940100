libcore_a_SOURCES += \
	%D%/address.c \
	%D%/conn.c %D%/conn.h \
	%D%/kv.c %D%/kv.h
