libcore_a_SOURCES += \
	%D%/worker.c %D%/worker.h
