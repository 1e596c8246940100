libcore_a_SOURCES += \
	%D%/metronome.c %D%/metronome.h \
	%D%/worker.c %D%/worker.h
