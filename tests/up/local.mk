EXTRA_DIST += %D%/run %D%/test_up.py
