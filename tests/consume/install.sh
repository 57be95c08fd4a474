#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh CMAKE BUILD STAGE: installs the build into STAGE, and checks that what is installed asks its users for no
# optimisation or machine flags and names no folder of the build.
set -eu
cmake=$1 build=$2 stage=$3
rm -rf "$stage"
"$cmake" --install "$build" --prefix "$stage" >/dev/null

packaging=$(find "$stage" -name '*.cmake' -o -name '*.pc')
for file in $packaging; do
  if grep -nE -e '(^|[^a-zA-Z])-(O[0-3s]|march|mtune|g)( |"|$)' "$file"; then
    echo "$file carries compiler flags of our own build" >&2
    exit 1
  fi
  case $file in *.cmake) if grep -n -F "$build/folders" "$file"; then
    echo "$file points into the build folder" >&2
    exit 1
  fi ;; esac
done
test -f "$stage/include/coppice/coppice.h"
