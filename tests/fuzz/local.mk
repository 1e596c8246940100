# A target is one file, and lines here. The unit test replays its corpus; "make fuzz" looks for more,
# FUZZ_S seconds a target, and takes clang.
unit_tests += \
	tests/unit/test_fuzz_codec \
	tests/unit/test_fuzz_identity \
	tests/unit/test_fuzz_import \
	tests/unit/test_fuzz_list \
	tests/unit/test_fuzz_record
tests_unit_test_fuzz_codec_SOURCES = %D%/codec.c %D%/replay.c %D%/fuzz.h
tests_unit_test_fuzz_identity_SOURCES = %D%/identity.c %D%/replay.c %D%/fuzz.h
tests_unit_test_fuzz_import_SOURCES = %D%/import.c %D%/replay.c %D%/fuzz.h
tests_unit_test_fuzz_list_SOURCES = %D%/list.c %D%/replay.c %D%/fuzz.h
tests_unit_test_fuzz_record_SOURCES = %D%/record.c %D%/replay.c %D%/fuzz.h

fuzz_programs = %D%/fuzz_codec %D%/fuzz_identity %D%/fuzz_import %D%/fuzz_list %D%/fuzz_record
EXTRA_PROGRAMS += $(fuzz_programs)
CLEANFILES += $(fuzz_programs)
fuzz_libraries = libcore.a $(CORE_LIBS) $(SYSTEMD_LIBS)
fuzz_flags = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_codec_SOURCES = %D%/codec.c %D%/fuzz.h
%C%_fuzz_codec_LDADD = $(fuzz_libraries)
%C%_fuzz_codec_LDFLAGS = $(fuzz_flags)
%C%_fuzz_identity_SOURCES = %D%/identity.c %D%/fuzz.h
%C%_fuzz_identity_LDADD = $(fuzz_libraries)
%C%_fuzz_identity_LDFLAGS = $(fuzz_flags)
%C%_fuzz_import_SOURCES = %D%/import.c %D%/fuzz.h
%C%_fuzz_import_LDADD = $(fuzz_libraries)
%C%_fuzz_import_LDFLAGS = $(fuzz_flags)
%C%_fuzz_list_SOURCES = %D%/list.c %D%/fuzz.h
%C%_fuzz_list_LDADD = $(fuzz_libraries)
%C%_fuzz_list_LDFLAGS = $(fuzz_flags)
%C%_fuzz_record_SOURCES = %D%/record.c %D%/fuzz.h
%C%_fuzz_record_LDADD = $(fuzz_libraries)
%C%_fuzz_record_LDFLAGS = $(fuzz_flags)

.PHONY: fuzz
fuzz:
	$(srcdir)/tests/fuzz/run --source '$(abs_srcdir)' --build fuzz codec identity import list record

# By hand, the names tell what; "found" is what the fuzzer has added, minimised by -merge=1.
EXTRA_DIST += \
	%D%/run \
	%D%/corpus/codec/raw \
	%D%/corpus/codec/sealed-closed \
	%D%/corpus/codec/sealed-cut \
	%D%/corpus/codec/sealed-empty \
	%D%/corpus/codec/sealed-extremes \
	%D%/corpus/codec/sealed-open \
	%D%/corpus/codec/sealed-other-encoding \
	%D%/corpus/identity/account \
	%D%/corpus/identity/account-bad-hash \
	%D%/corpus/identity/account-nameless \
	%D%/corpus/identity/account-odd-flag \
	%D%/corpus/identity/account-user \
	%D%/corpus/identity/found-1 \
	%D%/corpus/identity/found-2 \
	%D%/corpus/identity/found-3 \
	%D%/corpus/identity/found-4 \
	%D%/corpus/identity/found-5 \
	%D%/corpus/identity/found-6 \
	%D%/corpus/identity/profile \
	%D%/corpus/identity/profile-nameless \
	%D%/corpus/identity/profile-odd-flag \
	%D%/corpus/identity/profile-private \
	%D%/corpus/import/byte-order-mark \
	%D%/corpus/import/gzip \
	%D%/corpus/import/gzip-repeated \
	%D%/corpus/import/gzip-two \
	%D%/corpus/import/lastfm1k \
	%D%/corpus/import/latin1 \
	%D%/corpus/import/listenbrainz-array \
	%D%/corpus/import/listenbrainz-feedback \
	%D%/corpus/import/listenbrainz-lines \
	%D%/corpus/import/listenbrainz-mapping \
	%D%/corpus/import/listenbrainz-mixed \
	%D%/corpus/import/spotify \
	%D%/corpus/import/utf16 \
	%D%/corpus/import/web-page \
	%D%/corpus/import/zip \
	%D%/corpus/import/zip-gzip \
	%D%/corpus/import/zip-stored \
	%D%/corpus/import/zip-unknown \
	%D%/corpus/list/count-beyond \
	%D%/corpus/list/empty \
	%D%/corpus/list/empty-with-meta \
	%D%/corpus/list/end-beyond \
	%D%/corpus/list/ends-falling \
	%D%/corpus/list/ends-twice-at-nothing \
	%D%/corpus/list/ends-twice-at-the-same \
	%D%/corpus/list/entries-without-bytes \
	%D%/corpus/list/found-1 \
	%D%/corpus/list/found-2 \
	%D%/corpus/list/meta-beyond \
	%D%/corpus/list/one \
	%D%/corpus/list/other-separator \
	%D%/corpus/list/three \
	%D%/corpus/record/booting \
	%D%/corpus/record/found-1 \
	%D%/corpus/record/found-2 \
	%D%/corpus/record/found-3 \
	%D%/corpus/record/found-4 \
	%D%/corpus/record/found-5 \
	%D%/corpus/record/lease \
	%D%/corpus/record/lease-empty \
	%D%/corpus/record/live \
	%D%/corpus/record/live-blank-at-end \
	%D%/corpus/record/live-greatest \
	%D%/corpus/record/live-long \
	%D%/corpus/record/live-negative \
	%D%/corpus/record/live-overflow \
	%D%/corpus/record/live-short \
	%D%/corpus/record/live-zeros \
	%D%/corpus/record/mark \
	%D%/corpus/record/mark-plus \
	%D%/corpus/record/mark-short \
	%D%/corpus/record/mark-two-blanks \
	%D%/corpus/record/mark-zeros
