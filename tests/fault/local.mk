# The system checker: promises under faults, on private servers. ./check runs its short form; an hour
# and more of it is "make soak" (SOAK_S=600 for ten minutes), which needs --enable-failpoints. The
# model comes first, where it has been built.
EXTRA_DIST += \
	%D%/bench.py \
	%D%/clients.py \
	%D%/faults.py \
	%D%/history.py \
	%D%/interleave.py \
	%D%/model.py \
	%D%/mutants \
	%D%/proxy.py \
	%D%/run \
	%D%/stand.py \
	%D%/test_history.py

SOAK_S = 3600

.PHONY: soak soak-model soak-fault
soak: soak-model
	$(MAKE) $(AM_MAKEFLAGS) soak-fault
soak-model:
	if test -x tests/model/model; then tests/model/model --large; fi
# Installed in a folder of its own, as root's servers run as another user.
soak-fault: all
	folder=`mktemp -d "$${TMPDIR:-/tmp}/refrain-XXXXXX"` && chmod 711 "$$folder" && \
	trap 'rm -rf "$$folder"' EXIT && trap 'exit 130' INT TERM HUP && \
	$(MAKE) $(AM_MAKEFLAGS) install prefix="$$folder/prefix" \
		sysconfdir="$$folder/prefix/etc" > /dev/null && \
	REFRAIN_PREFIX="$$folder/prefix" $(PYTHON3) -B $(srcdir)/tests/fault/run --soak \
		--seconds $(SOAK_S)
