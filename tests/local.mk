# "make check" runs the unit tests and the house rules; who needs a server brings its own, or
# passes itself over where none is installed.
# The suites that do need servers are run by ./check.

TEST_EXTENSIONS = .py
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
PY_LOG_DRIVER = $(tap_driver)
PY_LOG_COMPILER = $(PYTHON3)
AM_PY_LOG_FLAGS = -B

include %D%/unit/local.mk
include %D%/lint/local.mk
include %D%/model/local.mk
include %D%/sql/local.mk
include %D%/api/local.mk
include %D%/contract/local.mk
include %D%/up/local.mk
include %D%/browser/local.mk
include %D%/bench/local.mk
include %D%/fuzz/local.mk
include %D%/fault/local.mk

if HAVE_CUNIT
check_LIBRARIES += libunit.a
libunit_a_SOURCES = %D%/unit/unit.c %D%/unit/unit.h
libunit_a_CPPFLAGS = $(AM_CPPFLAGS) $(CUNIT_CFLAGS)
LDADD = libunit.a libcore.a $(CUNIT_LIBS) $(CORE_LIBS) $(SYSTEMD_LIBS)
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
if HAVE_PYTHON3
TESTS += $(lint_tests)
endif

# One half of "make check" each.
.PHONY: check-unit check-lint
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'
check-lint:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(lint_tests)' check_PROGRAMS= check_LIBRARIES=

if !HAVE_CUNIT
check-local:
	@echo 'No unit tests were run: CUnit is missing (Debian: libcunit1-dev).'
endif
