# Against a migrated, empty database; ./check sql makes one.
EXTRA_DIST += \
	%D%/psql.py \
	%D%/run \
	%D%/test_activity.py \
	%D%/test_beyond.py \
	%D%/test_catalogue.py \
	%D%/test_concurrency.py \
	%D%/test_exports.py \
	%D%/test_feedback.py \
	%D%/test_follows.py \
	%D%/test_genres.py \
	%D%/test_history.py \
	%D%/test_imports.py \
	%D%/test_latest_imports.py \
	%D%/test_listens.py \
	%D%/test_playing.py \
	%D%/test_property.py \
	%D%/test_reading.py \
	%D%/test_relay.py \
	%D%/test_schema.py \
	%D%/test_site.py \
	%D%/test_site_statistics.py \
	%D%/test_statistics.py \
	%D%/test_upgrade.py \
	%D%/test_users.py \
	%D%/test_verify.py \
	%D%/world.py
