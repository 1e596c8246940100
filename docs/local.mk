dist_man_MANS += \
	%D%/man/refrain.1 \
	%D%/man/refrain-check-config.1 \
	%D%/man/refrain-export.1 \
	%D%/man/refrain-import.1 \
	%D%/man/refrain-migrate.1 \
	%D%/man/refrain-sample.1 \
	%D%/man/refrain-serve.1 \
	%D%/man/refrain-user.1 \
	%D%/man/refrain-verify.1 \
	%D%/man/refrain-worker.1

dist_doc_DATA += \
	README.md LICENSE \
	%D%/administration.md \
	%D%/cache-keys.md \
	%D%/cache.md \
	%D%/configuration.md \
	%D%/consistency.md \
	%D%/http-api-statistics.md \
	%D%/http-api.md \
	%D%/imports.md \
	%D%/listenbrainz-compatibility.md \
	%D%/metrics.md \
	%D%/performance.md \
	%D%/statistics.md

# Beside the pages, where nginx serves it.
webdir = $(pkgdatadir)/web
dist_web_DATA = %D%/openapi.yaml
