EXTRA_DIST += \
	%D%/build \
	%D%/instance \
	%D%/lib/common.sh \
	%D%/lib/home.sh \
	%D%/lib/packages.sh \
	%D%/lib/servers.sh \
	%D%/lib/supervisor.sh \
	%D%/packages/browser.list \
	%D%/packages/build.list \
	%D%/packages/run.list \
	%D%/packages/test.list

# Settings for the servers that Refrain stands on
redisdir = $(pkgdatadir)/redis
dist_redis_DATA = %D%/redis/refrain.conf
postgresqldir = $(pkgdatadir)/postgresql
dist_postgresql_DATA = %D%/postgresql/refrain.conf

# systemd looks below /usr/local too.
systemdunitdir = $(prefix)/lib/systemd/system
dist_systemdunit_DATA = %D%/systemd/refrain.target
systemdunit_DATA = \
	%D%/systemd/refrain-migrate.service \
	%D%/systemd/refrain-serve@.service \
	%D%/systemd/refrain-worker.service
sysusersdir = $(prefix)/lib/sysusers.d

from_templates = $(systemdunit_DATA) %D%/refrain.conf
noinst_DATA += %D%/refrain.conf
CLEANFILES += $(from_templates)
EXTRA_DIST += $(from_templates:=.in) %D%/systemd/refrain.sysusers
$(from_templates): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(substitute) $(srcdir)/$@.in > $@.tmp && mv $@.tmp $@

# What an administrator edits is never overwritten: a newer sample is put beside it.
install_unless_edited = \
	install_one() { \
	    if test ! -e "$$2" || cmp -s "$$1" "$$2"; then $(INSTALL_DATA) "$$1" "$$2"; \
	    else $(INSTALL_DATA) "$$1" "$$2.new"; fi; \
	}
refrainconfdir = $(DESTDIR)$(sysconfdir)/refrain

install-data-local:
	$(MKDIR_P) '$(refrainconfdir)' '$(DESTDIR)$(sysusersdir)'
	$(install_unless_edited); \
	install_one %D%/refrain.conf '$(refrainconfdir)/refrain.conf'; \
	install_one nginx/refrain.conf '$(refrainconfdir)/nginx-site.conf'
	$(INSTALL_DATA) $(srcdir)/%D%/systemd/refrain.sysusers '$(DESTDIR)$(sysusersdir)/refrain.conf'

uninstall-local:
	for pair in %D%/refrain.conf:refrain.conf nginx/refrain.conf:nginx-site.conf; do \
	    if cmp -s "$${pair%%:*}" "$(refrainconfdir)/$${pair#*:}"; then \
	        rm -f "$(refrainconfdir)/$${pair#*:}"; \
	    fi; \
	    rm -f "$(refrainconfdir)/$${pair#*:}.new"; \
	done
	rm -f '$(DESTDIR)$(sysusersdir)/refrain.conf'
