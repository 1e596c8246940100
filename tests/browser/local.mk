EXTRA_DIST += \
	%D%/run \
	%D%/webdriver.py
