nobase_dist_pkgdata_DATA += \
	%D%/api.js \
	%D%/format.js \
	%D%/home.js \
	%D%/icon.svg \
	%D%/index.html \
	%D%/listener.css \
	%D%/listener.html \
	%D%/listener.js \
	%D%/style.css \
	%D%/dashboard/chart.js \
	%D%/dashboard/dashboard.css \
	%D%/dashboard/dashboard.js \
	%D%/dashboard/index.html \
	%D%/dashboard/series.js
