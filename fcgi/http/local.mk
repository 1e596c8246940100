libcore_a_SOURCES += \
	%D%/dispatch.c %D%/dispatch.h \
	%D%/encoding.c \
	%D%/fastcgi.c %D%/fastcgi.h \
	%D%/http.h \
	%D%/listener.c %D%/listener.h \
	%D%/path.c %D%/path.h \
	%D%/request.c %D%/request.h \
	%D%/response.c %D%/response.h \
	%D%/router.c %D%/router.h \
	%D%/server.c %D%/server.h \
	%D%/transfer.c %D%/transfer.h
