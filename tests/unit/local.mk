# A test program is one file, tests/unit/test_NAME.c (see unit.h), and one line here. It links
# libcore.a. Files that it reads go to EXTRA_DIST.
unit_tests +=
unit_tests += %D%/test_sample
unit_tests += %D%/test_cache
unit_tests += %D%/test_config
unit_tests += %D%/test_http_messages
unit_tests += %D%/test_http_routes
unit_tests += %D%/test_http_server
unit_tests += %D%/test_redis_address
unit_tests += %D%/test_service
