libcore_a_SOURCES += \
	%D%/account.c \
	%D%/cache.c %D%/cache.h \
	%D%/codec.c %D%/codec.h \
	%D%/fetch.c \
	%D%/fill.c \
	%D%/filling.c %D%/filling.h \
	%D%/flight.c %D%/flight.h \
	%D%/gate.c %D%/gate.h \
	%D%/heartbeats.c %D%/heartbeats.h \
	%D%/identity.c %D%/identity.h \
	%D%/key.c %D%/key.h \
	%D%/knowledge.c %D%/knowledge.h \
	%D%/mapped.c %D%/mapped.h \
	%D%/l1.c %D%/l1.h %D%/l1_shard.c %D%/l1_shard.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/near.c \
	%D%/protocol.h \
	%D%/reader.h \
	%D%/record.c %D%/record.h \
	%D%/relay.c %D%/relay.h \
	%D%/relay_beat.c %D%/relay_beat.h \
	%D%/relay_hold.c %D%/relay_hold.h \
	%D%/relay_poll.c %D%/relay_poll.h \
	%D%/scripts.c %D%/scripts.h \
	%D%/slots.c %D%/slots.h \
	%D%/state.c %D%/state.h \
	%D%/steps.c %D%/steps.h \
	%D%/tell.c %D%/tell.h \
	%D%/trust.c \
	%D%/vigil.c %D%/vigil.h

# The scripts of the protocol become texts of the program: the first line, what all share, the rest.
cache_scripts = acquire store apply discard mark beat
cache_script_common = $(srcdir)/%D%/scripts/common.lua
EXTRA_DIST += \
	%D%/scripts/common.lua \
	%D%/scripts/acquire.lua \
	%D%/scripts/apply.lua \
	%D%/scripts/beat.lua \
	%D%/scripts/discard.lua \
	%D%/scripts/mark.lua \
	%D%/scripts/store.lua
BUILT_SOURCES += %D%/scripts_text.h
CLEANFILES += %D%/scripts_text.h
%D%/scripts_text.h: $(cache_scripts:%=$(srcdir)/%D%/scripts/%.lua) $(cache_script_common)
	$(AM_V_GEN)$(MKDIR_P) %D% && for name in $(cache_scripts); do \
		file=$(srcdir)/%D%/scripts/$$name.lua; \
		echo "static const char script_$${name}_text[] ="; \
		{ $(SED) 1q $$file; cat $(cache_script_common); $(SED) 1d $$file; } | \
			$(SED) -e 's/[\\"]/\\&/g' -e 's/.*/    "&\\n"/'; \
		echo '    ;'; \
	done > $@.new && mv -f $@.new $@
%D%/scripts.$(OBJEXT): %D%/scripts_text.h
