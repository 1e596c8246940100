lint_tests += %D%/layers.py %D%/openapi.py %D%/rules.py
EXTRA_DIST += .shellcheckrc %D%/tap.py $(lint_tests)
