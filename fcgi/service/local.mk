libcore_a_SOURCES += \
	%D%/access.c %D%/access.h \
	%D%/answer.c %D%/answer.h \
	%D%/body.c %D%/body.h \
	%D%/change.c %D%/change.h \
	%D%/deletion.c %D%/deletion.h \
	%D%/export.c %D%/export.h \
	%D%/exposition.c %D%/exposition.h \
	%D%/feedback.c %D%/feedback.h \
	%D%/feedback_wanted.c %D%/feedback_wanted.h \
	%D%/history.c %D%/history.h \
	%D%/importing.c %D%/importing.h \
	%D%/latest_import.c %D%/latest_import.h \
	%D%/listeners.c %D%/listeners.h \
	%D%/monitoring.c %D%/monitoring.h \
	%D%/playing.c %D%/playing.h \
	%D%/routes.c \
	%D%/service.h \
	%D%/session.c %D%/session.h \
	%D%/social.c %D%/social.h \
	%D%/statistics.c %D%/statistics.h \
	%D%/submission.c %D%/submission.h \
	%D%/summary.c %D%/summary.h
