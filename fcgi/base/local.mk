libcore_a_SOURCES += \
	%D%/arena.c %D%/arena.h \
	%D%/breaker.c %D%/breaker.h \
	%D%/buffer.c %D%/buffer.h \
	%D%/bytes.h \
	%D%/clock.c %D%/clock.h \
	%D%/config.c %D%/config.h \
	%D%/failpoint.c %D%/failpoint.h \
	%D%/fold.c %D%/fold.h \
	%D%/hash.c %D%/hash.h \
	%D%/jitter.h \
	%D%/log.c %D%/log.h \
	%D%/metronome.c %D%/metronome.h \
	%D%/pool.c %D%/pool.h \
	%D%/result.c %D%/result.h \
	%D%/secret.c %D%/secret.h \
	%D%/server.c %D%/server.h \
	%D%/server_stats.h \
	%D%/slice.h \
	%D%/text.c %D%/text.h
