libcore_a_SOURCES += \
	%D%/json.h \
	%D%/jtext.c \
	%D%/jvalue.c \
	%D%/members.c \
	%D%/scan.c \
	%D%/write.c
