bin_PROGRAMS += refrain
refrain_SOURCES = %D%/main.c
refrain_LDADD = libcore.a $(CORE_LIBS) $(SYSTEMD_LIBS)

# Everything but main(), so that unit tests can link it.
noinst_LIBRARIES += libcore.a
libcore_a_SOURCES =

include %D%/base/local.mk
include %D%/http/local.mk
include %D%/json/local.mk
include %D%/redis/local.mk
include %D%/db/local.mk
include %D%/cache/local.mk
include %D%/view/local.mk
include %D%/listen/local.mk
include %D%/import/local.mk
include %D%/service/local.mk
include %D%/worker/local.mk
include %D%/command/local.mk
