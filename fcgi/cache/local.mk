libcore_a_SOURCES += \
	%D%/cache.c %D%/cache.h \
	%D%/codec.c %D%/codec.h \
	%D%/key.c %D%/key.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/state.c %D%/state.h
