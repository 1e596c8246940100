libcore_a_SOURCES += \
	%D%/account.c %D%/account.h \
	%D%/check_config.c \
	%D%/command.c %D%/command.h \
	%D%/export.c \
	%D%/import.c \
	%D%/import_file.c %D%/import_file.h \
	%D%/import_tags.c %D%/import_tags.h \
	%D%/migrate.c \
	%D%/progress.c %D%/progress.h \
	%D%/refusal.c %D%/refusal.h \
	%D%/sample.c \
	%D%/sample_calendar.c %D%/sample_calendar.h \
	%D%/sample_catalogue.c %D%/sample_catalogue.h \
	%D%/sample_composers.h %D%/sample_composers_early.c %D%/sample_composers_late.c \
	%D%/sample_genres.c %D%/sample_genres.h \
	%D%/sample_listener.c %D%/sample_listener.h \
	%D%/sample_names.c %D%/sample_names.h \
	%D%/sample_random.c %D%/sample_random.h \
	%D%/sample_taste.c %D%/sample_taste.h \
	%D%/serve.c \
	%D%/stores.c %D%/stores.h \
	%D%/tell.c %D%/tell.h \
	%D%/user.c \
	%D%/verify.c \
	%D%/worker.c
