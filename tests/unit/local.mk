# A test program is one file, tests/unit/test_NAME.c (see unit.h), and one line here. It links
# libcore.a. Files that it reads go to EXTRA_DIST.
unit_tests +=
unit_tests += %D%/test_sample
unit_tests += %D%/test_cache
unit_tests += %D%/test_cache_metrics
unit_tests += %D%/test_config
unit_tests += %D%/test_http_listener
unit_tests += %D%/test_http_messages
unit_tests += %D%/test_http_routes
unit_tests += %D%/test_http_server
http_fixture = \
	%D%/fastcgi_client.c %D%/fastcgi_client.h %D%/http_fixture.c %D%/http_fixture.h
%C%_test_http_server_SOURCES = %D%/test_http_server.c $(http_fixture)
unit_tests += %D%/test_http_stream
%C%_test_http_stream_SOURCES = \
	%D%/test_http_stream.c %D%/fastcgi_client.c %D%/fastcgi_client.h
unit_tests += %D%/test_http_transfer
%C%_test_http_transfer_SOURCES = %D%/test_http_transfer.c $(http_fixture)
unit_tests += %D%/test_redis_address
unit_tests += %D%/test_redis_kv
%C%_test_redis_kv_SOURCES = \
	%D%/test_redis_kv.c %D%/fake_redis.c %D%/fake_redis.h
unit_tests += %D%/test_cache_slots

# What Redis tells, and to whom, is asked of a real one as well.
unit_tests += %D%/test_redis_watch %D%/test_cache_vigil
redis_fixture = %D%/fake_redis.c %D%/fake_redis.h %D%/real_redis.c %D%/real_redis.h
%C%_test_redis_watch_SOURCES = %D%/test_redis_watch.c $(redis_fixture)
%C%_test_cache_vigil_SOURCES = %D%/test_cache_vigil.c $(redis_fixture)

unit_tests += %D%/test_service
unit_tests += %D%/test_worker_warm
unit_tests += %D%/test_base_breaker
unit_tests += %D%/test_base_fold
unit_tests += %D%/test_base_log
unit_tests += %D%/test_base_memory
unit_tests += %D%/test_base_pool
unit_tests += %D%/test_base_text
unit_tests += %D%/test_json_scan
unit_tests += %D%/test_json_text
unit_tests += %D%/test_json_value
unit_tests += %D%/test_listen_batch
unit_tests += %D%/test_listen_ident
unit_tests += %D%/test_listen_submission

# Listens of which only additional_info matters.
unit_tests += %D%/test_listen_fields %D%/test_listen_info
info_fixture = %D%/info_fixture.c %D%/info_fixture.h
%C%_test_listen_fields_SOURCES = %D%/test_listen_fields.c $(info_fixture)
%C%_test_listen_info_SOURCES = %D%/test_listen_info.c $(info_fixture)

# Imports share the making of small files.
unit_tests += %D%/test_import_files %D%/test_import_formats \
	%D%/test_import_giant %D%/test_import_knows %D%/test_import_lastfm \
	%D%/test_import_players %D%/test_import_records \
	%D%/test_import_tables %D%/test_import_tags
import_fixture = %D%/import_fixture.c %D%/import_fixture.h
%C%_test_import_giant_SOURCES = %D%/test_import_giant.c $(import_fixture)
%C%_test_import_files_SOURCES = %D%/test_import_files.c $(import_fixture)
%C%_test_import_formats_SOURCES = %D%/test_import_formats.c $(import_fixture)
%C%_test_import_knows_SOURCES = %D%/test_import_knows.c
%C%_test_import_lastfm_SOURCES = %D%/test_import_lastfm.c $(import_fixture)
%C%_test_import_players_SOURCES = %D%/test_import_players.c $(import_fixture)
%C%_test_import_tables_SOURCES = %D%/test_import_tables.c $(import_fixture)
%C%_test_import_tags_SOURCES = %D%/test_import_tags.c $(import_fixture)
%C%_test_import_records_SOURCES = %D%/test_import_records.c $(import_fixture)

# Their allocations fail at will.
unit_tests += %D%/test_listen_shortage
%C%_test_listen_shortage_SOURCES = %D%/test_listen_shortage.c $(import_fixture)
%C%_test_listen_shortage_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
unit_tests += %D%/test_cache_l1
%C%_test_cache_l1_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=aligned_alloc

# Flights share their travellers.
unit_tests += %D%/test_cache_flight %D%/test_cache_flight_limits
flight_fixture = %D%/flight_fixture.c %D%/flight_fixture.h
%C%_test_cache_flight_SOURCES = %D%/test_cache_flight.c $(flight_fixture)
%C%_test_cache_flight_limits_SOURCES = %D%/test_cache_flight_limits.c $(flight_fixture)

# It counts who waits.
unit_tests += %D%/test_cache_gate
%C%_test_cache_gate_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pthread_cond_timedwait

# Reads that share a snapshot need a PostgreSQL; it brings its own.
unit_tests += %D%/test_db_together
%C%_test_db_together_SOURCES = \
	%D%/test_db_together.c %D%/real_postgresql.c %D%/real_postgresql.h
