# "make bench" measures, on private servers, and prints a table; "make bench BENCH=--short" takes five
# minutes. echo and l1 are built for it alone; so is refrain-bench, which can be run against any
# instance. profile.py is run by hand (docs/performance.md).
EXTRA_PROGRAMS = tests/bench/echo tests/bench/l1 tests/bench/refrain-bench
tests_bench_echo_SOURCES = %D%/echo.c
tests_bench_echo_LDADD = $(CORE_LIBS)
tests_bench_l1_SOURCES = %D%/l1.c
tests_bench_l1_LDADD = libcore.a $(CORE_LIBS)
tests_bench_l1_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=pthread_mutex_lock -Wl,--wrap=pthread_mutex_unlock
tests_bench_refrain_bench_SOURCES = \
	%D%/workload/client.c %D%/workload/client.h \
	%D%/workload/main.c \
	%D%/workload/mix.c %D%/workload/mix.h \
	%D%/workload/people.c %D%/workload/people.h \
	%D%/workload/plan.c %D%/workload/plan.h \
	%D%/workload/replay.c %D%/workload/replay.h \
	%D%/workload/report.c %D%/workload/report.h \
	%D%/workload/request.c %D%/workload/request.h
tests_bench_refrain_bench_LDADD = libcore.a $(CORE_LIBS)
CLEANFILES += tests/bench/echo tests/bench/l1 tests/bench/refrain-bench

EXTRA_DIST += \
	%D%/charts.py \
	%D%/community.py \
	%D%/cpu.py \
	%D%/database.py \
	%D%/history.py \
	%D%/importing.py \
	%D%/inside.py \
	%D%/instructions.py \
	%D%/listener.py \
	%D%/load.lua \
	%D%/load.py \
	%D%/pages.py \
	%D%/profile.py \
	%D%/reads.py \
	%D%/rivals.py \
	%D%/run \
	%D%/site.py \
	%D%/storm.py \
	%D%/syscalls.py \
	%D%/table.py \
	%D%/transfers.py \
	%D%/workload/run \
	%D%/workload/test_workload.py

.PHONY: bench
bench: all tests/bench/echo$(EXEEXT) tests/bench/l1$(EXEEXT) tests/bench/refrain-bench$(EXEEXT)
	$(PYTHON3) -B $(srcdir)/tests/bench/run --build . $(BENCH)

.PHONY: bench-site
bench-site: all
	$(PYTHON3) -B $(srcdir)/tests/bench/site.py --build . $(SITE)
