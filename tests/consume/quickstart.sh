#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh STAGE FILE...: checks that of what is installed in STAGE nothing was compiled but these files, those that
# scripts/quickstart builds.
set -eu
stage=$1
shift
compiled=$(find "$stage" -type f ! -path '*/include/*' ! -path '*/cmake/*' ! -path '*/pkgconfig/*' -printf '%f\n')
test -n "$compiled"
for file in $compiled; do
  case " $* " in *" $file "*) continue ;; esac
  echo "$file is installed, but scripts/quickstart builds only: $*" >&2
  exit 1
done
