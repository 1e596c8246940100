# The ListenBrainz contract as a table of cases, to be held against any server; see README.md there.
# tests/api/test_contract.py holds it against this one.
EXTRA_DIST += \
	%D%/README.md \
	%D%/cases.py \
	%D%/cases/authorization.json \
	%D%/cases/everywhere.json \
	%D%/cases/feedback.json \
	%D%/cases/listens.json \
	%D%/cases/others.json \
	%D%/cases/people.json \
	%D%/cases/playing-now.json \
	%D%/cases/statistics.json \
	%D%/cases/submission.json \
	%D%/client.py \
	%D%/index.json \
	%D%/main.py \
	%D%/matching.py \
	%D%/page.md \
	%D%/page.py \
	%D%/run \
	%D%/running.py
