EXTRA_DIST += %D%/refrain.conf.in %D%/tls.conf.example
dist_doc_DATA += %D%/tls.conf.example

# The site for an installation: two serve processes, as deploy/systemd starts them.
noinst_DATA += %D%/refrain.conf
CLEANFILES += %D%/refrain.conf
%D%/refrain.conf: %D%/refrain.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && $(substitute) \
		-e 's|@listen[@]|80|' \
		-e 's|@metrics_listen[@]|127.0.0.1:9109|' \
		-e 's|@upstream_servers[@]|server unix:/run/refrain/serve-1.sock max_fails=0; server unix:/run/refrain/serve-2.sock max_fails=0;|' \
		-e 's|@keepalive[@]|32|' \
		-e 's|@limits[@]|limit_req zone=refrain_requests burst=4000 nodelay; limit_conn refrain_connections 512;|' \
		-e 's|@web[@]|$(pkgdatadir)/web|' \
		-e 's|@access_log[@]|/var/log/nginx/refrain.log|' \
		$(srcdir)/%D%/refrain.conf.in > $@.tmp && mv $@.tmp $@
