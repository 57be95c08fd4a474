# SPDX-License-Identifier: Apache-2.0
# The target coppice_unicode_tables: unicode_tables.inc in COPPICE_UNICODE_FOLDER, made by a program that asks utf8proc.
# It runs here, so that when the project is built for another machine it is built with this machine's own compiler.
set(COPPICE_UNICODE_FOLDER ${CMAKE_BINARY_DIR}/unicode)
set(COPPICE_HOST_CXX c++ CACHE STRING "The compiler for programs that the build runs, when it builds for another machine")
file(MAKE_DIRECTORY ${COPPICE_UNICODE_FOLDER})
set(root ${CMAKE_CURRENT_LIST_DIR}/..)
if(CMAKE_CROSSCOMPILING)
  set(generator ${COPPICE_UNICODE_FOLDER}/generate_unicode)
  add_custom_command(OUTPUT ${generator} VERBATIM
    COMMAND ${COPPICE_HOST_CXX} -std=c++20 -O1 -I${root} ${root}/coppice/data/generate_unicode.cpp -lutf8proc -o ${generator}
    DEPENDS ${root}/coppice/data/generate_unicode.cpp ${root}/coppice/data/unicode.h)
else()
  add_executable(generate_unicode ${root}/coppice/data/generate_unicode.cpp)
  target_compile_features(generate_unicode PRIVATE cxx_std_20)
  target_include_directories(generate_unicode PRIVATE ${root})
  target_compile_options(generate_unicode PRIVATE ${COPPICE_WARNINGS})
  target_link_libraries(generate_unicode PRIVATE PkgConfig::utf8proc)
  set(generator generate_unicode)
endif()
add_custom_command(OUTPUT ${COPPICE_UNICODE_FOLDER}/unicode_tables.inc VERBATIM
  COMMAND ${generator} > ${COPPICE_UNICODE_FOLDER}/unicode_tables.inc DEPENDS ${generator})
add_custom_target(coppice_unicode_tables DEPENDS ${COPPICE_UNICODE_FOLDER}/unicode_tables.inc)
