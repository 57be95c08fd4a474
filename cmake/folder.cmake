# SPDX-License-Identifier: Apache-2.0
# coppice_folder(NAME [APART] [DEPENDS folder...] SOURCES file... [TESTS file...] [LIBRARIES target...])
#
# One folder of the house: a static library `coppice_NAME` that links the folders in DEPENDS (all of
# them to its left in the layering), and one test program `coppice_NAME_test` made of the
# *_test.cpp beside the sources. `libcoppice`, the library that is installed, is put together from
# the objects of all folders but those that stand APART.
function(coppice_folder name)
  cmake_parse_arguments(arg "APART" "" "DEPENDS;SOURCES;TESTS;LIBRARIES" ${ARGN})
  list(TRANSFORM arg_DEPENDS PREPEND coppice_)

  add_library(coppice_${name} STATIC ${arg_SOURCES})
  target_compile_features(coppice_${name} PUBLIC cxx_std_20)
  target_include_directories(coppice_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(coppice_${name} PRIVATE ${COPPICE_WARNINGS})
  target_link_libraries(coppice_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES} Threads::Threads)
  set_target_properties(coppice_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(NOT arg_APART)
    set_property(GLOBAL APPEND PROPERTY COPPICE_FOLDERS ${name})
    set_property(GLOBAL APPEND PROPERTY COPPICE_LIBRARIES ${arg_LIBRARIES})
  endif()

  if(COPPICE_TESTS AND arg_TESTS)
    add_executable(coppice_${name}_test ${arg_TESTS})
    target_compile_options(coppice_${name}_test PRIVATE ${COPPICE_WARNINGS})
    target_link_libraries(coppice_${name}_test PRIVATE coppice_${name} GTest::gtest_main GTest::gmock)
    if(arg_APART)  # one test: each start of such a program takes a second
      add_test(NAME ${name}.all COMMAND coppice_${name}_test)
    else()
      gtest_discover_tests(coppice_${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60)
    endif()
  endif()
endfunction()
