#!/bin/sh
# Makes ./configure out of configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"
exec autoreconf --force --install
