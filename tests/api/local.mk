EXTRA_DIST += \
	tests/runner.py \
	%D%/fastcgi.py \
	%D%/harness.py \
	%D%/run \
	%D%/test_smoke.py \
	%D%/test_stampede.py \
	%D%/test_cache.py \
	%D%/test_commands.py \
	%D%/test_contract.py \
	%D%/test_deletion.py \
	%D%/test_encoding.py \
	%D%/test_feedback.py \
	%D%/test_history.py \
	%D%/test_l1.py \
	%D%/test_latest_import.py \
	%D%/test_playing_now.py \
	%D%/test_relay.py \
	%D%/test_scripts.py \
	%D%/test_social.py \
	%D%/test_monitoring.py \
	%D%/test_outage.py \
	%D%/test_statistics.py \
	%D%/test_submission.py \
	%D%/test_top.py \
	%D%/test_warm.py
