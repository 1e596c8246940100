libcore_a_SOURCES += \
	%D%/importing.c %D%/importing.h \
	%D%/spool.c %D%/spool.h \
	%D%/warm.c %D%/warm.h \
	%D%/warm_load.c %D%/warm_load.h \
	%D%/warm_queue.c %D%/warm_queue.h \
	%D%/worker.c %D%/worker.h
