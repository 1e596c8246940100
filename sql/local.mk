nobase_dist_pkgdata_DATA += \
	%D%/0001_users.sql \
	%D%/0002_catalogue.sql \
	%D%/0003_listens.sql \
	%D%/0004_invalidation.sql \
	%D%/0005_reading.sql \
	%D%/0006_listeners.sql \
	%D%/0007_imports.sql \
	%D%/bootstrap.sql \
	%D%/functions/base.sql \
	%D%/functions/cache.sql \
	%D%/functions/catalogue.sql \
	%D%/functions/feedback.sql \
	%D%/functions/follows.sql \
	%D%/functions/history.sql \
	%D%/functions/imports.sql \
	%D%/functions/latest_imports.sql \
	%D%/functions/listens.sql \
	%D%/functions/playing.sql \
	%D%/functions/purge.sql \
	%D%/functions/reading.sql \
	%D%/functions/relay.sql \
	%D%/functions/schema.sql \
	%D%/functions/statistics.sql \
	%D%/functions/tallies.sql \
	%D%/functions/users.sql \
	%D%/functions/verify.sql \
	%D%/functions/versions.sql
