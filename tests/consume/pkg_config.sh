#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkg_config.sh CXX STAGE WORK MAIN FLAGS ARGUMENT...: compiles MAIN with nothing but what pkg-config says of coppice,
# and runs it with the arguments.
set -eu
cxx=$1 stage=$2 work=$3 main=$4 flags=$5
shift 5
mkdir -p "$work"
folder=$(dirname "$(find "$stage" -name coppice.pc)")
export PKG_CONFIG_PATH="$folder"
# Unquoted on purpose: both are lists of flags.
# shellcheck disable=SC2046,SC2086
"$cxx" -std=c++20 $flags "$main" -o "$work/outside" \
  $(pkg-config --define-variable=prefix="$stage" --cflags --libs coppice)
cd "$work"
LD_LIBRARY_PATH=$(dirname "$folder") "$work/outside" "$@"
