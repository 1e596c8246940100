# The cache's protocol, walked through (model.h). "make check" takes small bounds, for about half a
# minute; "tests/model/model --large" takes large ones. Sanitizers would make it too slow, so it
# goes without. Its numbers are bytes below 16: -Wconversion would merely warn of every sum.
model_tests = %D%/model
check_PROGRAMS += $(model_tests)
TESTS += $(model_tests)
%C%_model_SOURCES = \
	%D%/database.c \
	%D%/explore.c \
	%D%/fillers.c \
	%D%/main.c \
	%D%/model.h \
	%D%/processes.c \
	%D%/processes.h \
	%D%/promises.c \
	%D%/readers.c \
	%D%/relays.c \
	%D%/scripts.c \
	%D%/state.c \
	%D%/state.h \
	%D%/table.c \
	%D%/traces.c \
	%D%/vigils.c
%C%_model_CFLAGS = -std=gnu11 -O2 $(WARNING_CFLAGS) -Wno-conversion
%C%_model_LDFLAGS =
%C%_model_LDADD =

.PHONY: check-model
check-model:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(model_tests)' check_PROGRAMS='$(model_tests)' \
		check_LIBRARIES=
