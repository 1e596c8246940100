libcore_a_SOURCES += \
	%D%/chart.c %D%/chart.h \
	%D%/history.c %D%/history.h \
	%D%/list.c %D%/list.h \
	%D%/readers.c %D%/readers.h \
	%D%/segments.c %D%/segments.h \
	%D%/view.c %D%/view.h \
	%D%/window.c %D%/window.h
