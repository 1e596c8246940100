# "make bench" measures, on private servers, and prints a table; "make bench BENCH=--short" does so
# within a minute. echo is built for it alone.
EXTRA_PROGRAMS = tests/bench/echo
tests_bench_echo_SOURCES = %D%/echo.c
tests_bench_echo_LDADD = $(CORE_LIBS)
CLEANFILES += tests/bench/echo

EXTRA_DIST += \
	%D%/database.py \
	%D%/history.py \
	%D%/importing.py \
	%D%/load.lua \
	%D%/load.py \
	%D%/rivals.py \
	%D%/run \
	%D%/table.py

.PHONY: bench
bench: all tests/bench/echo$(EXEEXT)
	$(PYTHON3) -B $(srcdir)/tests/bench/run --build . $(BENCH)
