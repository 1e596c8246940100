libcore_a_SOURCES += \
	%D%/arena.c %D%/arena.h \
	%D%/buffer.c %D%/buffer.h \
	%D%/bytes.h \
	%D%/clock.c %D%/clock.h \
	%D%/config.c %D%/config.h \
	%D%/fold.c %D%/fold.h \
	%D%/hash.c %D%/hash.h \
	%D%/log.c %D%/log.h \
	%D%/pool.c %D%/pool.h \
	%D%/result.c %D%/result.h \
	%D%/secret.c %D%/secret.h \
	%D%/slice.h \
	%D%/text.c %D%/text.h
